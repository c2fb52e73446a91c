"""Code segments in the database: loaded whole or not at all, used, and held against what is assigned (rule S01)."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest

from service.segment_files import SegmentReport, load_segments, read_segment_file
from sync.apply import Applier
from sync.offices import load_offices
from sync.rechecking import recheck_segments
from sync.store import ledger
from sync.store.case_lists import CaseFilters, list_cases
from sync.store.connection import Pool, reading, writing
from sync.store.segments import read_allocations, segment_use, withdraw_segments
from tests.integration.ledger import apply_all, body, open_ledger, read_returns

CODE = "91210100MA00004960"
HEADER = "first,last,office,registrar_code,registrar_name,allocated_on\n"


async def _load(pool: Pool, folder: Path, lines: str, *, dry_run: bool = False) -> SegmentReport:
    file = folder / "segments.csv"
    file.write_text(HEADER + lines, "utf-8")
    read = read_segment_file(file, load_offices())
    async with writing(pool) as connection:
        return await load_segments(connection, read, source=file.name, actor="zhang", dry_run=dry_run)


async def _told(applier: Applier) -> list[str]:
    return [
        " ".join(
            (each["disposition"], *sorted(finding["rule"] for finding in each["findings"] if finding["rule"][0] == "S"))
        )
        for each in await read_returns(applier.pool)
    ]


async def test_nothing_is_judged_until_segments_are_loaded_and_then_at_once(
    database: str, pool: Pool, tmp_path: Path
) -> None:
    other = "91210100MA0000525B"
    async with open_ledger(database) as applier:
        await apply_all(applier, [body(1, uscc=CODE)])
        await _load(pool, tmp_path, "MB000000,MB00YYYY,commerce,,,2026-01-01\n")
        await apply_all(applier, [body(2, uscc=other, name="沈阳二号有限公司")], partition=1)

        assert ["accepted", "held S01"] == await _told(applier)


async def test_a_file_with_one_wrong_line_loads_nothing(pool: Pool, tmp_path: Path) -> None:
    good = "MA000000,MA00YYYY,commerce,,,2026-01-01\n"
    report = await _load(pool, tmp_path, good + "MA00A000,MA010000,民政,,,2026-01-01\nMAO,MA,x,,,2026-01-01\n")
    async with reading(pool) as connection:
        rows = await segment_use(connection)

    assert (1, 0, [3, 4]) == (report.added, report.known, [problem.line for problem in report.problems])
    assert [] == rows


async def test_a_dry_run_loads_nothing_and_a_second_load_adds_nothing(pool: Pool, tmp_path: Path) -> None:
    line = "MA000000,MA00YYYY,市场监管（工商）,,,2026-01-01\n"
    dry = await _load(pool, tmp_path, line, dry_run=True)
    first = await _load(pool, tmp_path, line)
    second = await _load(pool, tmp_path, line)

    assert [(1, 0), (1, 0), (0, 1)] == [(each.added, each.known) for each in (dry, first, second)]


async def test_the_use_of_a_segment_counts_every_code_ever_registered_from_it(
    database: str, pool: Pool, tmp_path: Path
) -> None:
    async with open_ledger(database) as applier:
        await apply_all(applier, [body(1, uscc=CODE), body(2, "withdraw", at="2026-11-20T10:00:00+08:00", uscc=CODE)])
    await _load(pool, tmp_path, "MA000049,MA00004A,commerce,,,2026-01-01\n")
    async with reading(pool) as connection:
        (row,) = await segment_use(connection)

    assert (2, 1, 1, "MA000049") == (row.segment.size, row.used, row.rest, row.latest)


async def test_a_wrong_load_is_withdrawn_and_what_it_held_is_applied(database: str, pool: Pool, tmp_path: Path) -> None:
    waiting = [body(1, uscc=CODE), body(2, "change", at="2026-11-20T10:00:00+08:00", uscc=CODE)]
    async with open_ledger(database) as applier:
        await _load(pool, tmp_path, "MB000000,MB00YYYY,commerce,,,2026-01-01\n")
        await apply_all(applier, waiting)
        before = [each async for each in recheck_segments(applier, actor="zhang", reason="更正")]
        async with writing(pool) as connection:
            now = await ledger.take_lock(connection)
            gone = await withdraw_segments(connection, [], "segments.csv", now=now, actor="zhang", reason="整表有误")
        await _load(pool, tmp_path, "MA000000,MA00YYYY,commerce,,,2026-01-01\n")
        tried = [each async for each in recheck_segments(applier, actor="zhang", reason="更正", dry_run=True)]
        after = [each async for each in recheck_segments(applier, actor="zhang", reason="更正")]
        again = [each async for each in recheck_segments(applier, actor="zhang", reason="更正")]
        told = [(each["attempt"], each["disposition"]) for each in await read_returns(pool)]
    async with reading(pool) as connection:
        history = await read_allocations(connection)
        (case,) = await list_cases(connection, CaseFilters(), None, 10)

    assert [[False], [True], [True], []] == [
        [each.released for each in every] for every in (before, tried, after, again)
    ]
    assert ["MB000000"] == [segment.first_body for segment in gone]
    assert [(1, "held"), (1, "held"), (2, "accepted")] == told[:3]
    assert [("MB000000", "整表有误"), ("MA000000", None)] == [
        (each.segment.first_body, each.reason) for each in history
    ]
    assert ("resolved", "program", "更正") == (case.status, case.resolutions[0].via, case.resolutions[0].reason)


async def test_withdrawn_bodies_can_be_allocated_again(pool: Pool, tmp_path: Path) -> None:
    line = "MA000000,MA00YYYY,commerce,,,2026-01-01\n"
    await _load(pool, tmp_path, line)
    async with writing(pool) as connection:
        now = await ledger.take_lock(connection)
        await withdraw_segments(connection, ["MA000000"], None, now=now, actor="zhang", reason="归属有误")
    report = await _load(pool, tmp_path, "MA000000,MA00YYYY,民政,,,2026-01-01\n")
    async with reading(pool) as connection:
        (row,) = await segment_use(connection)

    assert (1, []) == (report.added, report.problems)
    assert "civil-affairs" == row.segment.office


async def test_allocations_are_never_rewritten(pool: Pool, tmp_path: Path) -> None:
    await _load(pool, tmp_path, "MA000000,MA00YYYY,commerce,,,2026-01-01\n")

    with pytest.raises(asyncpg.RestrictViolationError):
        await pool.fetch("delete from code_segment")
