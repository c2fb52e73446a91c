"""Two that hold the same partition at the same time harm nothing: each record is decided once."""

from __future__ import annotations

import asyncio

from service.demo import generate
from service.demo.feed import today
from sync.apply import Applied, Applier, Batch
from sync.errors import Fenced
from sync.kafka import KafkaSettings, Partition
from sync.records import Incoming, Source
from sync.store import ledger
from sync.store.connection import Pool, writing
from sync.topics import submissions_topic
from tests.faults.own_topics import OwnTopics, good
from tests.integration.ledger import NOON, open_ledger, read_returns
from tests.messages import code

RECORDS = 1_200


def _batch(applier: Applier, records: int) -> Batch:
    place = Partition(submissions_topic("commerce"), 0)
    submissions = [
        applier.decode(
            Incoming(
                source=Source(*place, offset), received_at=NOON, body=good(offset, code(subject=f"MA{offset:06}"))
            ),
            "commerce",
        )
        for offset in range(records)
    ]
    return Batch(place=place, office="commerce", position=0, next_offset=records, submissions=submissions)


async def test_of_two_that_apply_the_same_batch_one_is_fenced(database: str, pool: Pool) -> None:
    async with open_ledger(database) as one, open_ledger(database) as other:
        async with writing(one.pool) as connection:
            await ledger.begin_partition(connection, submissions_topic("commerce"), 0, "commerce", 0)
        outcomes = await asyncio.gather(
            one.apply(_batch(one, 300)), other.apply(_batch(other, 300)), return_exceptions=True
        )

    assert {Applied, Fenced} == {type(outcome) for outcome in outcomes}
    assert 300 == len(await read_returns(pool))


async def test_two_that_read_the_same_partitions_decide_every_record_once(
    broker: KafkaSettings, suffix: str, database: str, pool: Pool
) -> None:
    topics = OwnTopics(broker, suffix)
    await topics.create()
    # Members of two groups: each is given every partition.
    async with (
        topics.applier(database) as one,
        topics.applier(database) as other,
        topics.ingesting(one, group=f"{suffix}-a"),
        topics.ingesting(other, group=f"{suffix}-b"),
    ):
        sent = await topics.send(generate(RECORDS, 21, today()))
        await topics.until_decided(pool)
    returns = await read_returns(pool)

    assert sent == sum(each["attempt"] == 1 for each in returns)
    assert [] == await topics.broken_invariants(database)


async def test_members_that_come_and_go_while_records_are_applied_change_nothing(
    broker: KafkaSettings, suffix: str, database: str, pool: Pool
) -> None:
    topics = OwnTopics(broker, suffix)
    await topics.create()
    async with topics.applier(database) as applier:
        sending = asyncio.create_task(topics.send(generate(RECORDS, 22, today())))
        async with topics.ingesting(applier, group=suffix, batch_records=10):
            for _ in range(3):
                async with topics.ingesting(applier, group=suffix, batch_records=10):
                    await asyncio.sleep(0.7)
            await sending
            await topics.until_decided(pool)

    assert RECORDS == sum(each["attempt"] == 1 for each in await read_returns(pool))
    assert [] == await topics.broken_invariants(database)
