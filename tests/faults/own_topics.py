"""The three offices under names of one test alone, so that their topics are too, and ingest over them in process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from service.demo import DemoRecord
from service.judging import decoder, rulings
from service.librdkafka import configuration
from service.settings import Settings
from service.site import Site, load_site
from sync.apply import Applier
from sync.ingest import IngestConfig, run
from sync.invariants import RecordRules, VerifyConfig, verify
from sync.kafka import KafkaSettings, Message, Partition, create_topics, log_ends, producing
from sync.offices import Offices
from sync.store import ledger
from sync.store.connection import INGEST, Pool, open_pool, reading
from sync.topics import submissions_topic
from tests.integration.ledger import body
from validators.code_rules import CodeContext

PATIENCE_SECONDS = 60.0


class OwnTopics:
    """Offices `<office>-<suffix>`, their topics, and what decides their records."""

    def __init__(self, kafka: KafkaSettings, suffix: str, *, partitions: int = 3) -> None:
        shipped = load_site(None)
        offices = [replace(each, id=f"{each.id}-{suffix}", mapping=None) for each in shipped.offices.values()]
        self.kafka = kafka
        self.offices = {name: office.id for name, office in zip(shipped.offices, offices, strict=True)}
        self.site = Site(
            offices=Offices({office.id: office for office in offices}),
            ruleset=shipped.ruleset,
            mappings=Path(__file__).with_name("no-mappings"),
        )
        self.partitions = partitions

    def topic(self, office: str = "commerce") -> str:
        """Return the topic of an office."""
        return submissions_topic(self.offices[office])

    @property
    def topics(self) -> list[str]:
        """The topics of submissions."""
        return [self.topic(office) for office in self.offices]

    async def create(self) -> list[str]:
        """Make the topics that are missing; return their names."""
        return await create_topics(self.kafka, self.offices.values(), partitions=self.partitions)

    async def send(self, records: Iterable[DemoRecord]) -> int:
        """Produce a demonstration feed; return how many records it had."""
        records = list(records)
        async with producing(self.kafka) as producer:
            for office in self.offices:
                messages = [Message(each.key, each.body) for each in records if each.office == office]
                await producer.send_all(self.topic(office), messages)
        return len(records)

    async def send_bodies(self, bodies: Sequence[bytes], *, office: str = "commerce", key: bytes | None = b"1") -> None:
        """Produce bare bytes, in order, to the one partition of a key."""
        async with producing(self.kafka) as producer:
            await producer.send_all(self.topic(office), [Message(key, each) for each in bodies])

    # --- deciding -----------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def applier(self, dsn: str) -> AsyncIterator[Applier]:
        """Open what decides the records of these offices, with the rights of `uscc ingest`."""
        settings = Settings(_env_file=None)
        pool = await open_pool(
            dsn, role="uscc_ingest", limits=INGEST, size=6, name="test-ingest", prepare=ledger.prepare_session
        )
        try:
            yield Applier(
                pool=pool,
                rulings=rulings(settings, self.site),
                ruleset=self.site.ruleset,
                decode=decoder(settings, self.site).decode,
            )
        finally:
            await pool.close()

    async def ingest(
        self, applier: Applier, stop: asyncio.Event, *, group: str, batch_records: int = 50, instance: str | None = None
    ) -> None:
        """Run one ingest until told to stop."""
        config = IngestConfig(
            kafka=self.kafka,
            offices=list(self.offices.values()),
            applier=applier,
            batch_records=batch_records,
            group=group,
            instance=instance,
        )
        await run(config, stop)

    @asynccontextmanager
    async def ingesting(
        self, applier: Applier, *, group: str, batch_records: int = 50, instance: str | None = None
    ) -> AsyncIterator[None]:
        """Run one ingest while the block runs; its failure is the test's."""
        stop = asyncio.Event()
        running = asyncio.create_task(
            self.ingest(applier, stop, group=group, batch_records=batch_records, instance=instance)
        )
        try:
            yield
        finally:
            stop.set()
            await running

    async def until_decided(self, pool: Pool, *, besides: Iterable[Partition] = ()) -> None:
        """Wait until every partition, `besides` some, is decided to the end of its log."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            ends = await log_ends(self.kafka, self.topics)
            async with reading(pool) as connection:
                progress = await ledger.progress_of(connection, self.topics)
            behind = [
                place
                for place, end in ends.items()
                if place not in besides and (place not in progress or progress[place].next_offset < end)
            ]
            if not behind:
                return
            assert time.monotonic() < deadline, f"not decided: {behind}"
            await asyncio.sleep(0.1)

    async def until_halted(self, pool: Pool, place: Partition) -> str:
        """Wait until a partition is halted; return the reason."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            async with reading(pool) as connection:
                progress = await ledger.progress_of(connection, self.topics)
            reason = progress[place].halted_reason if place in progress else None
            if reason is not None:
                return reason
            assert time.monotonic() < deadline, f"{place} is not halted"
            await asyncio.sleep(0.1)

    async def broken_invariants(self, dsn: str) -> list[str]:
        """Return what `uscc verify` would say of the registry, where it is not well."""
        rules = RecordRules(
            ruleset=self.site.ruleset,
            codes=CodeContext(province="21"),
            late_after_working_days=5,
            profile=lambda office, category: self.site.offices[office].profile(category),
            calendar=lambda office: self.site.offices[office].working_calendar,
        )
        config = VerifyConfig(dsn=dsn, kafka=configuration(self.kafka), rules=rules)
        return [result.as_line() async for result in verify(config, lambda *_: None) if not result.ok]


def good(number: int, uscc: str) -> bytes:
    """Return a record that nothing is wrong with but what the smallest record lacks."""
    return body(number, uscc=uscc, name=f"沈阳{number}号有限公司")
