"""The exceptions register, and the conflicts that were allowed: each line with evidence, date and who."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from sync.store.connection import ReadConn, WriteConn
from sync.store.statements import statements

_SQL = statements("register")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exceptional:
    """One code of the register: issued and in use although it fails a check."""

    uscc: str
    evidence: str
    source: str
    issued_on: date | None
    entered_at: datetime
    entered_by: str
    case_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """Two codes that may stand beside each other under a rule; `ended_at`: they no longer may."""

    rule: str
    uscc: str
    other_uscc: str
    case_id: str | None
    evidence: str
    allowed_by: str
    allowed_at: datetime
    ended_at: datetime | None
    ended_by: str | None
    end_reason: str | None


class NewException(NamedTuple):
    """One code to enter."""

    uscc: str
    evidence: str
    source: str
    issued_on: date | None


async def read_register(connection: ReadConn) -> list[Exceptional]:
    """Return the whole register."""
    return [Exceptional(**row) for row in await connection.fetch(_SQL["register"])]


async def enter(connection: WriteConn, codes: Sequence[NewException], *, now: datetime, actor: str) -> set[str]:
    """Enter codes; return those that were not there. What stands in the register is never altered."""
    if not codes:
        return set()
    columns = map(list, zip(*codes, strict=True))
    return {row["uscc"] for row in await connection.fetch(_SQL["enter"], *columns, now, actor)}


async def read_allowed(connection: ReadConn) -> list[Allowed]:
    """Return the conflicts that were ever allowed, in order."""
    return [Allowed(**row) for row in await connection.fetch(_SQL["allowed"])]


async def allow(
    connection: WriteConn, rule: str, uscc: str, other_uscc: str, *, evidence: str, now: datetime, actor: str
) -> bool:
    """Allow two codes beside each other; False where that was known."""
    return await connection.fetchval(_SQL["allow"], rule, uscc, other_uscc, evidence, actor, now) is not None


async def end_allowance(
    connection: WriteConn, rule: str, uscc: str, other_uscc: str, *, reason: str, now: datetime, actor: str
) -> bool:
    """Allow two codes beside each other no longer; False where they were not allowed. The caller holds the lock."""
    return await connection.fetchval(_SQL["end"], rule, uscc, other_uscc, now, actor, reason) is not None
