"""Reads the records that lie in quarantine, so that they can be decided again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypeAlias

from sync.records import Incoming
from sync.store.connection import ReadConn
from sync.store.facts import incoming_of
from sync.store.statements import statements

_SQL = statements("quarantined")
Place: TypeAlias = tuple[datetime, str]


async def read_quarantined(
    connection: ReadConn, office: str, after: Place | None, limit: int
) -> tuple[list[Incoming], Place | None]:
    """Return records of an office in quarantine behind a place, and the place behind them; None after the last."""
    received_at, receipt = after or (None, None)
    rows = await connection.fetch(_SQL["quarantined"], office, received_at, receipt, limit)
    place = (rows[-1]["received_at"], rows[-1]["receipt_id"]) if rows else None
    return [incoming_of(row) for row in rows], place


async def still_quarantined(connection: ReadConn, receipts: Sequence[str]) -> set[str]:
    """Return which of these records have no later decision."""
    return {row["receipt_id"] for row in await connection.fetch(_SQL["still_quarantined"], receipts)}
