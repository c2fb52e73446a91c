"""I1 closure: what lies on the submission topics against what the ledger says of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from hashlib import sha256
from typing import TypeGuard

import asyncpg
from confluent_kafka import Message

from sync.invariants.report import Progress, Result
from sync.invariants.snapshot import Snapshot
from sync.invariants.topics import TopicReader


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
    places = await snapshot.all("partitions")
    closure = _Closure(snapshot, reader, progress, total=sum(place["decided_records"] for place in places))
    for place in places:
        await closure.check_partition(place["topic"], place["partition"], place["next_offset"])
    result = closure.result
    for row in await snapshot.all("stray_dispositions"):
        stray = f"{row['topic']}/{row['partition']}"
        result.violate(f"{row['records']} dispositions of {stray}, of which no progress is kept")
    if closure.former:
        result.notes.append(f"{closure.former:,} records are of logs that were given up and were not looked at")
    if closure.expired:
        result.notes.append(f"{closure.expired:,} records are past retention and were not looked at")
    return result


class _Closure:
    """Walks log and ledger side by side, partition after partition."""

    def __init__(self, snapshot: Snapshot, reader: TopicReader, progress: Progress, *, total: int) -> None:
        self.result = Result(id="I1", title="closure", unit="records")
        self.expired = 0
        self.former = 0
        self._snapshot = snapshot
        self._reader = reader
        self._progress = progress
        self._total = total
        self._known: dict[str, list[int]] = {}

    async def check_partition(self, topic: str, partition: int, next_offset: int) -> None:
        """Compare one partition up to its next offset."""
        violate = self.result.violate
        if topic not in self._known:
            self._known[topic] = await self._reader.partitions(topic)
        if partition not in self._known[topic]:
            violate(f"{topic}/{partition} does not exist, its next offset is {next_offset}")
            return
        bounds = await self._reader.bounds(topic, partition)
        if bounds.end < next_offset:
            violate(f"{topic}/{partition} ends at {bounds.end}, before next offset {next_offset}")
        accepted = await self._snapshot.value("log_accepted", f"{topic}/{partition}")
        self.former += await self._snapshot.value("decided_from_former_logs", topic, partition, accepted)
        await self._compare(topic, partition, accepted, bounds.start, min(next_offset, bounds.end))
        behind = await self._snapshot.value("dispositions_behind", topic, partition, next_offset, accepted)
        if behind:
            violate(f"{behind} dispositions of {topic}/{partition} lie at or behind next offset {next_offset}")

    async def _compare(self, topic: str, partition: int, accepted: datetime, begin: int, end: int) -> None:
        place = f"{topic}/{partition}"
        rows = _Rows(self._snapshot.rows("first_dispositions", topic, partition, accepted))
        former = _Rows(self._snapshot.rows("former_dispositions", topic, partition, accepted))
        await rows.advance()
        await former.advance()
        async for _ in rows.drop_before(begin):
            self.expired += 1
        async for messages in self._reader.records(topic, partition, begin, end):
            for message in messages:
                await self._compare_message(place, message, rows, former)
            self._progress(self.result.checked, self._total)
        async for row in rows.drop_before(end):
            self._lose(place, row)

    async def _compare_message(self, place: str, message: Message, rows: _Rows, former: _Rows) -> None:
        offset = message.offset()
        assert offset is not None, "a fetched message has an offset"
        async for row in rows.drop_before(offset):
            self._lose(place, row)
        async for _ in former.drop_before(offset):
            pass
        if (rows.head is None or rows.offset() != offset) and _is_of(former.head, message):
            _compare_record(self.result, f"{place}@{offset}", message, former.head)
            self.former -= 1
        elif rows.head is None or rows.offset() != offset:
            self.result.violate(f"{place}@{offset} has no disposition")
        else:
            _compare_record(self.result, f"{place}@{offset}", message, rows.head)
            await rows.advance()
        while rows.offset() == offset:
            self.result.violate(f"{place}@{offset} has more than one first disposition")
            await rows.advance()
        self.result.checked += 1

    def _lose(self, place: str, row: asyncpg.Record) -> None:
        self.result.violate(f"disposition {row['receipt_id']} of {place}@{row['offset']} has no record")


def _is_of(row: asyncpg.Record | None, message: Message) -> TypeGuard[asyncpg.Record]:
    """Whether a disposition of a former log is that of a record which the present log still holds."""
    return (
        row is not None
        and row["offset"] == message.offset()
        and _milliseconds(row["received_at"]) == message.timestamp()[1]
    )


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
