"""A session lasts as long as its block: what it locked is free behind it, also within one pool."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from sync.errors import Retryable
from sync.store import outbox
from sync.store.connection import INGEST, Pool, open_pool, reading, session

_LEADERS = """
select count(*) from pg_locks
where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())
"""


@pytest.fixture
async def relay_pool(database: str) -> AsyncIterator[Pool]:
    """A pool as the relay has it, shared by more than one leader."""
    opened = await open_pool(database, role="uscc_relay", limits=INGEST, size=3, name="test-relay")
    yield opened
    opened.terminate()


async def _leaders(pool: Pool) -> int:
    async with reading(pool) as connection:
        return int(await connection.fetchval(_LEADERS))


async def _lead_and_fail(pool: Pool) -> None:
    async with session(pool, INGEST) as connection:
        assert await outbox.try_lead(connection)
        assert 1 == await _leaders(pool)
        raise Retryable("the broker does not answer")


async def test_a_leader_that_failed_does_not_lock_itself_out(relay_pool: Pool) -> None:
    with pytest.raises(Retryable):
        await _lead_and_fail(relay_pool)

    deadline = time.monotonic() + 5
    while await _leaders(relay_pool):
        assert time.monotonic() < deadline, "the pool keeps the lock of a leader that is gone"
        await asyncio.sleep(0.02)
