"""The ledger as ingest runs it, for tests: an applier on a database, feeds as records, and what stands in the end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import orjson

from service.judging import decoder, rulings
from service.settings import Settings
from service.site import load_site
from sync.apply import Applied, Applier, Batch
from sync.failpoints import FailPoints
from sync.kafka import Partition
from sync.records import Incoming, Source
from sync.store import ledger
from sync.store.connection import INGEST, Pool, open_pool, reading, writing
from sync.topics import submissions_topic

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)


@asynccontextmanager
async def open_ledger(dsn: str, *, fail_points: FailPoints | None = None) -> AsyncIterator[Applier]:
    """Open an applier with the default site on a database, with the rights of `uscc ingest`."""
    settings, site = Settings(), load_site(None)
    pool = await open_pool(
        dsn, role="uscc_ingest", limits=INGEST, size=4, name="test-ingest", prepare=ledger.prepare_session
    )
    try:
        yield Applier(
            pool=pool,
            rulings=rulings(settings, site),
            ruleset=site.ruleset,
            decode=decoder(settings, site).decode,
            fail_points=fail_points,
        )
    finally:
        await pool.close()


def body(number: int, operation: str = "assign", /, *, at: str = "2026-11-20T09:00:00+08:00", **record: Any) -> bytes:
    """Return a submission/1 of a small but lawful record; `record` replaces and adds members."""
    members = {"name": "沈阳一号有限公司", "approved_on": "2026-11-20", "business_type": "1", "status": "1", **record}
    envelope = {"schema": "submission/1", "message_id": f"M-{number}", "operation": operation, "occurred_at": at}
    return orjson.dumps(envelope | {"record": members})


async def apply_all(
    applier: Applier, bodies: Sequence[bytes], *, office: str = "commerce", batch: int = 5_000, partition: int = 0
) -> list[Applied]:
    """Apply records of one partition, from its beginning on, in batches of `batch`."""
    place = Partition(submissions_topic(office), partition)
    async with writing(applier.pool) as connection:
        await ledger.begin_partition(connection, *place, office, 0)
    results = []
    for position in range(0, len(bodies), batch):
        incoming = [
            Incoming(source=Source(*place, offset), received_at=NOON, body=each)
            for offset, each in enumerate(bodies[position : position + batch], start=position)
        ]
        submissions = [applier.decode(each, office) for each in incoming]
        results.append(
            await applier.apply(
                Batch(
                    place=place,
                    office=office,
                    position=position,
                    next_offset=position + len(incoming),
                    submissions=submissions,
                )
            )
        )
    return results


def by_office(records: Iterable[Any]) -> dict[str, list[bytes]]:
    """Return the bodies of a demonstration feed by office."""
    bodies: dict[str, list[bytes]] = defaultdict(list)
    for record in records:
        bodies[record.office].append(record.body)
    return bodies


async def read_returns(pool: Pool) -> list[dict[str, Any]]:
    """Return every return in sequence, as JSON."""
    async with reading(pool) as connection:
        rows = await connection.fetch("select return_text from disposition order by office, sequence")
    return [orjson.loads(row["return_text"]) for row in rows]


async def read_registry(pool: Pool) -> dict[str, list[tuple[Any, ...]]]:
    """Return what is registered and how it came so, without the instants of recording."""
    without = {
        "registration": ("uscc", ("recorded_at", "particulars_recorded_at")),
        "holder": ("uscc", ()),
        "registration_version": ("uscc, version", ("recorded_at",)),
        "registration_mark": ("uscc, receipt_id", ("recorded_at",)),
        "case_member": ("place", ("joined_at", "ended_at", "received_at", "place")),
    }
    async with reading(pool) as connection:
        return {
            table: [
                tuple(row)
                for row in await connection.fetch(
                    f"select to_jsonb(t) - $1::text[] from {table} t order by {order}", list(columns)
                )
            ]
            for table, (order, columns) in without.items()
        }
