"""Records held for their segment (S01), looked at again after the allocations were mended.

A wrong load of code segments holds records that are right. Those whose code lies in a segment of their registrar now
are kept, with what waits behind them, by a resolution that says so; the others stay where they are.

Source: domain.md §6: S01 keep needs no second person.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from sync.apply import Applier
from sync.cases import NoSuchCase, Order, propose_in
from sync.four_eyes import NotPossible
from sync.segments import judge_segment
from sync.store import ledger
from sync.store.case_lists import CaseFilters, list_cases
from sync.store.connection import WriteConn, reading, writing
from sync.store.facts import read_case
from validators.findings import Operation

_PAGE = 500
_RULE = "S01"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rechecked:
    """One case that was looked at; `released` says that its record is applied, with what waited behind it."""

    case_id: str
    uscc: str
    name: str
    released: bool


class _Undone(Exception):
    """A dry run leaves nothing behind."""


async def recheck_segments(
    applier: Applier, *, actor: str, reason: str, dry_run: bool = False
) -> AsyncIterator[Rechecked]:
    """Look at every open case of S01 again, the oldest first, each in a transaction of its own."""
    after: tuple[datetime, str] | None = None
    while True:
        async with reading(applier.pool) as connection:
            cases = await list_cases(connection, CaseFilters(status="open", rule=_RULE), after, _PAGE)
        for case in cases:
            try:
                async with writing(applier.pool) as connection:
                    answer = await _recheck(applier, connection, case.case_id, actor, reason)
                    if dry_run:
                        raise _Undone
            except _Undone:
                pass
            except (NoSuchCase, NotPossible):
                answer = None  # Somebody settled it meanwhile.
            if answer is not None:
                yield answer
        if len(cases) < _PAGE:
            return
        after = (cases[-1].opened_at, cases[-1].case_id)


async def _recheck(applier: Applier, connection: WriteConn, case_id: str, actor: str, reason: str) -> Rechecked | None:
    """Keep the record in doubt where the allocations now cover it; None where nothing waits in the case."""
    await ledger.take_lock(connection)
    facts = await read_case(connection, case_id, applier.decode, segments=applier.segments)
    case = next((each for each in facts.cases.values() if each.case_id == case_id), None)
    waiting = case.waiting() if case is not None else []
    if not waiting or waiting[0].submission is None:
        return None
    first, submission = waiting[0], waiting[0].submission
    outside = judge_segment(facts.segments, first.uscc, first.office, submission.record, applier.rulings.province)
    if outside is None:
        order = Order(
            case_id=case_id,
            operation=Operation.KEEP,
            receipt_id=first.receipt_id,
            reason=reason,
            actor=actor,
            via="program",
            is_person=False,
        )
        await propose_in(applier, connection, order)
    return Rechecked(case_id=case_id, uscc=first.uscc, name=first.name, released=outside is None)
