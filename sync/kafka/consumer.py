"""The member of the ingest group."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError

from sync.kafka.connecting import DEADLINE_SECONDS, KafkaSettings, OtherBytes, OutOfRange, Partition, bounded
from sync.records import Incoming, Source

GROUP = "uscc-ingest"


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
            # What was fetched ahead is unpacked in memory; a larger message comes all the same.
            max_partition_fetch_bytes=1024 * 1024,
            fetch_max_bytes=4 * 1024 * 1024,
            fetch_max_wait_ms=100,
            metadata_max_age_ms=5_000,
            **settings.client_arguments(),
        )

    async def start(self) -> None:
        """Connect and join the group."""
        self.join()
        await bounded(self._client.start(), "join the group", 30)

    def join(self) -> None:
        """Join the group, or join it anew: every partition that is ours then waits for a position."""
        self._client.subscribe(self._topics, listener=_Marker(self._positions))

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
        # The client fetches nothing from a broker while a partition there has no position, be it paused or not.
        self._client.seek(TopicPartition(*place), 0)
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
                result[place] = (position, [incoming(record) for record in fresh])
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
        return by_partition(ends)

    async def beginning_offsets(self, places: Iterable[Partition]) -> dict[Partition, int]:
        """Return the start of the log of each partition."""
        starts = await bounded(
            self._client.beginning_offsets([TopicPartition(*p) for p in places]), "beginning offsets"
        )
        return by_partition(starts)

    async def commit(self, offsets: Mapping[Partition, int]) -> bool:
        """Tell Kafka how far we are, for monitoring only: a failure changes nothing and is answered with False."""
        try:
            await asyncio.wait_for(self._client.commit({TopicPartition(*p): o for p, o in offsets.items()}), 5)
        except (TimeoutError, KafkaError):
            return False
        return True


def incoming(record: Any) -> Incoming:
    """Return a record of the client as one of ours."""
    return Incoming(
        source=Source(record.topic, record.partition, record.offset),
        received_at=datetime.fromtimestamp(record.timestamp / 1000, UTC),
        body=record.value if record.value is not None else b"",
        headers=dict(record.headers),
    )


def by_partition(offsets: Mapping[Any, int]) -> dict[Partition, int]:
    """Return offsets of the client by our name of their partition."""
    return {Partition(tp.topic, tp.partition): offset for tp, offset in offsets.items()}
