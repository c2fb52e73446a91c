"""Sends the demonstration feed to the offices' topics, as an office's own producer would."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from confluent_kafka import KafkaError, Message, Producer

from service.demo.feed import DemoRecord
from service.librdkafka import configuration
from sync.kafka import KafkaSettings
from sync.topics import submissions_topic

_FLUSH_SECONDS = 60.0


class NotDelivered(Exception):
    """The broker did not acknowledge every record of the feed; carries the first reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the broker did not take the feed: {reason}")
        self.reason = reason


def push(settings: KafkaSettings, records: Iterable[DemoRecord], progress: Callable[[int], None]) -> int:
    """Produce records to `uscc.submissions.<office>`, keyed by code as claimed; return how many were acknowledged.

    Idempotent and acks=all: the order within a key is that of the feed. The partitioner is murmur2, that of Java and
    of the service's own producers, so that a code meets the same partition whoever sends it. `progress` is told how
    many records are acknowledged so far. Blocks: run it in a thread.

    Raises:
        NotDelivered: the broker refused a record or did not answer in time.
    """
    producer = Producer(
        {
            **configuration(settings),
            "enable.idempotence": True,
            "acks": "all",
            "partitioner": "murmur2_random",
            "linger.ms": 20,
            "compression.type": "lz4",
            "message.timeout.ms": 60_000,
            "message.max.bytes": 12 * 1024 * 1024,
        }
    )
    acknowledged = 0
    failure: str | None = None

    def delivered(error: KafkaError | None, _message: Message) -> None:
        nonlocal acknowledged, failure
        if error is not None:
            failure = failure or error.str()
            return
        acknowledged += 1
        if acknowledged % 1000 == 0:
            progress(acknowledged)

    for record in records:
        while True:
            try:
                producer.produce(
                    submissions_topic(record.office), value=record.body, key=record.key, on_delivery=delivered
                )
                break
            except BufferError:
                producer.poll(0.5)
        producer.poll(0)
        if failure is not None:
            break
    left = producer.flush(_FLUSH_SECONDS)
    if failure is not None or left:
        raise NotDelivered(failure or f"{left} records were not acknowledged within {_FLUSH_SECONDS:.0f} s")
    progress(acknowledged)
    return acknowledged
