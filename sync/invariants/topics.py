"""Reads topics with librdkafka: another client than that of the service, and outside any consumer group."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

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
                "fetch.wait.max.ms": 10,
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

    def _fetch(self) -> list[Message]:
        """Wait a moment for a message, and take with it what has come meanwhile."""
        first = self._consumer.poll(0.5)
        return [] if first is None else [first, *self._consumer.consume(_CHUNK_RECORDS, 0.01)]

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
                messages = await asyncio.to_thread(self._fetch)
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
