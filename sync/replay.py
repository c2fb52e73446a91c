"""Decides quarantined records again, after a mapping or the decoder was mended.

The stored bytes are decoded as if they came now; what is still unreadable stays where it is, without another return.
What can be read is judged like any record, under the same receipt, with the next attempt; partitions do not move. A
record that cannot be applied by itself is left in quarantine, and its neighbours are none the worse for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field

import structlog

from sync.apply import Applier, month_of
from sync.errors import Rejected
from sync.records import Disposition, Submission
from sync.rules import Judge
from sync.store import ledger
from sync.store.connection import reading, writing
from sync.store.facts import read_facts
from sync.store.quarantined import Place, read_quarantined, still_quarantined

BATCH_RECORDS = 500
_ATTEMPT = 2

log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class Replayed:
    """What a replay came to: how many were looked at, stayed unreadable, and what became of the others."""

    looked_at: int = 0
    unreadable: int = 0
    failed: int = 0
    dispositions: Counter[Disposition] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)


class _Undone(Exception):
    """A dry run leaves nothing behind."""


async def replay_quarantined(
    applier: Applier, offices: Iterable[str], *, dry_run: bool = False, batch_records: int = BATCH_RECORDS
) -> AsyncIterator[Replayed]:
    """Decide the quarantined records of these offices again; yield what it came to so far after each batch."""
    total = Replayed()
    for office in offices:
        place: Place | None = None
        while True:
            async with reading(applier.pool) as connection:
                incoming, place = await read_quarantined(connection, office, place, batch_records)
            if not incoming:
                break
            decoded = [applier.decode(each, office) for each in incoming]
            readable = [each for each in decoded if not each.quarantined]
            total.looked_at += len(decoded)
            total.unreadable += len(decoded) - len(readable)
            await _decide(applier, office, readable, total, dry_run=dry_run)
            yield total
    yield total


async def _decide(
    applier: Applier, office: str, submissions: Sequence[Submission], total: Replayed, *, dry_run: bool
) -> None:
    """Decide records of one office in one transaction; where it fails, around the record that is at fault."""
    if not submissions:
        return
    try:
        dispositions, rules = await _apply(applier, office, submissions, dry_run=dry_run)
    except Rejected as error:
        if len(submissions) == 1:
            log.warning("record_not_replayed", receipt_id=submissions[0].receipt_id, reason=str(error))
            total.failed += 1
            return
        middle = len(submissions) // 2
        await _decide(applier, office, submissions[:middle], total, dry_run=dry_run)
        await _decide(applier, office, submissions[middle:], total, dry_run=dry_run)
        return
    total.dispositions += dispositions
    total.rules += rules


async def _apply(
    applier: Applier, office: str, submissions: Sequence[Submission], *, dry_run: bool
) -> tuple[Counter[Disposition], Counter[str]]:
    dispositions: Counter[Disposition] = Counter()
    rules: Counter[str] = Counter()
    try:
        async with writing(applier.pool) as connection:
            now = await ledger.take_lock(connection)
            still = await still_quarantined(connection, [each.receipt_id for each in submissions])
            waiting = [each for each in submissions if each.receipt_id in still]
            facts = await read_facts(connection, office, waiting, applier.decode, applier.segments)
            judge = Judge(facts, rulings=applier.rulings, ruleset=applier.ruleset, now=now)
            for each in waiting:
                judge.decide(each, _ATTEMPT)
            await ledger.ensure_month(connection, month_of(now))
            await applier.write(connection, judge.outcome, now)
            ours = {each.receipt_id for each in waiting}
            for decision in judge.outcome.decisions:
                if decision.submission.receipt_id in ours and decision.attempt == _ATTEMPT:
                    dispositions[decision.disposition] += 1
                    rules.update({finding.rule for finding in decision.findings})
            if dry_run:
                raise _Undone
    except _Undone:
        pass
    return dispositions, rules
