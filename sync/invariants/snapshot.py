"""One consistent view of the database for all checks, and the statements that they run.

Everything is read in one read-only transaction at repeatable read, so that a running system can be verified. Large
results come through cursors, in constant memory.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Any

import asyncpg

_PREFETCH = 2_000


def _load() -> Mapping[str, str]:
    text = files("sync.invariants").joinpath("statements.sql").read_text("utf-8")
    parts = re.split(r"^-- name: (\w+)\n", text, flags=re.MULTILINE)
    return {name: body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)}


SQL = _load()


class Snapshot:
    """A read-only transaction: runs statements by name."""

    def __init__(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        self._connection = connection

    async def rows(self, statement: str, *arguments: Any) -> AsyncIterator[asyncpg.Record]:
        """Yield the rows of a statement through a cursor."""
        async for row in self._connection.cursor(SQL[statement], *arguments, prefetch=_PREFETCH):
            yield row

    async def all(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        """Return all rows of a statement that returns few."""
        return list(await self._connection.fetch(SQL[statement], *arguments))

    async def row(self, statement: str, *arguments: Any) -> asyncpg.Record:
        """Return the one row of a statement that always returns one."""
        row = await self._connection.fetchrow(SQL[statement], *arguments)
        assert row is not None, statement
        return row

    async def value(self, statement: str, *arguments: Any) -> Any:
        """Return the one value of a statement; None where it returns no row."""
        return await self._connection.fetchval(SQL[statement], *arguments)


@asynccontextmanager
async def open_snapshot(dsn: str) -> AsyncIterator[Snapshot]:
    """Open the view of this moment."""
    connection = await asyncpg.connect(
        dsn, server_settings={"application_name": "uscc-verify", "timezone": "UTC"}, timeout=10
    )
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            yield Snapshot(connection)
    finally:
        await connection.close()
