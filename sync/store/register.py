"""The exceptions register as the judges of codes read it."""

from __future__ import annotations

from sync.store.connection import ReadConn
from sync.store.statements import statements

_SQL = statements("register")


async def nonconforming_codes(connection: ReadConn) -> set[str]:
    """Return the codes that fail a check and are in use all the same."""
    return {row["uscc"] for row in await connection.fetch(_SQL["nonconforming_codes"])}
