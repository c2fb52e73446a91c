"""Partitions that came while nobody looked are read: a static member that comes back is dealt nothing anew."""

from __future__ import annotations

import asyncio

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions

from service.demo import generate
from service.demo.feed import today
from service.librdkafka import configuration
from sync import ingest
from sync.kafka import KafkaSettings, unread_partitions
from sync.store.connection import Pool
from tests.faults.own_topics import OwnTopics, good
from tests.messages import code

RECORDS = 60


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest, "UNREAD_SECONDS", 0.5)


async def test_an_office_that_is_added_is_read_by_the_members_that_come_back(
    broker: KafkaSettings, suffix: str, database: str, pool: Pool
) -> None:
    topics = OwnTopics(broker, suffix)
    later = topics.offices.pop("establishment")
    await topics.create()
    async with topics.applier(database) as applier:
        async with topics.ingesting(applier, group=suffix, instance="one"):
            await topics.send(generate(RECORDS, 31, today()))
            await topics.until_decided(pool)
        topics.offices["establishment"] = later
        await topics.create()
        async with topics.ingesting(applier, group=suffix, instance="one"):
            await topics.send(generate(RECORDS, 32, today()))
            await topics.until_decided(pool)


async def test_partitions_that_are_added_are_read(
    broker: KafkaSettings, suffix: str, database: str, pool: Pool
) -> None:
    topics = OwnTopics(broker, suffix)
    await topics.create()
    async with topics.applier(database) as applier:
        async with topics.ingesting(applier, group=suffix, instance="one"):
            await topics.send(generate(RECORDS, 33, today()))
            await topics.until_decided(pool)
        # It came back as a member to whom nothing was dealt out: it is not told that it leads.
        async with topics.ingesting(applier, group=suffix, instance="one"):
            await topics.send_bodies([good(1, code(subject="MA000001"))])
            await topics.until_decided(pool)
            more = NewPartitions(topics.topic(), topics.partitions + 2)
            admin = AdminClient(configuration(broker))
            (made,) = admin.create_partitions([more]).values()
            await asyncio.to_thread(made.result, 10)
            # Decided to its end is a partition only once the ledger has begun it.
            await topics.until_decided(pool)
            unread = await unread_partitions(broker, suffix, topics.topics)

    assert set() == unread
