"""Whatever is claimed and however it is settled: one holder a code at most, and every held record has its return."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from sync.facts import Case, Facts, Member
from sync.four_eyes import NotPossible
from sync.outcome import Act, Outcome
from sync.records import Disposition, OrderKey, Submission
from sync.rules import Judge
from tests.unit.sync.factories import CODE, NOON, RULINGS, submission
from validators.findings import Operation
from validators.rulebook import default_ruleset

TWIN = "91210200MA00004965"
NEW = "91210100MA0000525B"
NAMES = ("沈阳一号有限公司", "大连二号有限公司", "鞍山三号有限公司")
RULESET = default_ruleset()

records = st.lists(
    st.builds(
        submission,
        st.sampled_from(["assign", "assign", "change", "cancel", "restore", "withdraw", "keep"]),
        at=st.integers(0, 9),
        name=st.sampled_from(NAMES),
        uscc=st.sampled_from([CODE, TWIN]),
    ),
    min_size=2,
    max_size=8,
)
choices = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 9), st.sampled_from(["keep", "withdraw", "assign"])), max_size=8
)


def _act(case: Case, member: Member, operation: str, number: int) -> Act:
    key = OrderKey(int(NOON.timestamp() * 1_000_000) + 60_000_000 + number, NOON, f"resolution-{number}")
    return Act(
        operation=Operation(operation),
        member=member,
        key=key,
        receipt_id=f"resolution-{number}",
        office=member.office,
        actor="zhang",
        new_uscc=NEW if operation == "assign" else None,
    )


def _settle(judge: Judge, picked: list[tuple[int, int, str]]) -> None:
    """Resolve as picked, as far as it is possible, and then let every claim that is left be given up."""
    number = 0
    for which, whom, operation in picked:
        cases = list(judge.facts.cases.values())
        if cases:
            case = cases[which % len(cases)]
            members = [each for each in case.members if each.role != "proposed"]
            number += 1
            _try(judge, case, members[whom % len(members)], operation, number)
    for _ in range(100):
        cases = list(judge.facts.cases.values())
        if not cases:
            return
        number += 1
        _try(judge, cases[0], (cases[0].waiting() or cases[0].members)[0], "withdraw", number)
    raise AssertionError("the cases never end")


def _try(judge: Judge, case: Case, member: Member, operation: str, number: int) -> None:
    with suppress(NotPossible):
        judge.resolve(case, _act(case, member, operation, number))


def _returns(outcome: Outcome, record: Submission) -> list[Disposition]:
    ours = [each for each in outcome.decisions if each.submission.receipt_id == record.receipt_id]
    assert [each.attempt for each in ours] == list(range(1, len(ours) + 1))
    return [each.disposition for each in ours]


@given(records, choices)
def test_every_held_record_is_answered_once_its_case_is_settled(
    sent: list[Submission], picked: list[tuple[int, int, str]]
) -> None:
    facts = Facts()
    judge = Judge(facts, rulings=RULINGS, ruleset=RULESET, now=NOON)
    judge.decide_all(sent)
    _settle(judge, picked)

    for record in sent:
        assert Disposition.HELD is not _returns(judge.outcome, record)[-1]
    opened = [case.case_id for case in judge.outcome.cases_opened]
    assert sorted(set(opened)) == sorted(opened)
    for code in facts.codes.values():
        assert [] == code.cases
        if code.holding is not None:
            assert code.last_version >= code.holding.present().version
