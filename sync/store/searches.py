"""Finds registered organizations by name, old number, subject code, division, office and status: codes, no more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sync.store.connection import ReadConn
from sync.store.statements import statements

_SQL = statements("searches")
_NUMBER_KINDS = (
    "registration_number_15",
    "registration_number_13",
    "registration_number_cooperative",
    "organization_code",
    "tax_number",
)
# Behind every division code and every code.
_END = "~"


class Found(NamedTuple):
    """A holder that matches; `place` is where it stands in the scattered order."""

    uscc: str
    name_key: str
    place: str


class Walked(NamedTuple):
    """A holder that was looked at on a walk by division and code, and whether it is one of those looked for."""

    uscc: str
    division_code: str
    wanted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What is asked beside name and number; `hidden` lets in organizations that are not for everybody."""

    division: str = ""
    office: str | None = None
    status: str | None = None
    hidden: bool = False

    def arguments(self) -> tuple[str, str | None, str | None, bool]:
        """Return the filters as the statements take them."""
        return self.division, self.office, self.status, self.hidden


class TypoPatterns(NamedTuple):
    """For each place of an edit: what finds, and the LIKE patterns of the three edits there."""

    finders: list[str]
    fewer: list[str]
    other: list[str]
    more: list[str]


class CommonPairs(NamedTuple):
    """How large a part of all names holds each common pair of characters, and how many names there are."""

    frequencies: dict[str, float]
    names: float


async def prepare_session(connection: Any) -> None:
    """Prepare a new connection of the search; given to `open_pool`."""
    await connection.execute(_SQL["prepare_session"])


async def read_common_pairs(connection: ReadConn) -> CommonPairs:
    """Return what the statistics of the database say of pairs of characters."""
    rows = await connection.fetch(_SQL["common_pairs"])
    return CommonPairs({row["bigram"]: row["frequency"] for row in rows}, rows[0]["names"] if rows else 0.0)


async def by_prefix(connection: ReadConn, piece: str, filters: Filters, limit: int) -> list[Found]:
    """Return holders whose name key begins with `piece`, by name key."""
    return _found(await connection.fetch(_SQL["by_prefix"], like(piece) + "%", limit, *filters.arguments()))


async def by_piece(
    connection: ReadConn, piece: str, filters: Filters, limit: int, behind: tuple[str, str], *, is_rare: bool
) -> list[Found]:
    """Return holders with `piece` in their name key, in scattered order from `behind` on.

    `is_rare` says that few have it, so that finding them all is less work than walking along until enough are met.
    """
    if is_rare and len(piece) == 2:
        return _found(await connection.fetch(_SQL["by_rare_pair"], piece, limit, *filters.arguments(), *behind))
    statement = _SQL["by_rare_piece" if is_rare else "by_piece"]
    return _found(await connection.fetch(statement, f"%{like(piece)}%", limit, *filters.arguments(), *behind))


async def by_typos(
    connection: ReadConn, patterns: TypoPatterns, filters: Filters, limit: int, *, pairs: bool
) -> list[Found]:
    """Return holders with a piece in their name key that is one edit away; `pairs` says what the finders are."""
    statement = _SQL["by_short_typos" if pairs else "by_typos"]
    finders, *edits = patterns
    return _found(await connection.fetch(statement, finders, limit, *filters.arguments(), *edits))


async def by_codes(connection: ReadConn, codes: Sequence[str], filters: Filters, limit: int) -> list[Found]:
    """Return those of `codes` that are held and wanted, by code."""
    return _found(await connection.fetch(_SQL["by_codes"], codes, limit, *filters.arguments()))


async def walk(connection: ReadConn, behind: tuple[str, str], filters: Filters, limit: int) -> list[Walked]:
    """Return the next holders by division and code, wanted or not."""
    beyond = filters.division + _END
    rows = await connection.fetch(_SQL["walk"], *behind, *filters.arguments(), limit, beyond)
    return [Walked(row["uscc"], row["division_code"], bool(row["wanted"])) for row in rows]


async def codes_of_numbers(connection: ReadConn, numbers: Sequence[str]) -> set[str]:
    """Return the codes that old numbers lead to."""
    return {row["uscc"] for row in await connection.fetch(_SQL["codes_of_numbers"], _NUMBER_KINDS, numbers)}


async def codes_of_subjects(connection: ReadConn, subjects: Sequence[str]) -> set[str]:
    """Return the codes that were ever held with these subject identification codes."""
    return {row["uscc"] for row in await connection.fetch(_SQL["codes_of_subjects"], subjects)}


def like(text: str) -> str:
    """Return a text as a piece of a LIKE pattern that stands for itself."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _found(rows: Sequence[Any]) -> list[Found]:
    return [Found(row["uscc"], row["name_key"], row["place"]) for row in rows]
