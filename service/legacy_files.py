"""Maps of old numbers (注册号, 组织机构代码, 税务登记号) to codes: read, checked line by line, and loaded in pieces.

A line names an organization from before the unified code by one or more old numbers, and its code where it has one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path

from service.tables import find_columns, open_table
from sync.store import ledger
from sync.store.connection import JOB, Pool, WriteConn, writing
from sync.store.legacy import Elsewhere, Mapped, Organization, keep_organizations, led_elsewhere, map_numbers
from validators import organization_code, registration_number, tax_number, uscc

PIECE_LINES = 5_000
_PROBLEMS_KEPT = 1_000
_COLUMNS = {
    "uscc": ("统一社会信用代码", "tyshxydm", "代码"),
    "registration_number": ("注册号", "zch"),
    "organization_code": ("组织机构代码", "zzjgdm"),
    "tax_number": ("税务登记号", "纳税人识别号", "swdjh"),
    "division_code": ("行政区划代码", "行政区划", "division"),
    "name": ("机构名称", "名称", "jgmc"),
}
_UNKNOWN_DIVISION = "000000"
_NUMBERS = ("registration_number", "organization_code", "tax_number")


@dataclass(frozen=True, slots=True)
class LegacyLine:
    """One line: an organization with its numbers as (kind, number), or what is wrong with it."""

    line: int
    organization: Organization | None
    numbers: tuple[tuple[str, str], ...] = ()
    problem: str | None = None


@dataclass(slots=True)
class LegacyReport:
    """What a file came to. `elsewhere` are numbers known to lead to another code; both lists are cut at 1,000."""

    lines: int = 0
    new: int = 0
    with_code: int = 0
    numbers_mapped: int = 0
    wrong: int = 0
    conflicts: int = 0
    problems: list[tuple[int, str]] = field(default_factory=list)
    elsewhere: list[Elsewhere] = field(default_factory=list)


def read_legacy_file(path: Path) -> Iterator[LegacyLine]:
    """Yield the lines of a file.

    Raises:
        UnreadableTable: no table, or no column of old numbers.
    """
    table = open_table(path)
    columns = find_columns(table, _COLUMNS, ())
    if not any(name in columns for name in _NUMBERS):
        find_columns(table, _COLUMNS, ("registration_number",))
    for row in table.rows():
        yield _read(row.line, {key: row.cells.get(column, "").strip() for key, column in columns.items()})


def _read(line: int, cells: Mapping[str, str]) -> LegacyLine:
    code = uscc.normalize(cells.get("uscc", "")) or None
    if code is not None and (len(code) != 18 or not all(character in uscc.ALPHABET for character in code)):
        return LegacyLine(line, None, problem=f"“{code}” 不是统一社会信用代码 · is no unified social credit code")
    registered = registration_number.normalize(cells.get("registration_number", "")) or None
    organization = organization_code.normalize(cells.get("organization_code", "")) or None
    tax = tax_number.normalize(cells.get("tax_number", "")) or None
    numbers: list[tuple[str, str]] = []
    form = registration_number.kind(registered) if registered is not None else None
    if registered is not None and form is not None:
        if not registration_number.is_valid(registered):
            return LegacyLine(
                line, None, problem=f"注册号 {registered} 校验不符 · the registration number fails its check"
            )
        numbers.append((form, registered))
    if organization is not None:
        if not organization_code.is_valid(organization):
            return LegacyLine(
                line, None, problem=f"组织机构代码 {organization} 校验不符 · the organization code fails its check"
            )
        numbers.append(("organization_code", organization))
    if tax is not None:
        if not tax_number.is_valid(tax):
            return LegacyLine(line, None, problem=f"税号 {tax} 校验不符 · the tax number fails its check")
        numbers.append(("tax_number", tax))
    if not numbers:
        return LegacyLine(line, None, problem="没有可识别的原有号码 · has no old number of a form that is known")
    kind, number = numbers[0]
    division = cells.get("division_code") or (
        code[2:8] if code else number[:6] if number[:6].isdecimal() else _UNKNOWN_DIVISION
    )
    found = Organization(kind, number, division, cells.get("name") or None, code, registered, organization, tax)
    return LegacyLine(line, found, tuple(numbers))


async def load_legacy(
    pool: Pool, lines: Iterable[LegacyLine], *, office: str, source: str, actor: str, dry_run: bool = False
) -> AsyncIterator[LegacyReport]:
    """Load the lines of a file, some thousand in one transaction; yield what it came to so far."""
    report = LegacyReport()
    rest = iter(lines)
    while piece := list(islice(rest, PIECE_LINES)):
        try:
            async with writing(pool, JOB) as connection:
                now = await ledger.take_lock(connection)
                await _load(connection, piece, report, now, office=office, source=source, actor=actor)
                if dry_run:
                    raise _Undone
        except _Undone:
            pass
        yield report
    yield report


class _Undone(Exception):
    """A dry run leaves nothing behind."""


async def _load(
    connection: WriteConn,
    piece: Iterable[LegacyLine],
    report: LegacyReport,
    now: datetime,
    *,
    office: str,
    source: str,
    actor: str,
) -> None:
    organizations, mapped = [], []
    for each in piece:
        report.lines += 1
        found = each.organization
        if found is None:
            report.wrong += 1
            if len(report.problems) < _PROBLEMS_KEPT:
                report.problems.append((each.line, each.problem or ""))
            continue
        organizations.append(found)
        if found.uscc is not None:
            report.with_code += 1
            mapped += [Mapped(kind, number, found.uscc) for kind, number in each.numbers]
    report.new += await keep_organizations(connection, office, organizations, source=source, now=now, actor=actor)
    report.numbers_mapped += await map_numbers(connection, mapped, source=source, now=now)
    elsewhere = await led_elsewhere(connection, mapped)
    report.conflicts += len(elsewhere)
    report.elsewhere += elsewhere[: _PROBLEMS_KEPT - len(report.elsewhere)]
