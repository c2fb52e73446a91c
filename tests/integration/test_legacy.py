"""Maps of old numbers: loaded with a report, kept by incoming records, and the conversion that follows."""

from __future__ import annotations

from pathlib import Path

from service.legacy_files import LegacyReport, load_legacy, read_legacy_file
from sync.store.connection import Pool, reading
from sync.store.legacy import conversion
from tests.integration.ledger import apply_all, body, open_ledger, read_returns
from validators.check_character import mod11, mod11_10

CODE = "91210100MA00004960"
OTHER = "91210100MA0000525B"
HEADER = "注册号,组织机构代码,税务登记号,统一社会信用代码,机构名称\n"
NUMBERS = [f"{body}{mod11_10(body)}" for body in ("21010000001234", "21010000001235", "21020000001236")]
ORGANIZATION = "MA000049" + mod11("MA000049")


async def _load(pool: Pool, folder: Path, *lines: str, dry_run: bool = False) -> LegacyReport:
    file = folder / "map.csv"
    file.write_text(HEADER + "\n".join(lines) + "\n", "gb18030")
    lines_read = list(read_legacy_file(file))
    reports = load_legacy(pool, lines_read, office="commerce", source="map.csv", actor="zhang", dry_run=dry_run)
    return [report async for report in reports][-1]


async def test_every_line_is_loaded_or_named_with_what_is_wrong(pool: Pool, tmp_path: Path) -> None:
    lines = (
        f"{NUMBERS[0]},,,{CODE},沈阳一号有限公司",
        f"{NUMBERS[1]},,,,沈阳二号有限公司",
        f"{NUMBERS[0][:-1]}x,,,,错号",
        f"{NUMBERS[2][:-1]}{(int(NUMBERS[2][-1]) + 1) % 10},,,,错号",
        f",{ORGANIZATION[:8]}-{ORGANIZATION[8]},,{CODE},某机关",
        f",,210100{ORGANIZATION},12,错码",
    )
    dry = await _load(pool, tmp_path, *lines, dry_run=True)
    report = await _load(pool, tmp_path, *lines)
    again = await _load(pool, tmp_path, *lines)

    assert dry == report
    assert (6, 3, 2, 2, 3) == (report.lines, report.new, report.with_code, report.numbers_mapped, report.wrong)
    assert [4, 5, 7] == [line for line, _ in report.problems]
    assert (0, 0) == (again.new, again.numbers_mapped)


async def test_a_number_that_leads_to_another_code_is_named_and_stays(pool: Pool, tmp_path: Path) -> None:
    await _load(pool, tmp_path, f"{NUMBERS[0]},,,{CODE},甲")
    report = await _load(pool, tmp_path, f"{NUMBERS[0]},,,{OTHER},乙")

    assert [("registration_number_15", NUMBERS[0], OTHER, CODE)] == [tuple(each) for each in report.elsewhere]


async def test_a_record_that_brings_a_mapped_number_under_another_code_is_held(
    database: str, pool: Pool, tmp_path: Path
) -> None:
    await _load(pool, tmp_path, f"{NUMBERS[0]},,,{OTHER},甲")
    async with open_ledger(database) as applier:
        await apply_all(applier, [body(1, uscc=CODE, registration_number=NUMBERS[0])])
        (told,) = await read_returns(applier.pool)

    assert "held" == told["disposition"]
    assert {"X01": OTHER} == {each["rule"]: each["expected"] for each in told["findings"] if each["rule"] == "X01"}


async def test_stock_is_converted_once_its_code_or_number_is_registered(
    database: str, pool: Pool, tmp_path: Path
) -> None:
    lines = (
        f"{NUMBERS[0]},,,,甲",
        f"{NUMBERS[1]},,,{OTHER},乙",
        f"{NUMBERS[2]},,,,丙",
        f",{ORGANIZATION},,,丁",
    )
    await _load(pool, tmp_path, *lines)
    async with open_ledger(database) as applier:
        await apply_all(applier, [body(1, uscc=CODE, registration_number=NUMBERS[0])])
    async with reading(pool) as connection:
        rows = await conversion(connection)

    assert [("", 4, 2), ("000000", 1, 1), ("210100", 2, 1), ("210200", 1, 0)] == [
        (row.division_code, row.organizations, row.converted) for row in rows
    ]
