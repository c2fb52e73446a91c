"""The wall to Apache Kafka: the only module that speaks to the client library.

Every call has a deadline, because calls of the client hang for as long as the broker is away. What exceeds its
deadline raises Stuck; the process then ends and its supervisor starts another one: the row in `partition_progress`,
not the group, is what makes that safe. `auto_offset_reset` is "none": a position is always one that the ledger gave.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    TopicAlreadyExistsError,
)

from sync.errors import Fatal, Retryable
from sync.records import Incoming, Source
from sync.topics import CHANGES, returns_topic, submissions_topic

GROUP = "uscc-ingest"
MAX_MESSAGE_BYTES = 12 * 1024 * 1024
RETENTION = timedelta(days=30)

DEADLINE_SECONDS = 10.0
_REQUEST_TIMEOUT_MS = 5_000
_T = TypeVar("_T")


class Stuck(Retryable):
    """A call of the Kafka client did not end within its deadline: throw the client away."""


class OtherBytes(Retryable):
    """The record at a decided offset is not the one that was decided: the topic was recreated or rewritten."""

    def __init__(self, place: Partition, offset: int) -> None:
        super().__init__(f"{place.topic}/{place.partition}: other bytes at offset {offset}")
        self.place = place
        self.offset = offset


class OutOfRange(Retryable):
    """A position lies outside the log of its partition."""

    def __init__(self, places: Mapping[Partition, int]) -> None:
        super().__init__(f"positions outside the log: {dict(places)}")
        self.places = places


class Partition(NamedTuple):
    """One partition of a topic."""

    topic: str
    partition: int


class Message(NamedTuple):
    """One message to produce."""

    key: bytes | None
    value: bytes
    headers: Sequence[tuple[str, bytes]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSettings:
    """How to reach the brokers."""

    bootstrap: str
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str = "SCRAM-SHA-512"
    sasl_username: str | None = None
    sasl_password: str | None = None
    ca_file: str | None = None

    def client_arguments(self) -> dict[str, Any]:
        """Return the keyword arguments that every client of the library takes."""
        arguments: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap,
            "security_protocol": self.security_protocol,
            "request_timeout_ms": _REQUEST_TIMEOUT_MS,
        }
        if self.security_protocol.endswith("SSL"):
            arguments["ssl_context"] = ssl.create_default_context(cafile=self.ca_file)
        if self.security_protocol.startswith("SASL"):
            arguments["sasl_mechanism"] = self.sasl_mechanism
            arguments["sasl_plain_username"] = self.sasl_username
            arguments["sasl_plain_password"] = self.sasl_password
        return arguments


async def bounded(call: Awaitable[_T], what: str, seconds: float = DEADLINE_SECONDS) -> _T:
    """Await a call of the client for at most `seconds`.

    Raises:
        Stuck: the deadline passed.
        Retryable: the broker answered with an error or is not there.
    """
    try:
        return await asyncio.wait_for(call, seconds)
    except TimeoutError as error:
        raise Stuck(f"{what} did not end within {seconds:g} s") from error
    except (NoOffsetForPartitionError, OffsetOutOfRangeError):
        raise
    except (KafkaError, OSError) as error:
        raise Retryable(f"{what}: {error!r}") from error


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


class _Marker(ConsumerRebalanceListener):  # type: ignore[misc]  # the library's base class is untyped
    """Forgets positions at every rebalance, before any record of the new assignment can arrive."""

    def __init__(self, positions: dict[Partition, int]) -> None:
        self._positions = positions

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:  # noqa: ARG002 — the library's signature
        self._positions.clear()

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:  # noqa: ARG002 — the library's signature
        self._positions.clear()


class Consumer:
    """A member of the ingest group that hands out records only from positions that the ledger gave.

    `instance` makes the membership static: a restarted process takes its partitions back at once.
    """

    def __init__(
        self, settings: KafkaSettings, topics: Sequence[str], *, instance: str | None = None, group: str = GROUP
    ) -> None:
        self._settings = settings
        self._topics = list(topics)
        self._positions: dict[Partition, int] = {}
        self._probes: dict[Partition, tuple[int, bytes]] = {}
        self._client = AIOKafkaConsumer(
            group_id=group,
            group_instance_id=instance,
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            session_timeout_ms=10_000,
            heartbeat_interval_ms=500,
            rebalance_timeout_ms=10_000,
            max_poll_interval_ms=120_000,
            max_partition_fetch_bytes=4 * 1024 * 1024,
            fetch_max_bytes=16 * 1024 * 1024,
            fetch_max_wait_ms=100,
            metadata_max_age_ms=5_000,
            **settings.client_arguments(),
        )

    async def start(self) -> None:
        """Connect and join the group."""
        self._client.subscribe(self._topics, listener=_Marker(self._positions))
        await bounded(self._client.start(), "join the group", 30)

    async def stop(self) -> None:
        """Leave the group, or give up after a moment."""
        try:
            await asyncio.wait_for(self._client.stop(), 5)
        except (TimeoutError, KafkaError, asyncio.CancelledError):
            return

    def unpositioned(self) -> list[Partition]:
        """Return the partitions that are ours and wait for a position."""
        held = (Partition(tp.topic, tp.partition) for tp in self._client.assignment())
        return [place for place in held if place not in self._positions]

    def owned(self) -> list[Partition]:
        """Return the partitions that are ours and have a position."""
        return list(self._positions)

    def seek(self, place: Partition, offset: int, decided: tuple[int, bytes] | None = None) -> None:
        """Read `place` from `offset` on.

        `decided` is the offset and SHA-256 of the last decided record: it is read once more and compared. A partition
        that a rebalance has taken meanwhile is left alone.
        """
        if not self._is_ours(place):
            return
        self._client.seek(TopicPartition(*place), offset if decided is None else decided[0])
        self._positions[place] = offset
        self._probes.pop(place, None)
        if decided is not None:
            self._probes[place] = decided

    def pause(self, place: Partition) -> None:
        """Read no more of `place` until it is resumed, or until the next rebalance."""
        if not self._is_ours(place):
            return
        self._client.pause(TopicPartition(*place))
        self._positions[place] = -1

    def resume(self, place: Partition) -> None:
        """Read `place` again, from a position that is still to be given."""
        if self._is_ours(place):
            self._client.resume(TopicPartition(*place))
        self._positions.pop(place, None)

    def _is_ours(self, place: Partition) -> bool:
        return TopicPartition(*place) in self._client.assignment()

    def forget(self, place: Partition) -> None:
        """Wait for a new position for `place`."""
        self._positions.pop(place, None)

    async def poll(self, wait: timedelta, max_records: int) -> dict[Partition, tuple[int, list[Incoming]]]:
        """Fetch at most `max_records`: for each partition the position it was read from and the records, by offset.

        Raises:
            OutOfRange: a position lies outside its log.
            Stuck: the client hangs.
        """
        milliseconds = int(wait / timedelta(milliseconds=1))
        call = self._client.getmany(timeout_ms=milliseconds, max_records=max_records)
        try:
            fetched = await bounded(call, "fetch", wait.total_seconds() + DEADLINE_SECONDS)
        except NoOffsetForPartitionError:
            return {}
        except OffsetOutOfRangeError as error:
            raise OutOfRange(
                {Partition(tp.topic, tp.partition): offset for tp, offset in error.args[0].items()}
            ) from error
        result: dict[Partition, tuple[int, list[Incoming]]] = {}
        for tp, records in fetched.items():
            place = Partition(tp.topic, tp.partition)
            position = self._positions.get(place)
            if position is None or position < 0:
                continue
            fresh = self._after_probe(place, position, records)
            if fresh and fresh[0].offset < position:
                self._positions.pop(place)
            elif fresh:
                self._positions[place] = fresh[-1].offset + 1
                result[place] = (position, [_incoming(record) for record in fresh])
        return result

    def _after_probe(self, place: Partition, position: int, records: list[Any]) -> list[Any]:
        """Return the records from `position` on, once the one before them is seen to be the one that was decided."""
        probe = self._probes.pop(place, None)
        if probe is None or not records:
            return records
        offset, digest = probe
        if records[0].offset == offset and sha256(records[0].value or b"").digest() != digest:
            self._positions.pop(place)
            raise OtherBytes(place, offset)
        return [record for record in records if record.offset >= position]

    async def end_offsets(self, places: Iterable[Partition]) -> dict[Partition, int]:
        """Return the end of the log of each partition; a bounded probe of the broker's health."""
        ends = await bounded(self._client.end_offsets([TopicPartition(*place) for place in places]), "end offsets")
        return _by_partition(ends)

    async def beginning_offsets(self, places: Iterable[Partition]) -> dict[Partition, int]:
        """Return the start of the log of each partition."""
        starts = await bounded(
            self._client.beginning_offsets([TopicPartition(*p) for p in places]), "beginning offsets"
        )
        return _by_partition(starts)

    async def commit(self, offsets: Mapping[Partition, int]) -> bool:
        """Tell Kafka how far we are, for monitoring only: a failure changes nothing and is answered with False."""
        try:
            await asyncio.wait_for(self._client.commit({TopicPartition(*p): o for p, o in offsets.items()}), 5)
        except (TimeoutError, KafkaError):
            return False
        return True


def _incoming(record: Any) -> Incoming:
    return Incoming(
        source=Source(record.topic, record.partition, record.offset),
        received_at=datetime.fromtimestamp(record.timestamp / 1000, UTC),
        body=record.value if record.value is not None else b"",
        headers=dict(record.headers),
    )


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


async def log_ends(settings: KafkaSettings, topics: Iterable[str]) -> dict[Partition, int]:
    """Return the end of every partition of `topics` with a client of its own.

    Raises:
        Retryable: the broker does not answer.
    """
    return (await _bounds(settings, topics))[1]


async def log_starts(settings: KafkaSettings, topics: Iterable[str]) -> dict[Partition, int]:
    """Return the first offset of every partition of `topics` with a client of its own.

    Raises:
        Retryable: the broker does not answer.
    """
    return (await _bounds(settings, topics))[0]


async def _bounds(settings: KafkaSettings, topics: Iterable[str]) -> tuple[dict[Partition, int], dict[Partition, int]]:
    """Return where the log of every partition of `topics` begins, and where it ends."""
    client = AIOKafkaConsumer(**settings.client_arguments())
    try:
        await bounded(client.start(), "connect to Kafka")
        places = []
        for topic in topics:
            await bounded(_metadata(client, topic), f"describe {topic}")
            places += [TopicPartition(topic, number) for number in sorted(client.partitions_for_topic(topic) or ())]
        starts = await bounded(client.beginning_offsets(places), "beginning offsets")
        ends = await bounded(client.end_offsets(places), "end offsets")
        return _by_partition(starts), _by_partition(ends)
    finally:
        with suppress(TimeoutError, KafkaError, asyncio.CancelledError):
            await asyncio.wait_for(client.stop(), 5)


async def read_range(
    settings: KafkaSettings, starts: Mapping[Partition, int], ends: Mapping[Partition, int]
) -> AsyncIterator[Incoming]:
    """Yield every record from `starts` up to `ends`, by a client of its own; a start before the log is its beginning.

    Raises:
        Retryable: the broker does not answer.
    """
    left = {TopicPartition(*place): ends[place] for place, start in starts.items() if start < ends.get(place, 0)}
    if not left:
        return
    client = AIOKafkaConsumer(enable_auto_commit=False, isolation_level="read_committed", **settings.client_arguments())
    try:
        await bounded(client.start(), "connect to Kafka")
        client.assign(list(left))
        first = await bounded(client.beginning_offsets(list(left)), "beginning offsets")
        for place in left:
            client.seek(place, max(starts[Partition(place.topic, place.partition)], first[place]))
        while left:
            fetched = await bounded(client.getmany(*left, timeout_ms=500, max_records=2_000), "fetch")
            for place, records in fetched.items():
                for record in records:
                    if record.offset < left[place]:
                        yield _incoming(record)
            for place in list(left):
                if await bounded(client.position(place), "position") >= left[place]:
                    client.pause(place)
                    del left[place]
    finally:
        with suppress(TimeoutError, KafkaError, asyncio.CancelledError):
            await asyncio.wait_for(client.stop(), 5)


def _by_partition(offsets: Mapping[Any, int]) -> dict[Partition, int]:
    return {Partition(tp.topic, tp.partition): offset for tp, offset in offsets.items()}


async def _metadata(client: AIOKafkaConsumer, topic: str) -> None:
    """Make the client know the partitions of `topic`, which an unsubscribed consumer does not."""
    client._client.add_topic(topic)
    await client._client.force_metadata_update()


async def offsets_at(settings: KafkaSettings, topic: str, instant: datetime) -> dict[Partition, int]:
    """Return the first offset at or after an instant of every partition of `topic`; its end where there is none yet.

    Raises:
        Retryable: the broker does not answer, or there is no such topic.
    """
    client = AIOKafkaConsumer(**settings.client_arguments())
    milliseconds = -int(-instant.timestamp() * 1000 // 1)  # rounded up
    try:
        await bounded(client.start(), "connect to Kafka")
        await bounded(_metadata(client, topic), f"describe {topic}")
        places = [TopicPartition(topic, number) for number in sorted(client.partitions_for_topic(topic) or ())]
        if not places:
            raise Retryable(f"there is no topic {topic}")
        found = await bounded(client.offsets_for_times(dict.fromkeys(places, milliseconds)), "offsets for times")
        # The ends come last: whatever was appended before them is to be passed too.
        ends = await bounded(client.end_offsets(places), "end offsets")
        return {Partition(tp.topic, tp.partition): ends[tp] if found[tp] is None else found[tp].offset for tp in places}
    finally:
        with suppress(TimeoutError, KafkaError, asyncio.CancelledError):
            await asyncio.wait_for(client.stop(), 5)


async def read_values(
    settings: KafkaSettings, spans: Mapping[Partition, tuple[int, int]], *, at_most: int
) -> list[Incoming] | None:
    """Read the records of `spans` (from, before) outside any group; None where they are more than `at_most`.

    Raises:
        Retryable: the broker does not answer.
    """
    wanted = {place: span for place, span in spans.items() if span[1] > span[0]}
    if sum(end - begin for begin, end in wanted.values()) > at_most:
        return None
    if not wanted:
        return []
    client = AIOKafkaConsumer(auto_offset_reset="none", isolation_level="read_committed", **settings.client_arguments())
    records: list[Incoming] = []
    try:
        await bounded(client.start(), "connect to Kafka")
        client.assign([TopicPartition(*place) for place in wanted])
        for place, (begin, _) in wanted.items():
            client.seek(TopicPartition(*place), begin)
        open_places = set(wanted)
        while open_places:
            fetched = await bounded(client.getmany(timeout_ms=2_000, max_records=5_000), "fetch", 15)
            if not fetched:
                break  # What is left are markers of transactions, which are no records.
            for tp, batch in fetched.items():
                place = Partition(tp.topic, tp.partition)
                end = wanted[place][1]
                records += [_incoming(record) for record in batch if record.offset < end]
                if batch[-1].offset >= end - 1:
                    open_places.discard(place)
    except (NoOffsetForPartitionError, OffsetOutOfRangeError) as error:
        raise Retryable(f"positions outside the log: {error!r}") from error
    finally:
        with suppress(TimeoutError, KafkaError, asyncio.CancelledError):
            await asyncio.wait_for(client.stop(), 5)
    return records
