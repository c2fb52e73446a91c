"""A session lasts as long as its block: what it locked is free behind it, also within one pool."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from sync.errors import Retryable
from sync.store import outbox
from sync.store.connection import INGEST, Pool, open_pool, session


@pytest.fixture
async def relay_pool(database: str) -> AsyncIterator[Pool]:
    opened = await open_pool(database, role="uscc_relay", limits=INGEST, size=3, name="test-relay")
    yield opened
    opened.terminate()


async def test_a_leader_that_failed_does_not_lock_itself_out(relay_pool: Pool) -> None:
    with pytest.raises(Retryable):
        async with session(relay_pool, INGEST) as first, session(relay_pool, INGEST):
            assert await outbox.try_lead(first)
            raise Retryable("the broker does not answer")

    led = []
    async with session(relay_pool, INGEST) as one, session(relay_pool, INGEST) as other:
        led += [await outbox.try_lead(each) for each in (one, other)]
    assert [True, False] == sorted(led, reverse=True)
