"""From the stored rows to the topic: each once, whatever dies in between, and then counted."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from service.site import load_site
from sync import submissions
from sync.kafka import KafkaSettings, create_topics, log_ends, read_range
from sync.records import Incoming
from sync.store import submissions as store
from sync.store.connection import INGEST, Pool, open_pool, writing
from sync.store.submissions import NewSubmission, Progress, Row
from sync.submissions import ProducingConfig, new_submission_id, run
from sync.topics import submissions_topic
from tests.integration.ledger import NOON, apply_all, open_ledger

PARTITIONS = 3


@pytest.fixture
async def office(broker: KafkaSettings, suffix: str) -> str:
    """An office with topics of its own."""
    name = f"commerce{suffix}"
    await create_topics(broker, [name], partitions=PARTITIONS, embedded=True)
    return name


@pytest.fixture
async def relay_pool(database: str) -> AsyncIterator[Pool]:
    """A pool with the rights of `uscc relay`."""
    opened = await open_pool(database, role="uscc_relay", limits=INGEST, size=4, name="test-relay")
    yield opened
    await opened.close()


async def post(
    pool: Pool, office: str, bodies: list[bytes], mapping: str | None = None, batch_id: str | None = None
) -> str:
    """Store a submission as the API does."""
    now = datetime.now(UTC)
    new = NewSubmission(
        submission_id=new_submission_id(now),
        office=office,
        client="test",
        idempotency_key=None,
        content_sha256=b"x",
        mapping=mapping,
        batch_id=batch_id,
        records=len(bodies),
        accepted_at=now,
    )
    async with writing(pool) as connection:
        assert await store.insert_submission(connection, new)
        rows = [Row(number, f"key{number}", f"file/{number}", body) for number, body in enumerate(bodies, start=1)]
        await store.insert_rows(connection, new.submission_id, rows)
    return new.submission_id


@asynccontextmanager
async def producing(pool: Pool, broker: KafkaSettings) -> AsyncIterator[None]:
    """Produce for as long as the block runs."""
    stop = asyncio.Event()
    task = asyncio.create_task(run(ProducingConfig(kafka=broker, pool=pool, limits=INGEST), stop))
    try:
        yield
    finally:
        stop.set()
        await task


async def progress_of(pool: Pool, submission_id: str) -> Progress:
    progress = await store.find_submission(pool, submission_id)
    assert progress is not None
    return progress


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while True:
            if await condition():
                return
            await asyncio.sleep(0.05)


async def topic_of(broker: KafkaSettings, office: str) -> list[Incoming]:
    """Return everything on an office's topic."""
    ends = await log_ends(broker, [submissions_topic(office)])
    return [record async for record in read_range(broker, dict.fromkeys(ends, 0), ends)]


async def test_every_row_goes_out_once_with_key_id_mapping_and_batch(
    pool: Pool, relay_pool: Pool, broker: KafkaSettings, office: str
) -> None:
    bodies = [b"%d" % number for number in range(5_000)]
    submission_id = await post(pool, office, bodies, mapping="registration", batch_id="一批")

    async with producing(relay_pool, broker):
        await until(lambda: _is_produced(pool, submission_id))

    found = await topic_of(broker, office)
    assert sorted(bodies) == sorted(record.body for record in found)
    record = next(each for each in found if each.body == b"41")
    assert {
        "ce_id": b"file/42",
        "submission": f"{submission_id}/42".encode(),
        "mapping": b"registration",
        "batch_id": "一批".encode(),
    } == dict(record.headers)
    places = await pool.fetch('select "row", partition, "offset" from submission_place')
    assert {(int(each.body) + 1, each.source.partition, each.source.offset) for each in found} == set(
        map(tuple, places)
    )


async def _is_produced(pool: Pool, submission_id: str) -> bool:
    progress = await progress_of(pool, submission_id)
    return progress.produced == progress.records


async def test_what_died_between_producing_and_knowing_is_looked_up(
    pool: Pool, relay_pool: Pool, broker: KafkaSettings, office: str, database: str, tmp_path: Path
) -> None:
    bodies = [b"%d" % number for number in range(3 * submissions.BATCH_ROWS)]
    submission_id = await post(pool, office, bodies)
    (tmp_path / "config").mkdir()
    site = load_site(None).offices["commerce"]
    (tmp_path / "config" / "offices.toml").write_text(
        f'[{office}]\ntitle_zh = "一"\ntitle_en = "one"\nfirst_characters = ["9"]\norder = "{site.order}"\n'
        f'calendar = "{site.calendar}"\nprofile = "{site.default_profile}"\n'
    )
    environment = os.environ | {
        "USCC_DATABASE_DSN": database,
        "USCC_KAFKA_BOOTSTRAP": broker.bootstrap,
        "USCC_CONFIG_DIR": str(tmp_path / "config"),
        "USCC_DATA_DIR": str(tmp_path),
        "USCC_FAIL_POINT": "after_produce:2",
    }

    command = [sys.executable, "-m", "service", "relay"]
    died = await asyncio.to_thread(subprocess.run, command, env=environment, capture_output=True, timeout=60)
    known, on_topic = (await progress_of(pool, submission_id)).produced, len(await topic_of(broker, office))
    async with producing(relay_pool, broker):
        await until(lambda: _is_produced(pool, submission_id))

    assert -signal.SIGKILL == died.returncode
    assert (submissions.BATCH_ROWS, 2 * submissions.BATCH_ROWS) == (known, on_topic)
    assert sorted(bodies) == sorted(record.body for record in await topic_of(broker, office))
    assert len(bodies) == await pool.fetchval("select count(*) from submission_place")


async def test_two_that_produce_at_once_produce_once(
    pool: Pool, relay_pool: Pool, broker: KafkaSettings, office: str
) -> None:
    submission_ids = [
        await post(pool, office, [b"%d" % number for number in range(part, part + 50)]) for part in (0, 50)
    ]

    async with producing(relay_pool, broker), producing(relay_pool, broker):
        for submission_id in submission_ids:
            await until(partial(_is_produced, pool, submission_id))

    assert set(range(100)) == {int(record.body) for record in await topic_of(broker, office)}
    assert 100 == len(await topic_of(broker, office))


async def test_a_submission_is_done_when_every_row_is_decided(
    pool: Pool, relay_pool: Pool, broker: KafkaSettings, database: str
) -> None:
    submission_id = await post(pool, "commerce", [b"{nothing", b"[1]", b"{}"])
    await pool.execute("insert into submission_place values ($1, 1, 0, 0), ($1, 2, 0, 2), ($1, 3, 1, 1)", submission_id)
    await pool.execute("update submission set produced = 3, scan_from = '{}', accepted_at = $1", NOON)

    async with producing(relay_pool, broker), open_ledger(database) as applier:
        await apply_all(applier, [b"{nothing", b"another's", b"[1]"])
        await until(lambda: _is_decided(pool, submission_id, 2))
        halfway = await progress_of(pool, submission_id)
        await apply_all(applier, [b"another's", b"{}"], partition=1)
        await until(lambda: _is_decided(pool, submission_id, 3))
        progress = await progress_of(pool, submission_id)

    assert ({"quarantined": 2}, {"M03": 2}, None) == (halfway.counts, halfway.by_rule, halfway.done_at)
    assert {"quarantined": 2, "rejected": 1} == progress.counts
    assert (2, 1) == (progress.by_rule["M03"], progress.by_rule["M05"])
    assert progress.done_at is not None


async def _is_decided(pool: Pool, submission_id: str, records: int) -> bool:
    return (await progress_of(pool, submission_id)).decided == records
