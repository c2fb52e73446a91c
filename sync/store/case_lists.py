"""Reads cases with their members, for those who must settle them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

import asyncpg

from sync.store.connection import ReadConn
from sync.store.statements import statements

_SQL = statements("case_lists")


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRow:
    """One record in a case; `ended_at` says that its claim was settled."""

    receipt_id: str
    office: str
    uscc: str
    name: str
    role: str
    joined_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolutionRow:
    """What was done or proposed about a case, by whom, and who approved it."""

    resolution_id: str
    operation: str
    member_receipt: str
    new_uscc: str | None
    successor_uscc: str | None
    reason: str | None
    via: str
    status: str
    proposed_by: str
    proposed_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    approval_reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """One case with its members and its resolutions, both in their order."""

    case_id: str
    rule: str
    uscc: str
    status: str
    opened_at: datetime
    due_on: date
    offices: tuple[str, ...]
    suggested_operation: str
    reason: str
    resolved_at: datetime | None
    members: list[MemberRow] = field(default_factory=list)
    resolutions: list[ResolutionRow] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFilters:
    """Which cases are wanted; None wants all."""

    office: str | None = None
    status: str | None = None
    rule: str | None = None
    overdue: bool | None = None


async def list_cases(
    connection: ReadConn, filters: CaseFilters, after: tuple[datetime, str] | None, limit: int
) -> list[CaseRow]:
    """Return at most `limit` cases, oldest first, behind the place `after` (opened_at and case_id)."""
    opened_at, case_id = after or (None, None)
    rows = await connection.fetch(
        _SQL["list_cases"], filters.office, filters.status, filters.rule, filters.overdue, opened_at, case_id, limit
    )
    return await _with_members(connection, rows)


async def find_case(connection: ReadConn, case_id: str, office: str | None) -> CaseRow | None:
    """Return one case; `office` is one it must concern, None for any."""
    rows = await connection.fetch(_SQL["find_case"], case_id, office)
    cases = await _with_members(connection, rows)
    return cases[0] if cases else None


async def _with_members(connection: ReadConn, rows: list[asyncpg.Record]) -> list[CaseRow]:
    cases = {row["case_id"]: CaseRow(**(dict(row) | {"offices": tuple(row["offices"])})) for row in rows}
    for row in await connection.fetch(_SQL["members"], list(cases)):
        values = dict(row)
        cases[values.pop("case_id")].members.append(MemberRow(**values))
    for row in await connection.fetch(_SQL["resolutions"], list(cases)):
        values = dict(row)
        cases[values.pop("case_id")].resolutions.append(ResolutionRow(**values))
    return list(cases.values())
