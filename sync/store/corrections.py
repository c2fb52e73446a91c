"""Reads what a correction file speaks of: members by code and name, and what an office has to correct."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sync.store.connection import ReadConn
from sync.store.statements import statements

_SQL = statements("corrections")


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedMember:
    """A member of an open case."""

    case_id: str
    receipt_id: str
    role: str
    office: str
    name_key: str
    rule: str
    suggested_operation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToCorrect:
    """One organization in an open case; `others` are those that it is in conflict with, as name and code.

    `receipt_id` is its member's: the oldest, where several records of it wait.
    """

    case_id: str
    rule: str
    suggested_operation: str
    due_on: date
    uscc: str
    name: str
    role: str
    receipt_id: str
    others: tuple[str, ...]


async def named_members(connection: ReadConn, uscc: str, office: str | None) -> list[NamedMember]:
    """Return the members under a code, of an office's own records or of all; holders first, the oldest case first."""
    return [NamedMember(**row) for row in await connection.fetch(_SQL["named_members"], uscc, office)]


async def holder_name(connection: ReadConn, uscc: str) -> tuple[str, str] | None:
    """Return the name key under which a code is held, and the office of its last record."""
    row = await connection.fetchrow(_SQL["holder_name"], uscc)
    return (row["name_key"], row["office"]) if row is not None else None


async def to_correct(connection: ReadConn, office: str) -> list[ToCorrect]:
    """Return everything that an office has to correct, the oldest case first."""
    rows = await connection.fetch(_SQL["to_correct"], office)
    return [ToCorrect(**(dict(row) | {"others": tuple(row["others"])})) for row in rows]
