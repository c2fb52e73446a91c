"""How far the registry has come, by office: the X-Watermark of everything that reads it.

An office without lag has come to *now*: the instant at which a probe began that found every offset of its topic
decided. An office with a lag, or whose brokers do not answer, has come to the arrival of its last decided record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from service.problems import Problem, retry_later
from sync.errors import Retryable
from sync.instants import format_instant
from sync.kafka import KafkaSettings, Partition, log_ends
from sync.store.connection import Pool, reading
from sync.store.progress import PartitionState, read_partitions
from sync.topics import submissions_topic

_PROBE_SECONDS = 2.0
_PATIENCE_SECONDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What one probe found.

    An instant is None for an office of which nothing was ever decided, a lag is None where the brokers did not answer.
    """

    instants: Mapping[str, datetime | None] = field(default_factory=dict)
    lag: Mapping[str, int | None] = field(default_factory=dict)
    partitions: Sequence[PartitionState] = ()
    kafka_reachable: bool = False
    database_reachable: bool = False


def reach_of(
    offices: Sequence[str],
    partitions: Sequence[PartitionState],
    ends: Mapping[Partition, int] | None,
    began_at: datetime,
) -> Reach:
    """Say how far each office has come, from where ingest stands and where the logs ended at `began_at`.

    `ends` is None when the brokers did not answer. `partitions` must have been read after the ends.
    """
    next_offsets = {Partition(state.topic, state.partition): state.next_offset for state in partitions}
    lag: dict[str, int | None] = {}
    instants: dict[str, datetime | None] = {}
    for office in offices:
        topic = submissions_topic(office)
        if ends is None:
            lag[office] = None
        else:
            logs = [(place, end) for place, end in ends.items() if place.topic == topic]
            lag[office] = sum(max(0, end - next_offsets.get(place, 0)) for place, end in logs)
        received = [state.last_received_at for state in partitions if state.office == office and state.last_received_at]
        instants[office] = began_at if lag[office] == 0 else max(received, default=None)
    return Reach(
        instants=instants, lag=lag, partitions=partitions, kafka_reachable=ends is not None, database_reachable=True
    )


class Watermarks:
    """Probes brokers and ledger every few seconds and keeps what it found."""

    def __init__(self, pool: Pool, offices: Sequence[str], kafka: KafkaSettings | None) -> None:
        self._pool = pool
        self._offices = offices
        self._kafka = kafka
        self.reach = Reach()
        self.header = b""

    async def probe_for_ever(self) -> None:
        """Probe every few seconds, until cancelled."""
        while True:
            await self.probe()
            await asyncio.sleep(_PROBE_SECONDS)

    async def probe(self) -> None:
        """Look once at the ends of the logs and then at where ingest stands."""
        began_at = datetime.now(UTC)
        ends: Mapping[Partition, int] | None = None
        if self._kafka is not None:
            try:
                ends = await log_ends(self._kafka, [submissions_topic(office) for office in self._offices])
            except Retryable:
                ends = None
        try:
            async with reading(self._pool) as connection:
                partitions = await read_partitions(connection)
        except Retryable:
            self.reach = Reach(instants=self.reach.instants, kafka_reachable=ends is not None)
            return
        self.reach = reach_of(self._offices, partitions, ends, began_at)
        stated = ((office, instant) for office, instant in self.reach.instants.items() if instant is not None)
        self.header = ", ".join(f"{office}={format_instant(instant)}" for office, instant in stated).encode()

    def demand(self, instant: datetime | None) -> None:
        """Refuse to answer for an instant that the earliest office has not reached; None demands nothing.

        Raises:
            Problem: behind.
        """
        if instant is None:
            return
        instants = [self.reach.instants.get(office) for office in self._offices]
        if any(reached is None or reached < instant for reached in instants):
            behind: Problem = retry_later("behind", _PATIENCE_SECONDS)
            raise behind
