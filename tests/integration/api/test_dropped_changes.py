"""The feed is kept 400 days, month by month; who stands where it was dropped is told so, and where to begin anew."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator

import asyncpg
import pytest

from service.resources import ServeConfig
from sync.invariants.ledger import check_feed
from sync.invariants.snapshot import Snapshot
from sync.snapshots import make_snapshot
from sync.store.connection import JOB, Pool, open_pool
from tests.integration.api.conftest import Api, Registry, new_code, problem

_MONTHS = """select relname from pg_inherits join pg_class on oid = inhrelid
             where inhparent = 'change'::regclass order by relname"""


@pytest.fixture
async def job_pool(database: str) -> AsyncIterator[Pool]:
    """A pool with the rights of `uscc snapshot`."""
    opened = await open_pool(database, role="uscc_job", limits=JOB, size=3, name="test-job")
    yield opened
    await opened.close()


@pytest.fixture
async def owner(database: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """The owner of the tables, who alone may make a change look old."""
    opened = await asyncpg.connect(database)
    yield opened
    await opened.close()


async def age(owner: asyncpg.Connection[asyncpg.Record], sequence: int, month: str) -> None:
    """Let a change have been recorded in the middle of a month, and its version with it."""
    await owner.execute("select ensure_month($1::text::timestamptz)", f"{month}-15T00:00:00Z")
    for table, where in (("change", "sequence = $2"), ("registration_version", "uscc = (select uscc from c)")):
        await owner.execute(f"alter table {table} disable trigger append_only")
        await owner.execute(
            f"""with c as (select uscc from change where sequence = $2)
                update {table} set recorded_at = $1::text::timestamptz where {where}""",
            f"{month}-15T00:00:00Z",
            sequence,
        )
        await owner.execute(f"alter table {table} enable trigger append_only")


async def months(pool: Pool) -> list[str]:
    return [row["relname"] for row in await pool.fetch(_MONTHS)]


async def test_old_months_go_and_a_late_reader_is_sent_to_the_snapshot(
    api: Api,
    registry: Registry,
    job_pool: Pool,
    owner: asyncpg.Connection[asyncpg.Record],
    config: ServeConfig,
) -> None:
    codes = [new_code() for _ in range(4)]
    for code in codes:
        await registry.register(code)
    made_by_ingest = await months(registry.pool)
    await age(owner, 1, "2025-01")
    await age(owner, 2, "2025-02")
    await owner.execute("insert into relay_progress (topic, sequence) values ('uscc.changes', 1)")

    await make_snapshot(job_pool, config.snapshot_folder, kept=2)
    unpublished_stays = await months(registry.pool)
    await owner.execute("update relay_progress set sequence = 4 where topic = 'uscc.changes'")
    made = await make_snapshot(job_pool, config.snapshot_folder, kept=2)
    left = await months(registry.pool)

    late = await api.get("/v1/changes?after=0", key="reader")
    resumed = await api.get("/v1/changes/stream", key="reader", headers={"last-event-id": "1"})
    behind = await api.get("/v1/changes?after=2", key="reader")
    from_snapshot = await api.get(f"/v1/changes?after={made.sequence}", key="reader")
    lines = await api.get(f"/v1/snapshots/{made.snapshot_id}/registrations.ndjson.gz", key="reader")
    async with owner.transaction(isolation="repeatable_read", readonly=True):
        feed = await check_feed(Snapshot(owner), lambda _done, _total: None)

    assert [] != made_by_ingest
    assert ["change_202502", *made_by_ingest] == unpublished_stays
    assert made_by_ingest == left
    assert (410, "changes-dropped") == problem(late) == problem(resumed)
    assert 3 == late.json()["first_sequence"]
    assert [3, 4] == [change["sequence"] for change in behind.json()["items"]]
    assert {"items": [], "next": "4"} == from_snapshot.json()
    assert set(codes) == {json.loads(line)["uscc"] for line in gzip.decompress(lines.content).splitlines()}
    assert [] == feed.offenders
    audited = await owner.fetch(
        "select detail ->> 'through' as n from audit where action = 'changes_dropped' order by at"
    )
    assert ["1", "2"] == [row["n"] for row in audited]


async def test_the_last_change_stays_however_old_it_is(
    api: Api,
    registry: Registry,
    job_pool: Pool,
    owner: asyncpg.Connection[asyncpg.Record],
    config: ServeConfig,
) -> None:
    await registry.register(new_code())
    await age(owner, 1, "2024-01")
    await owner.execute("insert into relay_progress (topic, sequence) values ('uscc.changes', 1)")

    await make_snapshot(job_pool, config.snapshot_folder, kept=2)

    tip = (await api.get("/v1/changes/tip", key="reader")).json()
    assert "change_202401" in await months(registry.pool)
    assert (1, "2024-01-15T08:00:00.000+08:00") == (tip["sequence"], tip["recorded_at"])
