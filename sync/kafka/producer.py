"""The producer of returns, changes and posted submissions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from sync.kafka.connecting import MAX_MESSAGE_BYTES, KafkaSettings, Message, Stuck, bounded


class Producer:
    """An idempotent producer that either has every message of a batch acknowledged or raises."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._client = AIOKafkaProducer(
            acks="all",
            enable_idempotence=True,
            linger_ms=5,
            compression_type="lz4",
            max_request_size=MAX_MESSAGE_BYTES,
            max_batch_size=256 * 1024,
            **settings.client_arguments(),
        )

    async def start(self) -> None:
        """Connect."""
        await bounded(self._client.start(), "connect to Kafka", 30)

    async def stop(self) -> None:
        """Disconnect, or give up after a moment."""
        try:
            await asyncio.wait_for(self._client.stop(), 5)
        except (TimeoutError, KafkaError, asyncio.CancelledError):
            return

    async def send_all(self, topic: str, messages: Iterable[Message]) -> int:
        """Produce `messages` in order and wait until the brokers have them all; return how many.

        Raises:
            Stuck: not all were acknowledged in time; some of them may be on the topic or may come there yet.
        """
        return await bounded(self._send_all(topic, messages), f"produce to {topic}", 60)

    async def send_placed(self, topic: str, messages: Iterable[Message]) -> list[tuple[int, int]]:
        """Produce `messages` in order, wait until the brokers have them all, and return partition and offset of each.

        Raises:
            Stuck: as `send_all`; also when the brokers do not say where a message lies.
        """
        places = await bounded(self._send_each(topic, messages), f"produce to {topic}", 60)
        if any(offset < 0 for _, offset in places):
            raise Stuck(f"produce to {topic}: the brokers do not say where every message lies")
        return places

    async def _send_all(self, topic: str, messages: Iterable[Message]) -> int:
        return len(await self._send_each(topic, messages))

    async def _send_each(self, topic: str, messages: Iterable[Message]) -> list[tuple[int, int]]:
        sent = [
            await self._client.send(topic, message.value, key=message.key, headers=list(message.headers))
            for message in messages
        ]
        return [(metadata.partition, metadata.offset) for metadata in await asyncio.gather(*sent)]


@asynccontextmanager
async def producing(settings: KafkaSettings) -> AsyncIterator[Producer]:
    """Lend a connected producer; it is closed when the block ends, also when it could not connect."""
    producer = Producer(settings)
    try:
        await producer.start()
        yield producer
    finally:
        await producer.stop()
