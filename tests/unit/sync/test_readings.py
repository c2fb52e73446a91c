"""What the independent model of the standard (tests/model) read otherwise than the program, one behaviour a test."""

from __future__ import annotations

from dataclasses import replace

from sync.facts import Facts
from sync.outcome import Act
from sync.records import OrderKey
from sync.rules import Judge
from tests.unit.sync.factories import CODE, NOON, RULINGS, judge, submission, told
from validators.findings import Operation
from validators.rulebook import default_ruleset

PRIVATE = "91210100PDY000175G"
SISTER = "91210102MA0000496E"
FIRST, SECOND = "沈阳一号有限公司", "大连二号有限公司"


def test_a_number_that_was_given_before_brings_no_new_identity() -> None:
    """§5: judged when the record brings its code a new identity, "a number not given before"."""
    outcome = judge(
        submission(at=1, name=FIRST, uscc=CODE, registration_number="2101001234567"),
        submission("change", at=2, name=FIRST, uscc=CODE, registration_number="2101002234567"),
        submission("change", at=1, name=SECOND, uscc=SISTER[:2] + "210200" + SISTER[8:], transfer="in"),
        submission("change", at=3, name=FIRST, uscc=CODE, registration_number="2101001234567"),
    )

    assert ["accepted", "accepted", "held D03", "accepted"] == told(outcome)


def test_a_receipt_that_names_nobody_is_no_missing_name() -> None:
    """§6: withdraw and keep need uscc and name *or* receipt_id; L09: it names no holder and no held record."""
    outcome = judge(submission("withdraw", name=None, receipt_ref="01NOBODY"))

    assert ["rejected L09"] == told(outcome)


def test_a_kept_record_does_not_take_another_organization_along() -> None:
    """§6: the record in doubt is applied "with those that wait behind it"; one code is never two organizations'."""
    facts = Facts()
    outcome = judge(
        submission(at=1, name=FIRST, uscc=PRIVATE),
        submission(at=2, name=SECOND, uscc=PRIVATE),
        submission("cancel", at=3, name=FIRST, uscc=PRIVATE),
        submission("keep", at=4, name=FIRST, uscc=PRIVATE),
        facts=facts,
    )

    assert ["accepted S01", "accepted S01", "held D01,S01", "accepted"] == told(outcome)[3:]
    holding = facts.code(PRIVATE).holding
    assert holding is not None
    assert (FIRST, "cancelled") == (holding.present().particulars.record["name"], holding.present().status)


def test_the_record_that_is_named_is_the_one_that_is_kept() -> None:
    """Where two organizations wait in one case, the keep decides which of them has the code, not their order."""
    facts = Facts()
    outcome = judge(
        submission(at=1, name=FIRST, uscc=PRIVATE),
        submission(at=2, name=SECOND, uscc=PRIVATE),
        submission("keep", at=4, name=SECOND, uscc=PRIVATE),
        facts=facts,
    )

    assert ["accepted S01", "held D01,S01", "accepted"] == told(outcome)[2:]


def test_a_stock_record_waits_in_a_case_of_a_rule_that_is_off_for_stock() -> None:
    """§6: "all others join the case", also where S01 is switched off for the record itself."""
    outcome = judge(
        submission("change", at=1, name=FIRST, uscc=PRIVATE, transfer="in"),
        submission(at=2, name=FIRST, uscc=PRIVATE),
        replace(submission(at=3, name=SECOND, uscc=PRIVATE), load="stock"),
    )

    assert ["accepted", "held S01", "held S01"] == told(outcome)


def test_every_keep_by_message_in_a_transfer_waits_for_a_person() -> None:
    """§6: a keep by message in a D02, D03, X01 or S02 case is itself held until a person approves."""
    outcome = judge(
        submission(at=1, name=FIRST),
        submission("change", at=2, name=FIRST, office="establishment"),
        submission("keep", at=3, name=FIRST),
    )

    assert ["accepted", "held S02", "held S02"] == told(outcome)


def test_the_holder_is_a_member_by_whichever_of_its_receipts() -> None:
    """§5: withdraw and keep naming a member of an open case, from an office concerned, are exempt from S02."""
    later = submission("change", at=2, name=FIRST, business_scope="零售")
    outcome = judge(
        submission(at=1, name=FIRST),
        submission("change", at=3, name=SECOND, office="establishment"),
        later,
        submission("keep", at=4, name=None, receipt_ref=later.receipt_id, office="establishment"),
    )

    assert ["accepted", "held S02", "accepted", "held S02"] == told(outcome)
    assert outcome.decisions[1].case_id == outcome.decisions[3].case_id


def test_a_record_that_is_decided_again_may_open_a_second_case() -> None:
    """A cancellation that overtook its rename, from another office: D01 first, S02 once the name has come."""
    outcome = judge(
        submission(at=1, name=FIRST),
        submission("cancel", at=3, name=SECOND, office="establishment"),
        submission("change", at=2, name=SECOND),
    )

    assert ["accepted", "held D01,S02", "accepted", "held S02"] == told(outcome)
    assert 2 == len({case.case_id for case in outcome.cases_opened})


def _twice_contested() -> Facts:
    """A code whose holder lost it to one claim, while a cancellation of it waits in a second case (L01)."""
    facts = Facts()
    judge(
        submission(at=9, name=FIRST, established_on="2010-05-01"),
        submission("change", at=8, name=SECOND, established_on="2010-05-01"),
        submission(at=10, name=SECOND, established_on="2014-03-02"),
        submission("cancel", at=7, name=FIRST),
        submission("withdraw", at=11, name=FIRST),
        facts=facts,
    )
    return facts


def test_a_new_holder_is_the_member_of_the_cases_that_its_code_still_has() -> None:
    facts = _twice_contested()
    (case,) = facts.cases.values()

    assert ["L01", SECOND] == [case.rule, *(each.name for each in case.members if each.role == "holder")]
    assert ["rejected L01", "accepted"] == told(judge(submission("keep", at=12, name=SECOND), facts=facts))


def test_a_withdraw_that_is_accepted_takes_the_code_back() -> None:
    facts = _twice_contested()
    judge(submission("withdraw", at=12, name=SECOND), facts=facts)

    holding = facts.code(CODE).holding
    assert holding is None or SECOND not in [event.record["name"] for event in holding.events]


def test_a_record_that_leaves_a_case_and_comes_back_is_written_once() -> None:
    """The first particulars release a lawful rename from a D01 case that is still open: it joins anew."""
    facts = Facts()
    outcome = judge(
        submission("cancel", at=5, name=FIRST),
        submission(at=4, name=SECOND),
        submission("change", at=6, name="鞍山三号有限公司"),
        submission("change", at=7, name=FIRST, business_scope="零售"),
        facts=facts,
    )

    assert ["accepted L02", "held D01", "held D01", "accepted L06", "held D01"] == told(outcome)
    assert [] == outcome.members_ended
    places = [(case_id, member.receipt_id, member.role) for case_id, member in outcome.members_joined]
    assert len(places) == len(set(places))


def test_an_allowed_conflict_is_every_conflict_that_the_record_is_in() -> None:
    """§6: two hold rules on one record make one case; keep lets both codes stand, so the next rename is no new case."""
    facts = Facts()
    twin = CODE[:2] + "210200" + CODE[8:]
    place = {"legal_representative_name": "张三", "registered_address": "和平区一街1号"}
    judge(submission(at=1, name=FIRST, **place), facts=facts)
    outcome = judge(submission(at=2, name=FIRST, uscc=twin, **place), facts=facts)
    assert ["held D02,D03"] == told(outcome)

    (case,) = facts.cases.values()
    member = next(each for each in case.members if each.role == "held")
    decider = Judge(facts, rulings=RULINGS, ruleset=default_ruleset(), now=NOON)
    act = Act(
        operation=Operation.KEEP,
        member=member,
        key=member.key,
        receipt_id="resolution-1",
        office="commerce",
        actor="li",
    )
    decider.resolve(case, act)
    assert ["D02", "D03"] == [conflict.rule for conflict in decider.outcome.allowed]

    renamed = judge(submission("change", at=3, name=SECOND, uscc=twin, **place), facts=facts)
    assert ["accepted"] == told(renamed)


def test_a_code_assigned_by_a_person_stands_under_the_name_that_its_holder_has_now() -> None:
    """The holder took an older name again after it became a member: its new code is found under that name."""
    facts = Facts()
    new, other = "91210100MA0000525B", "91210100MA0000605Y"
    number = {"registration_number": "2101001234567"}
    judge(
        submission(at=1, name=FIRST, **number),
        submission("change", at=2, name=SECOND, **number),
        submission(at=3, name="鞍山三号有限公司"),
        submission("change", at=4, name=FIRST, **number),
        facts=facts,
    )
    (case,) = facts.cases.values()
    holder = next(each for each in case.members if each.role == "holder")
    assert SECOND == holder.name

    key = OrderKey(holder.key.major + 10**9, NOON, "resolution-1")
    act = Act(
        operation=Operation.ASSIGN,
        member=holder,
        key=key,
        receipt_id="resolution-1",
        office="commerce",
        actor="li",
        new_uscc=new,
    )
    Judge(facts, rulings=RULINGS, ruleset=default_ruleset(), now=NOON).resolve(case, act)

    outcome = judge(submission(at=9, name=FIRST, uscc=other, **number), facts=facts)
    assert ["held D02,X01"] == told(outcome)
