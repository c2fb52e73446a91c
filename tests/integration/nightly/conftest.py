"""A registry at night: offices of this test alone, their topics, records as ingest applies them, and a run."""

from __future__ import annotations

import csv
import gzip
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from service.judging import decoder, rulings
from service.settings import Settings
from service.site import Site, load_site
from sync.apply import Applier, Batch
from sync.kafka import KafkaSettings, Partition, create_topics
from sync.nightly.comparisons import Means
from sync.nightly.days import BusinessDays
from sync.nightly.run import Night, NightlyConfig, Register, run_once
from sync.nightly.sealing import Closing
from sync.offices import Offices
from sync.records import Incoming, Source
from sync.store import ledger
from sync.store.connection import INGEST, JOB, Pool, open_pool, reading, writing
from sync.topics import submissions_topic
from validators.check_character import mod11, mod31

DAY = date(2026, 11, 20)
NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)


def new_code(number: int, prefix: str = "91210100") -> str:
    """Return the n-th well-formed code of a division; none of a real organization."""
    body = f"{20_000_000 + number:08d}"
    subject = body + mod11(body)
    return prefix + subject + mod31(prefix + subject)


def record_of(number: int, **members: str) -> dict[str, str]:
    """Return a record that no other is like."""
    record = {
        "uscc": new_code(number),
        "name": f"沈阳第{number}号有限公司",
        "registered_address": f"沈阳市和平区{number}号",
        "registered_capital": "100",
        "established_on": "2026-11-02",
        "registration_number": f"R{number}",
        "approved_on": "2026-11-19",
    }
    return record | members


def message(number: int | str, record: Mapping[str, Any], operation: str = "assign", **envelope: Any) -> bytes:
    """Return a submission/1."""
    return orjson.dumps(
        {
            "schema": "submission/1",
            "message_id": f"M-{number}",
            "operation": operation,
            "occurred_at": "2026-11-20T09:00:00+08:00",
            "record": record,
            **envelope,
        }
    )


@dataclass
class Town:
    """A registry with two offices, and nights over it."""

    site: Site
    applier: Applier
    pool: Pool
    dsn: str
    kafka: KafkaSettings
    folder: Path
    closing: Closing
    offsets: dict[Partition, int] = field(default_factory=dict)

    @property
    def commerce(self) -> str:
        """The id of the first office."""
        return next(iter(self.site.offices))

    @property
    def civil(self) -> str:
        """The id of the second office."""
        return list(self.site.offices)[1]

    async def push(
        self, bodies: Sequence[bytes], *, office: str | None = None, at: datetime = NOON, partition: int = 0
    ) -> None:
        """Apply records as ingest does, received at an instant."""
        office = office or self.commerce
        place = Partition(submissions_topic(office), partition)
        position = self.offsets.get(place, 0)
        if not position:
            async with writing(self.applier.pool) as connection:
                await ledger.begin_partition(connection, *place, office, 0)
        incoming = [
            Incoming(source=Source(*place, offset), received_at=at, body=body)
            for offset, body in enumerate(bodies, start=position)
        ]
        self.offsets[place] = position + len(incoming)
        submissions = [self.applier.decode(each, office) for each in incoming]
        for begin in range(0, len(incoming), 5_000):
            part = submissions[begin : begin + 5_000]
            await self.applier.apply(
                Batch(
                    place=place,
                    office=office,
                    position=position + begin,
                    next_offset=position + begin + len(part),
                    submissions=part,
                )
            )

    def config(self, **changes: Any) -> NightlyConfig:
        """Return how a night runs."""
        means = Means(
            pool=self.pool,
            dsn=self.dsn,
            role="uscc_job",
            kafka=self.kafka,
            decode=self.applier.decode,
            days=self.closing.days,
            folder=self.folder / "nightly",
            memory_mib=512,
            progress=lambda _rows, _expected: None,
        )
        config = NightlyConfig(
            means=means,
            closing=self.closing,
            offices=self.site.offices,
            reports=self.folder / "reports",
            patience=timedelta(),
        )
        return replace(config, **changes)

    async def night(self, register: Register | None = None, **changes: Any) -> Night:
        """Run a night."""
        return await run_once(self.config(**changes), register=register)

    def write_register(self, rows: Iterable[Mapping[str, str]], name: str = "register.csv.gz") -> Register:
        """Write a register of the first office as its file."""
        rows = list(rows)
        file = self.folder / name
        with gzip.open(file, "wt", encoding="utf-8", newline="") as opened:
            writer = csv.DictWriter(opened, list(rows[0]), restval="")
            writer.writeheader()
            writer.writerows(rows)
        return Register(office=self.commerce, date=DAY, file=file, form="csv.gz")

    async def fetch(self, query: str, *arguments: Any) -> list[dict[str, Any]]:
        """Read what stands in the database."""
        async with reading(self.pool, JOB) as connection:
            return [dict(row) for row in await connection.fetch(query, *arguments)]


@pytest.fixture
async def town(database: str, broker: KafkaSettings, suffix: str, tmp_path: Path) -> AsyncIterator[Town]:
    """An empty registry with offices and topics of its own."""
    settings, shipped = Settings(), load_site(None)
    named = {f"{office}-{suffix}": shipped.offices[office] for office in ("commerce", "civil-affairs")}
    offices = {name: replace(office, id=name, mapping=None) for name, office in named.items()}
    site = replace(shipped, offices=Offices(offices), mappings=tmp_path / "mappings")
    await create_topics(broker, list(site.offices), partitions=2)
    ingest = await open_pool(
        database, role="uscc_ingest", limits=INGEST, size=2, name="test-ingest", prepare=ledger.prepare_session
    )
    pool = await open_pool(database, role="uscc_job", limits=JOB, size=4, name="test-nightly")
    applier = Applier(
        pool=ingest, rulings=rulings(settings, site), ruleset=site.ruleset, decode=decoder(settings, site).decode
    )
    closing = Closing(days=BusinessDays(), silent_after=timedelta(hours=17))
    yield Town(site=site, applier=applier, pool=pool, dsn=database, kafka=broker, folder=tmp_path, closing=closing)
    await pool.close()
    await ingest.close()
