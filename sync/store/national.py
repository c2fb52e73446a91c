"""Keeps what the national centre's summary of duplicate and wrong codes said, line by line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sync.store.connection import WriteConn
from sync.store.statements import statements

_SQL = statements("national")


class ClaimRow(NamedTuple):
    """One line of a summary and the case that it belongs to; `line` is JSON of all its cells."""

    claim_id: str
    case_id: str
    uscc: str
    name: str
    kind: str
    line: str
    row_number: int


async def keep_claims(
    connection: WriteConn, rows: Sequence[ClaimRow], *, sha256: bytes, file_name: str, now: datetime, actor: str
) -> None:
    """Write the lines of a summary down."""
    if rows:
        columns = map(list, zip(*rows, strict=True))
        await connection.execute(_SQL["keep_claims"], *columns, sha256, file_name, now, actor)
