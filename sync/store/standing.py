"""How the registry stands: positions, halted partitions, what is not published yet, and the zero-sum table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sync.store.audits import write_audit
from sync.store.connection import ReadConn, WriteConn
from sync.store.statements import statements

_SQL = statements("standing")


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionRow:
    """Where one partition of a submission topic stands; `halted_reason` is null while it moves."""

    topic: str
    partition: int
    office: str
    next_offset: int
    decided_records: int
    last_decided_at: datetime | None
    halted_at: datetime | None
    halted_reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceRow:
    """What an office sent, and what became of it: `received` is the sum of the six, always."""

    office: str
    received: int
    accepted: int
    unchanged: int
    superseded: int
    rejected: int
    held: int
    quarantined: int

    @property
    def difference(self) -> int:
        """How many records have no disposition, or more than one: 0."""
        decided = self.accepted + self.unchanged + self.superseded + self.rejected + self.held + self.quarantined
        return self.received - decided


async def list_partitions(connection: ReadConn) -> list[PartitionRow]:
    """Return where every partition stands."""
    return [PartitionRow(**row) for row in await connection.fetch(_SQL["partitions"])]


async def resume_partition(connection: WriteConn, topic: str, partition: int) -> bool:
    """Let a halted partition go on; False when it is not halted, or not known."""
    return await connection.fetchval(_SQL["resume_partition"], topic, partition) is not None


async def restart_partition(connection: WriteConn, topic: str, partition: int, offset: int, actor: str) -> bool:
    """Accept the log of a halted partition as it is now and read it from `offset`; False when it is not halted.

    What was decided from the log that is gone stays decided; the audit says when it ended.
    """
    if await connection.fetchval(_SQL["restart_partition"], topic, partition, offset) is None:
        return False
    detail = {"offset": offset}
    await write_audit(
        connection, actor=actor, action="partition_restarted", subject=f"{topic}/{partition}", detail=detail
    )
    return True


async def unpublished(connection: ReadConn, *, changes_topic: str, returns_prefix: str) -> dict[str, int]:
    """Return how many messages are stored and not yet on their topic, by counter; empty when all are."""
    rows = await connection.fetch(_SQL["unpublished"], changes_topic, returns_prefix)
    return {row["name"]: row["messages"] for row in rows}


async def balance(connection: ReadConn) -> list[BalanceRow]:
    """Return the zero-sum table, a row an office that has sent anything or whose partitions are known."""
    return [BalanceRow(**row) for row in await connection.fetch(_SQL["balance"])]


async def findings_by_rule(connection: ReadConn) -> Sequence[tuple[str, int]]:
    """Return how many records carry each rule."""
    return [(row["rule"], row["records"]) for row in await connection.fetch(_SQL["findings_by_rule"])]


async def some_registered(connection: ReadConn) -> str | None:
    """Return a registered public code, if there is any."""
    code: str | None = await connection.fetchval(_SQL["some_registered"])
    return code
