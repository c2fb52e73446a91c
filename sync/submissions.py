"""Produces what offices posted to their topics, from where it was stored, and counts what became of it.

Each row goes out once. A row counts as produced when the brokers have told its place and that was committed; after a
crash or a call that did not end, rows may lie on the topic without being known to. Such an outcome is looked up, never
guessed: the topic is read from the last known places on, and only rows that are not there are produced again. One
process leads; others wait for its session to end.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog

from sync.errors import Retryable
from sync.failpoints import FailPoints, reach
from sync.kafka import KafkaSettings, Message, Partition, Producer, log_ends, read_range
from sync.leading import lead, pause
from sync.messages import BATCH_HEADER, ID_HEADER, MAPPING_HEADER
from sync.store import submissions as store
from sync.store.connection import Limits, Pool, WriteConn, writing
from sync.store.submissions import Place, Row, Tally, Waiting
from sync.topics import submissions_topic

IDLE_SECONDS = 0.1
BATCH_ROWS = 5_000
BATCH_BYTES = 8 * 1024 * 1024
TALLY_ROWS = 5_000
TALLY_SECONDS = 0.25
ROWS_KEPT = timedelta(days=7)
# How long the brokers may take to append what a producer sent that is no more.
SETTLE_SECONDS = 1.0
_ENDS_KEPT_SECONDS = 10.0
ROW_HEADER = "submission"
_HOUSEKEEPING_SECONDS = 60.0
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProducingConfig:
    """What the producing of submissions works with."""

    kafka: KafkaSettings
    pool: Pool
    limits: Limits
    fail_points: FailPoints | None = None


def new_submission_id(now: datetime) -> str:
    """Return an id of 26 characters: time first, then 80 random bits, in Crockford's base 32."""
    number = int(now.timestamp() * 1000) << 80 | secrets.randbits(80)
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


async def run(config: ProducingConfig, stop: asyncio.Event) -> None:
    """Produce and count until `stop` is set.

    Raises:
        Retryable: the database or the broker stayed away: end the process and start anew.
    """
    log.info("submissions_started")
    await lead(
        kafka=config.kafka,
        pool=config.pool,
        limits=config.limits,
        try_lead=store.try_lead,
        work=partial(_produce_all, config, stop),
        failed="produce_failed",
        stop=stop,
    )
    log.info("submissions_stopped")


async def _produce_all(config: ProducingConfig, stop: asyncio.Event, connection: WriteConn, producer: Producer) -> None:
    work = _Work(config, connection, producer)
    while not stop.is_set():
        if not await work.step():
            await pause(stop, IDLE_SECONDS)


@dataclass(slots=True)
class _Work:
    """`cursors` are the last rows produced by this leader, `certain` the submissions that it has looked up.

    `ends` are those of topics, with the instant at which they were asked for.
    """

    config: ProducingConfig
    connection: WriteConn
    producer: Producer
    cursors: dict[str, int] = field(default_factory=dict)
    certain: set[str] = field(default_factory=set)
    ends: dict[str, tuple[float, dict[Partition, int]]] = field(default_factory=dict)
    counted_at: float = 0.0
    tidied_at: float = 0.0

    async def step(self) -> bool:
        """Do what is to be done next for every office; return whether there was anything."""
        waiting = await store.waiting(self.connection)
        for submission in waiting:
            await self._advance(submission)
        if time.monotonic() - self.counted_at > TALLY_SECONDS or not waiting:
            self.counted_at = time.monotonic()
            await self._count()
        if time.monotonic() - self.tidied_at > _HOUSEKEEPING_SECONDS:
            self.tidied_at = time.monotonic()
            await self._tidy()
        return bool(waiting)

    async def _advance(self, submission: Waiting) -> None:
        """Produce the next rows of a submission, once nothing of it is uncertain."""
        if submission.submission_id not in self.certain:
            looked_up = submission.scan_from is not None
            await self._make_certain(submission)
            self.certain.add(submission.submission_id)
            if looked_up:
                return
        after = self.cursors.get(submission.submission_id, 0)
        rows = await store.next_rows(self.connection, submission.submission_id, after, BATCH_ROWS, BATCH_BYTES)
        if not rows:
            raise Retryable(f"submission {submission.submission_id} has no rows behind row {after}")
        topic = submissions_topic(submission.office)
        messages = (_message(submission, row) for row in rows)
        offsets = await self.producer.send_placed(topic, messages)
        reach("after_produce", self.config.fail_points)
        places = [Place(row.number, *place) for row, place in zip(rows, offsets, strict=True)]
        await self._mark(submission, places)
        self.cursors[submission.submission_id] = rows[-1].number
        log.info("submission_produced", submission_id=submission.submission_id, rows=len(rows))

    async def _make_certain(self, submission: Waiting) -> None:
        """Find the rows that an earlier leader produced without knowing it."""
        topic = submissions_topic(submission.office)
        if submission.scan_from is None:
            ends = await self._recent_ends(topic)
            by_number = {place.partition: end for place, end in ends.items()}
            await store.begin_producing(self.connection, submission.submission_id, by_number)
            return
        await asyncio.sleep(SETTLE_SECONDS)
        ends = await log_ends(self.config.kafka, [topic])
        starts = {place: submission.scan_from.get(place.partition, 0) for place in ends}
        found = await self._find_rows(submission, starts, ends)
        known = await store.placed_rows(self.connection, submission.submission_id, list(found))
        places = [place for row, place in found.items() if row not in known]
        if places:
            await self._mark(submission, places)
        log.info("submission_looked_up", submission_id=submission.submission_id, found=len(places))

    async def _recent_ends(self, topic: str) -> dict[Partition, int]:
        """Return ends of the topic as of a moment ago: all that matters is that a row produced now lies behind them.

        Asking anew for every small file would be most of its work.
        """
        asked_at, ends = self.ends.get(topic, (0.0, {}))
        if time.monotonic() - asked_at > _ENDS_KEPT_SECONDS:
            asked_at, ends = time.monotonic(), await log_ends(self.config.kafka, [topic])
            self.ends[topic] = asked_at, ends
        return ends

    async def _find_rows(
        self, submission: Waiting, starts: dict[Partition, int], ends: dict[Partition, int]
    ) -> dict[int, Place]:
        prefix = f"{submission.submission_id}/".encode()
        found: dict[int, Place] = {}
        async for incoming in read_range(self.config.kafka, starts, ends):
            header = incoming.headers.get(ROW_HEADER, b"")
            if header.startswith(prefix) and header[len(prefix) :].isdigit():
                row = int(header[len(prefix) :])
                found.setdefault(row, Place(row, incoming.source.partition, incoming.source.offset))
        return found

    async def _mark(self, submission: Waiting, places: Sequence[Place]) -> None:
        behind: dict[int, int] = {}
        for place in places:
            behind[place.partition] = max(behind.get(place.partition, 0), place.offset + 1)
        async with writing(self.config.pool, self.config.limits) as connection:
            await store.mark_produced(connection, submission.submission_id, places, behind, datetime.now(UTC))

    async def _count(self) -> None:
        """Count the dispositions of rows that ingest has gone past."""
        for tally in await store.deciding(self.connection):
            topic = submissions_topic(tally.office)
            before = tally.decided
            for partition in await store.partitions_of(self.connection, tally.submission_id):
                for offset, disposition, rules in await store.newly_decided(
                    self.connection, tally, topic, partition, TALLY_ROWS
                ):
                    _add(tally, partition, offset, disposition, rules)
            if tally.decided > before:
                await store.write_tally(self.connection, tally, datetime.now(UTC))

    async def _tidy(self) -> None:
        now = datetime.now(UTC)
        async with writing(self.config.pool, self.config.limits) as connection:
            dropped = await store.drop_old_rows(connection, now - ROWS_KEPT, now)
        if dropped is not None:
            log.info("submission_rows_dropped", submission_id=dropped)


def _message(submission: Waiting, row: Row) -> Message:
    headers = [(ID_HEADER, row.ce_id.encode()), (ROW_HEADER, f"{submission.submission_id}/{row.number}".encode())]
    if submission.mapping is not None:
        headers.append((MAPPING_HEADER, submission.mapping.encode()))
    if submission.batch_id is not None:
        headers.append((BATCH_HEADER, submission.batch_id.encode()))
    return Message(row.key.encode(), row.body, headers)


def _add(tally: Tally, partition: int, offset: int, disposition: str, rules: Sequence[str]) -> None:
    tally.tallied[str(partition)] = offset
    tally.decided += 1
    tally.counts[disposition] = tally.counts.get(disposition, 0) + 1
    for rule in set(rules):
        tally.by_rule[rule] = tally.by_rule.get(rule, 0) + 1
