"""Applies one batch of one partition: facts, decisions and their effects in one transaction, under the writer's lock.

A batch has all its effects or none. Its partition's row must stand at the position that the batch was read from;
otherwise somebody else has moved on (a zombie, a double fetch, a commit in doubt) and nothing is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sync.encoding import encode_change, encode_return, return_parts
from sync.errors import Fenced, Halted
from sync.facts import Rulings
from sync.failpoints import FailPoints, reach
from sync.kafka import Partition
from sync.outcome import ChangeWrite, Outcome
from sync.records import Disposition, Submission
from sync.rules import Judge
from sync.store import ledger
from sync.store.connection import Pool, WriteConn, writing
from sync.store.facts import Decode, read_facts
from sync.store.lines import change_line, lines_of
from sync.store.segments import SegmentsAtHand
from validators.findings import Operation
from validators.rulebook import Ruleset


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Records of one partition in offset order. `position` is where they were read from, `next_offset` what follows."""

    place: Partition
    office: str
    position: int
    next_offset: int
    submissions: Sequence[Submission]


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What one batch came to."""

    records: int
    dispositions: dict[Disposition, int]
    decided_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Applier:
    """What every batch is applied with. `months` are those whose partitions are known to be there."""

    pool: Pool
    rulings: Rulings
    ruleset: Ruleset
    decode: Decode
    fail_points: FailPoints | None = None
    months: set[datetime] = field(default_factory=set)
    segments: SegmentsAtHand = field(default_factory=SegmentsAtHand)

    async def apply(self, batch: Batch) -> Applied:
        """Apply one batch.

        Raises:
            Fenced: the partition does not stand at the batch's position.
            Halted: the partition is halted.
            Rejected: the database refuses the data of some record.
            Retryable: nothing is known to be wrong with the batch; whether it was committed, its row tells.
        """
        async with writing(self.pool) as connection:
            now = await ledger.take_lock(connection)
            submissions = await self._behind_the_fence(connection, batch)
            instants = (now, *(each.incoming.received_at for each in batch.submissions))
            months = {month_of(at) for at in {(at.year, at.month): at for at in instants}.values()}
            for instant in sorted(months - self.months):
                await ledger.ensure_month(connection, instant)
            facts = await read_facts(connection, batch.office, submissions, self.decode, self.segments)
            judge = Judge(facts, rulings=self.rulings, ruleset=self.ruleset, now=now)
            outcome = judge.decide_all(submissions)
            await self.write(connection, outcome, now)
            await ledger.move_partition(
                connection,
                topic=batch.place.topic,
                partition=batch.place.partition,
                next_offset=batch.next_offset,
                last=batch.submissions[-1],
                records=len(submissions),
                now=now,
            )
            reach("before_commit", self.fail_points)
        self.months.update(months)
        reach("after_commit", self.fail_points)
        first = (decision for decision in outcome.decisions if decision.attempt == 1)
        counts = Counter(decision.disposition for decision in first)
        return Applied(records=len(submissions), dispositions=dict(counts), decided_at=now)

    async def _behind_the_fence(self, connection: WriteConn, batch: Batch) -> Sequence[Submission]:
        """Check that the partition stands at the batch's position; return the records that are not decided yet.

        All of them, unless the log is read anew and still holds what was decided from it before.
        """
        topic, partition = batch.place
        at = await ledger.fence(connection, topic, partition)
        if at is None or at.next_offset != batch.position:
            raise Fenced(topic, partition, batch.position, at.next_offset if at is not None else -1)
        if at.halted_reason is not None:
            raise Halted(topic, partition, at.halted_reason)
        if at.decided_before is None or at.decided_before <= batch.position:
            return batch.submissions
        known = await ledger.known_receipts(connection, batch.submissions)
        return [each for each in batch.submissions if each.receipt_id not in known]

    async def write(self, connection: WriteConn, outcome: Outcome, now: datetime) -> None:
        """Write everything that an outcome holds; sequences are drawn here, under the lock, so they are dense."""
        changes = await self._changes(connection, outcome.changes, now)
        await ledger.write_registry(connection, outcome, changes)
        await ledger.write_cases(connection, outcome, now)
        await ledger.write_settlements(connection, outcome, now)
        reach("after_stage", self.fail_points)
        by_office: dict[str, list[int]] = {}
        for place, decision in enumerate(outcome.decisions):
            by_office.setdefault(decision.submission.office, []).append(place)
        for office, places in by_office.items():
            decisions = [outcome.decisions[place] for place in places]
            first = await ledger.draw(connection, f"returns:{office}", len(decisions))
            returns = (
                encode_return(decision, sequence=sequence, decided_at=now, ruleset=self.ruleset.version)
                for sequence, decision in enumerate(decisions, start=first)
            )
            await ledger.write_dispositions(
                connection, decisions, first=first, returns=returns, now=now, ruleset=self.ruleset.version
            )

    async def _changes(self, connection: WriteConn, changes: Sequence[ChangeWrite], now: datetime) -> Iterable[bytes]:
        """Draw sequences and return the lines of the feed: rendered one by one while the database takes the others."""
        if not changes:
            return ()
        first = await ledger.draw(connection, "changes", len(changes))
        return (
            change_line(
                change, sequence=sequence, now=now, body=encode_change(change, sequence=sequence, recorded_at=now)
            )
            for sequence, change in enumerate(changes, start=first)
        )


def prepare(submission: Submission) -> None:
    """Make what is written of a record and known before its decision, so that nobody waits for it under the lock."""
    if not submission.quarantined and not submission.has_error:
        submission.particulars.prepare(is_new=submission.operation is Operation.ASSIGN)
    return_parts(submission)
    lines_of(submission)


def month_of(instant: datetime) -> datetime:
    """Return the first instant of a month, by which the large tables are partitioned."""
    return instant.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
