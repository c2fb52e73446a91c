"""Reads the returns of an office by their sequence, as the bytes that were stored."""

from __future__ import annotations

from dataclasses import dataclass

from sync.records import Disposition, Source
from sync.store.connection import ReadConn, WriteConn
from sync.store.statements import statements

_SQL = statements("returns")
# How many returns one statement looks at; with filters that match little, several statements make a page.
WINDOW = 20_000
_WINDOWS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which returns are wanted; None wants all."""

    disposition: str | None = None
    rule: str | None = None
    batch_id: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a feed: the items as stored, and the sequence of the last item *examined*."""

    items: list[str]
    examined: int


async def read_tip(connection: ReadConn, office: str) -> int:
    """Return the sequence of an office's last return, 0 before the first."""
    return await connection.fetchval(_SQL["returns_tip"], office) or 0


async def read_page(connection: ReadConn, office: str, after: int, limit: int, filters: Filters) -> Page:
    """Return at most `limit` returns of an office behind `after`.

    At most WINDOW returns are looked at per statement, and a handful of statements made, so that a filter that
    matches nothing costs little: the page then ends early, and its cursor lets the caller go on.
    """
    tip = await read_tip(connection, office)
    items: list[str] = []
    examined = after
    for _ in range(_WINDOWS):
        if examined >= tip or len(items) >= limit:
            break
        upper = min(examined + WINDOW, tip)
        wanted = limit - len(items)
        rows = await connection.fetch(
            _SQL["returns_between"],
            office,
            examined,
            upper,
            filters.disposition,
            filters.rule,
            filters.batch_id,
            wanted,
        )
        items += [row["return_text"] for row in rows]
        examined = rows[-1]["sequence"] if len(rows) == wanted else upper
    return Page(items, examined)


async def read_by_receipt(connection: ReadConn, receipt_id: str, office: str | None) -> list[str]:
    """Return every attempt of one record; `office` is whose it must be, None for anybody's."""
    return [row["return_text"] for row in await connection.fetch(_SQL["returns_of_receipt"], receipt_id, office)]


async def read_by_source(connection: ReadConn, source: Source, office: str | None) -> list[str]:
    """Return every attempt of the record at a place in Kafka; `office` is whose it must be, None for anybody's."""
    return [row["return_text"] for row in await connection.fetch(_SQL["returns_of_source"], *source, office)]


async def acknowledge(connection: WriteConn, office: str, through: int) -> int:
    """Remember that an office has read through a sequence; return how far it has read, which never goes backwards."""
    acknowledged: int = await connection.fetchval(_SQL["acknowledge"], office, through)
    return acknowledged


async def count_dispositions(connection: ReadConn, office: str, after: int, upto: int) -> dict[Disposition, int]:
    """Count an office's dispositions behind one sequence up to another."""
    rows = await connection.fetch(_SQL["count_dispositions"], office, after, upto)
    return {Disposition(row["disposition"]): row["records"] for row in rows}
