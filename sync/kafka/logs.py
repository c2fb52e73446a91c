"""Logs read outside the group, each time by a client of its own: where they begin and end, and what lies between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import suppress
from datetime import datetime

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError

from sync.errors import Retryable
from sync.kafka.connecting import KafkaSettings, Partition, bounded
from sync.kafka.consumer import by_partition, incoming
from sync.records import Incoming


async def log_ends(settings: KafkaSettings, topics: Iterable[str]) -> dict[Partition, int]:
    """Return the end of every partition of `topics` with a client of its own.

    Raises:
        Retryable: the broker does not answer.
    """
    return (await _bounds(settings, topics))[1]


async def log_starts(settings: KafkaSettings, topics: Iterable[str]) -> dict[Partition, int]:
    """Return the first offset of every partition of `topics` with a client of its own.

    Raises:
        Retryable: the broker does not answer.
    """
    return (await _bounds(settings, topics))[0]


async def _bounds(settings: KafkaSettings, topics: Iterable[str]) -> tuple[dict[Partition, int], dict[Partition, int]]:
    """Return where the log of every partition of `topics` begins, and where it ends."""
    client = AIOKafkaConsumer(**settings.client_arguments())
    try:
        await bounded(client.start(), "connect to Kafka")
        places = []
        for topic in topics:
            await bounded(_metadata(client, topic), f"describe {topic}")
            places += [TopicPartition(topic, number) for number in sorted(client.partitions_for_topic(topic) or ())]
        starts = await bounded(client.beginning_offsets(places), "beginning offsets")
        ends = await bounded(client.end_offsets(places), "end offsets")
        return by_partition(starts), by_partition(ends)
    finally:
        with suppress(TimeoutError, KafkaError, asyncio.CancelledError):
            await asyncio.wait_for(client.stop(), 5)


async def read_range(
    settings: KafkaSettings, starts: Mapping[Partition, int], ends: Mapping[Partition, int]
) -> AsyncIterator[Incoming]:
    """Yield every record from `starts` up to `ends`, by a client of its own; a start before the log is its beginning.

    Raises:
        Retryable: the broker does not answer.
    """
    left = {TopicPartition(*place): ends[place] for place, start in starts.items() if start < ends.get(place, 0)}
    if not left:
        return
    client = AIOKafkaConsumer(enable_auto_commit=False, isolation_level="read_committed", **settings.client_arguments())
    try:
        await bounded(client.start(), "connect to Kafka")
        client.assign(list(left))
        first = await bounded(client.beginning_offsets(list(left)), "beginning offsets")
        for place in left:
            client.seek(place, max(starts[Partition(place.topic, place.partition)], first[place]))
        while left:
            fetched = await bounded(client.getmany(*left, timeout_ms=500, max_records=2_000), "fetch")
            for place, records in fetched.items():
                for record in records:
                    if record.offset < left[place]:
                        yield incoming(record)
            for place in list(left):
                if await bounded(client.position(place), "position") >= left[place]:
                    client.pause(place)
                    del left[place]
    finally:
        with suppress(TimeoutError, KafkaError, asyncio.CancelledError):
            await asyncio.wait_for(client.stop(), 5)


async def _metadata(client: AIOKafkaConsumer, topic: str) -> None:
    """Make the client know the partitions of `topic`, which an unsubscribed consumer does not."""
    client._client.add_topic(topic)
    await client._client.force_metadata_update()


async def offsets_at(settings: KafkaSettings, topic: str, instant: datetime) -> dict[Partition, int]:
    """Return the first offset at or after an instant of every partition of `topic`; its end where there is none yet.

    Raises:
        Retryable: the broker does not answer, or there is no such topic.
    """
    client = AIOKafkaConsumer(**settings.client_arguments())
    milliseconds = -int(-instant.timestamp() * 1000 // 1)  # rounded up
    try:
        await bounded(client.start(), "connect to Kafka")
        await bounded(_metadata(client, topic), f"describe {topic}")
        places = [TopicPartition(topic, number) for number in sorted(client.partitions_for_topic(topic) or ())]
        if not places:
            raise Retryable(f"there is no topic {topic}")
        found = await bounded(client.offsets_for_times(dict.fromkeys(places, milliseconds)), "offsets for times")
        # The ends come last: whatever was appended before them is to be passed too.
        ends = await bounded(client.end_offsets(places), "end offsets")
        return {Partition(tp.topic, tp.partition): ends[tp] if found[tp] is None else found[tp].offset for tp in places}
    finally:
        with suppress(TimeoutError, KafkaError, asyncio.CancelledError):
            await asyncio.wait_for(client.stop(), 5)


async def read_values(
    settings: KafkaSettings, spans: Mapping[Partition, tuple[int, int]], *, at_most: int
) -> list[Incoming] | None:
    """Read the records of `spans` (from, before) outside any group; None where they are more than `at_most`.

    Raises:
        Retryable: the broker does not answer.
    """
    wanted = {place: span for place, span in spans.items() if span[1] > span[0]}
    if sum(end - begin for begin, end in wanted.values()) > at_most:
        return None
    if not wanted:
        return []
    client = AIOKafkaConsumer(auto_offset_reset="none", isolation_level="read_committed", **settings.client_arguments())
    records: list[Incoming] = []
    try:
        await bounded(client.start(), "connect to Kafka")
        client.assign([TopicPartition(*place) for place in wanted])
        for place, (begin, _) in wanted.items():
            client.seek(TopicPartition(*place), begin)
        open_places = set(wanted)
        while open_places:
            fetched = await bounded(client.getmany(timeout_ms=2_000, max_records=5_000), "fetch", 15)
            if not fetched:
                break  # What is left are markers of transactions, which are no records.
            for tp, batch in fetched.items():
                place = Partition(tp.topic, tp.partition)
                end = wanted[place][1]
                records += [incoming(record) for record in batch if record.offset < end]
                if batch[-1].offset >= end - 1:
                    open_places.discard(place)
    except (NoOffsetForPartitionError, OffsetOutOfRangeError) as error:
        raise Retryable(f"positions outside the log: {error!r}") from error
    finally:
        with suppress(TimeoutError, KafkaError, asyncio.CancelledError):
            await asyncio.wait_for(client.stop(), 5)
    return records
