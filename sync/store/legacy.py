"""Keeps the maps of old numbers to codes, and tells how many organizations have been converted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sync.store.connection import ReadConn, WriteConn
from sync.store.statements import statements

_SQL = statements("legacy")


class Organization(NamedTuple):
    """An organization from before the unified code: `kind` and `number` are of the number that stands for it."""

    kind: str
    number: str
    division_code: str
    name: str | None
    uscc: str | None
    registration_number: str | None
    organization_code: str | None
    tax_number: str | None


class Mapped(NamedTuple):
    """An old number and the code that it leads to."""

    kind: str
    number: str
    uscc: str


class Elsewhere(NamedTuple):
    """A number that is said to lead to one code and is known to lead to another."""

    kind: str
    number: str
    said: str
    known: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversionRow:
    """The conversion of one office and division; division "" is the whole office."""

    office: str
    division_code: str
    organizations: int
    mapped: int
    converted: int

    @property
    def rate(self) -> float:
        """The share that has been converted, from 0 to 1."""
        return self.converted / self.organizations


async def keep_organizations(
    connection: WriteConn, office: str, rows: Sequence[Organization], *, source: str, now: datetime, actor: str
) -> int:
    """Keep organizations; return how many were not known."""
    if not rows:
        return 0
    kinds, numbers, *others = map(list, zip(*rows, strict=True))
    told = await connection.fetch(_SQL["keep_organizations"], kinds, numbers, office, *others, source, now, actor)
    return sum(row["is_new"] for row in told)


async def map_numbers(connection: WriteConn, rows: Sequence[Mapped], *, source: str, now: datetime) -> int:
    """Let old numbers lead to codes; return how many led nowhere before. What a number leads to is never altered."""
    if not rows:
        return 0
    columns = map(list, zip(*rows, strict=True))
    return len(await connection.fetch(_SQL["map_numbers"], *columns, source, now))


async def led_elsewhere(connection: ReadConn, rows: Sequence[Mapped]) -> list[Elsewhere]:
    """Return the numbers that lead to another code than is said here."""
    if not rows:
        return []
    found = await connection.fetch(_SQL["led_elsewhere"], *map(list, zip(*rows, strict=True)))
    return [Elsewhere(**row) for row in found]


async def conversion(connection: ReadConn, office: str | None = None) -> list[ConversionRow]:
    """Return the conversion by office and division, of each office first the whole."""
    return [ConversionRow(**row) for row in await connection.fetch(_SQL["conversion"], office)]
