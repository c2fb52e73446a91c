"""Reads the registry as it stood at a change of the feed, and keeps the list of sealed snapshots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import NamedTuple

import asyncpg
import orjson

from sync.past import Applied, Withdrawal
from sync.store.connection import ReadConn, WriteConn
from sync.store.registrations import applied_of
from sync.store.statements import statements

_SQL = statements("snapshots")
_LOCKS = statements("locks")


class Stand(NamedTuple):
    """Where the feed stands; `recorded_at` is None before the first change."""

    sequence: int
    recorded_at: datetime | None
    codes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotFile:
    """One file of a snapshot; `sha256` is hexadecimal."""

    name: str
    format: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A sealed snapshot: the whole registry as it stood at a change of the feed."""

    snapshot_id: str
    sequence: int
    recorded_at: datetime | None
    rows: int
    files: tuple[SnapshotFile, ...]
    sealed_at: datetime


async def take_turn(connection: ReadConn) -> bool:
    """Become the one that makes a snapshot for as long as this session lives; False when another one is."""
    taken: bool = await connection.fetchval(_LOCKS["lead_snapshots"])
    return taken


async def drop_changes(connection: WriteConn, before: datetime) -> int:
    """Drop the months of the feed that ended before an instant; return the last sequence dropped, or 0."""
    through: int = await connection.fetchval(_SQL["drop_changes"], before)
    return through


async def read_stand(connection: ReadConn) -> Stand:
    """Return where the feed stands now."""
    row = await connection.fetchrow(_SQL["stand"])
    assert row is not None
    return Stand(*row)


async def next_codes(connection: ReadConn, after: str, limit: int) -> list[str]:
    """Return the next codes that were ever held, by code."""
    return [row["uscc"] for row in await connection.fetch(_SQL["next_codes"], after, limit)]


async def read_applied(connection: ReadConn, codes: Sequence[str], stand: Stand) -> dict[str, list[Applied]]:
    """Return every applied record of these codes that was known at a change of the feed, unmasked, by code."""
    applied: dict[str, list[Applied]] = {}
    for row in await connection.fetch(_SQL["applied"], codes, stand.sequence, stand.recorded_at):
        applied.setdefault(row["uscc"], []).append(applied_of(row))
    return applied


async def read_withdrawals(connection: ReadConn, codes: Sequence[str], stand: Stand) -> dict[str, list[Withdrawal]]:
    """Return the withdrawals of these codes that were known at a change of the feed, by code and holding."""
    withdrawals: dict[str, list[Withdrawal]] = {}
    for row in await connection.fetch(_SQL["withdrawals"], codes, stand.recorded_at):
        members = dict(row)
        withdrawals.setdefault(members.pop("uscc"), []).append(Withdrawal(**members))
    return withdrawals


async def seal(connection: WriteConn, snapshot: Snapshot) -> None:
    """Add a snapshot to the list; from now on it is there for everybody."""
    files = orjson.dumps([asdict(file) for file in snapshot.files]).decode()
    await connection.execute(
        _SQL["seal"],
        snapshot.snapshot_id,
        snapshot.sequence,
        snapshot.recorded_at,
        snapshot.rows,
        files,
        snapshot.sealed_at,
    )


async def note_removed(connection: WriteConn, snapshot_id: str, now: datetime) -> None:
    """Take a snapshot from the list: its files are to be removed."""
    await connection.execute(_SQL["note_removed"], snapshot_id, now)


async def list_snapshots(connection: ReadConn, before: str | None, limit: int) -> list[Snapshot]:
    """Return the snapshots whose files are there, newest first."""
    return [_snapshot(row) for row in await connection.fetch(_SQL["list_snapshots"], before, limit)]


async def find_snapshot(connection: ReadConn, snapshot_id: str) -> Snapshot | None:
    """Return one snapshot whose files are there."""
    row = await connection.fetchrow(_SQL["find_snapshot"], snapshot_id)
    return None if row is None else _snapshot(row)


def _snapshot(row: asyncpg.Record) -> Snapshot:
    files = tuple(SnapshotFile(**file) for file in orjson.loads(row["files"]))
    return Snapshot(**(dict(row) | {"files": files}))
