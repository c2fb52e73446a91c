"""The topics with the settings that the promise needs: made where they are missing, checked where they are there."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError

from sync.errors import Fatal
from sync.kafka.connecting import MAX_MESSAGE_BYTES, KafkaSettings, bounded
from sync.topics import CHANGES, returns_topic, submissions_topic

RETENTION = timedelta(days=30)


def submission_topic_settings(*, embedded: bool) -> dict[str, str]:
    """Return the settings of a submission topic; the embedded broker, being alone, also flushes every message."""
    settings = {
        "message.timestamp.type": "LogAppendTime",
        "cleanup.policy": "delete",
        "retention.ms": str(int(RETENTION / timedelta(milliseconds=1))),
        "max.message.bytes": str(MAX_MESSAGE_BYTES),
    }
    if embedded:
        settings["flush.messages"] = "1"
    return settings


async def create_topics(
    settings: KafkaSettings,
    offices: Iterable[str],
    *,
    partitions: int = 6,
    replication: int = 1,
    embedded: bool = False,
) -> list[str]:
    """Make the topics that are missing and check the settings of the submission topics that are there.

    Returns the names of the topics made.

    Raises:
        Fatal: a submission topic has settings under which the promise cannot be kept; names topic and setting.
    """
    offices = list(offices)
    kept = {"cleanup.policy": "delete", "retention.ms": "-1", "max.message.bytes": str(MAX_MESSAGE_BYTES)}
    wanted = {submissions_topic(office): submission_topic_settings(embedded=embedded) for office in offices}
    wanted |= {returns_topic(office): kept for office in offices} | {CHANGES: kept}
    admin = AIOKafkaAdminClient(**settings.client_arguments())
    await bounded(admin.start(), "connect to Kafka")
    try:
        present = set(await bounded(admin.list_topics(), "list topics"))
        missing = [
            NewTopic(name, partitions, replication, topic_configs=configs)
            for name, configs in wanted.items()
            if name not in present
        ]
        if missing:
            answer = await bounded(admin.create_topics(missing), "create topics", 30)
            for name, code, text in (error[:3] for error in answer.topic_errors):
                if code not in (0, TopicAlreadyExistsError.errno):
                    raise Fatal(f"topic {name} cannot be made: {text or code}")
        for office in offices:
            if submissions_topic(office) in present:
                await _check_submission_topic(admin, submissions_topic(office))
    finally:
        await bounded(admin.close(), "close")
    return [topic.name for topic in missing]


async def _check_submission_topic(admin: AIOKafkaAdminClient, topic: str) -> None:
    resource = ConfigResource(ConfigResourceType.TOPIC, topic)
    answers = await bounded(admin.describe_configs([resource]), "describe topics")
    found = {entry[0]: entry[1] for answer in answers for described in answer.resources for entry in described[4]}
    if found.get("message.timestamp.type") != "LogAppendTime":
        raise Fatal(
            f"topic {topic}: message.timestamp.type must be LogAppendTime, it is {found.get('message.timestamp.type')}"
        )
    if found.get("cleanup.policy") != "delete":
        raise Fatal(f"topic {topic}: cleanup.policy must be delete, it is {found.get('cleanup.policy')}")
    retention = int(found.get("retention.ms", "0"))
    if 0 <= retention < RETENTION / timedelta(milliseconds=1):
        raise Fatal(f"topic {topic}: retention.ms must be at least 30 days (2592000000), it is {retention}")
    if int(found.get("max.message.bytes", "0")) < MAX_MESSAGE_BYTES:
        raise Fatal(
            f"topic {topic}: max.message.bytes must be {MAX_MESSAGE_BYTES}, it is {found.get('max.message.bytes')}"
        )
