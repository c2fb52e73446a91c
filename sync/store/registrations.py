"""Reads the registry by code: the present state, set-wise, and what the fold of its history needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import orjson

from sync.holding import Event, Status
from sync.outcome import View
from sync.past import Applied, Withdrawal
from sync.records import OrderKey
from sync.store.connection import ReadConn
from sync.store.statements import statements
from validators.findings import Operation

_SQL = statements("registrations")


@dataclass(frozen=True, slots=True)
class Known:
    """What the registry holds of a code: `view` is None when it was withdrawn and nobody holds it now."""

    view: View | None
    is_public: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """The present row of a code, without its particulars."""

    registered: bool
    holding: int
    is_public: bool
    open_case: str | None
    predecessor_uscc: str | None


async def prepare_session(connection: Any) -> None:
    """Prepare a new connection of the API; given to `open_pool`."""
    await connection.execute(_SQL["prepare_session"])


async def fetch_present(connection: ReadConn, codes: Sequence[str], *, personal: bool = False) -> list[asyncpg.Record]:
    """Return the rows of statement look_up, as they come: for look-ups, to which a microsecond matters.

    `personal` shows personal fields, which is only for callers whose purpose the audit has.
    """
    return await connection.fetch(_SQL["look_up_unmasked" if personal else "look_up"], codes)


async def look_up(connection: ReadConn, codes: Sequence[str], *, personal: bool = False) -> dict[str, Known]:
    """Return what is known of each of `codes`; a code never registered is not in the answer.

    `personal` shows personal fields, which is only for callers whose purpose the audit has.
    """
    return {row["uscc"]: _known(row) for row in await fetch_present(connection, codes, personal=personal)}


def _known(row: asyncpg.Record) -> Known:
    if not row["registered"]:
        return Known(None, row["is_public"])
    view = View(
        uscc=row["uscc"],
        version=row["version"],
        status=Status(row["status"]),
        office=row["office"],
        record=orjson.loads(row["record"]),
        valid_from=row["valid_from"],
        recorded_at=row["recorded_at"],
        predecessor_uscc=row["predecessor_uscc"],
        successor_uscc=None,
        open_case=row["open_case"],
        receipt_id=row["receipt_id"],
    )
    return Known(view, row["is_public"])


async def read_present(connection: ReadConn, uscc: str) -> Present | None:
    """Return the present row of a code, None for one that was never registered."""
    row = await connection.fetchrow(_SQL["present"], uscc)
    return None if row is None else Present(**dict(row))


async def read_withdrawals(
    connection: ReadConn, uscc: str, *, known_at: datetime | None = None, as_of: datetime | None = None
) -> list[Withdrawal]:
    """Return the withdrawals of a code, by holding, as they were known at one instant and had happened by another."""
    return [Withdrawal(**dict(row)) for row in await connection.fetch(_SQL["tombstones"], uscc, known_at, as_of)]


async def read_applied(
    connection: ReadConn, uscc: str, *, known_at: datetime | None = None, personal: bool = False
) -> list[Applied]:
    """Return every applied record of a code that was known at an instant, in no particular order."""
    return [applied_of(row) for row in await connection.fetch(_SQL["applied"], uscc, known_at, personal)]


def applied_of(row: asyncpg.Record) -> Applied:
    """Return one applied record, as a statement gives it."""
    return Applied(
        holding=row["holding"],
        kind=row["kind"],
        superseded=row["superseded"],
        mark=row["mark"],
        applied_at=row["applied_at"],
        predecessor_uscc=row["predecessor_uscc"],
        event=Event(
            key=OrderKey(row["key_major"], row["occurred_at"], row["message_id"]),
            operation=Operation(row["operation"]),
            version=row["version"],
            name_key=row["name_key"],
            record=orjson.loads(row["record"]),
            office=row["office"],
            receipt_id=row["receipt_id"],
            recorded_at=row["recorded_at"],
            confirms_since=row["confirms_since"],
        ),
    )


async def read_nonconforming(connection: ReadConn, codes: Sequence[str]) -> frozenset[str]:
    """Return which of `codes` stand in the exceptions register of the database."""
    return frozenset(row["uscc"] for row in await connection.fetch(_SQL["nonconforming"], codes))


async def read_publicly_registered(connection: ReadConn, codes: Sequence[str]) -> frozenset[str]:
    """Return which of `codes` belong to organizations that everybody may see."""
    return frozenset(row["uscc"] for row in await connection.fetch(_SQL["publicly_registered"], codes))
