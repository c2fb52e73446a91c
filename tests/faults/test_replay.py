"""A topic that is read again from its beginning gives the same registry, or, in the same ledger, changes nothing."""

from __future__ import annotations

from typing import Any

from confluent_kafka import Consumer, TopicPartition

from service.demo import generate
from service.demo.feed import today
from service.librdkafka import configuration
from sync.apply import Applier, Batch
from sync.kafka import KafkaSettings, Partition, log_ends, log_starts, read_range
from sync.records import Incoming
from sync.store import ledger
from sync.store.connection import Pool, reading, writing
from tests.faults.own_topics import OwnTopics
from tests.integration.ledger import read_registry, read_returns

RECORDS = 1_200
# A record that met one of these was judged over what other partitions had brought by then.
_ACROSS_CODES = ("D01", "D02", "D03", "S01", "S02", "X01", "L07", "M01")


async def _records(topics: OwnTopics) -> dict[Partition, list[Incoming]]:
    """Read the topics whole."""
    starts, ends = await log_starts(topics.kafka, topics.topics), await log_ends(topics.kafka, topics.topics)
    found: dict[Partition, list[Incoming]] = {place: [] for place in ends}
    async for incoming in read_range(topics.kafka, starts, ends):
        found[Partition(incoming.source.topic, incoming.source.partition)].append(incoming)
    return found


async def _batches(pool: Pool) -> list[tuple[Partition, str, int, int]]:
    """Return the batches that a ledger was made of, in their order: partition, office, first offset, what follows."""
    async with reading(pool) as connection:
        rows = await connection.fetch(
            'select topic, partition, office, min("offset") as first, max("offset") + 1 as following from disposition'
            " where attempt = 1 group by topic, partition, office, decided_at order by decided_at"
        )
    return [(Partition(row["topic"], row["partition"]), row["office"], row["first"], row["following"]) for row in rows]


async def _apply_again(
    applier: Applier, batches: list[tuple[Partition, str, int, int]], records: dict[Partition, list[Incoming]]
) -> None:
    for place, office, first, following in batches:
        async with writing(applier.pool) as connection:
            await ledger.begin_partition(connection, *place, office, 0)
        fetched = [each for each in records[place] if first <= each.source.offset < following]
        submissions = [applier.decode(each, office) for each in fetched]
        await applier.apply(
            Batch(place=place, office=office, position=first, next_offset=following, submissions=submissions)
        )


def _without_instants(returns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in each.items() if name != "decided_at"} for each in returns]


async def _free_of_conflict(*pools: Pool) -> set[str]:
    """Return the codes of one partition whose records were judged by themselves alone, in each of these ledgers."""
    free: set[str] | None = None
    for pool in pools:
        async with reading(pool) as connection:
            rows = await connection.fetch(
                "select uscc from disposition where uscc is not null group by uscc"
                " having bool_and(disposition <> 'held' and not rules && $1) and count(distinct partition) = 1",
                list(_ACROSS_CODES),
            )
        codes = {row["uscc"] for row in rows}
        free = codes if free is None else free & codes
    return free or set()


async def _histories(pool: Pool, codes: set[str]) -> dict[str, list[str]]:
    """Return what is registered of these codes and how it came so, without the instants of recording."""
    async with reading(pool) as connection:
        queries = {
            "registration": "- 'recorded_at' - 'particulars_recorded_at' from registration t where uscc = any($1)",
            "holder": "from holder t where uscc = any($1)",
            "version": "- 'recorded_at' from registration_version t where uscc = any($1)",
        }
        return {
            name: sorted(str(row[0]) for row in await connection.fetch(f"select to_jsonb(t) {query}", sorted(codes)))
            for name, query in queries.items()
        }


async def test_a_topic_read_into_an_empty_ledger_gives_the_same_registry(
    broker: KafkaSettings, suffix: str, database: str, pool: Pool, twin: str, twin_pool: Pool
) -> None:
    topics = OwnTopics(broker, suffix)
    await topics.create()
    async with topics.applier(database) as applier, topics.ingesting(applier, group=f"{suffix}-a"):
        await topics.send(generate(RECORDS, 31, today()))
        await topics.until_decided(pool)
    async with (
        topics.applier(twin) as applier,
        topics.ingesting(applier, group=f"{suffix}-b", batch_records=333),
    ):
        await topics.until_decided(twin_pool)
    codes = await _free_of_conflict(pool, twin_pool)

    assert len(codes) > RECORDS / 3
    assert await _histories(pool, codes) == await _histories(twin_pool, codes)


async def test_the_same_batches_in_the_same_order_give_the_same_conflicts_too(
    broker: KafkaSettings, suffix: str, database: str, pool: Pool, twin: str, twin_pool: Pool
) -> None:
    topics = OwnTopics(broker, suffix)
    await topics.create()
    async with topics.applier(database) as applier, topics.ingesting(applier, group=suffix):
        await topics.send(generate(RECORDS, 32, today()))
        await topics.until_decided(pool)
    async with topics.applier(twin) as applier:
        await _apply_again(applier, await _batches(pool), await _records(topics))

    assert _without_instants(await read_returns(pool)) == _without_instants(await read_returns(twin_pool))
    assert await read_registry(pool) == await read_registry(twin_pool)


async def test_a_group_whose_offsets_are_reset_changes_nothing(
    broker: KafkaSettings, suffix: str, database: str, pool: Pool
) -> None:
    topics = OwnTopics(broker, suffix)
    await topics.create()
    async with topics.applier(database) as applier:
        async with topics.ingesting(applier, group=suffix):
            await topics.send(generate(RECORDS, 33, today()))
            await topics.until_decided(pool)
        before = await read_returns(pool), await read_registry(pool)
        consumer = Consumer({**configuration(broker), "group.id": suffix, "enable.auto.commit": False})
        consumer.commit(offsets=[TopicPartition(*place, 0) for place in await _records(topics)], asynchronous=False)
        consumer.close()
        async with topics.ingesting(applier, group=suffix):
            await topics.send_bodies([b"{}"])
            await topics.until_decided(pool)
        returns, registry = await read_returns(pool), await read_registry(pool)

    last = [each for each in returns if each not in before[0]]
    assert [("rejected", 1)] == [(each["disposition"], each["attempt"]) for each in last]
    assert before[1] == registry


async def test_a_feed_that_is_sent_twice_is_known(
    broker: KafkaSettings, suffix: str, database: str, pool: Pool
) -> None:
    topics = OwnTopics(broker, suffix)
    await topics.create()
    feed = list(generate(RECORDS, 34, today()))
    async with topics.applier(database) as applier, topics.ingesting(applier, group=suffix):
        await topics.send(feed)
        await topics.until_decided(pool)
        before = await read_registry(pool)
        await topics.send(feed)
        await topics.until_decided(pool)
        again = await read_returns(pool)
        after = await read_registry(pool)

    named = {each.message_id for each in feed if each.message_id}
    first_ids = {each["receipt_id"] for each in again}
    repeats = [each for each in again if each["message_id"] in named and each["duplicate_of"] is not None]
    assert len(repeats) >= len(named)
    assert {each["duplicate_of"] for each in repeats} <= first_ids
    assert before == after
