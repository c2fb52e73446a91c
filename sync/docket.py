"""The cases of a batch: opened once per conflict, joined, left and closed, as values to be written.

Pure: it changes the facts of the batch and builds its outcome.

Source: domain.md §6.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sync.facts import Case, CodeFacts, Facts, Member, Rulings
from sync.outcome import Outcome
from sync.records import Submission


class Suggestion(NamedTuple):
    """What is suggested about a case, and why, in Chinese and in English."""

    operation: str
    zh: str
    en: str

    @property
    def reason(self) -> str:
        """The reason in both languages, as a case shows it."""
        return f"{self.zh} · {self.en}"


SUGGESTIONS = {
    "E05": Suggestion(
        "keep",
        "赋码时未取补数：该代码已在使用，予以保留并登记为例外",
        "the issuer left out the complement: the code is in use, keep it and enter it in the register",
    ),
    "D01": Suggestion(
        "assign",
        "该代码已有持有者：另一机构需另赋新码",
        "the code has a holder: the other organization needs a code of its own",
    ),
    "D02": Suggestion(
        "withdraw",
        "该机构已有代码：收回后赋的代码",
        "the organization has a code already: the later one is taken back",
    ),
    "D03": Suggestion(
        "withdraw",
        "该主体标识码已在另一代码中使用：收回后赋的代码",
        "the subject identification code stands under another code: the later one is taken back",
    ),
    "S01": Suggestion(
        "assign",
        "代码不在该登记机关的码段内：从码段中另赋新码",
        "the code is outside the segments of its registrar: assign one from a segment",
    ),
    "S02": Suggestion(
        "withdraw",
        "报送部门不是该代码的归属部门：应由归属部门报送",
        "the sender is not the code's home office: its home office should send it",
    ),
    "L01": Suggestion(
        "assign",
        "已注销的代码不得重新使用：该机构需另赋新码",
        "a cancelled code is never reused: the organization needs a code of its own",
    ),
    "L02": Suggestion(
        "keep",
        "该部门上一条记录被退回：本条可单独成立",
        "the office's last record of this code was rejected: this one may stand by itself",
    ),
    "L04": Suggestion(
        "assign",
        "已收回的代码不得重新使用：该机构需另赋新码",
        "a withdrawn code is never reused: the organization needs a code of its own",
    ),
    "X01": Suggestion(
        "withdraw",
        "该原有注册号已对应另一代码",
        "the legacy number leads to another code already",
    ),
}
"""What is suggested about a case, by its rule."""
_IN_DOUBT = Suggestion("withdraw", "该记录存疑", "the record stands in doubt")


class Docket:
    """Keeps the cases of a batch."""

    def __init__(self, facts: Facts, outcome: Outcome, *, rulings: Rulings, now: datetime) -> None:
        self._facts = facts
        self._outcome = outcome
        self._rulings = rulings
        self._now = now

    def open(self, submission: Submission, code: CodeFacts, rule: str, conflict_key: str, attempt: int) -> Case:
        """Open a case for the conflict that a record is in; it has no member yet.

        A record that is decided again may open its second case, so the id of that names the attempt.
        """
        suggestion = SUGGESTIONS.get(rule, _IN_DOUBT)
        case = Case(
            case_id=f"case-{submission.receipt_id}" if attempt == 1 else f"case-{submission.receipt_id}-{attempt}",
            rule=rule,
            uscc=code.uscc,
            conflict_key=conflict_key,
            opened_at=self._now,
            due_on=self._rulings.due_on(self._now),
            offices=[],
            suggested_operation=suggestion.operation,
            reason=suggestion.reason,
        )
        self._facts.cases[rule, conflict_key] = case
        self._outcome.cases_opened.append(case)
        return case

    def join_holder(self, case: Case, code: CodeFacts) -> None:
        """Make the holder of a code a member of a case, once."""
        if code.holding is None or any(each.role == "holder" and each.uscc == code.uscc for each in case.members):
            return
        holder = code.holding.present().particulars
        member = Member(
            receipt_id=holder.receipt_id,
            role="holder",
            office=holder.office,
            uscc=code.uscc,
            name=holder.record["name"],
            name_key=holder.name_key,
            operation=str(holder.operation),
            key=holder.key,
            received_at=holder.recorded_at,
            joined_at=self._now,
        )
        self.join(case, code, member)

    def join(self, case: Case, code: CodeFacts, member: Member) -> None:
        """Make somebody a member of a case."""
        case.members.append(member)
        if member.office not in case.offices:
            case.offices.append(member.office)
        if case not in code.cases:
            code.cases.append(case)
        self._forget(case, member)
        self._outcome.members_joined.append((case.case_id, member))
        self._outcome.cases_changed[case.case_id] = case
        self._outcome.touched[code.uscc] = code

    def renew_holder(self, code: CodeFacts) -> None:
        """Make a new holder the member of the code's own cases, in the place of the one that lost the code."""
        for case in code.own_cases:
            former = [each for each in case.members if each.role == "holder" and each.uscc == code.uscc]
            for member in former:
                self.remove(case, member)
            if former:
                self.join_holder(case, code)

    def _forget(self, case: Case, member: Member) -> None:
        """Forget that a member which comes again had come and gone in this batch: what is written is the outcome."""
        for written in (self._outcome.members_joined, self._outcome.members_ended):
            for each in [each for each in written if _same_place(each, case, member)]:
                written.remove(each)

    def leave(self, case: Case, member: Member) -> None:
        """Take a held record out of its case; a case without held records is resolved."""
        self.remove(case, member)
        if not case.waiting():
            self.resolve(case)

    def remove(self, case: Case, member: Member) -> None:
        """Take a member out of its case, whatever becomes of the case."""
        case.members.remove(member)
        self._outcome.members_ended.append((case.case_id, member))
        self._outcome.cases_changed[case.case_id] = case

    def resolve(self, case: Case) -> None:
        """Close a case: nobody waits in it any more."""
        case.resolved_at = self._now
        self._outcome.cases_changed[case.case_id] = case
        self._facts.cases.pop((case.rule, case.conflict_key), None)
        for code in self._facts.codes.values():
            if case in code.cases:
                code.cases.remove(case)
                self._outcome.touched[code.uscc] = code


def _same_place(joined: tuple[str, Member], case: Case, member: Member) -> bool:
    case_id, other = joined
    return (case_id, other.receipt_id, other.role) == (case.case_id, member.receipt_id, member.role)
