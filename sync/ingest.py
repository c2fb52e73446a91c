"""The ingest loop: fetch from the offices' topics, decode, apply; one process, any number of partitions.

Fetching and decoding run ahead of applying by one batch. Trouble has three outcomes: a partition's batch is dropped and
read again from where the ledger stands, a partition halts and says why, or the process ends and its supervisor starts
another. The consumer group only shares out partitions; what makes it safe is the row in `partition_progress`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from sync.apply import Applier, Batch, prepare
from sync.errors import Fenced, Halted, Retryable
from sync.failpoints import reach
from sync.kafka import (
    GROUP,
    Consumer,
    Ended,
    KafkaSettings,
    OtherBytes,
    OutOfRange,
    Partition,
    unread_partitions,
)
from sync.quarantine import Quarantine
from sync.records import Incoming, Submission
from sync.store import ledger
from sync.store.connection import reading, writing
from sync.topics import submissions_topic

POLL = timedelta(milliseconds=200)
PROBE_SECONDS = 2.0
UNREAD_SECONDS = 10.0
RETRIES = 60
DRAIN_SECONDS = 15.0
# Small, because in a slice the batch that is being applied, and with it everybody who waits for the lock, stands still.
_DECODE_SLICE = 12

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestConfig:
    """What one ingest process works with. `instance` gives it its partitions back after a restart."""

    kafka: KafkaSettings
    offices: Sequence[str]
    applier: Applier
    batch_records: int = 5_000
    instance: str | None = None
    group: str = GROUP


async def run(config: IngestConfig, stop: asyncio.Event) -> None:
    """Ingest until `stop` is set; what was fetched and not applied then is read again by whoever comes next.

    Raises:
        Retryable: the database or the broker stayed away, or Kafka's client has ended: end the process and start anew.
    """
    topics = [submissions_topic(office) for office in config.offices]
    consumer = Consumer(config.kafka, topics, instance=config.instance, group=config.group)
    await consumer.start()
    loop = _Loop(config, consumer)
    log.info("ingest_started", topics=len(topics), instance=config.instance)
    fetching = asyncio.create_task(loop.fetch())
    applying = asyncio.create_task(loop.apply())
    watching = asyncio.create_task(loop.watch())
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((fetching, applying, stopping), return_when=asyncio.FIRST_COMPLETED)
        if stop.is_set():
            fetching.cancel()
            loop.finish()
            await asyncio.wait((applying,), timeout=DRAIN_SECONDS)
        for task in (fetching, applying):
            if task.done() and not task.cancelled():
                task.result()
    finally:
        for each in (fetching, applying, watching, stopping):
            each.cancel()
        await asyncio.gather(fetching, applying, watching, stopping, return_exceptions=True)
        await consumer.stop()
        log.info("ingest_stopped")


@dataclass(frozen=True, slots=True)
class _Fetched:
    batch: Batch
    generation: int


class _Loop:
    def __init__(self, config: IngestConfig, consumer: Consumer) -> None:
        self._config = config
        self._consumer = consumer
        self._quarantine = Quarantine(applier=config.applier)
        self._queue: asyncio.Queue[_Fetched | None] = asyncio.Queue()
        # Beside the batch that is being applied there is one, which is being decoded or waits.
        self._ahead = asyncio.Semaphore(1)
        self._generation: dict[Partition, int] = {}
        self._halted: set[Partition] = set()
        self._offices = {submissions_topic(office): office for office in config.offices}
        self._commits: set[asyncio.Task[bool]] = set()

    # --- fetching ----------------------------------------------------------------------------------------------

    async def fetch(self) -> None:
        """Fetch and decode for ever."""
        probed = time.monotonic()
        failures = 0
        while True:
            try:
                await self._take_positions()
                fetched = await self._consumer.poll(POLL, self._config.batch_records)
                if time.monotonic() - probed > PROBE_SECONDS:
                    probed = time.monotonic()
                    await self._wake_resumed()
                failures = 0
            except OutOfRange as error:
                # It may be the group's position, from before ours was given: the bounds of the log decide.
                for place in error.places:
                    self._consumer.forget(place)
                continue
            except OtherBytes as error:
                reason = f"offset {error.offset} holds other bytes than were decided: the topic was recreated"
                await self._halt(error.place, reason)
                continue
            except Ended:
                raise
            except Retryable as error:
                failures += 1
                log.warning("fetch_failed", error=str(error), failures=failures)
                if failures >= RETRIES:
                    raise
                await asyncio.sleep(min(1.0, 0.1 * failures))
                continue
            for place, (position, records) in fetched.items():
                await self._hand_over(place, position, records)

    async def watch(self) -> None:
        """See for ever that somebody reads every partition; where nobody does, join the group anew.

        A static member that comes back is given what it had: the group does not deal out anew, even where it has new
        topics, and does not tell its leader that it leads, so that nobody would notice new partitions. A leader that
        joins makes the group deal out; for the others it changes nothing.
        """
        before: set[Partition] = set()
        while True:
            await asyncio.sleep(UNREAD_SECONDS)
            try:
                unread = await unread_partitions(self._config.kafka, self._config.group, list(self._offices))
            except Retryable as error:
                log.info("group_not_seen", error=str(error))
                continue
            if unread & before:
                log.warning("partitions_unread", partitions=[f"{topic}/{number}" for topic, number in sorted(unread)])
                self._consumer.join()
            before = unread

    async def _hand_over(self, place: Partition, position: int, records: list[Incoming]) -> None:
        office = self._offices[place.topic]
        submissions: list[Submission] = []
        await self._ahead.acquire()
        try:
            for number, incoming in enumerate(records):
                submissions.append(self._quarantine.decode(self._decode, incoming, office))
                if number % _DECODE_SLICE == 0:
                    await asyncio.sleep(0)
        except Halted as error:
            self._ahead.release()
            await self._halt(place, error.reason)
            return
        reach("after_decode", self._config.applier.fail_points)
        batch = Batch(
            place=place,
            office=office,
            position=position,
            next_offset=records[-1].source.offset + 1,
            submissions=submissions,
        )
        self._queue.put_nowait(_Fetched(batch, self._generation.get(place, 0)))

    def _decode(self, incoming: Incoming, office: str) -> Submission:
        submission = self._config.applier.decode(incoming, office)
        prepare(submission)
        return submission

    async def _take_positions(self) -> None:
        """Give every new partition the position at which the ledger stands."""
        places = self._consumer.unpositioned()
        if not places:
            return
        starts = await self._consumer.beginning_offsets(places)
        ends = await self._consumer.end_offsets(places)
        async with reading(self._config.applier.pool) as connection:
            progress = await ledger.progress_of(connection, sorted({place.topic for place in places}))
        fresh = [place for place in places if place not in progress]
        if fresh:
            async with writing(self._config.applier.pool) as writer:
                for place in fresh:
                    await ledger.begin_partition(writer, *place, self._offices[place.topic], starts[place])
            return
        for place in places:
            self._generation[place] = self._generation.get(place, 0) + 1
            await self._take_position(place, progress[place], starts[place], ends[place])

    async def _take_position(self, place: Partition, at: ledger.Progress, start: int, end: int) -> None:
        """Go on where the ledger stands, unless the log, which reaches from `start` to before `end`, forbids it."""
        if at.halted_reason is not None:
            self._consumer.pause(place)
            self._halted.add(place)
        elif end < at.next_offset:
            await self._halt(
                place, f"the log ends at {end}, before next_offset {at.next_offset}: it was cut or recreated"
            )
        elif at.next_offset < start:
            await self._halt(place, f"the log begins at {start}: from next_offset {at.next_offset} on records are gone")
        elif at.last_sha256 is not None and at.last_offset is not None and start <= at.last_offset < end:
            self._consumer.seek(place, at.next_offset, (at.last_offset, at.last_sha256))
        else:
            self._consumer.seek(place, at.next_offset)

    async def _halt(self, place: Partition, reason: str) -> None:
        log.error("partition_halted", topic=place.topic, partition=place.partition, reason=reason)
        async with writing(self._config.applier.pool) as connection:
            await ledger.halt_partition(connection, *place, reason)
        self._consumer.pause(place)
        self._halted.add(place)

    async def _wake_resumed(self) -> None:
        """Go on with the partitions that somebody has resumed."""
        if not self._halted:
            return
        async with reading(self._config.applier.pool) as connection:
            progress = await ledger.progress_of(connection, sorted({place.topic for place in self._halted}))
        for place in list(self._halted):
            if progress[place].halted_reason is None:
                self._halted.discard(place)
                self._quarantine.failures.pop(place, None)
                self._consumer.resume(place)

    # --- applying ----------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """Let the applying end behind what is under way; what only waits is read again by whoever comes next."""
        while not self._queue.empty():
            self._queue.get_nowait()
        self._queue.put_nowait(None)

    async def apply(self) -> None:
        """Apply what was fetched, in order, until told to finish."""
        failures = 0
        while True:
            fetched = await self._queue.get()
            if fetched is None:
                return
            self._ahead.release()
            batch = fetched.batch
            if fetched.generation != self._generation.get(batch.place, 0):
                continue
            began = time.monotonic()
            try:
                applied = await self._quarantine.apply(batch)
            except Fenced as error:
                log.warning("batch_fenced", topic=error.topic, partition=error.partition, found=error.found)
                self._drop(batch.place)
                continue
            except Halted as error:
                await self._halt(batch.place, error.reason)
                continue
            except Retryable as error:
                failures += 1
                log.warning("batch_failed_for_now", error=str(error), failures=failures)
                if failures >= RETRIES:
                    raise
                self._drop(batch.place)
                await asyncio.sleep(min(1.0, 0.05 * failures))
                continue
            failures = 0
            log.info(
                "batch_applied",
                topic=batch.place.topic,
                partition=batch.place.partition,
                next_offset=batch.next_offset,
                records=applied.records,
                seconds=round(time.monotonic() - began, 3),
                **{str(disposition): count for disposition, count in applied.dispositions.items()},
            )
            self._commit_soon(batch)

    def _drop(self, place: Partition) -> None:
        """Forget what was fetched of a partition: it is read again from where the ledger stands."""
        self._generation[place] = self._generation.get(place, 0) + 1
        self._consumer.forget(place)

    def _commit_soon(self, batch: Batch) -> None:
        """Tell Kafka how far we are, for those who watch; nothing waits for it."""
        if len(self._commits) < 4:
            task = asyncio.create_task(self._consumer.commit({batch.place: batch.next_offset}))
            self._commits.add(task)
            task.add_done_callback(self._commits.discard)
