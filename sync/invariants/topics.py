"""I1 closure and I4 return: what lies on the topics against what the ledger says of it.

Topics are read with librdkafka, another client than that of the service, and outside any consumer group.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

import asyncpg
import orjson
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from sync.invariants.report import Progress, Result
from sync.invariants.snapshot import Snapshot

RETURNS_PREFIX = "uscc.returns."
_CHUNK_RECORDS = 2_000
_PATIENCE_SECONDS = 30.0
_CALL_SECONDS = 10.0


class TopicUnreadable(Exception):
    """A topic could not be read to its end; carries the reason."""


class Bounds(NamedTuple):
    """The first offset of a log, and the one behind its last."""

    start: int
    end: int


class TopicReader:
    """Reads partitions from one offset to another. Its calls block, so each runs in a thread."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._consumer = Consumer(
            {
                **settings,
                "group.id": "uscc-verify",
                "enable.auto.commit": False,
                "auto.offset.reset": "error",
                "enable.partition.eof": True,
                "isolation.level": "read_committed",
                "queued.max.messages.kbytes": 16_384,
            }
        )

    async def close(self) -> None:
        """Let the client go."""
        await asyncio.to_thread(self._consumer.close)

    async def partitions(self, topic: str) -> list[int]:
        """Return the partitions of a topic; none where there is no such topic."""
        metadata = await asyncio.to_thread(self._consumer.list_topics, topic, _CALL_SECONDS)
        return sorted(metadata.topics[topic].partitions) if topic in metadata.topics else []

    async def bounds(self, topic: str, partition: int) -> Bounds:
        """Return where the log of a partition begins and ends."""
        place = TopicPartition(topic, partition)
        found = await asyncio.to_thread(self._consumer.get_watermark_offsets, place, _CALL_SECONDS)
        if found is None:
            raise TopicUnreadable(f"{topic}/{partition}: the broker does not answer")
        return Bounds(*found)

    async def records(self, topic: str, partition: int, begin: int, end: int) -> AsyncIterator[list[Message]]:
        """Yield the records from `begin` to before `end`, some thousand at a time; offsets may have holes.

        Raises:
            TopicUnreadable: nothing came for 30 s.
        """
        if begin >= end:
            return
        self._consumer.assign([TopicPartition(topic, partition, begin)])
        try:
            last_progress = time.monotonic()
            ended = False
            while not ended:
                messages = await asyncio.to_thread(self._consumer.consume, _CHUNK_RECORDS, 0.5)
                chunk = []
                for message in messages:
                    error = message.error()
                    if error is None:
                        ended = ended or (message.offset() or 0) >= end - 1
                        chunk.append(message)
                    elif error.code() == KafkaError._PARTITION_EOF:
                        ended = True
                    else:
                        raise KafkaException(error)
                if messages:
                    last_progress = time.monotonic()
                elif time.monotonic() - last_progress > _PATIENCE_SECONDS:
                    raise TopicUnreadable(f"{topic}/{partition}: nothing came for {_PATIENCE_SECONDS:.0f} s")
                wanted = [message for message in chunk if (message.offset() or 0) < end]
                if wanted:
                    yield wanted
        finally:
            self._consumer.unassign()


class _Rows:
    """The dispositions of a partition with one row of look-ahead."""

    def __init__(self, rows: AsyncIterator[asyncpg.Record]) -> None:
        self._rows = rows
        self.head: asyncpg.Record | None = None

    async def advance(self) -> None:
        self.head = await anext(self._rows, None)

    def offset(self) -> float:
        """Return the offset of the row at hand, endless when there is none."""
        return float("inf") if self.head is None else int(self.head["offset"])

    async def drop_before(self, offset: int) -> AsyncIterator[asyncpg.Record]:
        """Yield and leave behind the rows that lie before `offset`."""
        while self.head is not None and self.head["offset"] < offset:
            yield self.head
            await self.advance()


async def check_closure(snapshot: Snapshot, reader: TopicReader, progress: Progress) -> Result:
    """I1: every record below next_offset has one first disposition, and no disposition is without its record.

    Records that retention has removed cannot be looked at; their number is in the notes.
    """
    result = Result(id="I1", title="closure", unit="records")
    expired = 0
    known: dict[str, list[int]] = {}
    for place in await snapshot.all("partitions"):
        topic, partition, next_offset = place["topic"], place["partition"], place["next_offset"]
        if topic not in known:
            known[topic] = await reader.partitions(topic)
        if partition not in known[topic]:
            result.violate(f"{topic}/{partition} does not exist, its next offset is {next_offset}")
            continue
        bounds = await reader.bounds(topic, partition)
        if bounds.end < next_offset:
            result.violate(f"{topic}/{partition} ends at {bounds.end}, before next offset {next_offset}")
        expired += await _compare_partition(
            snapshot, reader, progress, result, topic, partition, bounds, min(next_offset, bounds.end)
        )
        await _check_behind(snapshot, result, topic, partition, next_offset)
    for row in await snapshot.all("stray_dispositions"):
        result.violate(
            f"{row['records']} dispositions of {row['topic']}/{row['partition']}, of which no progress is kept"
        )
    if expired:
        result.notes.append(f"{expired:,} records are past retention and were not looked at")
    return result


async def _compare_partition(
    snapshot: Snapshot,
    reader: TopicReader,
    progress: Progress,
    result: Result,
    topic: str,
    partition: int,
    bounds: Bounds,
    end: int,
) -> int:
    """Walk log and ledger side by side; return how many dispositions lie before the log's start."""
    rows = _Rows(snapshot.rows("first_dispositions", topic, partition))
    await rows.advance()
    expired = 0
    async for _ in rows.drop_before(bounds.start):
        expired += 1
    async for messages in reader.records(topic, partition, bounds.start, end):
        for message in messages:
            offset = message.offset()
            assert offset is not None
            async for row in rows.drop_before(offset):
                _lost(result, topic, partition, row)
            if rows.head is None or rows.offset() != offset:
                result.violate(f"{topic}/{partition}@{offset} has no disposition")
            else:
                _compare_record(result, f"{topic}/{partition}@{offset}", message, rows.head)
                await rows.advance()
            while rows.offset() == offset:
                result.violate(f"{topic}/{partition}@{offset} has more than one first disposition")
                await rows.advance()
            result.checked += 1
        progress("I1", result.checked, None)
    async for row in rows.drop_before(end):
        _lost(result, topic, partition, row)
    return expired


def _lost(result: Result, topic: str, partition: int, row: asyncpg.Record) -> None:
    result.violate(f"disposition {row['receipt_id']} of {topic}/{partition}@{row['offset']} has no record")


async def _check_behind(snapshot: Snapshot, result: Result, topic: str, partition: int, next_offset: int) -> None:
    count = await snapshot.value("dispositions_behind", topic, partition, next_offset)
    if count:
        result.violate(f"{count} dispositions of {topic}/{partition} lie at or behind next offset {next_offset}")


def _compare_record(result: Result, place: str, message: Message, row: asyncpg.Record) -> None:
    digest = sha256(message.value() or b"").digest()
    if digest != row["content_sha256"]:
        result.violate(f"{place}: other bytes than those that were decided ({row['receipt_id']})")
    elif row["stored_sha256"] is None:
        result.violate(f"{place}: the bytes of {row['receipt_id']} are not stored")
    elif digest != row["stored_sha256"]:
        result.violate(f"{place}: other bytes are stored than those on the topic ({row['receipt_id']})")
    elif message.timestamp()[1] != _milliseconds(row["received_at"]):
        result.violate(f"{place}: received_at of {row['receipt_id']} is not the broker's")


def _milliseconds(instant: datetime) -> int:
    return round(instant.timestamp() * 1000)


async def check_returns(snapshot: Snapshot, reader: TopicReader, progress: Progress) -> Result:
    """I4: each disposition has one return per attempt, dense in sequence, and byte-equal on the topic.

    A repeat on the topic must be byte-equal too; within a partition no return comes before an earlier one.
    """
    result = Result(id="I4", title="return", unit="returns")
    for row in await snapshot.all("attempts"):
        result.violate(
            f"{row['receipt_id']} has {row['returns']} returns with attempts {row['lowest']}..{row['highest']}"
        )
    for row in await snapshot.all("unnumbered_offices"):
        result.violate(f"{row['office']} has returns but no counter")
    for row in await snapshot.all("sequences"):
        kind, _, office = row["name"].partition(":")
        if kind == "returns":
            await _check_stored(snapshot, progress, result, office, row["value"])
            await _check_published(snapshot, reader, progress, result, office)
    return result


async def _check_stored(snapshot: Snapshot, progress: Progress, result: Result, office: str, counted: int) -> None:
    """The returns of an office are 1..n, and each text says what its row says."""
    expected = 1
    async for row in snapshot.rows("returns", office):
        if row["sequence"] != expected:
            result.violate(f"{office}: sequence {row['sequence']} stands where {expected} should")
        expected = row["sequence"] + 1
        document = orjson.loads(row["return_text"])
        said = (
            document["sequence"],
            document["receipt_id"],
            document["attempt"],
            document["message_id"],
            document["disposition"],
            document["content_sha256"],
        )
        if said != (
            row["sequence"],
            row["receipt_id"],
            row["attempt"],
            row["message_id"],
            row["disposition"],
            row["sha256"],
        ):
            result.violate(f"{office}: the return {row['sequence']} says other than its row")
        result.checked += 1
        if result.checked % 1000 == 0:
            progress("I4", result.checked, None)
    if expected - 1 != counted:
        result.violate(f"{office}: the counter stands at {counted}, the last return is {expected - 1}")


async def _check_published(
    snapshot: Snapshot, reader: TopicReader, progress: Progress, result: Result, office: str
) -> None:
    """Everything up to the relay's mark is on the topic, byte for byte."""
    topic = RETURNS_PREFIX + office
    published = await snapshot.value("published", topic) or 0
    partitions = await reader.partitions(topic)
    seen = bytearray(published // 8 + 1)
    missing = published
    removed = False
    for partition in partitions:
        bounds = await reader.bounds(topic, partition)
        removed = removed or bounds.start > 0
        highest = 0
        async for messages in reader.records(topic, partition, bounds.start, bounds.end):
            for key, body, sequence in [_read_return(message) for message in messages]:
                if body is None:
                    result.violate(f"{topic}/{partition}: no return under key {key!r}")
                elif sequence <= published and not seen[sequence >> 3] & 1 << (sequence & 7):
                    seen[sequence >> 3] |= 1 << (sequence & 7)
                    missing -= 1
                    if sequence < highest:
                        result.violate(f"{topic}/{partition}: {sequence} comes behind {highest} for the first time")
                    highest = max(highest, sequence)
            await _compare_returns(snapshot, result, topic, office, messages)
            progress("I4", result.checked, None)
    if missing and removed:
        result.notes.append(f"{topic}: {missing:,} returns are past retention")
    elif missing:
        first = next(number for number in range(1, published + 1) if not seen[number >> 3] & 1 << (number & 7))
        result.violate(f"{topic} lacks {missing} of {published} published returns, the first is {first}")


async def _compare_returns(
    snapshot: Snapshot, result: Result, topic: str, office: str, messages: list[Message]
) -> None:
    found = [each for each in map(_read_return, messages) if each.body is not None]
    rows = await snapshot.all("returns_at", office, sorted({each.sequence for each in found}))
    stored = {row["sequence"]: row for row in rows}
    for each in found:
        row = stored.get(each.sequence)  # None: it was decided after this view was opened.
        if row is None:
            continue
        if each.body != row["return_text"].encode():
            result.violate(f"{topic}: return {each.sequence} has other bytes than the stored one")
        elif each.key != row["key"].encode():
            result.violate(f"{topic}: return {each.sequence} stands under key {each.key!r}")


class _Return(NamedTuple):
    key: bytes | None
    body: bytes | None
    sequence: int


def _read_return(message: Message) -> _Return:
    """Read the sequence of a return; body None where the message is none."""
    key, value = message.key(), message.value()
    try:
        return _Return(key, value, orjson.loads(value or b"")["sequence"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return _Return(key, None, 0)
