"""The relay: publishes returns and changes in sequence, byte for byte as they were stored.

It may repeat after a crash, between publishing and marking, but it never skips: a topic's mark moves only when the
brokers have acknowledged everything up to it. One relay leads; others wait for its session to end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from sync.failpoints import FailPoints, reach
from sync.kafka import KafkaSettings, Message, Producer
from sync.leading import lead, pause
from sync.store import outbox
from sync.store.connection import Limits, Pool, WriteConn
from sync.topics import CHANGES, RETURNS_PREFIX, returns_topic

IDLE_SECONDS = 0.05
BATCH_MESSAGES = 2_000

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayConfig:
    """What the relay works with."""

    kafka: KafkaSettings
    offices: Sequence[str]
    pool: Pool
    limits: Limits
    fail_points: FailPoints | None = None


async def run(config: RelayConfig, stop: asyncio.Event) -> None:
    """Publish until `stop` is set.

    Raises:
        Retryable: the database or the broker stayed away: end the process and start anew.
    """
    log.info("relay_started")
    await lead(
        kafka=config.kafka,
        pool=config.pool,
        limits=config.limits,
        try_lead=outbox.try_lead,
        work=partial(_publish_all, config, stop),
        failed="publish_failed",
        stop=stop,
    )
    log.info("relay_stopped")


async def _publish_all(config: RelayConfig, stop: asyncio.Event, connection: WriteConn, producer: Producer) -> None:
    await outbox.begin_topics(connection, [CHANGES, *map(returns_topic, config.offices)])
    while not stop.is_set():
        waiting = await outbox.backlog(connection, CHANGES, RETURNS_PREFIX)
        for topic, after in waiting.items():
            await _publish(config, producer, connection, topic, after)
        if not waiting:
            await pause(stop, IDLE_SECONDS)


async def _publish(config: RelayConfig, producer: Producer, connection: WriteConn, topic: str, after: int) -> None:
    if topic == CHANGES:
        outgoing = await outbox.unpublished_changes(connection, after, BATCH_MESSAGES)
    else:
        office = topic.removeprefix(RETURNS_PREFIX)
        outgoing = await outbox.unpublished_returns(connection, office, after, BATCH_MESSAGES)
    if not outgoing:
        return
    await producer.send_all(topic, (Message(each.key.encode(), each.body.encode()) for each in outgoing))
    reach("after_publish", config.fail_points)
    await outbox.mark_published(connection, topic, outgoing[-1].sequence)
    log.info("published", topic=topic, through=outgoing[-1].sequence, messages=len(outgoing))
