"""Correction files and the national summary: out, back, and what becomes of the cases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from service.correction_files import HEADER, read_form, write_form
from service.national_files import digest_of, read_summary
from service.tables import open_table, write_table
from sync import cases
from sync.apply import Applier
from sync.cases import Order
from sync.corrections import Clerk, carry_out
from sync.national import Imported, import_claims
from sync.store.case_lists import CaseFilters, CaseRow, list_cases
from sync.store.connection import Pool, reading
from sync.store.corrections import to_correct
from tests.integration.ledger import apply_all, body, open_ledger, read_returns
from validators.findings import Operation

CODE = "91210100MA00004960"
NEW = "91210100MA0000525B"
NAME = "沈阳一号有限公司"
OTHER = "大连二号有限公司"
CENTRE = Clerk(name="zhang", office=None, is_person=True)
COMMERCE = Clerk(name="commerce", office="commerce", is_person=False)


async def _cases(pool: Pool) -> list[CaseRow]:
    async with reading(pool) as connection:
        return await list_cases(connection, CaseFilters(), None, 100)


async def _import(applier: Applier, folder: Path, *lines: str, dry_run: bool = False) -> Imported:
    file = folder / "重错码汇总表.csv"
    file.write_text("\n".join(("序号,统一社会信用代码,机构名称,问题类型", *lines)) + "\n", "gb18030")
    return await import_claims(
        applier, read_summary(file), sha256=digest_of(file), file_name=file.name, actor="zhang", dry_run=dry_run
    )


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
async def test_the_form_goes_out_and_comes_back_in_the_same_shape(
    database: str, pool: Pool, tmp_path: Path, suffix: str
) -> None:
    async with open_ledger(database) as applier:
        await apply_all(applier, [body(1, uscc=CODE, name="=沈阳"), body(2, uscc=CODE, name=OTHER)])
        async with reading(pool) as connection:
            lines = await to_correct(connection, "commerce")
        out, back = tmp_path / f"out.{suffix}", tmp_path / f"back.{suffix}"
        written = write_form(out, lines)
        rows = [list(row.cells.values()) for row in open_table(out).rows()]
        write_table(back, HEADER, [[code, name, "1" if OTHER in name else "", "", "误报"] for code, name, _ in rows])
        answers = await carry_out(applier, read_form(back), COMMERCE)

    assert 2 == written
    assert HEADER == open_table(out).columns
    assert [("=沈阳", "skipped"), (OTHER, "done")] == [(answer.name, answer.result) for answer in answers]
    assert [True, True] == ["D01" in reason for _, _, reason in rows]
    assert ["建议 2 保持原码不变", "建议 0 赋新码"] == [reason.split("；")[1] for _, _, reason in rows]


async def test_a_form_names_the_record_where_one_organization_is_in_a_case_twice(
    database: str, pool: Pool, tmp_path: Path
) -> None:
    """The holder is cancelled and is assigned its own code again (L01): both lines bear one code and one name."""
    cancel = body(2, "cancel", at="2026-11-20T10:00:00+08:00", uscc=CODE)
    async with open_ledger(database) as applier:
        await apply_all(applier, [body(1, uscc=CODE), cancel, body(3, at="2026-11-20T11:00:00+08:00", uscc=CODE)])
        async with reading(pool) as connection:
            holder, held = await to_correct(connection, "commerce")
        form = tmp_path / "form.csv"
        write_form(form, [holder, held])
        cells = [list(row.cells.values()) for row in open_table(form).rows()]
        back = [[code, name, flag, "", why] for (code, name, why), flag in zip(cells, ("", "1"), strict=True)]
        write_table(form, HEADER, back)
        answers = await carry_out(applier, read_form(form), COMMERCE)
        again = await carry_out(applier, read_form(form), COMMERCE)
        told = [(each["attempt"], each["disposition"]) for each in await read_returns(pool)]
        registered = await pool.fetch("select registered, status from registration")

    assert [("holder", CODE), ("held", CODE)] == [(line.role, line.uscc) for line in (holder, held)]
    assert ["skipped", "done"] == [answer.result for answer in answers]
    assert (2, "rejected") == told[-1]
    assert [(True, "cancelled")] == [tuple(row) for row in registered]
    assert ["skipped", "refused"] == [answer.result for answer in again]


@pytest.mark.parametrize(
    ("said", "flag"), [("2 保持原码不变", "2"), ("删除", "1"), ("assign", "0"), ("1 保持", "1 保持")]
)
def test_a_flag_is_read_as_the_form_writes_it(tmp_path: Path, said: str, flag: str) -> None:
    form = tmp_path / "form.csv"
    write_table(form, HEADER, [[CODE, NAME, said, "", ""]])

    assert [flag] == [row.flag for row in read_form(form)]


async def test_new_codes_are_given_before_the_holder_is_confirmed(database: str, tmp_path: Path) -> None:
    """A clerk answers both lines of one case: 2 for the holder, 0 for the other, in the order of the form."""
    form = tmp_path / "form.csv"
    write_table(form, HEADER, [[CODE, NAME, "2", "", "核对无误"], [CODE, OTHER, "0", NEW, "另赋"]])
    async with open_ledger(database) as applier:
        await apply_all(applier, [body(1, uscc=CODE), body(2, uscc=CODE, name=OTHER)])
        answers = await carry_out(applier, read_form(form), COMMERCE, mode="all")

        assert ["unchanged", "done"] == [answer.result for answer in answers]
        assert ["accepted", "held", "accepted"] == [each["disposition"] for each in await read_returns(applier.pool)]


async def test_a_dry_run_tells_and_changes_nothing(database: str, pool: Pool, tmp_path: Path) -> None:
    form = tmp_path / "form.csv"
    write_table(form, HEADER, [[CODE, OTHER, "1", "", ""], [CODE, NAME, "1", "", ""]])
    async with open_ledger(database) as applier:
        await apply_all(applier, [body(1, uscc=CODE), body(2, uscc=CODE, name=OTHER)])
        answers = await carry_out(applier, read_form(form), CENTRE, dry_run=True)

    assert ["done", "refused"] == [answer.result for answer in answers]
    assert ["open"] == [case.status for case in await _cases(pool)]


async def test_a_row_names_the_holder_by_the_name_that_it_has_now(database: str, pool: Pool, tmp_path: Path) -> None:
    """The holder took another name after it had become a member of the other code's case (D02)."""
    place = {"legal_representative_name": "王一", "registered_address": "一号"}
    form = tmp_path / "form.csv"
    write_table(form, HEADER, [[CODE, OTHER, "1", "", "收回"]])
    async with open_ledger(database) as applier:
        await apply_all(
            applier,
            [
                body(1, uscc=CODE, **place),
                body(2, uscc=NEW, **place),
                body(3, "change", at="2026-11-20T10:00:00+08:00", uscc=CODE, name=OTHER, **place),
            ],
        )
        answers = await carry_out(applier, read_form(form), CENTRE)

    assert ["awaiting_approval"] == [answer.result for answer in answers]


async def test_one_refused_row_leaves_a_whole_file_undone(database: str, pool: Pool, tmp_path: Path) -> None:
    form = tmp_path / "form.csv"
    write_table(form, HEADER, [[CODE, OTHER, "1", "", ""], [NEW, NAME, "1", "", ""]])
    async with open_ledger(database) as applier:
        await apply_all(applier, [body(1, uscc=CODE), body(2, uscc=CODE, name=OTHER)])
        whole = await carry_out(applier, read_form(form), CENTRE, mode="all")
        rows = await carry_out(applier, read_form(form), CENTRE, mode="rows")

    assert ["not_carried_out", "refused"] == [answer.result for answer in whole]
    assert ["done", "refused"] == [answer.result for answer in rows]
    assert ["resolved"] == [case.status for case in await _cases(pool)]


async def test_the_national_summary_opens_a_case_for_each_conflict_once(
    database: str, pool: Pool, tmp_path: Path
) -> None:
    lines = (f"1,{CODE},{NAME},错码", f"2,{NEW},{OTHER},一码多赋", f"3,{NEW},大连三号有限公司,一码多赋", "4,X,Y,错码")
    async with open_ledger(database) as applier:
        await apply_all(applier, [body(1, uscc=CODE)])
        dry = await _import(applier, tmp_path, *lines, dry_run=True)
        first = await _import(applier, tmp_path, *lines)
        second = await _import(applier, tmp_path, *lines)
        found = await _cases(pool)

    assert dry == first
    assert (2, 1, 0, [5]) == (first.opened, first.joined, first.known, [line for line, _ in first.wrong])
    assert (0, 0, 3) == (second.opened, second.joined, second.known)
    assert {("E05", ("holder",)), ("D01", ("claimed", "claimed"))} == {
        (case.rule, tuple(member.role for member in case.members)) for case in found
    }


async def test_a_claim_that_nothing_is_known_of_is_settled_by_its_office(
    database: str, pool: Pool, tmp_path: Path
) -> None:
    form = tmp_path / "form.csv"
    write_table(form, HEADER, [[NEW, OTHER, "1", "", "已删除"]])
    async with open_ledger(database) as applier:
        await _import(applier, tmp_path, f"1,{NEW},{OTHER},错码")
        answers = await carry_out(applier, read_form(form), COMMERCE)

    assert ["done"] == [answer.result for answer in answers]
    assert ["resolved"] == [case.status for case in await _cases(pool)]


async def test_a_claim_keeps_no_record_out_and_its_holder_may_lose_the_code(
    database: str, pool: Pool, tmp_path: Path
) -> None:
    """The record of a claimed code comes later: the claim then speaks for the holder, and taking the code needs two."""
    async with open_ledger(database) as applier:
        await _import(applier, tmp_path, f"1,{CODE},{NAME},错码")
        await apply_all(applier, [body(1, uscc=CODE)])
        (case,) = await _cases(pool)
        order = _order(case, "withdraw", "claimed")
        done = await cases.propose(applier, order)
        await cases.approve(applier, case.case_id, actor="li")

        assert not done
        assert ["accepted"] == [each["disposition"] for each in await read_returns(applier.pool)]
    async with reading(pool) as connection:
        assert not await connection.fetchval("select registered from registration where uscc = $1", CODE)


async def test_an_office_keeps_a_claimed_code_by_message(database: str, pool: Pool, tmp_path: Path) -> None:
    async with open_ledger(database) as applier:
        await _import(applier, tmp_path, f"1,{CODE},{NAME},错码")
        await apply_all(applier, [body(1, "keep", uscc=CODE)])

        assert ["accepted"] == [each["disposition"] for each in await read_returns(applier.pool)]
    assert ["resolved"] == [case.status for case in await _cases(pool)]


async def test_a_claimed_code_that_fails_its_check_enters_the_register_when_two_persons_keep_it(
    database: str, pool: Pool, tmp_path: Path
) -> None:
    wrong = f"{CODE[:17]}X"
    async with open_ledger(database) as applier:
        await _import(applier, tmp_path, f"1,{wrong},{NAME},错码")
        (case,) = await _cases(pool)
        done = await cases.propose(applier, _order(case, "keep", "claimed"))
        await cases.approve(applier, case.case_id, actor="li")
        await apply_all(applier, [body(1, uscc=wrong)])

        assert not done
        assert ["accepted"] == [each["disposition"] for each in await read_returns(applier.pool)]


async def test_a_claimed_code_that_passes_its_check_is_no_exception(database: str, pool: Pool, tmp_path: Path) -> None:
    async with open_ledger(database) as applier:
        await apply_all(applier, [body(1, uscc=CODE)])
        await _import(applier, tmp_path, f"1,{CODE},{NAME},错码")
        (case,) = await _cases(pool)
        done = await cases.propose(applier, _order(case, "keep", "holder"))

    assert done
    async with reading(pool) as connection:
        assert 0 == await connection.fetchval("select count(*) from nonconforming_code where uscc = $1", CODE)


async def test_of_two_codes_that_the_summary_names_the_one_withdrawn_leads_to_the_other(
    database: str, pool: Pool, tmp_path: Path
) -> None:
    async with open_ledger(database) as applier:
        await apply_all(applier, [body(1, uscc=CODE), body(2, uscc=NEW)])
        await _import(applier, tmp_path, f"1,{CODE},{NAME},一主体多码", f"2,{NEW},{NAME},一主体多码")
        (case,) = await _cases(pool)
        first = next(each for each in case.members if each.uscc == CODE)
        order = Order(
            case_id=case.case_id,
            operation=Operation.WITHDRAW,
            receipt_id=first.receipt_id,
            actor="zhang",
            via="api",
        )
        assert not await cases.propose(applier, order)
        await cases.approve(applier, case.case_id, actor="li")

    async with reading(pool) as connection:
        assert NEW == await connection.fetchval("select successor_uscc from withdrawn_code where uscc = $1", CODE)


async def test_messages_that_waited_are_answered_when_the_case_is_settled_otherwise(database: str, pool: Pool) -> None:
    """Two keeps of a D02 case wait for a person; the office withdraws its held claim first."""
    second = {"name": NAME, "legal_representative_name": "王一", "registered_address": "一号"}
    async with open_ledger(database) as applier:
        await apply_all(
            applier,
            [
                body(1, uscc=CODE, **second),
                body(2, uscc=NEW, **second),
                body(3, "keep", uscc=NEW, name=NAME),
                body(4, "keep", uscc=NEW, name=NAME),
                body(5, "withdraw", uscc=NEW, name=NAME),
            ],
        )
        told = [(each["message_id"], each["attempt"], each["disposition"]) for each in await read_returns(applier.pool)]

    assert [("M-1", 1, "accepted"), ("M-2", 1, "held"), ("M-3", 1, "held"), ("M-4", 1, "held")] == told[:4]
    assert {("M-2", 2, "rejected"), ("M-3", 2, "rejected"), ("M-4", 2, "rejected"), ("M-5", 1, "accepted")} == set(
        told[4:]
    )
    async with reading(pool) as connection:
        statuses = await connection.fetch("select status from case_resolution order by proposed_at, status")
    assert ["done", "refused"] == sorted(row["status"] for row in statuses)


def _order(case: CaseRow, operation: str, role: str, **members: Any) -> Order:
    receipt = next(member.receipt_id for member in case.members if member.role == role)
    return Order(
        case_id=case.case_id, operation=Operation(operation), receipt_id=receipt, actor="zhang", via="api", **members
    )
