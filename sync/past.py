"""What was true of a code at one instant as known at another: the fold over what was applied by then.

Pure: the reader hands in the records that were known; these functions choose those that had happened.

Source: domain.md §6 (two clocks), contract.md §3.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sync.holding import Event, Holding, State
from sync.outcome import View
from validators.findings import Operation

# A withdrawal ends a holding and a keep confirms it: neither is an event of its fold.
_NOT_FOLDED = frozenset((Operation.WITHDRAW, Operation.KEEP))


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """One applied record of a code: a version, or the mark of an unchanged one.

    The event of a mark has key and operation of its own, the rest of the version that it confirms. `applied_at` is
    when the record itself was recorded.
    """

    holding: int
    kind: str
    superseded: bool
    mark: bool
    applied_at: datetime
    predecessor_uscc: str | None
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """The end of a holding."""

    holding: int
    occurred_at: datetime
    recorded_at: datetime
    successor_uscc: str | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a history: the registration as the record left it, newest recorded first."""

    version: int
    view: View
    kind: str
    superseded: bool


def registration_at(
    uscc: str, applied: Iterable[Applied], withdrawals: Sequence[Withdrawal], as_of: datetime | None
) -> View | Withdrawal | None:
    """Return what held at `as_of` (None: now): a registration, the withdrawal that left none, or None if never any.

    `applied` and `withdrawals` are those known; of `withdrawals` only those that had happened.
    """
    happened = [each for each in applied if as_of is None or each.event.key.occurred_at <= as_of]
    ended = {each.holding for each in withdrawals}
    holdings = sorted({each.holding for each in happened if each.event.operation not in _NOT_FOLDED} - ended)
    if holdings:
        return _view(uscc, holdings[-1], happened)
    return withdrawals[-1] if withdrawals else None


def history_of(uscc: str, applied: Sequence[Applied]) -> list[Entry]:
    """Return every version with the registration as it left it, newest recorded first.

    A superseded version shows the state at its own instant, any other the state after everything known by then.
    """
    versions = sorted((each for each in applied if not each.mark), key=lambda each: each.event.version, reverse=True)
    entries = []
    for each in versions:
        known = [
            other
            for other in applied
            if other.holding == each.holding
            and (other.applied_at < each.applied_at if other.mark else other.event.version <= each.event.version)
        ]
        if each.superseded:
            known = [other for other in known if other.event.key <= each.event.key]
        view = _view(uscc, each.holding, known)
        if view is not None:
            entries.append(Entry(version=each.event.version, view=view, kind=each.kind, superseded=each.superseded))
    return entries


def _view(uscc: str, number: int, applied: Iterable[Applied]) -> View | None:
    members = [each for each in applied if each.holding == number and each.event.operation not in _NOT_FOLDED]
    if not members:
        return None
    state: State = Holding(number, (each.event for each in members)).present()
    shaped = state.shaped_by
    predecessors = [each for each in members if each.predecessor_uscc is not None]
    latest = max(predecessors, key=lambda each: each.event.version, default=None)
    return View(
        uscc=uscc,
        version=shaped.version,
        status=state.status,
        office=shaped.office,
        record=state.particulars.record,
        valid_from=state.valid_from,
        recorded_at=shaped.recorded_at,
        predecessor_uscc=latest.predecessor_uscc if latest else None,
        successor_uscc=None,
        open_case=None,
        receipt_id=shaped.receipt_id,
    )
