"""Reads what goes up to the national centre, and keeps what went and what was answered."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import orjson

from sync.store.connection import ReadConn, WriteConn
from sync.store.statements import statements

_SQL = statements("upward")
_PAGE = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportLine:
    """One code as it stands after its last change in the range; `record` is empty for who is hidden."""

    sequence: int
    uscc: str
    version: int
    kind: str
    recorded_at: datetime
    office: str
    status: str
    is_shown: bool
    successor_uscc: str | None
    reason: str | None
    record: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRow:
    """One report and, once it came, its receipt."""

    report_id: str
    from_sequence: int
    to_sequence: int
    codes: int
    file_name: str
    made_at: datetime
    made_by: str
    receipt_at: datetime | None
    accepted: int | None
    refused: int | None


class Bounds(NamedTuple):
    """Up to which change was reported, and the last change there is."""

    reported: int
    tip: int


async def freeze(connection: WriteConn) -> None:
    """See one moment of the registry; the first statement of a transaction."""
    await connection.execute(_SQL["freeze"])


async def bounds(connection: ReadConn) -> Bounds:
    """Return where the next report begins and ends."""
    row = await connection.fetchrow(_SQL["bounds"])
    assert row is not None, "an aggregate has a row"
    return Bounds(**row)


async def lines(connection: WriteConn, behind: int, up_to: int, *, personal: bool) -> AsyncIterator[ReportLine]:
    """Yield every code that changed in a range of the feed, as it stands now, in order of its last change."""
    await connection.execute(_SQL["scope_table"])
    await connection.execute(_SQL["fill_scope"], behind, up_to)
    place = behind
    while rows := await connection.fetch(_SQL["lines"], place, _PAGE, personal):
        for row in rows:
            record = orjson.loads(row["record"]) if row["is_shown"] else {}
            if not row["registered"]:
                record = {name: value for name, value in record.items() if name in ("uscc", "name")}
            yield ReportLine(
                sequence=row["sequence"],
                uscc=row["uscc"],
                version=row["version"],
                kind=row["kind"],
                recorded_at=row["recorded_at"],
                office=row["office"],
                status=row["status"],
                is_shown=row["is_shown"],
                successor_uscc=row["successor_uscc"],
                reason=row["reason"],
                record=record,
            )
        place = rows[-1]["sequence"]


async def keep_report(
    connection: WriteConn,
    *,
    report_id: str,
    behind: int,
    up_to: int,
    codes: int,
    file_name: str,
    sha256: bytes,
    now: datetime,
    actor: str,
) -> None:
    """Write down that a report was made."""
    await connection.execute(_SQL["keep_report"], report_id, behind, up_to, codes, file_name, sha256, now, actor)


async def read_reports(connection: ReadConn) -> list[ReportRow]:
    """Return the reports, newest first."""
    return [ReportRow(**row) for row in await connection.fetch(_SQL["reports"])]


async def find_report(connection: WriteConn, report_id: str) -> tuple[int, bytes | None] | None:
    """Return how many codes a report has and the digest of its receipt, and keep its row; None for an unknown one."""
    row = await connection.fetchrow(_SQL["report"], report_id)
    return (row["codes"], row["receipt_sha256"]) if row is not None else None


async def read_refusals(connection: ReadConn, report_id: str) -> dict[str, str]:
    """Return what was refused of a report, with the reasons."""
    return {row["uscc"]: row["reason"] for row in await connection.fetch(_SQL["refusals"], report_id)}


async def keep_receipt(
    connection: WriteConn,
    report_id: str,
    *,
    sha256: bytes,
    now: datetime,
    accepted: int,
    refusals: Sequence[tuple[str, str]],
) -> None:
    """Write down what the national centre answered."""
    if refusals:
        await connection.execute(_SQL["keep_refusals"], report_id, *map(list, zip(*refusals, strict=True)))
    await connection.execute(_SQL["keep_receipt"], report_id, sha256, now, accepted, len(refusals))
