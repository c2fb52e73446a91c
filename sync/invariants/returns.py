"""I4 return: every disposition has its return, in the ledger and on the office's topic, byte for byte."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import orjson
from confluent_kafka import Message

from sync.invariants.report import Progress, Result
from sync.invariants.snapshot import Snapshot
from sync.invariants.topics import TopicReader

RETURNS_PREFIX = "uscc.returns."
_COUNTER_PREFIX = "returns:"


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
    counters = [row for row in await snapshot.all("sequences") if row["name"].startswith(_COUNTER_PREFIX)]
    total = sum(row["value"] for row in counters)
    for row in counters:
        office = row["name"].removeprefix(_COUNTER_PREFIX)
        await _check_stored(snapshot, result, office, row["value"], lambda done: progress(done, total))
        await _check_published(snapshot, reader, result, office)
    return result


async def _check_stored(
    snapshot: Snapshot, result: Result, office: str, counted: int, tell: Callable[[int], None]
) -> None:
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
            tell(result.checked)
    if expected - 1 != counted:
        result.violate(f"{office}: the counter stands at {counted}, the last return is {expected - 1}")


async def _check_published(snapshot: Snapshot, reader: TopicReader, result: Result, office: str) -> None:
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
