"""The judgement, record by record: dispositions, registry rules and cases (domain.md §5 and §6)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sync.facts import Facts
from sync.holding import Status
from sync.records import Submission
from sync.rules import Judge
from tests.unit.sync.factories import CODE, NOON, RULINGS, judge, submission, told
from validators.findings import Occasion, Operation, Severity
from validators.rulebook import RULES, Ruleset, SeverityRow, Text, default_ruleset

OTHER = "大连二号有限公司"


def _with(record: Submission, members: dict[str, str]) -> Submission:
    """Give a submission further members of its record."""
    record.record.update(members)
    return record


def test_an_assign_of_a_free_code_is_the_first_version() -> None:
    outcome = judge(submission())

    assert ["accepted"] == told(outcome)
    assert [1] == [decision.version for decision in outcome.decisions]


def test_the_same_message_again_is_unchanged_and_names_the_first() -> None:
    first = submission(message_id="A", content="same")

    outcome = judge(first, submission(message_id="A", content="same"), submission(message_id="A", content="same"))

    assert ["accepted", "unchanged", "unchanged"] == told(outcome)
    assert [None, first.receipt_id, first.receipt_id] == [decision.duplicate_of for decision in outcome.decisions]


def test_a_message_id_with_other_content_is_rejected() -> None:
    outcome = judge(submission(message_id="A", content="one"), submission(message_id="A", content="two"))

    assert ["accepted", "rejected M01"] == told(outcome)


def test_particulars_again_are_unchanged_and_confirm_their_version() -> None:
    outcome = judge(submission(), submission("change", at=5))

    assert ["accepted", "unchanged"] == told(outcome)
    assert 1 == outcome.decisions[1].version
    assert 1 == len(outcome.marks)


def test_a_late_change_never_revives_a_cancelled_organization() -> None:
    facts = Facts()
    outcome = judge(
        submission(at=0),
        submission("cancel", at=10),
        submission("change", at=5, registered_address="新址"),
        facts=facts,
    )
    holding = facts.code(CODE).holding

    assert ["accepted", "accepted", "accepted"] == told(outcome)
    assert holding is not None
    assert Status.CANCELLED is holding.present().status


def test_a_change_behind_a_later_one_is_superseded() -> None:
    outcome = judge(
        submission(at=0),
        submission("change", at=10, registered_address="乙"),
        submission("change", at=5, registered_address="甲"),
    )

    assert ["accepted", "accepted", "superseded L03"] == told(outcome)


def test_a_mark_lets_a_later_late_arrival_fold_between() -> None:
    """甲 at 1, 甲 again at 3 (a mark), 乙 at 2: the present stays 甲."""
    facts = Facts()
    outcome = judge(
        submission(at=1, registered_address="甲"),
        submission("change", at=3, registered_address="甲"),
        submission("change", at=2, registered_address="乙"),
        facts=facts,
    )
    holding = facts.code(CODE).holding

    assert ["accepted", "unchanged", "superseded L03"] == told(outcome)
    assert holding is not None
    assert "甲" == holding.present().particulars.record["registered_address"]


def test_a_cancellation_that_comes_first_loses_nothing() -> None:
    facts = Facts()
    outcome = judge(submission("cancel", at=9), submission(at=1, registered_address="甲"), facts=facts)
    holding = facts.code(CODE).holding

    assert ["accepted L02", "accepted"] == told(outcome)
    assert holding is not None
    assert (Status.CANCELLED, "甲") == (
        holding.present().status,
        holding.present().particulars.record["registered_address"],
    )


def test_assign_to_another_name_opens_one_case_that_later_records_join() -> None:
    outcome = judge(submission(), submission(name=OTHER, at=1), submission("change", name=OTHER, at=2))

    assert ["accepted", "held D01", "held D01"] == told(outcome)
    assert 1 == len({decision.case_id for decision in outcome.decisions[1:]})
    assert ["holder", "held", "held"] == [member.role for _, member in outcome.members_joined]


def test_the_holder_goes_on_under_an_open_case() -> None:
    outcome = judge(submission(), submission(name=OTHER, at=1), submission("change", at=2, registered_address="乙"))

    assert ["accepted", "held D01", "accepted"] == told(outcome)


def test_a_new_name_alone_is_a_lawful_rename() -> None:
    outcome = judge(submission(established_on="2020-01-01"), submission("change", name=OTHER, at=1))

    assert ["accepted", "accepted"] == told(outcome)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"established_on": "2020-01-01"}, {"established_on": "2021-01-01"}),
        ({"registration_number": "210100000000018"}, {"registration_number": "210100000000026"}),
    ],
)
def test_a_new_name_with_another_date_or_number_is_another_organization(
    ours: dict[str, str], theirs: dict[str, str]
) -> None:
    outcome = judge(_with(submission(), ours), _with(submission("change", name=OTHER, at=1), theirs))

    assert ["accepted", "held D01"] == told(outcome)


def test_numbers_of_different_kinds_are_not_compared() -> None:
    outcome = judge(
        submission(registration_number="210100000000018"),
        submission("change", name=OTHER, at=1, registration_number="2101001234567"),
    )

    assert ["accepted", "accepted"] == told(outcome)


def test_an_assign_that_its_rename_overtook_is_the_same_organization() -> None:
    outcome = judge(
        submission("change", name=OTHER, at=5, established_on="2020-01-01"),
        submission(at=1, established_on="2020-01-01"),
    )

    assert ["accepted L02", "superseded L03"] == told(outcome)


def test_a_cancel_that_overtook_its_rename_is_decided_again_by_itself() -> None:
    facts = Facts()
    outcome = judge(
        submission(at=0), submission("cancel", name=OTHER, at=9), submission("change", name=OTHER, at=5), facts=facts
    )
    holding = facts.code(CODE).holding

    assert ["accepted", "held D01", "accepted", "accepted"] == told(outcome)
    assert [1, 1, 1, 2] == [decision.attempt for decision in outcome.decisions]
    assert [] == facts.code(CODE).cases
    assert holding is not None
    assert Status.CANCELLED is holding.present().status


def test_assign_of_a_cancelled_code_is_held() -> None:
    outcome = judge(submission(at=0), submission("cancel", at=1), submission(at=2))

    assert ["accepted", "accepted", "held L01,L08"] == told(outcome)


def test_a_cancel_before_a_later_assign_is_held_as_the_later_arrival() -> None:
    outcome = judge(submission(at=0), submission(at=2, registered_address="甲"), submission("cancel", at=1))

    assert ["accepted", "accepted L08", "held L01"] == told(outcome)


def test_restore_and_change_of_a_cancelled_code_are_warned_of() -> None:
    outcome = judge(
        submission(at=0),
        submission("cancel", at=1),
        submission("change", at=2, registered_address="甲"),
        submission("restore", at=3),
    )

    assert ["accepted", "accepted", "accepted L06", "accepted L05"] == told(outcome)


def test_an_assign_behind_the_first_is_treated_as_change() -> None:
    outcome = judge(submission(at=0), submission(at=1, registered_address="甲"))

    assert ["accepted", "accepted L08"] == told(outcome)
    assert ["assigned", "changed"] == [change.kind for change in outcome.changes]


def test_a_change_that_nobody_awaits_is_kept_as_the_first_version() -> None:
    outcome = judge(submission("change"))

    assert ["accepted L02"] == told(outcome)


def test_moving_in_is_silent() -> None:
    outcome = judge(submission("change", transfer="in"))

    assert ["accepted"] == told(outcome)


def test_a_change_behind_a_rejected_record_is_held() -> None:
    rejected = submission(message_id="A", content="1")
    again = submission(uscc="91210100MA0000B65L", message_id="A", content="2")

    outcome = judge(rejected, again, submission("change", name=OTHER, uscc="91210100MA0000B65L", at=1))

    assert ["accepted", "rejected M01", "held L02"] == told(outcome)


def test_a_withdrawal_leaves_a_tombstone() -> None:
    outcome = judge(
        submission(at=0), submission("withdraw", at=5), submission("change", at=3), submission(name=OTHER, at=9)
    )

    assert ["accepted", "accepted", "superseded L03", "held L04"] == told(outcome)


def test_all_records_of_a_code_without_holder_join_its_held_record() -> None:
    outcome = judge(submission(at=0), submission("withdraw", at=5), submission(name=OTHER, at=9), submission(at=10))

    assert ["accepted", "accepted", "held L04", "held L04,L07"] == told(outcome)


def test_withdraw_and_keep_must_name_somebody() -> None:
    outcome = judge(
        submission("withdraw"), submission(at=1), submission("keep", name=OTHER, at=2), submission("keep", at=3)
    )

    assert ["rejected L09", "accepted", "rejected L09", "unchanged"] == told(outcome)


def test_a_withdraw_that_names_nobody_is_told_what_it_named() -> None:
    outcome = judge(
        submission("withdraw", name=OTHER), submission(at=1), submission("withdraw", receipt_ref="01NOBODY", at=2)
    )

    by_name, by_receipt = (d.findings[0] for d in outcome.decisions if d.disposition == "rejected")
    assert ("name", OTHER) == (by_name.field, by_name.actual)
    assert ("receipt_id", "01NOBODY") == (by_receipt.field, by_receipt.actual)
    assert "“01NOBODY”既不是该代码的持有者，也不是待处理记录" == by_receipt.zh


def test_a_missing_name_is_named_in_both_languages() -> None:
    outcome = judge(submission("cancel", name=None, receipt_ref="01NOBODY"))

    (finding,) = outcome.decisions[0].findings
    assert ("缺少必备项：机构名称", "name is missing and indispensable") == (finding.zh, finding.en)


def test_a_finding_calls_the_offices_by_their_titles() -> None:
    titles = {
        office: Text(zh=zh, en=office.replace("-", " "))
        for office, zh in (("commerce", "市场监管"), ("civil-affairs", "民政"), ("establishment", "机构编制"))
    }
    facts = Facts()
    judge(submission(), facts=facts)
    facts.code(CODE).home_office = "civil-affairs"
    decider = Judge(facts, rulings=replace(RULINGS, titles=titles), ruleset=default_ruleset(), now=NOON)

    outcome = decider.decide_all(
        [submission("change", at=1, office="commerce"), submission(at=2, office="establishment")]
    )

    changed, assigned = (decision.findings[0] for decision in outcome.decisions)
    assert ("S02", "civil-affairs", "commerce") == (changed.rule, changed.expected, changed.actual)
    assert "该代码归属民政，报送部门是市场监管" == changed.zh
    assert "the home office of the code is civil affairs, the sender is commerce" == changed.en
    assert ("S02", "commerce", "establishment") == (assigned.rule, assigned.expected, assigned.actual)
    assert "机构编制不能赋予首位属于市场监管的代码" == assigned.zh


def test_only_the_home_office_speaks_of_a_code() -> None:
    outcome = judge(
        submission(office="civil-affairs"), submission(at=1), submission("change", at=2, office="civil-affairs")
    )

    assert ["rejected S02", "accepted", "held S02"] == told(outcome)


def test_a_short_operation_without_name_needs_a_receipt_of_the_holder() -> None:
    first = submission()

    outcome = judge(
        first,
        submission("revoke", name=None, at=1, receipt_ref=first.receipt_id),
        submission("cancel", name=None, at=2, receipt_ref="nobody's"),
    )

    assert ["accepted", "accepted", "rejected Q01"] == told(outcome)


def test_an_assign_that_overtook_the_restore_before_it_is_decided_again() -> None:
    facts = Facts()
    outcome = judge(
        submission(at=0),
        submission("cancel", at=1),
        submission(at=5, registered_address="甲"),
        submission("restore", at=3),
        facts=facts,
    )

    assert ["accepted", "accepted", "held L01,L08", "accepted L05", "accepted L08"] == told(outcome)
    assert [] == facts.code(CODE).cases


def test_a_withdraw_by_receipt_means_the_held_record_even_under_the_holder_s_name() -> None:
    held = submission(at=2, registered_address="甲")

    outcome = judge(
        submission(at=0), submission("cancel", at=1), held, submission("withdraw", at=3, receipt_ref=held.receipt_id)
    )

    assert ["accepted", "accepted", "held", "rejected", "accepted"] == [str(d.disposition) for d in outcome.decisions]
    assert [] == outcome.tombstones


def test_a_held_record_may_be_named_by_its_receipt_alone() -> None:
    held = submission(name=OTHER, at=1)

    outcome = judge(submission(at=0), held, submission("withdraw", name=None, at=2, receipt_ref=held.receipt_id))

    assert ["accepted", "held", "rejected", "accepted"] == [str(d.disposition) for d in outcome.decisions]


def test_a_nameless_revoke_leaves_the_name_as_it_is() -> None:
    facts = Facts()
    first = submission("cancel", at=5)
    judge(first, submission("revoke", name=None, at=3, receipt_ref=first.receipt_id), submission(at=1), facts=facts)

    assert "沈阳一号有限公司" == facts.code(CODE).holder_name
    assert [] == facts.code(CODE).cases


def test_a_predecessor_is_known_whichever_record_comes_first() -> None:
    facts = Facts()
    late = submission(at=1)
    late.predecessor_uscc = "91210100MA0000B65L"
    judge(submission("change", at=5), late, facts=facts)

    assert "91210100MA0000B65L" == facts.code(CODE).predecessor_uscc


def test_a_severity_turned_into_an_error_rejects() -> None:
    rows = [*default_ruleset().rows, SeverityRow("D01", "", "", "", "", Severity.ERROR)]
    ruleset = Ruleset(version="test", rules=RULES, severities=rows)
    decider = Judge(Facts(), rulings=RULINGS, ruleset=ruleset, now=NOON)

    assert ["accepted", "rejected D01"] == told(decider.decide_all([submission(), submission(name=OTHER, at=1)]))


def test_what_a_rule_tells_an_office_to_do_is_what_helps() -> None:
    """A change behind a rejected assign is held, a keep of a rejected code is nobody's, a rename is no assign."""
    wrong = default_ruleset().find("E05", Occasion(operation=Operation.KEEP), field="uscc")
    missing = default_ruleset().find("Q01", Occasion(), "essential", field="approved_on")
    assert wrong is not None
    assert missing is not None
    refused = submission()
    refused.findings = [missing]
    kept = submission("keep", uscc="91210102MA0000496X")
    kept.findings = [wrong]
    rejected = judge(refused, submission("change", at=1), kept)
    renamed = judge(submission(), submission(at=1, name=OTHER), submission("cancel", at=2, name="大连三号有限公司"))

    assert ["rejected Q01", "held L02", "rejected E05,L09"] == told(rejected)
    assert "a rejected record again" in RULES["Q01"].advice.en
    assert "ask the code centre to enter the code in the exceptions register" in RULES["E05"].advice.en
    assert ["accepted", "held D01", "held D01"] == told(renamed)
    assert "an assign under another name" in RULES["D01"].explanation.en
    assert "sent as `change`" in RULES["D01"].advice.en
