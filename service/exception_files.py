"""Codes for the exceptions register, singly or as a file, each with its evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from service.tables import find_columns, open_table
from sync.store.register import NewException
from validators import uscc
from validators.code_lists import read_date

_COLUMNS = {
    "uscc": ("统一社会信用代码", "代码", "tyshxydm"),
    "evidence": ("依据", "证据", "佐证材料"),
    "source": ("来源",),
    "issued_on": ("赋码日期", "发证日期"),
}
_CODE_LENGTH = 18


@dataclass(slots=True)
class ExceptionLines:
    """What a file holds: codes to enter, and lines that are wrong with the reason (the header is line 1)."""

    codes: list[NewException] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)


def read_exceptions(path: Path) -> ExceptionLines:
    """Read the lines of a file.

    Raises:
        UnreadableTable: no table, or a column is missing.
    """
    table = open_table(path)
    columns = find_columns(table, _COLUMNS, ("uscc", "evidence"))
    lines = ExceptionLines()
    for row in table.rows():
        cells = {key: row.cells.get(column, "").strip() for key, column in columns.items()}
        issued_on, problem = _check(cells)
        if problem is not None:
            lines.problems.append((row.line, problem))
        else:
            source = cells.get("source") or path.name
            lines.codes.append(NewException(uscc.normalize(cells["uscc"]), cells["evidence"], source, issued_on))
    return lines


def one_exception(claimed: str, evidence: str, source: str, issued_on: date | None) -> ExceptionLines:
    """Return a single code as the one line of a file."""
    problem = problem_of(claimed)
    if problem is not None:
        return ExceptionLines(problems=[(1, problem)])
    return ExceptionLines(codes=[NewException(uscc.normalize(claimed), evidence, source, issued_on)])


def _check(cells: Mapping[str, str]) -> tuple[date | None, str | None]:
    given = cells.get("issued_on", "")
    issued_on = read_date(given) if given else None
    problem = problem_of(cells["uscc"])
    if problem is None and not cells["evidence"]:
        problem = "缺少依据 · needs its evidence: what shows that the code was issued"
    if problem is None and given and issued_on is None:
        problem = f"“{given}” 不是日期 · is no date YYYY-MM-DD"
    return issued_on, problem


def problem_of(claimed: str) -> str | None:
    """Say why a code cannot be an exception; None where it can."""
    code = uscc.normalize(claimed)
    if len(code) != _CODE_LENGTH or not all(character in uscc.ALPHABET for character in code):
        return f"“{code}” 不是 18 位代码 · is not 18 characters of the code's alphabet"
    if uscc.is_valid(code):
        return f"{code} 校验无误，无需登记 · passes its checks: it needs no exception"
    return None
