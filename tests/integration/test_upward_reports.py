"""The upward report: every change once, incrementally, and the national centre's receipt taken back."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import orjson
import pytest

from service.upward_reports import NotOurs, make_report, take_receipt
from sync.store.connection import Pool, reading
from sync.store.upward import read_refusals, read_reports
from tests.integration.ledger import apply_all, body, open_ledger

CODE = "91210100MA00004960"
OTHER = "91210100MA0000525B"
HIDDEN = "91210100MA0000605Y"
LATER = "2026-11-20T10:00:00+08:00"


def _ndjson(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def _receipt(folder: Path, report_id: str, *lines: str) -> Path:
    file = folder / "回执.csv"
    file.write_text(
        "\n".join(("上报编号,统一社会信用代码,结果,原因", *(f"{report_id},{line}" for line in lines))), "gb18030"
    )
    return file


async def test_a_report_holds_every_code_that_changed_since_the_last_one(
    database: str, pool: Pool, tmp_path: Path
) -> None:
    first, second = tmp_path / "1.ndjson", tmp_path / "2.ndjson"
    async with open_ledger(database) as applier:
        await apply_all(applier, [body(1, uscc=CODE), body(2, uscc=OTHER, name="沈阳二号有限公司")])
        made = await make_report(pool, first, actor="zhang")
        await apply_all(
            applier,
            [body(3, "change", at=LATER, uscc=CODE, registered_address="新址"), body(4, "cancel", at=LATER, uscc=CODE)],
            partition=1,
        )
        again = await make_report(pool, second, actor="zhang")
        nothing = await make_report(pool, tmp_path / "3.ndjson", actor="zhang")

    assert made is not None
    assert again is not None
    assert [(0, 2, 2), (2, 4, 1)] == [(each.behind, each.up_to, each.codes) for each in (made, again)]
    assert [CODE, OTHER] == [line["uscc"] for line in _ndjson(first)]
    (line,) = _ndjson(second)
    assert ("cancelled", "3", "2", "新址") == (line["kind"], line["djywlx"], line["zt"], line["record"]["zcdz"])
    assert nothing is None
    assert not (tmp_path / "3.ndjson").exists()


async def test_personal_values_are_masked_and_hidden_organizations_a_stub_unless_released(
    database: str, pool: Pool, tmp_path: Path
) -> None:
    number = "210102199001011230"
    async with open_ledger(database) as applier:
        await apply_all(
            applier,
            [
                body(1, uscc=CODE, legal_representative_id_number=number),
                body(2, uscc=HIDDEN, name="某单位", is_public="0"),
            ],
        )
        await make_report(pool, tmp_path / "masked.ndjson", actor="zhang")
        await apply_all(
            applier,
            [
                body(3, "change", at=LATER, uscc=CODE, legal_representative_id_number=number, registered_address="新"),
                body(4, "change", at=LATER, uscc=HIDDEN, name="某单位", is_public="0", registered_address="新"),
            ],
            partition=1,
        )
        await make_report(pool, tmp_path / "open.ndjson", actor="zhang", personal=True, purpose="上报")

    masked, stub = _ndjson(tmp_path / "masked.ndjson")
    whole, shown = _ndjson(tmp_path / "open.ndjson")
    assert "210***********1230" == masked["record"]["fddbrzjhm"]
    assert (True, {"tyshxydm": HIDDEN}) == (stub["restricted"], stub["record"])
    assert number == whole["record"]["fddbrzjhm"]
    assert "某单位" == shown["record"]["jgmc"]
    async with reading(pool) as connection:
        audited = await connection.fetch("select actor, purpose from audit where action = 'personal_reported'")
    assert [("zhang", "上报")] == [tuple(row) for row in audited]


async def test_a_withdrawn_code_goes_up_with_its_successor_and_no_more_than_its_name(
    database: str, pool: Pool, tmp_path: Path
) -> None:
    async with open_ledger(database) as applier:
        await apply_all(applier, [body(1, uscc=CODE), body(2, "withdraw", at=LATER, uscc=CODE)])
    await make_report(pool, tmp_path / "1.csv", actor="zhang")

    with (tmp_path / "1.csv").open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert ("withdrawn", "9", CODE, "沈阳一号有限公司", "") == (
        row["kind"], row["zt"], row["tyshxydm"], row["jgmc"], row["hzrq"],
    )  # fmt: skip


async def test_a_receipt_is_taken_once_and_its_refusals_are_kept(database: str, pool: Pool, tmp_path: Path) -> None:
    async with open_ledger(database) as applier:
        await apply_all(applier, [body(1, uscc=CODE), body(2, uscc=OTHER, name="沈阳二号有限公司")])
    made = await make_report(pool, tmp_path / "1.ndjson", actor="zhang")
    assert made is not None
    file = _receipt(tmp_path, made.report_id, f"{CODE},成功,", f"{OTHER},失败,代码重复")

    receipt, is_new = await take_receipt(pool, file)
    _, is_new_again = await take_receipt(pool, file)

    assert (1, {OTHER: "代码重复"}, True, False) == (receipt.accepted, receipt.refusals, is_new, is_new_again)
    async with reading(pool) as connection:
        (row,) = await read_reports(connection)
        assert {OTHER: "代码重复"} == await read_refusals(connection, made.report_id)
    assert (1, 1) == (row.accepted, row.refused)


@pytest.mark.parametrize("lines", [[], ["C,成功,"], [f"{CODE},也许,"], [f"{CODE},成功,"] * 3])
async def test_a_receipt_that_fits_no_report_is_refused(
    database: str, pool: Pool, tmp_path: Path, lines: list[str]
) -> None:
    async with open_ledger(database) as applier:
        await apply_all(applier, [body(1, uscc=CODE)])
    made = await make_report(pool, tmp_path / "1.ndjson", actor="zhang")
    assert made is not None
    report_id = "report-other" if lines == ["C,成功,"] else made.report_id

    with pytest.raises(NotOurs):
        await take_receipt(pool, _receipt(tmp_path, report_id, *lines))
