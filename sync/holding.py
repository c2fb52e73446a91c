"""The state of a holding as a fold of its records by order key, whatever the order in which they arrived.

A *holding* is one organization's time with a code. Every record of it that was applied (accepted, superseded or
unchanged) is an event. Particulars come from the latest assign or change; status from the first assign (normal) and
every cancel, revoke and restore; until an assign or change comes, the record is the uscc and name of the oldest event.

For a record that is later than all events of a holding a *summary* of three events answers every question that the
whole history would, so that a batch need not read histories.

Source: domain.md §6.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from sync.records import OrderKey
from validators.findings import Operation


class Status(StrEnum):
    """The status of a registration; a withdrawn code has none."""

    NORMAL = "normal"
    CANCELLED = "cancelled"
    REVOKED = "revoked"


_STATUS_OF = {
    Operation.CANCEL: Status.CANCELLED,
    Operation.REVOKE: Status.REVOKED,
    Operation.RESTORE: Status.NORMAL,
}
OPERATION_OF_STATUS = {status: operation for operation, status in _STATUS_OF.items()}
PARTICULARS_OPERATIONS = frozenset((Operation.ASSIGN, Operation.CHANGE))


class Event(NamedTuple):
    """One applied record. `version` is the one that it made, or confirms; `record` holds particulars only.

    `office`, `receipt_id` and `recorded_at` are that version's; `marked_by` is the receipt of an unchanged record,
    which made none, and `confirms_since` the instant of the version that it confirms.
    """

    key: OrderKey
    operation: Operation
    version: int
    name_key: str
    record: Mapping[str, str]
    office: str
    receipt_id: str
    recorded_at: datetime
    marked_by: str | None = None
    confirms_since: datetime | None = None

    @property
    def since(self) -> datetime:
        """Since when, in valid time, what this event says has held."""
        return self.confirms_since or self.key.occurred_at


class State(NamedTuple):
    """What holds at one instant.

    `whole` says whether an assign or change gave the particulars; `status_event` is the record that gave the status,
    None where nothing but the first assign did.
    """

    particulars: Event
    whole: bool
    status: Status
    status_event: Event | None

    @property
    def version(self) -> int:
        """The latest version that shaped this state."""
        return self.shaped_by.version

    @property
    def shaped_by(self) -> Event:
        """The event of the latest version that shaped this state."""
        if self.status_event is None or self.status_event.version <= self.particulars.version:
            return self.particulars
        return self.status_event

    @property
    def valid_from(self) -> datetime:
        """Since when this state holds, in valid time."""
        if self.status_event is None:
            return self.particulars.since
        return max(self.particulars.since, self.status_event.since)

    def same_as(self, other: State | None) -> bool:
        """Whether particulars and status are equal: business type and status of a record are no particulars."""
        return other is not None and self.status is other.status and self.particulars.record == other.particulars.record


def _by_key(event: Event) -> OrderKey:
    return event.key


class Holding:
    """The applied records of one holding, in order of their keys.

    `number` counts the holders of the code from 1. `complete` says that every event is here; otherwise these are the
    summary, good only for questions later than `latest_key`.
    """

    __slots__ = ("_names", "_present", "complete", "events", "number")

    def __init__(self, number: int, events: Iterable[Event] = (), *, complete: bool = True) -> None:
        self.number = number
        self.events = sorted(events, key=_by_key)
        self.complete = complete
        # Asked for many times a record; forgotten when an event comes.
        self._present: State | None = None
        self._names: frozenset[str] | None = None

    @property
    def latest_key(self) -> OrderKey:
        """The key of the latest event."""
        return self.events[-1].key

    @property
    def names(self) -> frozenset[str]:
        """The name keys that the records of the holder bear."""
        if self._names is None:
            self._names = frozenset([event.name_key for event in self.events])
        return self._names

    @property
    def first_assign(self) -> OrderKey | None:
        """The key of the first assign, None where no assign came."""
        return next((event.key for event in self.events if event.operation is Operation.ASSIGN), None)

    def bears_receipt(self, receipt_id: str | None) -> bool:
        """Whether one of the holder's records has this receipt."""
        return receipt_id is not None and any(
            receipt_id in (event.receipt_id, event.marked_by) for event in self.events
        )

    def add(self, event: Event) -> None:
        """Put one more applied record in its place."""
        insort(self.events, event, key=_by_key)
        self._present = self._names = None

    def replace(self, event: Event, other: Event) -> None:
        """Put another event of the same key in the place of one."""
        self.events[self.events.index(event)] = other
        self._present = self._names = None

    def present(self) -> State:
        """Return the state after all events."""
        if self._present is None:
            self._present = _fold(self.events)
        assert self._present is not None, "a holding has at least one event"
        return self._present

    def at(self, key: OrderKey) -> State | None:
        """Return the state right after the instant of `key`, None before the first event."""
        if key >= self.latest_key:
            return self.present()
        assert self.complete, "a summary does not answer for the past"
        return _fold(self.events[: bisect_right(self.events, key, key=_by_key)])

    def assigned_before(self, key: OrderKey) -> bool:
        """Whether an assign of this holding is older than `key`."""
        return any(event.operation is Operation.ASSIGN and event.key < key for event in self.events)

    def assigned_while_cancelled(self, operation: Operation | None, key: OrderKey) -> bool:
        """Whether an assign or a cancel would leave an assign behind a cancellation (rule L01).

        An assign is in conflict with the cancellation before it, a cancellation with an assign that stands between
        it and the next record of status, whichever came first.
        """
        if operation is Operation.ASSIGN:
            before = self.at(key)
            return before is not None and before.status is Status.CANCELLED
        if operation is not Operation.CANCEL:
            return False
        for later in self.events[bisect_right(self.events, key, key=_by_key) :]:
            if later.operation in _STATUS_OF:
                return False
            if later.operation is Operation.ASSIGN:
                return True
        return False


def _fold(events: list[Event]) -> State | None:
    if not events:
        return None
    particulars: Event | None = None
    status = Status.NORMAL
    status_event: Event | None = None
    assigned = False
    for event in events:
        operation = event.operation
        if operation in PARTICULARS_OPERATIONS:
            particulars = event
            if operation is Operation.ASSIGN and not assigned:
                assigned = True
                if status is not Status.NORMAL:
                    status, status_event = Status.NORMAL, event
        else:
            status, status_event = _STATUS_OF[operation], event
    return State(
        particulars=particulars or events[0], whole=particulars is not None, status=status, status_event=status_event
    )
