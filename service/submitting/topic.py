"""Pushes messages to the office's topic and, where asked, waits for their returns."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from confluent_kafka import Consumer, KafkaException, TopicPartition

from service.bulk import BulkProducer
from service.librdkafka import configuration
from service.submitting.files import OutgoingRow
from sync.errors import Retryable
from sync.kafka import KafkaSettings
from sync.topics import returns_topic, submissions_topic

_CHECKPOINT_ROWS = 5_000
_POLL_SECONDS = 1.0


@dataclass(slots=True)
class Sent:
    """Where the records of this run lie: ranges of offsets by partition, ends included."""

    records: int = 0
    ranges: dict[int, list[list[int]]] = field(default_factory=dict)

    def add(self, partition: int, offset: int) -> None:
        """Note a record that the brokers took."""
        self.records += 1
        ranges = self.ranges.setdefault(partition, [])
        if ranges and ranges[-1][1] == offset - 1:
            ranges[-1][1] = offset
        else:
            ranges.append([offset, offset])

    def holds(self, partition: int, offset: int) -> bool:
        """Whether a record is one of these."""
        return any(first <= offset <= last for first, last in self.ranges.get(partition, ()))


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What became of records: how many have their first return, by disposition and by rule."""

    decided: int = 0
    dispositions: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)

    def add(self, disposition: str, rules: Iterable[str]) -> None:
        """Count one first return."""
        self.decided += 1
        self.dispositions[disposition] += 1
        self.rules.update(set(rules))


def push_rows(
    settings: KafkaSettings,
    office: str,
    headers_of: Callable[[OutgoingRow], Mapping[str, bytes]],
    rows: Iterable[OutgoingRow],
    acknowledged: Callable[[int], None],
) -> Sent:
    """Push rows, each with its headers beside it.

    `acknowledged` is told the last row up to which all were taken: now and then, at the end, when a person stops it.

    Raises:
        NotDelivered: the brokers did not take a record.
    """
    sent, last, topic = Sent(), 0, submissions_topic(office)
    with BulkProducer(settings, sent.add) as producer:
        try:
            for row in rows:
                producer.send(topic, row.key.encode("utf-8", "replace"), row.body, headers_of(row))
                last = row.number
                if last % _CHECKPOINT_ROWS == 0:
                    producer.flush()
                    acknowledged(last)
        except KeyboardInterrupt:
            # What is on its way arrives whether we wait or not: pushed again, it would count twice in its batch.
            if last:
                producer.flush()
                acknowledged(last)
            raise
        producer.flush()
    if last:
        acknowledged(last)
    return sent


class Returns:
    """Reads the office's returns from where they end now."""

    def __init__(self, settings: KafkaSettings, office: str) -> None:
        self._topic = returns_topic(office)
        self._consumer = Consumer(
            configuration(settings)
            | {"group.id": "uscc-submit", "enable.auto.commit": False, "isolation.level": "read_committed"}
        )
        try:
            topics = self._consumer.list_topics(self._topic, timeout=10).topics
            places = [TopicPartition(self._topic, number) for number in topics[self._topic].partitions]
            for place in places:
                place.offset = self._consumer.get_watermark_offsets(place, timeout=10)[1]
        except KafkaException as error:
            raise Retryable(f"消息系统无应答 · the brokers do not answer: {error}") from error
        self._consumer.assign(places)

    def close(self) -> None:
        """Read no more."""
        self._consumer.close()

    def outcome(self, sent: Sent, seconds: float, progress: Callable[[int], None]) -> Outcome:
        """Wait until every record of this run has its first return, or until the time is over."""
        outcome = Outcome()
        deadline = time.monotonic() + seconds
        while outcome.decided < sent.records and time.monotonic() < deadline:
            for document in self._poll():
                source = document["source"]
                if document["attempt"] == 1 and sent.holds(source["partition"], source["offset"]):
                    outcome.add(document["disposition"], (finding["rule"] for finding in document["findings"]))
            progress(outcome.decided)
        return outcome

    def _poll(self) -> Iterator[dict[str, Any]]:
        for message in self._consumer.consume(1_000, _POLL_SECONDS):
            value = message.value()
            if message.error() is None and value is not None:
                yield orjson.loads(value)
