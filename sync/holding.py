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
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One applied record. `version` is the one that it made, or confirms; `record` holds particulars only."""

    key: OrderKey
    operation: Operation
    version: int
    name_key: str
    record: Mapping[str, str]
    office: str
    receipt_id: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
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
            return self.particulars.key.occurred_at
        return max(self.particulars.key.occurred_at, self.status_event.key.occurred_at)

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

    __slots__ = ("complete", "events", "number")

    def __init__(self, number: int, events: Iterable[Event] = (), *, complete: bool = True) -> None:
        self.number = number
        self.events = sorted(events, key=_by_key)
        self.complete = complete

    @property
    def latest_key(self) -> OrderKey:
        """The key of the latest event."""
        return self.events[-1].key

    @property
    def names(self) -> frozenset[str]:
        """The name keys that the records of the holder bear."""
        return frozenset(event.name_key for event in self.events)

    @property
    def first_assign(self) -> OrderKey | None:
        """The key of the first assign, None where no assign came."""
        return next((event.key for event in self.events if event.operation is Operation.ASSIGN), None)

    def bears_receipt(self, receipt_id: str | None) -> bool:
        """Whether one of the holder's records has this receipt."""
        return any(event.receipt_id == receipt_id for event in self.events)

    def add(self, event: Event) -> None:
        """Put one more applied record in its place."""
        insort(self.events, event, key=_by_key)

    def present(self) -> State:
        """Return the state after all events."""
        state = _fold(self.events)
        assert state is not None, "a holding has at least one event"
        return state

    def at(self, key: OrderKey) -> State | None:
        """Return the state right after the instant of `key`, None before the first event."""
        assert self.complete or key > self.latest_key, "a summary does not answer for the past"
        return _fold(self.events[: bisect_right(self.events, key, key=_by_key)])

    def assigned_before(self, key: OrderKey) -> bool:
        """Whether an assign of this holding is older than `key`."""
        return any(event.operation is Operation.ASSIGN and event.key < key for event in self.events)

    def assigned_while_cancelled(self, event: Event) -> bool:
        """Whether `event`, an assign or a cancel, would leave an assign behind a cancellation (rule L01).

        An assign is in conflict with the cancellation before it, a cancellation with an assign that stands between
        it and the next record of status, whichever came first.
        """
        if event.operation is Operation.ASSIGN:
            before = self.at(event.key)
            return before is not None and before.status is Status.CANCELLED
        if event.operation is not Operation.CANCEL:
            return False
        for later in self.events[bisect_right(self.events, event.key, key=_by_key) :]:
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
