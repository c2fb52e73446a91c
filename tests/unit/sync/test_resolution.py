"""What keep, withdraw and assign do to a case (domain.md §6, the table of resolutions)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from sync.facts import Case, Facts, Member
from sync.four_eyes import NotPossible, needs_approval
from sync.holding import Status
from sync.identity import key_of_act
from sync.outcome import Act, Outcome
from sync.records import Submission
from sync.resolution import Resolver
from sync.rules import Judge
from tests.unit.sync.factories import CODE, NOON, RULINGS, judge, submission, told
from validators.findings import Operation
from validators.record import name_key
from validators.rulebook import default_ruleset

OTHER = "大连二号有限公司"
THIRD = "鞍山三号有限公司"
NEW = "91210100MA0000B65L"


def settle(facts: Facts, operation: str, name: str, *, role: str = "held", new: str | None = None) -> Outcome:
    """Resolve the only open case of `facts` by an act on its member of this name."""
    (case,) = facts.cases.values()
    member = _member(case, name, role)
    decider = Judge(facts, rulings=RULINGS, ruleset=default_ruleset(), now=NOON)
    Resolver(decider, case, _act(operation, member, new)).resolve()
    return decider.outcome


def _member(case: Case, name: str, role: str) -> Member:
    return next(each for each in case.members if each.name == name and each.role == role)


def _act(operation: str, member: Member, new: str | None = None) -> Act:
    key = submission(at=99_999).key
    assert key is not None
    return Act(
        operation=Operation(operation),
        member=member,
        key=key,
        receipt_id="r",
        office="commerce",
        actor="a",
        new_uscc=new,
    )


def _holder(facts: Facts, uscc: str = CODE) -> str | None:
    holding = facts.code(uscc).holding
    return holding.present().particulars.record["name"] if holding else None


@pytest.fixture
def contested() -> Facts:
    """A code with a holder, a held assign to another organization with its change, and one to a third."""
    facts = Facts()
    judge(
        submission(at=0),
        submission(name=OTHER, at=1),
        submission("change", name=OTHER, at=2, registered_address="甲"),
        submission(name=THIRD, at=3),
        facts=facts,
    )
    return facts


def test_keeping_the_holder_rejects_every_other_claim(contested: Facts) -> None:
    outcome = settle(contested, "keep", "沈阳一号有限公司", role="holder")

    assert ["rejected D01"] * 3 == told(outcome)
    assert [2, 2, 2] == [decision.attempt for decision in outcome.decisions]
    assert "沈阳一号有限公司" == _holder(contested)
    assert [] == contested.code(CODE).cases
    assert ["confirmed"] == [change.kind for change in outcome.changes]


def test_keeping_a_held_claim_withdraws_the_holder_and_applies_the_whole_claim(contested: Facts) -> None:
    outcome = settle(contested, "keep", OTHER)

    assert ["accepted D01", "accepted D01", "rejected D01"] == told(outcome)
    assert OTHER == _holder(contested)
    assert ["withdrawn", "assigned", "changed"] == [change.kind for change in outcome.changes]
    assert [2, 3, 4] == [write.event.version for write in outcome.versions]


def test_withdrawing_one_of_several_claims_leaves_the_case_open(contested: Facts) -> None:
    outcome = settle(contested, "withdraw", OTHER)

    assert ["rejected D01", "rejected D01"] == told(outcome)
    assert 1 == len(contested.code(CODE).waiting())


def test_withdrawing_the_holder_applies_the_one_claim_that_is_left() -> None:
    facts = Facts()
    judge(submission(at=0), submission(name=OTHER, at=1), facts=facts)

    outcome = settle(facts, "withdraw", "沈阳一号有限公司", role="holder")

    assert ["accepted D01"] == told(outcome)
    assert OTHER == _holder(facts)
    assert 1 == len(outcome.tombstones)


def test_a_claim_may_be_given_a_code_of_its_own(contested: Facts) -> None:
    outcome = settle(contested, "assign", OTHER, new=NEW)

    assert ["accepted", "accepted"] == [told.split()[0] for told in told(outcome)]
    assert (OTHER, "沈阳一号有限公司") == (_holder(contested, NEW), _holder(contested))
    assert CODE == contested.code(NEW).predecessor_uscc
    assert 1 == len(contested.code(CODE).waiting())


def test_a_taken_code_cannot_be_assigned(contested: Facts) -> None:
    judge(submission(uscc=NEW, name="又一家", at=1), facts=contested)

    with pytest.raises(NotPossible):
        settle(contested, "assign", OTHER, new=NEW)


def test_an_allowed_conflict_lets_both_codes_stand() -> None:
    facts = Facts()
    held = submission(uscc=NEW, at=1, registration_number="210100000000018")
    judge(submission(registration_number="210100000000018"), held, facts=facts)

    outcome = settle(facts, "keep", "沈阳一号有限公司")

    assert ["D02", "X01"] == [conflict.rule for conflict in outcome.allowed]
    assert ["accepted D02"] == told(outcome)


def test_keep_of_a_transfer_makes_the_sender_the_home_office() -> None:
    facts = Facts()
    judge(submission(), submission("change", at=1, office="civil-affairs", registered_address="甲"), facts=facts)

    outcome = settle(facts, "keep", "沈阳一号有限公司")

    assert "civil-affairs" == facts.code(CODE).home_office
    assert ["transferred"] == [change.kind for change in outcome.changes]


def _in_doubt() -> tuple[Facts, list[Submission]]:
    """A change of an unregistered code by a foreign office, with the assign and a cancel that wait behind it."""
    facts = Facts()
    records = [
        submission("change", at=1, office="civil-affairs"),
        submission(at=0),
        submission("cancel", at=5),
    ]
    judge(*records, facts=facts)
    return facts, records


def test_rejecting_the_record_in_doubt_lets_those_behind_it_take_effect() -> None:
    facts, _ = _in_doubt()
    (case,) = facts.cases.values()
    decider = Judge(facts, rulings=RULINGS, ruleset=default_ruleset(), now=NOON)
    member = next(each for each in case.members if each.office == "civil-affairs")
    Resolver(decider, case, _act("withdraw", member)).resolve()

    assert ["rejected", "accepted", "accepted"] == [str(d.disposition) for d in decider.outcome.decisions]
    holding = facts.code(CODE).holding
    assert holding is not None
    assert Status.CANCELLED is holding.present().status


def test_an_office_resolves_a_case_about_its_own_holder_by_message(contested: Facts) -> None:
    outcome = judge(submission("keep", at=9), facts=contested)

    assert ["rejected", "rejected", "rejected", "accepted"] == [str(d.disposition) for d in outcome.decisions]
    assert outcome.decisions[-1].version == 1
    assert [] == outcome.versions


def test_a_keep_message_for_a_held_claim_waits_for_a_person(contested: Facts) -> None:
    outcome = judge(submission("keep", name=OTHER, at=9), facts=contested)

    assert ["held D01"] == told(outcome)
    assert 1 == len(outcome.proposals)
    assert "沈阳一号有限公司" == _holder(contested)


def test_a_withdraw_message_ends_a_held_claim_and_adds_no_version(contested: Facts) -> None:
    outcome = judge(submission("withdraw", name=OTHER, at=9), facts=contested)

    assert ["rejected", "rejected", "accepted"] == [str(d.disposition) for d in outcome.decisions]
    assert 1 == outcome.decisions[-1].version
    assert [] == outcome.versions


@pytest.mark.parametrize(
    ("operation", "name", "role", "expected"),
    [
        ("keep", "沈阳一号有限公司", "holder", False),
        ("keep", OTHER, "held", True),
        ("withdraw", OTHER, "held", False),
        ("withdraw", "沈阳一号有限公司", "holder", True),
        ("assign", "沈阳一号有限公司", "holder", True),
    ],
)
def test_four_eyes_are_due_where_a_holder_loses_a_code(
    contested: Facts, operation: str, name: str, role: str, expected: bool
) -> None:
    (case,) = contested.cases.values()

    assert expected == needs_approval(case, _act(operation, _member(case, name, role)), contested)


def test_a_new_code_of_a_subject_that_stands_elsewhere_cannot_be_assigned(contested: Facts) -> None:
    judge(submission(uscc="91210200MA0000B65N", name="又一家", at=1), facts=contested)

    with pytest.raises(NotPossible, match="91210200MA0000B65N"):
        settle(contested, "assign", OTHER, new=NEW)


def test_a_renamed_holder_that_gets_a_new_code_stands_there_under_its_present_name() -> None:
    facts = Facts()
    renamed = submission("change", at=1, name="沈阳新名有限公司")
    judge(submission(at=0), renamed, submission(name=OTHER, at=2), submission("change", at=5), facts=facts)

    settle(facts, "assign", "沈阳新名有限公司", role="holder", new=NEW)

    holding = facts.code(NEW).holding
    assert holding is not None
    particulars = holding.present().particulars
    assert ("沈阳一号有限公司", name_key("沈阳一号有限公司")) == (particulars.record["name"], particulars.name_key)


TWIN = "91210200MA00004965"
"""Another code of the same subject identification code as CODE."""


def _resolve(facts: Facts, rule: str, operation: str, name: str, role: str, new: str | None = None) -> Outcome:
    """Resolve the only open case of a rule."""
    (case,) = (each for each in facts.cases.values() if each.rule == rule)
    decider = Judge(facts, rulings=RULINGS, ruleset=default_ruleset(), now=NOON)
    Resolver(decider, case, _act(operation, _member(case, name, role), new)).resolve()
    return decider.outcome


@pytest.fixture
def crossed() -> Facts:
    """A code that two claim (D01), and the same subject identification code under another code."""
    facts = Facts()
    judge(
        submission(uscc=TWIN, name=THIRD, at=0),
        submission("cancel", at=1),
        submission(name=OTHER, at=2),
        submission("change", name=OTHER, at=3, registered_address="甲"),
        facts=facts,
    )
    assert [("D01", [None, THIRD])] == [
        (case.rule, [facts.code(TWIN).holding and None, _holder(facts, TWIN)]) for case in facts.cases.values()
    ]
    return facts


def test_a_claim_that_is_kept_stands_beside_the_other_codes_of_its_subject_and_says_so(crossed: Facts) -> None:
    (case,) = crossed.cases.values()

    outcome = _resolve(crossed, "D01", "keep", OTHER, "held")

    assert ["accepted D01,D03", "accepted D01"] == told(outcome)
    assert {"warning"} == {str(each.severity) for decision in outcome.decisions for each in decision.findings}
    assert [("D03", CODE, TWIN, case.case_id)] == [each[:4] for each in outcome.allowed]
    assert (OTHER, THIRD) == (_holder(crossed), _holder(crossed, TWIN))


def test_what_a_withdrawal_leaves_is_held_for_what_nobody_has_spoken_of(crossed: Facts) -> None:
    outcome = _resolve(crossed, "D01", "withdraw", "沈阳一号有限公司", "holder")

    assert ["held D01,D03", "held D03,L07"] == told(outcome)
    assert ["D03"] == [case.rule for case in crossed.cases.values()]
    assert [] == outcome.allowed
    assert (None, THIRD) == (_holder(crossed), _holder(crossed, TWIN))


def test_that_can_be_settled_then(crossed: Facts) -> None:
    _resolve(crossed, "D01", "withdraw", "沈阳一号有限公司", "holder")
    outcome = _resolve(crossed, "D03", "keep", OTHER, "held")

    assert ["accepted", "accepted"] == [each.split()[0] for each in told(outcome)]
    assert (OTHER, THIRD) == (_holder(crossed), _holder(crossed, TWIN))


def test_four_eyes_are_due_where_a_keep_lets_a_conflict_stand() -> None:
    facts = Facts()
    judge(
        submission(uscc=TWIN, name=THIRD, at=0),
        submission("cancel", at=1),
        submission("withdraw", at=2),
        submission(name=OTHER, at=3),
        facts=facts,
    )
    (case,) = facts.cases.values()
    member = _member(case, OTHER, "held")

    assert case.rule == "D03"  # Two rules hold it, and the first in the table's order names the case.
    assert needs_approval(case, _act("keep", member), facts)


def test_a_holder_that_loses_its_code_leaves_every_case_of_it() -> None:
    facts = Facts()
    judge(
        submission(at=0),
        submission(name=OTHER, at=1),
        submission(uscc=TWIN, name=THIRD, at=2),
        facts=facts,
    )
    assert {"D01", "D03"} == {case.rule for case in facts.cases.values()}

    outcome = _resolve(facts, "D03", "withdraw", "沈阳一号有限公司", "holder")

    # The code of the subject that stays is taken first; what is left of the other case is in conflict with it.
    assert ["accepted D03", "held D01,D03"] == told(outcome)
    assert (None, THIRD) == (_holder(facts), _holder(facts, TWIN))


def test_a_holder_that_loses_its_code_for_another_claim_leaves_the_one_that_is_left_to_be_applied() -> None:
    facts = Facts()
    same = {"legal_representative_name": "李四", "registered_address": "乙"}
    judge(
        submission(at=0, **same),
        submission(name=OTHER, at=1),
        submission(uscc=NEW, at=2, **same),
        facts=facts,
    )
    assert {"D01", "D02"} == {case.rule for case in facts.cases.values()}

    outcome = _resolve(facts, "D02", "withdraw", "沈阳一号有限公司", "holder")

    assert ["accepted D02", "accepted D01"] == told(outcome)
    assert (OTHER, "沈阳一号有限公司") == (_holder(facts), _holder(facts, NEW))
    assert {} == facts.cases


def test_a_cancellation_that_overtook_its_rename_follows_it_also_where_a_resolution_applies_the_rename() -> None:
    """§6: "one that overtook its rename is decided again by itself when that name comes"."""
    facts = Facts()
    number = {"registration_number": "2101001234567"}
    outcome = judge(
        submission(at=0),
        submission(name=OTHER, uscc=NEW, at=1, **number),
        submission("cancel", name=OTHER, at=5),
        submission("change", name=OTHER, at=4, **number),
        facts=facts,
    )
    assert ["accepted", "accepted", "held D01", "held D02,X01"] == told(outcome)

    outcome = _resolve(facts, "D02", "keep", OTHER, "held")

    assert ["accepted D02", "accepted"] == told(outcome)
    assert {} == facts.cases
    holding = facts.code(CODE).holding
    assert holding is not None
    assert (OTHER, Status.CANCELLED) == (_holder(facts), holding.present().status)


def test_a_keep_that_names_the_holder_by_receipt_is_unchanged_once_the_case_is_settled_without_it() -> None:
    """§6: a keep with no open case is `unchanged`, whether it names the holder by name or by receipt."""
    facts = Facts()
    first = submission(at=0, registration_number="2101001234567")
    judge(first, submission(uscc=NEW, at=1, registration_number="2101001234567"), facts=facts)
    keeps = [submission("keep", name=None, receipt_ref=first.receipt_id, at=at) for at in (2, 3)]
    outcome = judge(*keeps, facts=facts)
    assert ["held D02", "held D02"] == told(outcome)

    (case,) = facts.cases.values()
    decider = Judge(facts, rulings=RULINGS, ruleset=default_ruleset(), now=NOON)
    decider.resolve(case, _act("withdraw", _member(case, "沈阳一号有限公司", "held")))
    outcome = decider.outcome

    assert ["rejected", "unchanged", "unchanged"] == [str(each.disposition) for each in outcome.decisions]


def _counted(
    version: int, operation: str = "assign", *, name: str = "沈阳一号有限公司", uscc: str = CODE
) -> Submission:
    """Make a record of an office that counts its versions."""
    made = submission(operation, at=version, name=name, uscc=uscc, business_scope=f"{version} 号")
    assert made.key is not None
    made.key = made.key._replace(major=version)
    return made


@pytest.mark.parametrize(
    ("operation", "uscc", "expected"), [("withdraw", CODE, "held D03,L04"), ("assign", NEW, "accepted")]
)
def test_what_an_office_that_counts_its_versions_sends_after_a_persons_act_is_later(
    operation: str, uscc: str, expected: str
) -> None:
    """§6: the key is office_version, occurred_at, message_id; a person's act has no version and comes last."""
    facts = Facts()
    judge(_counted(1), _counted(2, "change"), _counted(1, name=THIRD, uscc=TWIN), facts=facts)
    (case,) = facts.cases.values()
    key = key_of_act("r", NOON + timedelta(days=1), facts.code(CODE), is_counting=True)
    act = replace(_act(operation, _member(case, "沈阳一号有限公司", "holder"), NEW), key=key)
    Judge(facts, rulings=RULINGS, ruleset=default_ruleset(), now=NOON).resolve(case, act)

    outcome = judge(_counted(3, "change", uscc=uscc), facts=facts)

    assert [expected] == told(outcome)


def test_an_assign_that_names_a_case_ends_the_claim_of_a_holder_that_was_renamed_since() -> None:
    """§6: a member is named by receipt, or by name: the holder; it may have another name than when the case began."""
    facts = Facts()
    place = {"legal_representative_name": "李四", "registered_address": "乙"}
    judge(
        submission(at=0, **place),
        submission(at=1, uscc=NEW, **place),
        submission("change", at=2, name=OTHER),
        facts=facts,
    )
    (case,) = facts.cases.values()
    anew = replace(submission(at=3, name=OTHER, uscc="91210100MA0000605Y"), case_id=case.case_id)

    outcome = judge(anew, facts=facts)

    assert ["accepted D02", "accepted D02"] == told(outcome)
    assert (None, OTHER) == (_holder(facts), _holder(facts, "91210100MA0000605Y"))


def test_an_assign_that_names_a_case_and_was_held_ends_the_old_claim_once_it_is_applied() -> None:
    """The new code lies in the zone for private use (S01); a person lets it stand."""
    facts, private = Facts(), "91210100PDY000175G"
    judge(submission(at=0), submission(at=1, name=OTHER), facts=facts)
    (case,) = facts.cases.values()
    anew = replace(submission(at=2, name=OTHER, uscc=private), case_id=case.case_id)
    assert ["held S01"] == told(judge(anew, facts=facts))

    outcome = _resolve(facts, "S01", "keep", OTHER, "held")

    assert ["accepted S01", "rejected D01"] == told(outcome)
    assert ({}, OTHER) == (facts.cases, _holder(facts, private))
