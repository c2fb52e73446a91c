"""When what works inside Kafka's client has died, the process does not wait for what will never come."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka.consumer.group_coordinator import GroupCoordinator

from service.demo import generate
from service.demo.feed import today
from sync.kafka import Ended, KafkaSettings
from sync.store.connection import Pool
from tests.faults.own_topics import OwnTopics
from tests.integration.ledger import read_returns

RECORDS = 300
# Less than an ingest tries again for what may pass.
SECONDS = 15.0


async def test_an_ingest_whose_group_has_died_inside_the_client_ends_and_another_goes_on(
    broker: KafkaSettings, suffix: str, database: str, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    coordinators: list[GroupCoordinator] = []
    known = GroupCoordinator.ensure_coordinator_known

    async def dying(self: GroupCoordinator) -> None:
        if self not in coordinators:
            coordinators.append(self)
        if self is coordinators[0] and len(coordinators) > 1:
            raise RuntimeError("the handler is closed")
        await known(self)

    monkeypatch.setattr(GroupCoordinator, "ensure_coordinator_known", dying)
    topics = OwnTopics(broker, suffix)
    await topics.create()
    async with topics.applier(database) as applier:
        first = asyncio.create_task(topics.ingest(applier, asyncio.Event(), group=suffix))
        await topics.send(generate(RECORDS, 31, today()))
        await topics.until_decided(pool)
        # Another member makes the first one's client look for its coordinator.
        async with topics.ingesting(applier, group=suffix):
            with pytest.raises(Ended, match="the handler is closed"):
                await asyncio.wait_for(first, SECONDS)
            await topics.send(generate(RECORDS, 32, today()))
            await topics.until_decided(pool)

    assert 2 * RECORDS == sum(each["attempt"] == 1 for each in await read_returns(pool))
    assert [] == await topics.broken_invariants(database)
