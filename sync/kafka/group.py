"""The ingest group, looked at from outside: which partitions nobody reads."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocol
from aiokafka.errors import KafkaError, for_code

from sync.errors import Retryable
from sync.kafka.connecting import KafkaSettings, Partition, bounded

_STABLE = "Stable"


async def unread_partitions(settings: KafkaSettings, group: str, topics: Sequence[str]) -> set[Partition]:
    """Return the partitions of `topics` that no member of `group` has; none while the group deals them out.

    Raises:
        Retryable: the broker does not answer, or does not tell.
    """
    admin = AIOKafkaAdminClient(**settings.client_arguments())
    try:
        await bounded(admin.start(), "connect to Kafka")
        described = await bounded(admin.describe_topics(list(topics)), "describe topics")
        (answer,) = await bounded(admin.describe_consumer_groups([group]), "describe the group")
    finally:
        with suppress(TimeoutError, KafkaError, asyncio.CancelledError):
            await asyncio.wait_for(admin.close(), 5)
    code, _, state, _, _, members = answer.groups[0][:6]
    if code:
        raise Retryable(f"describe the group {group}: {for_code(code).__name__}")
    if state != _STABLE:
        return set()
    return {
        Partition(topic["topic"], each["partition"]) for topic in described for each in topic["partitions"]
    } - _assigned(members)


def _assigned(members: Sequence[Any]) -> set[Partition]:
    assignments = [ConsumerProtocol.ASSIGNMENT.decode(member[4]) for member in members if member[4]]
    return {
        Partition(topic, number) for each in assignments for topic, numbers in each.assignment for number in numbers
    }
