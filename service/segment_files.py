"""Files of code segments: read with a report, and loaded whole or not at all."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path

from service.tables import find_columns, open_table
from sync.offices import Office
from sync.segments import Segment, Segments, is_body
from sync.store import ledger
from sync.store.connection import WriteConn
from sync.store.segments import add_segments, read_segments
from validators.code_lists import read_date
from validators.normalization import normalize

_COLUMNS = {
    "first": ("first_body", "起始码", "码段起始", "起始主体标识码"),
    "last": ("last_body", "终止码", "截止码", "码段终止", "终止主体标识码"),
    "office": ("登记管理部门", "部门"),
    "registrar_code": ("登记机关代码", "登记管理机关代码", "djglbmdm"),
    "registrar_name": ("登记机关名称", "登记机关", "djglbmmc"),
    "allocated_on": ("分配日期", "发放日期"),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one line of a file (the header is line 1)."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class SegmentLine:
    """One line of a file: a segment, or what is wrong with it."""

    line: int
    segment: Segment | None
    problem: str | None = None


@dataclass(slots=True)
class SegmentReport:
    """What a file came to: segments that are new, those known already, and lines that are wrong."""

    added: int = 0
    known: int = 0
    problems: list[Problem] = field(default_factory=list)


def read_segment_file(path: Path, offices: Mapping[str, Office]) -> list[SegmentLine]:
    """Read the lines of a file.

    Raises:
        UnreadableTable: no table, or a column is missing.
    """
    table = open_table(path)
    columns = find_columns(table, _COLUMNS, ("first", "last", "office", "allocated_on"))
    titles = {office.title_zh: office.id for office in offices.values()} | {each: each for each in offices}
    return [
        _read(row.line, {key: row.cells.get(column, "").strip() for key, column in columns.items()}, titles)
        for row in table.rows()
    ]


def _read(line: int, cells: Mapping[str, str], offices: Mapping[str, str]) -> SegmentLine:
    first, last = normalize(cells["first"]), normalize(cells["last"])
    allocated_on = read_date(cells["allocated_on"])
    office = offices.get(cells["office"])
    wrong = next((body for body in (first, last) if not is_body(body)), None)
    problem = None
    if wrong is not None:
        problem = f"“{wrong}” 不是主体标识码前 8 位 · is no body of a subject identification code: 8 characters of it"
    elif first > last:
        problem = f"终止码 {last} 在起始码 {first} 之前 · the segment ends before it begins"
    elif office is None:
        problem = f"没有部门“{cells['office']}” · no such office; there are {', '.join(sorted(set(offices.values())))}"
    elif allocated_on is None:
        problem = f"“{cells['allocated_on']}” 不是日期 · is no date YYYY-MM-DD"
    if problem is not None or office is None or allocated_on is None:
        return SegmentLine(line, None, problem)
    segment = Segment(
        first_body=first,
        last_body=last,
        office=office,
        registrar_code=cells.get("registrar_code") or None,
        registrar_name=cells.get("registrar_name") or None,
        allocated_on=allocated_on,
    )
    return SegmentLine(line, segment)


async def load_segments(
    connection: WriteConn, lines: Iterable[SegmentLine], *, source: str, actor: str, dry_run: bool = False
) -> SegmentReport:
    """Load the segments of a file under the writer's lock: all that are new, or none where a line is wrong."""
    now = await ledger.take_lock(connection)
    loaded = (await read_segments(connection, Segments())).ordered
    standing = list(loaded)
    known = set(loaded)
    report = SegmentReport()
    new: list[Segment] = []
    for each in lines:
        segment = each.segment
        if segment is None:
            report.problems.append(Problem(each.line, each.problem or ""))
            continue
        place = bisect_left(standing, segment.first_body, key=attrgetter("first_body"))
        beside = standing[max(0, place - 1) : place + 1]
        other = next((one for one in beside if one.overlaps(segment)), None)
        if segment in known:
            report.known += 1
        elif other is not None:
            text = f"与 {other.bodies} 重叠 · overlaps that of {other.office} ({other.holder})"
            report.problems.append(Problem(each.line, text))
        else:
            new.append(segment)
            standing.insert(place, segment)
    report.added = len(new)
    if not report.problems and not dry_run:
        await add_segments(connection, new, source=source, now=now, actor=actor)
    return report
