"""Cases in the database: proposed, approved by another person, carried out with all their effects or none."""

from __future__ import annotations

import orjson
import pytest

from sync import cases
from sync.apply import Applier
from sync.cases import Order
from sync.four_eyes import NotPossible
from sync.store.connection import Pool, reading
from tests.integration.ledger import apply_all, body, open_ledger, read_returns
from validators.findings import Operation

CODE = "91210100MA00004960"
OTHER = "大连二号有限公司"


async def _case(pool: Pool) -> tuple[str, dict[str, str]]:
    """Return the only case and its members' receipts by name."""
    async with reading(pool) as connection:
        rows = await connection.fetch("select case_id, name, receipt_id from case_member")
    return rows[0]["case_id"], {row["name"]: row["receipt_id"] for row in rows}


async def _contest(applier: Applier) -> None:
    await apply_all(
        applier, [body(1, uscc=CODE), body(2, uscc=CODE, name=OTHER), body(3, "cancel", uscc=CODE, name=OTHER)]
    )


def _order(case_id: str, operation: str, receipt: str, actor: str = "zhang") -> Order:
    return Order(
        case_id=case_id, operation=Operation(operation), receipt_id=receipt, actor=actor, via="api", reason="查实"
    )


async def test_a_resolution_gives_every_held_record_its_second_return(database: str, pool: Pool) -> None:
    async with open_ledger(database) as applier:
        await _contest(applier)
        case_id, receipts = await _case(pool)
        done = await cases.propose(applier, _order(case_id, "keep", receipts["沈阳一号有限公司"]))

    assert done
    assert [("accepted", 1), ("held", 1), ("held", 1), ("rejected", 2), ("rejected", 2)] == [
        (each["disposition"], each["attempt"]) for each in await read_returns(pool)
    ]
    async with reading(pool) as connection:
        assert ["resolved"] == [row[0] for row in await connection.fetch("select status from code_case")]
        assert 0 == await connection.fetchval("select count(*) from case_member where ended_at is null")


async def test_taking_a_code_from_its_holder_waits_for_another_person(database: str, pool: Pool) -> None:
    async with open_ledger(database) as applier:
        await _contest(applier)
        case_id, _ = await _case(pool)
        async with reading(pool) as connection:
            held = await connection.fetchval(
                "select min(receipt_id) from case_member where operation = 'assign' and role = 'held'"
            )
        done = await cases.propose(applier, _order(case_id, "keep", held))
        with pytest.raises(cases.SamePerson):
            await cases.approve(applier, case_id, actor="zhang")
        await cases.approve(applier, case_id, actor="li", reason="同意")

    assert not done
    assert ["accepted", "held", "held", "accepted", "accepted"] == [e["disposition"] for e in await read_returns(pool)]
    async with reading(pool) as connection:
        row = await connection.fetchrow("select status, last_version from registration")
        holder = await connection.fetchval("select name from holder")
    assert (("cancelled", 4), OTHER) == (tuple(row or ()), holder)


async def test_a_resolved_case_cannot_be_resolved_again(database: str, pool: Pool) -> None:
    async with open_ledger(database) as applier:
        await _contest(applier)
        case_id, receipts = await _case(pool)
        await cases.propose(applier, _order(case_id, "keep", receipts["沈阳一号有限公司"]))
        with pytest.raises(cases.NoSuchCase):
            await cases.propose(applier, _order(case_id, "keep", receipts["沈阳一号有限公司"]))


async def test_a_keep_message_that_waited_is_accepted_when_a_person_approves(database: str, pool: Pool) -> None:
    async with open_ledger(database) as applier:
        await apply_all(
            applier,
            [body(1, uscc=CODE), body(2, uscc=CODE, name=OTHER), body(3, "keep", uscc=CODE, name=OTHER)],
        )
        case_id, _ = await _case(pool)
        await cases.approve(applier, case_id, actor="li")

    assert [("accepted", 1), ("held", 1), ("held", 1), ("accepted", 2), ("accepted", 2)] == [
        (each["disposition"], each["attempt"]) for each in await read_returns(pool)
    ]


PLACE = {"legal_representative_name": "张三", "registered_address": "和平区一街1号"}
CODES = ("91210100MA00004960", "91210100MA0000525B", "91210100MA0000605Y", "91210100MA0000680P")


async def test_a_conflict_finds_its_open_case_though_nobody_has_the_name_now(database: str, pool: Pool) -> None:
    """The first holder is cancelled, so the registry knows nobody of this name; the case under it is still open."""
    one, two, three, four = CODES
    bodies = [
        body(1, uscc=one, **PLACE),
        body(2, uscc=two, **PLACE),
        body(3, "cancel", at="2026-11-20T10:00:00+08:00", uscc=one),
        body(4, uscc=three, **PLACE),
        body(5, uscc=four, **PLACE),
    ]
    async with open_ledger(database) as applier:
        await apply_all(applier, bodies, batch=3)

    returns = await read_returns(pool)
    assert ["accepted", "held", "accepted", "accepted", "held"] == [each["disposition"] for each in returns]
    assert returns[1]["case_id"] == returns[4]["case_id"]


async def test_a_record_may_leave_a_case_and_be_held_in_it_again(database: str, pool: Pool) -> None:
    times = [f"2026-11-20T0{hour}:00:00+08:00" for hour in range(10)]
    bodies = [
        body(1, "cancel", at=times[5], uscc=CODE),
        body(2, at=times[4], uscc=CODE, name=OTHER),
        body(3, "change", at=times[6], uscc=CODE, name="鞍山三号有限公司"),
        body(4, "change", at=times[7], uscc=CODE, business_scope="零售"),
    ]
    async with open_ledger(database) as applier:
        await apply_all(applier, bodies, batch=2)

    returns = await read_returns(pool)
    assert ["accepted", "held", "held", "accepted", "held"] == [each["disposition"] for each in returns]
    async with reading(pool) as connection:
        waiting = await connection.fetch(
            "select message_id from case_member where ended_at is null and role = 'held' order by place"
        )
    assert ["M-2", "M-3"] == [row[0] for row in waiting]


async def test_a_record_that_is_decided_again_opens_a_second_case(database: str, pool: Pool) -> None:
    """A cancellation by another office that overtook its rename is D01 first, and S02 once the name has come."""
    times = [f"2026-11-20T0{hour}:00:00+08:00" for hour in range(4)]
    async with open_ledger(database) as applier:
        await apply_all(applier, [body(1, at=times[1], uscc=CODE)])
        await apply_all(applier, [body(2, "cancel", at=times[3], uscc=CODE, name=OTHER)], office="establishment")
        await apply_all(applier, [body(3, "change", at=times[2], uscc=CODE, name=OTHER)], partition=1)

    async with reading(pool) as connection:
        rows = await connection.fetch("select rule, status from code_case order by opened_at")
    assert [("D01", "resolved"), ("S02", "open")] == [tuple(row) for row in rows]


async def test_a_batch_may_settle_a_conflict_and_meet_it_anew(database: str, pool: Pool) -> None:
    one, two, three, _ = CODES
    bodies = [
        body(1, uscc=one, **PLACE),
        body(2, uscc=two, **PLACE),
        body(3, "withdraw", uscc=two),
        body(4, uscc=three, **PLACE),
    ]
    async with open_ledger(database) as applier:
        await apply_all(applier, bodies, batch=2)

    async with reading(pool) as connection:
        rows = await connection.fetch("select rule, status from code_case order by opened_at")
    assert [("D02", "resolved"), ("D02", "open")] == [tuple(row) for row in rows]


async def test_a_case_that_is_opened_and_proposed_to_in_one_batch_waits_for_approval(database: str, pool: Pool) -> None:
    async with open_ledger(database) as applier:
        await apply_all(
            applier,
            [body(1, uscc=CODE), body(2, uscc=CODE, name=OTHER), body(3, "keep", uscc=CODE, name=OTHER)],
        )
        case_id, receipts = await _case(pool)
        with pytest.raises(NotPossible, match="waits for approval"):
            await cases.propose(applier, _order(case_id, "keep", receipts["沈阳一号有限公司"]))
        await cases.approve(applier, case_id, actor="li")

    async with reading(pool) as connection:
        assert OTHER == await connection.fetchval("select name from holder")


async def test_a_keep_beside_another_code_of_its_subject_needs_two_persons_and_is_allowed(
    database: str, pool: Pool
) -> None:
    twin = "91210200MA00004965"
    async with open_ledger(database) as applier:
        await apply_all(
            applier,
            [
                body(1, uscc=twin, name="鞍山三号有限公司"),
                body(2, "cancel", uscc=CODE),
                body(3, uscc=CODE, name=OTHER, at="2026-11-20T10:00:00+08:00"),
            ],
        )
        async with reading(pool) as connection:
            held = await connection.fetchrow("select * from case_member where role = 'held' and uscc = $1", CODE)
        assert held is not None
        case_id = held["case_id"]
        assert not await cases.propose(applier, _order(case_id, "keep", held["receipt_id"]))
        await cases.approve(applier, case_id, actor="li")

    assert {"D01", "D03"} <= {each["rule"] for each in (await read_returns(pool))[-1]["findings"]}
    async with reading(pool) as connection:
        allowed = await connection.fetch("select rule, uscc, other_uscc, case_id from allowed_conflict")
    assert [("D03", CODE, twin, case_id)] == [tuple(row) for row in allowed]


async def test_a_keep_that_waited_means_the_holder_that_its_name_has_when_it_is_approved(
    database: str, pool: Pool
) -> None:
    """The holder lost the code and has it again by another record, while a keep by name waited in a case of S02."""
    code, times = "12210100MA8794710H", [f"2026-11-20T0{hour}:00:00+08:00" for hour in range(7)]
    async with open_ledger(database) as applier:
        await apply_all(applier, [body(1, at=times[1], uscc=code)], office="establishment")
        await apply_all(applier, [body(2, "withdraw", at=times[2], uscc=code)], office="civil-affairs")
        bodies = [
            body(3, "cancel", at=times[3], uscc=code),
            body(4, at=times[4], uscc=code),
            body(5, "keep", at=times[5], uscc=code),
        ]
        await apply_all(applier, bodies, office="establishment", partition=1)
        async with reading(pool) as connection:
            rows = await connection.fetch("select case_id, rule from code_case")
            case_of = {row["rule"]: row["case_id"] for row in rows}
            holder = await connection.fetchval(
                "select receipt_id from case_member where case_id = $1 and role = 'holder'", case_of["L01"]
            )
        assert not await cases.propose(applier, _order(case_of["L01"], "withdraw", holder))
        await cases.approve(applier, case_of["L01"], actor="li")
        await cases.approve(applier, case_of["S02"], actor="li")

    second = {each["message_id"]: each for each in await read_returns(pool) if each["attempt"] == 2}
    assert {"M-2": "rejected", "M-4": "accepted", "M-5": "accepted"} == {
        message: each["disposition"] for message, each in second.items()
    }
    assert second["M-4"]["registration_version"] == second["M-5"]["registration_version"]


async def test_a_keep_that_a_person_approved_is_returned_with_its_code_as_the_register_has_it(
    database: str, pool: Pool
) -> None:
    """§5: E05 of a code in the exceptions register is a warning, at every attempt."""
    issued = "91210100MA0000525L"
    async with open_ledger(database) as applier:
        await apply_all(
            applier,
            [
                body(1, uscc=issued, **PLACE),
                body(2, "keep", uscc=issued),
                body(3, uscc=CODE, **PLACE),
                body(4, "keep", uscc=issued),
            ],
        )
        async with reading(pool) as connection:
            case_id = await connection.fetchval("select case_id from code_case where rule = 'D02'")
        await cases.approve(applier, case_id, actor="li")

    approved = [each for each in await read_returns(pool) if (each["message_id"], each["attempt"]) == ("M-4", 2)]
    assert [("accepted", [("E05", "warning")])] == [
        (each["disposition"], [(f["rule"], f["severity"]) for f in each["findings"] if f["rule"] == "E05"])
        for each in approved
    ]


async def test_a_held_assign_ends_the_claim_in_the_case_that_it_names_once_it_is_applied(
    database: str, pool: Pool
) -> None:
    private = "91210100PDY000175G"
    async with open_ledger(database) as applier:
        await apply_all(applier, [body(1, uscc=CODE), body(2, uscc=CODE, name=OTHER)])
        contested, _ = await _case(pool)
        anew = orjson.loads(body(3, uscc=private, name=OTHER)) | {"case_id": contested}
        await apply_all(applier, [orjson.dumps(anew)], partition=1)
        async with reading(pool) as connection:
            held = await connection.fetchrow("select * from case_member where uscc = $1", private)
        assert held is not None
        assert await cases.propose(applier, _order(held["case_id"], "keep", held["receipt_id"]))

    async with reading(pool) as connection:
        assert {"resolved"} == {row[0] for row in await connection.fetch("select status from code_case")}
    second = {each["message_id"]: each["disposition"] for each in await read_returns(pool) if each["attempt"] == 2}
    assert {"M-2": "rejected", "M-3": "accepted"} == second
