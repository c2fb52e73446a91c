"""The figures that a province reports, by office, division and day: measured once, stored, never again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sync.store.connection import ReadConn, WriteConn
from sync.store.statements import statements

_SQL = statements("nightly_quality")


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityRow:
    """The figures of one office, division and day; division "" is the whole office."""

    date: date
    office: str
    division: str
    received: int
    accepted: int
    unchanged: int
    superseded: int
    rejected: int
    held: int
    quarantined: int
    fields_required: int
    fields_missing: int
    timed: int
    late: int
    days_p50: int | None
    days_p90: int | None
    days_p99: int | None
    unqualified: int
    wrong_codes: int
    stock: int
    stock_converted: int
    cases_open: int
    cases_overdue: int


async def measure(
    connection: WriteConn,
    *,
    day: date,
    office: str,
    begins: datetime,
    ends: datetime,
    required: Mapping[str, int],
    required_otherwise: int,
    stock_after_days: int,
) -> None:
    """Measure a day of an office and store it; what is stored stays.

    `required` says how many fields the profile of each organization category asks for. A record that is older than
    `stock_after_days` and not late is of a load of stock, which the timeliness leaves out.
    """
    await connection.execute(
        _SQL["measure"], day, office, begins, ends, list(required), list(required.values()),
        required_otherwise, stock_after_days,
    )  # fmt: skip


async def read_quality(
    connection: ReadConn,
    *,
    office: str | None,
    division: str | None,
    first: date,
    last: date,
    after: tuple[date, str, str] | None,
    limit: int,
) -> list[QualityRow]:
    """Return stored figures, newest day first."""
    behind = after or (None, None, None)
    rows = await connection.fetch(_SQL["figures"], office, division, first, last, *behind, limit)
    return [QualityRow(**row) for row in rows]
