"""The exceptions register and allowed conflicts: entered with evidence, never altered, heard at once."""

from __future__ import annotations

from pathlib import Path

from service.exception_files import one_exception, read_exceptions
from sync.store import ledger
from sync.store.connection import Pool, reading, writing
from sync.store.register import NewException, allow, end_allowance, enter, read_allowed, read_register
from tests.integration.ledger import apply_all, body, open_ledger, read_returns
from validators.uscc import is_valid

WRONG = "91210100MA0000496X"
CODE = "91210100MA00004960"
TWIN = "91210200MA00004965"


async def _enter(pool: Pool, *codes: NewException) -> set[str]:
    async with writing(pool) as connection:
        now = await ledger.take_lock(connection)
        return await enter(connection, codes, now=now, actor="zhang")


async def test_a_code_of_the_register_is_a_warning_from_then_on(database: str, pool: Pool) -> None:
    async with open_ledger(database) as applier:
        await apply_all(applier, [body(1, uscc=WRONG)])
        (entry,) = one_exception(WRONG, "营业执照", "operator", None).codes
        new = await _enter(pool, entry)
        await apply_all(applier, [body(2, uscc=WRONG)], partition=1)
        told = [each["disposition"] for each in await read_returns(applier.pool)]

    assert {WRONG} == new
    assert ["rejected", "accepted"] == told


async def test_what_stands_in_the_register_is_never_altered(pool: Pool) -> None:
    await _enter(pool, NewException(WRONG, "first", "a", None))
    again = await _enter(pool, NewException(WRONG, "second", "b", None))
    async with reading(pool) as connection:
        (row,) = await read_register(connection)

    assert set() == again
    assert ("first", "zhang") == (row.evidence, row.entered_by)


def test_a_file_names_every_line_that_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "codes.csv"
    rows = (f"{WRONG},执照,2026-11-20", f"{CODE},执照,", "12,执照,", f"{WRONG},,", f"{WRONG},执照,昨天")
    file.write_text("\n".join(("统一社会信用代码,依据,赋码日期", *rows)), "gb18030")

    lines = read_exceptions(file)

    assert [(WRONG, "执照")] == [(each.uscc, each.evidence) for each in lines.codes]
    assert [3, 4, 5, 6] == [line for line, _ in lines.problems]


async def test_an_allowed_conflict_holds_no_record(database: str, pool: Pool) -> None:
    assert is_valid(TWIN)
    async with writing(pool) as connection:
        now = await ledger.take_lock(connection)
        told = [
            await allow(connection, "D03", *pair, evidence="分立", now=now, actor="zhang")
            for pair in ((CODE, TWIN), (TWIN, CODE))
        ]
    async with open_ledger(database) as applier:
        await apply_all(applier, [body(1, uscc=CODE), body(2, uscc=TWIN, name="大连二号有限公司")])
        dispositions = [each["disposition"] for each in await read_returns(applier.pool)]
    async with reading(pool) as connection:
        (row,) = await read_allowed(connection)

    assert [True, False] == told
    assert ["accepted", "accepted"] == dispositions
    assert ("分立", "zhang") == (row.evidence, row.allowed_by)


async def test_an_allowance_that_ended_holds_records_again_and_stays_in_the_list(database: str, pool: Pool) -> None:
    async with writing(pool) as connection:
        now = await ledger.take_lock(connection)
        await allow(connection, "D03", CODE, TWIN, evidence="分立", now=now, actor="zhang")
        told = [
            await end_allowance(connection, "D03", TWIN, CODE, reason="查无实据", now=now, actor="li") for _ in range(2)
        ]
    async with open_ledger(database) as applier:
        await apply_all(applier, [body(1, uscc=CODE), body(2, uscc=TWIN, name="大连二号有限公司")])
        dispositions = [each["disposition"] for each in await read_returns(applier.pool)]
    async with writing(pool) as connection:
        again = await allow(connection, "D03", CODE, TWIN, evidence="补充材料", now=now, actor="zhang")
        rows = await read_allowed(connection)

    assert [True, False] == told
    assert ["accepted", "held"] == dispositions
    assert again
    assert [("分立", "li", "查无实据"), ("补充材料", None, None)] == [
        (row.evidence, row.ended_by, row.end_reason) for row in rows
    ]
