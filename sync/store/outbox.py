"""Reads what is to be published and remembers how far it was."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sync.store.connection import ReadConn, WriteConn
from sync.store.statements import statements

_SQL = statements("outbox")
_LOCKS = statements("locks")


class Outgoing(NamedTuple):
    """One message that waits to be published."""

    sequence: int
    key: str
    body: str


async def try_lead(connection: ReadConn) -> bool:
    """Become the one relay for as long as this session lives; False when another one is."""
    led: bool = await connection.fetchval(_LOCKS["lead_relay"])
    return led


async def begin_topics(connection: WriteConn, topics: Iterable[str]) -> None:
    """Make the rows of these topics where they are missing."""
    await connection.executemany(_SQL["begin_topic"], [(topic,) for topic in topics])


async def backlog(connection: ReadConn, changes_topic: str, returns_prefix: str) -> dict[str, int]:
    """Return the topics that have something to publish, with the last sequence published."""
    rows = await connection.fetch(_SQL["backlog"], changes_topic, returns_prefix)
    return {row["topic"]: row["sequence"] for row in rows}


async def unpublished_returns(connection: ReadConn, office: str, after: int, limit: int) -> list[Outgoing]:
    """Return the next returns of an office, in sequence."""
    return [Outgoing(*row) for row in await connection.fetch(_SQL["unpublished_returns"], office, after, limit)]


async def unpublished_changes(connection: ReadConn, after: int, limit: int) -> list[Outgoing]:
    """Return the next changes, in sequence."""
    return [Outgoing(*row) for row in await connection.fetch(_SQL["unpublished_changes"], after, limit)]


async def mark_published(connection: WriteConn, topic: str, sequence: int) -> None:
    """Remember that everything up to `sequence` is on the topic."""
    await connection.execute(_SQL["mark_published"], topic, sequence)
