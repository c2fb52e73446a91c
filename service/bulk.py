"""Bulk production: many records to the offices' topics, each taken once, in order, through a restart of the brokers.

librdkafka can lose a partition for good when its leader is away for a moment (confluentinc/librdkafka issue 5430): the
records wait inside it until their time is over, though the brokers are well. Such a producer is given up for a new one.
Whether the old one's last records arrived is then looked up in the topics, never guessed.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from service.librdkafka import configuration
from sync.errors import Retryable
from sync.kafka import MAX_MESSAGE_BYTES, KafkaSettings

_STUCK_SECONDS = 8.0
_PATIENCE_SECONDS = 60.0
_STEP_SECONDS = 0.5
_ANSWER_SECONDS = 5.0
_READ_AT_ONCE = 1_000
_NOT_OURS = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError.TOPIC_AUTHORIZATION_FAILED)
_PURGED = (KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT)


class NotDelivered(Retryable):
    """The brokers did not take every record; what they took before stays taken."""

    def __init__(self, records: int, reason: str) -> None:
        super().__init__(f"消息系统未收下 {records} 条 · the brokers did not take {records} records: {reason}")


@dataclass(frozen=True, slots=True)
class _Outgoing:
    topic: str
    key: bytes | None
    value: bytes
    headers: list[tuple[str, str | bytes | None]]


class BulkProducer:
    """Idempotent, acks=all: the order within a key is that of `send`. `taken` is told partition and offset of each.

    The partitioner is murmur2, that of Java and of the service's own producers, so that a code meets the same partition
    whoever sends it. One thread uses it, as a context: what was not flushed by its end is given up.
    """

    def __init__(
        self, settings: KafkaSettings, taken: Callable[[int, int], None], *, stuck_seconds: float = _STUCK_SECONDS
    ) -> None:
        self._settings = settings
        self._taken = taken
        self._stuck_seconds = stuck_seconds
        self._began_ms = int(time.time() * 1000)
        self._waiting: dict[int, _Outgoing] = {}
        self._number = 0
        self._ends: dict[tuple[str, int], int] = {}
        self._failure: str | None = None
        self._moved = self._looked = time.monotonic()
        self._lives = 1
        self._producer = self._new()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        _end(self._producer)

    def send(self, topic: str, key: bytes | None, value: bytes, headers: Mapping[str, bytes] | None = None) -> None:
        """Give a record on its way; waits while too many are on theirs.

        Raises:
            NotDelivered: a record was refused, or none was taken for a minute.
        """
        if not self._waiting:
            self._moved = time.monotonic()
        self._number += 1
        self._waiting[self._number] = _Outgoing(topic, key, value, list((headers or {}).items()))
        self._produce(self._number)
        self._serve(0)

    def flush(self) -> None:
        """Wait until every record is taken.

        Raises:
            NotDelivered: a record was refused, or none was taken for a minute.
        """
        while self._waiting:
            self._producer.flush(_STEP_SECONDS)
            self._serve(0)

    def _new(self) -> Producer:
        return Producer(
            configuration(self._settings)
            | {
                "enable.idempotence": True,
                "acks": "all",
                "partitioner": "murmur2_random",
                "compression.type": "lz4",
                "linger.ms": 20,
                "message.max.bytes": MAX_MESSAGE_BYTES,
                "message.timeout.ms": int(2 * _PATIENCE_SECONDS * 1000),
            }
        )

    def _produce(self, number: int) -> None:
        outgoing = self._waiting[number]

        def delivered(error: KafkaError | None, message: Message) -> None:
            if error is None:
                self._take(number, outgoing.topic, message.partition() or 0, message.offset() or 0)
            elif error.code() not in _PURGED:
                self._failure = self._failure or error.str()

        life = self._lives
        while life == self._lives:
            try:
                self._producer.produce(
                    outgoing.topic, outgoing.value, outgoing.key, headers=outgoing.headers, on_delivery=delivered
                )
            except BufferError:
                # A new producer, when that brings one, has been given this record too.
                self._serve(_STEP_SECONDS)
                continue
            except KafkaException as error:
                raise NotDelivered(len(self._waiting), error.args[0].str()) from error
            return

    def _take(self, number: int, topic: str, partition: int, offset: int) -> None:
        if self._waiting.pop(number, None) is not None:
            self._ends[topic, partition] = offset + 1
            self._moved = time.monotonic()
            self._taken(partition, offset)

    def _serve(self, seconds: float) -> None:
        """Hear what was taken; where nothing is for long, see whether that is the producer's fault."""
        self._producer.poll(seconds)
        if self._failure is not None:
            raise NotDelivered(len(self._waiting), self._failure)
        now = time.monotonic()
        if not self._waiting or now - max(self._moved, self._looked) < self._stuck_seconds:
            return
        if now - self._moved > _PATIENCE_SECONDS:
            raise NotDelivered(len(self._waiting), f"none was taken for {_PATIENCE_SECONDS:.0f} s")
        self._looked = now
        fresh = self._new()
        try:
            self._ask_for_topics(fresh)
        except KafkaException:
            # Where the brokers do not answer it is not the producer that is stuck.
            _end(fresh)
            return
        self._renew(fresh)

    def _ask_for_topics(self, producer: Producer) -> None:
        """See that the brokers answer and have what the waiting records are for.

        Raises:
            KafkaException: they do not answer.
            NotDelivered: a topic is not there, or not for us.
        """
        for topic in {outgoing.topic for outgoing in self._waiting.values()}:
            error = producer.list_topics(topic, timeout=_ANSWER_SECONDS).topics[topic].error
            if error is not None and error.code() in _NOT_OURS:
                raise NotDelivered(len(self._waiting), f"{topic}: {error.str()}")

    def _renew(self, fresh: Producer) -> None:
        """Go on with a new producer, and with what the topics do not have of the records that wait.

        Raises:
            NotDelivered: the topics cannot be read, so that it is not known what they have.
        """
        stuck, self._producer = self._producer, fresh
        _end(stuck)
        self._lives += 1
        self._look_up_patiently()
        life = self._lives
        for number in list(self._waiting):
            if life == self._lives:
                self._produce(number)

    def _look_up_patiently(self) -> None:
        while True:
            try:
                return self._look_up()
            except KafkaException as error:
                if time.monotonic() - self._moved > _PATIENCE_SECONDS:
                    reason = f"whether they have them cannot be looked up: {error}"
                    raise NotDelivered(len(self._waiting), reason) from error
                time.sleep(_STEP_SECONDS)

    def _look_up(self) -> None:
        """Take what has arrived of the records that wait, whose acknowledgement was lost."""
        waiting: dict[tuple[str, bytes | None, bytes], list[int]] = defaultdict(list)
        for number, outgoing in reversed(self._waiting.items()):
            waiting[outgoing.topic, outgoing.key, outgoing.value].append(number)
        for message in self._arrived({outgoing.topic for outgoing in self._waiting.values()}):
            place = (message.topic() or "", message.partition() or 0, message.offset() or 0)
            numbers = waiting.get((place[0], message.key(), message.value() or b""))
            if numbers:
                self._take(numbers.pop(), *place)

    def _arrived(self, topics: set[str]) -> Iterator[Message]:
        """Yield what lies in the topics behind the last record of ours that was acknowledged."""
        consumer = Consumer(configuration(self._settings) | {"group.id": "uscc-bulk", "enable.auto.commit": False})
        try:
            for topic in topics:
                for partition in consumer.list_topics(topic, timeout=_ANSWER_SECONDS).topics[topic].partitions:
                    yield from self._read(consumer, topic, partition)
        finally:
            consumer.close()

    def _read(self, consumer: Consumer, topic: str, partition: int) -> Iterator[Message]:
        begin = self._ends.get((topic, partition))
        if begin is None:
            asked = TopicPartition(topic, partition, self._began_ms)
            begin = consumer.offsets_for_times([asked], timeout=_ANSWER_SECONDS)[0].offset
        end = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=_ANSWER_SECONDS)[1]
        if begin < 0 or begin >= end:
            return
        consumer.assign([TopicPartition(topic, partition, begin)])
        while begin < end:
            messages = consumer.consume(min(_READ_AT_ONCE, end - begin), _ANSWER_SECONDS)
            if not messages:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
            for message in messages:
                if message.error() is not None:
                    raise KafkaException(message.error())
                begin = (message.offset() or 0) + 1
                yield message


def _end(producer: Producer) -> None:
    """End a producer; what it has not sent is given up."""
    producer.purge()
    producer.close()
