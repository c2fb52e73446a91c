"""The wall to Apache Kafka: the only package that speaks to the client library.

Every call has a deadline, because calls of the client hang for as long as the broker is away. What exceeds its
deadline raises Stuck, and Ended is raised by a client whose own tasks are dead: a process that cannot go on with a new
client ends, and its supervisor starts another one; the row in `partition_progress`, not the group, makes that safe.
`auto_offset_reset` is "none": a position is always one that the ledger gave.
"""

from sync.kafka.connecting import (
    DEADLINE_SECONDS,
    MAX_MESSAGE_BYTES,
    Ended,
    KafkaSettings,
    Message,
    OtherBytes,
    OutOfRange,
    Partition,
    Stuck,
    bounded,
)
from sync.kafka.consumer import GROUP, Consumer
from sync.kafka.group import unread_partitions
from sync.kafka.logs import log_ends, log_starts, offsets_at, read_range, read_values
from sync.kafka.producer import Producer, producing
from sync.kafka.topics import RETENTION, create_topics, submission_topic_settings

__all__ = [
    "DEADLINE_SECONDS",
    "GROUP",
    "MAX_MESSAGE_BYTES",
    "RETENTION",
    "Consumer",
    "Ended",
    "KafkaSettings",
    "Message",
    "OtherBytes",
    "OutOfRange",
    "Partition",
    "Producer",
    "Stuck",
    "bounded",
    "create_topics",
    "log_ends",
    "log_starts",
    "offsets_at",
    "producing",
    "read_range",
    "read_values",
    "submission_topic_settings",
    "unread_partitions",
]
