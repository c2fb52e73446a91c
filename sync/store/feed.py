"""Reads the feed of changes by its sequence, as the bytes that were stored, and the ends of all sequences."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sync.store.connection import ReadConn
from sync.store.statements import statements

_SQL = statements("feed")
CHANGES = "changes"


class Tip(NamedTuple):
    """The end of the feed; 0 and None before the first change."""

    sequence: int
    recorded_at: datetime | None


async def read_changes(connection: ReadConn, after: int, limit: int) -> list[tuple[int, str]]:
    """Return at most `limit` changes behind a sequence, each with its own."""
    return [(row["sequence"], row["body"]) for row in await connection.fetch(_SQL["changes_after"], after, limit)]


async def read_tip(connection: ReadConn) -> Tip:
    """Return the end of the feed."""
    row = await connection.fetchrow(_SQL["tip"])
    return Tip(0, None) if row is None else Tip(row["sequence"], row["recorded_at"])


async def read_counters(connection: ReadConn) -> dict[str, int]:
    """Return the last number of every dense sequence: 'changes' and 'returns:<office>'."""
    return {row["name"]: row["value"] for row in await connection.fetch(_SQL["counters"])}
