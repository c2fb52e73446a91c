"""Code segments in the database: loaded whole or not at all, used, and held against what is assigned (rule S01)."""

from __future__ import annotations

from pathlib import Path

from service.segment_files import SegmentReport, load_segments, read_segment_file
from sync.apply import Applier
from sync.offices import load_offices
from sync.store.connection import Pool, reading, writing
from sync.store.segments import segment_use
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
