"""Where ingest and relay stand: what the watermark, the readiness and the metrics are made of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sync.store.connection import ReadConn
from sync.store.statements import statements

_SQL = statements("progress")


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionState:
    """How far one partition has been decided."""

    topic: str
    partition: int
    office: str
    next_offset: int
    decided_records: int
    last_received_at: datetime | None
    last_decided_at: datetime | None
    halted_at: datetime | None


async def read_partitions(connection: ReadConn) -> list[PartitionState]:
    """Return how far every partition has been decided."""
    return [PartitionState(**dict(row)) for row in await connection.fetch(_SQL["partitions"])]


async def read_published(connection: ReadConn) -> dict[str, int]:
    """Return how far every topic has been published."""
    return {row["topic"]: row["sequence"] for row in await connection.fetch(_SQL["published"])}


async def count_waiting(connection: ReadConn) -> dict[str, int]:
    """Count the held records of open cases by office."""
    return {row["office"]: row["records"] for row in await connection.fetch(_SQL["waiting"])}


async def count_open_cases(connection: ReadConn) -> dict[str, int]:
    """Count the open cases by rule."""
    return {row["rule"]: row["cases"] for row in await connection.fetch(_SQL["open_cases"])}
