"""Bulk production: each record is taken once and in order, by a producer that is renewed when it is stuck."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from service.bulk import BulkProducer, NotDelivered
from service.librdkafka import configuration
from service.submitting.files import OutgoingRow
from service.submitting.topic import push_rows
from sync.kafka import MAX_MESSAGE_BYTES, KafkaSettings
from sync.topics import submissions_topic

PARTITIONS = 3


@pytest.fixture
def office(broker: KafkaSettings) -> Iterator[str]:
    """Yield an office that has a topic of its own."""
    office = f"bulk-{uuid.uuid4().hex[:8]}"
    admin = AdminClient(configuration(broker))
    admin.create_topics([NewTopic(submissions_topic(office), PARTITIONS, 1)])[submissions_topic(office)].result()
    yield office
    admin.delete_topics([submissions_topic(office)])


def _held(broker: KafkaSettings, topic: str) -> dict[bytes | None, list[bytes]]:
    """Return the values that a topic has, by key, in order."""
    consumer = Consumer(configuration(broker) | {"group.id": "test", "enable.partition.eof": True})
    consumer.assign([TopicPartition(topic, number, 0) for number in range(PARTITIONS)])
    found: dict[bytes | None, list[bytes]] = {}
    ended = 0
    while ended < PARTITIONS:
        message = consumer.poll(10)
        assert message is not None
        if message.error() is not None:
            ended += 1
        else:
            found.setdefault(message.key(), []).append(message.value() or b"")
    consumer.close()
    return found


class _Stuck(BulkProducer):
    """Its first producer keeps everything to itself, as librdkafka does that has lost its partitions."""

    lives = 0

    def _new(self) -> Producer:
        self.lives += 1
        nowhere = {"bootstrap.servers": "127.0.0.1:1", "log_level": 0} if self.lives == 1 else {}
        return Producer(configuration(self._settings) | {"partitioner": "murmur2_random"} | nowhere)


def test_what_a_stuck_producer_kept_is_sent_by_a_new_one_in_order(broker: KafkaSettings, office: str) -> None:
    topic = submissions_topic(office)
    places: list[tuple[int, int]] = []
    expected: dict[bytes | None, list[bytes]] = {}
    with _Stuck(broker, lambda *place: places.append(place), stuck_seconds=0.3) as producer:
        for number in range(300):
            key, value = f"code-{number % 7}".encode(), str(number).encode()
            producer.send(topic, key, value)
            expected.setdefault(key, []).append(value)
        producer.flush()

    assert producer.lives == 2
    assert (300, 300) == (len(places), len(set(places)))
    assert expected == _held(broker, topic)


def test_what_arrived_before_its_acknowledgement_was_lost_is_not_sent_again(broker: KafkaSettings, office: str) -> None:
    topic = submissions_topic(office)
    places: list[tuple[int, int]] = []
    elsewhere = Producer(configuration(broker) | {"partitioner": "murmur2_random"})
    with _Stuck(broker, lambda *place: places.append(place), stuck_seconds=0.3) as producer:
        for number in range(60):
            producer.send(topic, b"code", str(number).encode())
            if number < 40:
                elsewhere.produce(topic, str(number).encode(), b"code")
        elsewhere.flush(10)
        producer.flush()

    assert {b"code": [str(number).encode() for number in range(60)]} == _held(broker, topic)
    assert list(range(60)) == [offset for _, offset in places]


def test_what_the_brokers_refuse_is_told_with_the_reason(broker: KafkaSettings) -> None:
    with BulkProducer(broker, lambda *_: None, stuck_seconds=0.3) as producer:
        producer.send("uscc.no-such-topic", b"k", b"v")

        with pytest.raises(NotDelivered, match=r"did not take 1 records: uscc\.no-such-topic: Broker: Unknown topic"):
            producer.flush()


def test_a_record_that_no_broker_takes_is_told_with_the_reason(broker: KafkaSettings, office: str) -> None:
    with (
        BulkProducer(broker, lambda *_: None) as producer,
        pytest.raises(NotDelivered, match=r"did not take 1 records: .*Message size too large"),
    ):
        producer.send(submissions_topic(office), b"k", b"v" * (MAX_MESSAGE_BYTES + 1))


def test_what_is_on_its_way_when_a_person_stops_is_not_pushed_again(broker: KafkaSettings, office: str) -> None:
    acknowledged: list[int] = []

    def rows() -> Iterator[OutgoingRow]:
        for number in range(1, 4):
            yield OutgoingRow(number, "code", f"x/{number}", None, str(number).encode())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        push_rows(broker, office, lambda _row: {}, rows(), acknowledged.append)

    assert [3] == acknowledged
    assert {b"code": [b"1", b"2", b"3"]} == _held(broker, submissions_topic(office))
