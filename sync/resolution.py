"""Resolutions of cases: what keep (2), withdraw (1) and assign (0) do to the members and to the codes.

Pure. Held records are decided again in the order of their keys and get their second return; what held them is settled
by the resolution and is returned as a warning. At most one holder of a code remains.

Source: domain.md §6, the table of resolutions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

from sync.facts import Arrival, Case, CodeFacts, Member
from sync.four_eyes import (
    ONE_CODE,
    SEVERAL_CODES,
    NotPossible,
    claim_of,
    displaces_holder,
    holds,
    keeps_nonconforming,
    recoded_to,
    submission_of,
)
from sync.holding import Event, Holding
from sync.neighbours import Conflict, conflicts_beyond, conflicts_of
from sync.outcome import Act, AllowedConflict
from sync.records import Disposition, Submission
from validators.findings import Finding, Operation, Severity
from validators.record import name_key

if TYPE_CHECKING:
    from sync.rules import Judge


class Resolver:
    """Carries out one resolution over the facts and the outcome of a judge."""

    def __init__(self, judge: Judge, case: Case, act: Act) -> None:
        self._judge = judge
        self._effects = judge.effects
        self._case = case
        self._act = act
        # Between the codes of the case its resolution settles everything, with any other code nothing but what it says.
        self._settled_codes = frozenset(each.uscc for each in case.members)
        self._speaks_of_applied = True
        self._held_again: set[str] = set()
        self._arrived: list[Arrival] = []
        self._assigned: list[Submission] = []

    def resolve(self) -> None:
        """Carry the resolution out.

        Raises:
            NotPossible: the new code cannot be given, or the member has no claim any more.
        """
        member, operation = self._act.member, self._act.operation
        code = self._judge.facts.code(member.uscc)
        if member not in self._case.members:
            raise NotPossible("not-a-member", f"{member.receipt_id} is no member of {self._case.case_id} any more")
        if operation is Operation.ASSIGN:
            self._assign_anew(code, member)
        elif operation is Operation.WITHDRAW:
            self._withdraw(code, member)
        elif self._case.rule in ONE_CODE or (self._case.rule not in SEVERAL_CODES and member.role != "held"):
            self._keep_one(code, member)
        else:
            self._keep_all(code, member)
        self._settle_beside(code)
        self._decide_waiting_again()

    # --- keep --------------------------------------------------------------------------------------------------

    def _keep_one(self, code: CodeFacts, member: Member) -> None:
        """The member holds the code; every other claim is rejected."""
        if member.role != "held" and code.holding is not None and not holds(member, code):
            raise NotPossible("no-record", f"there is no record of {member.name} here: let its office send one")
        claim = self._claim(member) if member.role == "held" else []
        others = [each for each in self._case.waiting() if each not in claim]
        if member.role == "held" and displaces_holder(member, code):
            self._take_back(code, self._act.successor_uscc)
        self._enter_register(code, member)
        self._end([*claim, *others])
        self._effects.docket.resolve(self._case)
        for each in _by_key(claim):
            self._apply(each, code)
        for each in _by_key(others):
            self._reject(each)
        if holds(member, code):
            self._effects.confirm(code, self._event(code, member))

    def _keep_all(self, code: CodeFacts, member: Member) -> None:
        """All codes stay (an allowed conflict); or the record in doubt and those behind it are applied."""
        rule = self._case.rule
        waiting = _by_key(self._case.waiting())
        if rule in SEVERAL_CODES:
            self._allow(self._let_stand(waiting))
        elif rule == "E05":
            self._enter_register(code, member)
        elif rule == "S02":
            self._effects.outcome.transfers.append((code.uscc, member.office, self._case.case_id))
            code.home_office = member.office
        claim = self._claim(member) if member.role == "held" else []
        self._end(waiting)
        self._effects.docket.resolve(self._case)
        self._apply_together(waiting, claim, transferred=member if rule == "S02" else None)

    def _enter_register(self, code: CodeFacts, member: Member) -> None:
        """Enter a code that fails its check, and is kept all the same, into the register of exceptions."""
        if keeps_nonconforming(self._case, member):
            self._effects.outcome.nonconforming.append((code.uscc, self._case.case_id, self._act.actor))
            code.nonconforming = True

    def _apply_together(self, waiting: list[Member], claim: list[Member], *, transferred: Member | None = None) -> None:
        """Apply records that wait behind each other; those of another organization than holds the code then do not.

        They are judged anew, so that one code is never given to two: not even by a resolution that speaks of one.
        """
        together, apart = self._sorted_out(waiting)
        if any(each in apart for each in claim):
            together, apart = self._sorted_out([*_by_key(claim), *(each for each in waiting if each not in claim)])
        for each in together:
            code = self._judge.facts.code(each.uscc)
            self._apply(each, code, kind="transferred" if each is transferred else None)
        for each in apart:
            self._judge.judge_again(each, self._judge.facts.code(each.uscc))

    def _sorted_out(self, waiting: Iterable[Member]) -> tuple[list[Member], list[Member]]:
        """Return those that can be applied one behind the other, and those of another organization."""
        holdings: dict[str, Holding] = {}
        together: list[Member] = []
        apart: list[Member] = []
        for each in waiting:
            submission, present = submission_of(each), self._judge.facts.code(each.uscc).holding
            holding = holdings.get(each.uscc, Holding(0, present.events) if present is not None else None)
            if holding is not None and self._judge.contradicts(submission, holding):
                apart.append(each)
                continue
            together.append(each)
            if submission.operation in (Operation.WITHDRAW, Operation.KEEP):
                continue
            event = self._effects.event(submission, 0, holding)
            holdings[each.uscc] = Holding(0, [*(holding.events if holding is not None else ()), event])
        return together, apart

    def _let_stand(self, waiting: list[Member]) -> set[tuple[str, str, str]]:
        """Return every conflict that is allowed, as (rule, code, code): the case's, and what else its records are in.

        Two rules that hold one record make one case, so that one resolution speaks of both.
        """
        facts = self._judge.facts
        found = {(self._case.rule, *pair) for pair in self._pairs(waiting)}
        for each in waiting:
            for conflict in conflicts_of(submission_of(each), facts.code(each.uscc), facts):
                if conflict.other is not None and not conflict.circumstance:
                    found.add((conflict.rule, each.uscc, conflict.other.uscc))
        return found

    def _pairs(self, waiting: list[Member]) -> set[tuple[str, str]]:
        """Return the codes that may stand beside each other: held ones beside the others, else the others together."""
        standing = sorted({each.uscc for each in self._case.members if each.role != "held"})
        if waiting:
            return {(held.uscc, other) for held in waiting for other in standing if held.uscc != other}
        return set(combinations(standing, 2))

    # --- withdraw ----------------------------------------------------------------------------------------------

    def _withdraw(self, code: CodeFacts, member: Member) -> None:
        """The member loses its claim; what is left of the case is settled if it can be."""
        if holds(member, code):
            successor = self._act.successor_uscc or self._one_other_code(member)
            self._take_back(code, successor)
            self._end([member])
        elif member.role != "held":
            self._end([member])
        else:
            claim = self._claim(member)
            if self._case.rule not in ONE_CODE | SEVERAL_CODES:
                claim = [member]
            self._end(claim)
            for each in _by_key(claim):
                self._reject(each)
        self._settle_rest(code)

    def _one_other_code(self, member: Member) -> str | None:
        """The code that stays when one of two is withdrawn."""
        others = {each.uscc for each in self._case.members if each.role in ("holder", "held")} - {member.uscc}
        return others.pop() if len(others) == 1 else None

    def _settle_rest(self, code: CodeFacts) -> None:
        """Apply the one claim that is left, or leave the case open for those that still contradict each other.

        Nobody has spoken of what is left: a conflict with codes beyond the case holds it again.
        """
        self._speaks_of_applied = False
        waiting = self._case.waiting()
        if not waiting:
            self._effects.docket.resolve(self._case)
        elif self._case.rule in ONE_CODE:
            claims = {each.name_key for each in waiting}
            if code.holding is None and len(claims) == 1:
                self._release(waiting, settled=True)
        elif self._case.rule in SEVERAL_CODES:
            if not any(each.role == "holder" for each in self._case.members):
                self._release(waiting, settled=len({each.uscc for each in waiting}) == 1)
        else:
            self._take_place(code, waiting)

    def _settle_beside(self, code: CodeFacts) -> None:
        """Settle what is left of the other cases that the holder was a member of, once nobody holds the code."""
        for case in [each for each in code.cases if each is not self._case and each.rule in ONE_CODE | SEVERAL_CODES]:
            if code.holding is not None:
                return
            former = [each for each in case.members if each.role == "holder" and each.uscc == code.uscc]
            if not former or case.resolved_at is not None:
                continue
            beside = Resolver(self._judge, case, self._act)
            beside._end(former)
            beside._settle_rest(code)
            beside._decide_waiting_again()
            self._judge.answer_proposals(case)

    def _release(self, waiting: list[Member], *, settled: bool) -> None:
        """Close the case and decide again who waited; not settled, they are judged anew against each other."""
        self._end(waiting)
        self._effects.docket.resolve(self._case)
        if settled:
            self._apply_together(_by_key(waiting), [])
            return
        for each in _by_key(waiting):
            self._judge.judge_again(each, self._judge.facts.code(each.uscc))

    def _take_place(self, code: CodeFacts, waiting: list[Member]) -> None:
        """The oldest that waited behind a rejected record takes its place: in doubt itself, or applied."""
        if self._judge.would_be_held(submission_of(waiting[0]), code):
            return
        self._end(waiting)
        self._effects.docket.resolve(self._case)
        for each in waiting:
            self._judge.judge_again(each, code)

    # --- assign ------------------------------------------------------------------------------------------------

    def _assign_anew(self, code: CodeFacts, member: Member) -> None:
        """The member's records stand under a new code, linked from the old one, where its claim ends."""
        new = self._act.new_uscc
        if new is None:
            raise NotPossible("new-code-missing", "assign needs new_uscc")
        target = self._judge.facts.code(new)
        if target.ever_held or target.waiting():
            raise NotPossible("code-taken", f"{new} is taken")
        subjects = self._judge.facts.by_subject.get(new[8:17], set()) - {new, code.uscc}
        other = next((each for each in sorted(subjects) if self._judge.facts.code(each).ever_held), None)
        if other is not None:
            raise NotPossible("code-taken", f"the subject identification code of {new} stands under {other}")
        recoded = [recoded_to(each, new) for each in self._claim(member)] if member.role == "held" else []
        if holds(member, code):
            holding = code.holding
            if holding is None:
                raise NotPossible("nobody-holds", f"nobody holds {code.uscc}")
            record = {**holding.present().particulars.record, "uscc": new}
            self._take_back(code, new)
            self._end([member])
            # The holder may have another name than when it became a member of the case.
            event = self._event(target, member, Operation.ASSIGN, record)
            self._effects.begin_anew(target, event, code.uscc)
        elif member.role != "held":
            raise NotPossible("no-record", f"there is no record of {member.name} here: let its office assign {new}")
        else:
            self._end(self._claim(member))
            for each in _by_key(recoded):
                self._apply(each, target)
        self._settle_rest(code)

    def end_claim(self, *, successor_uscc: str | None) -> None:
        """The member has a code of its own now: its claim on the code of this case ends."""
        member = self._act.member
        code = self._judge.facts.code(member.uscc)
        if holds(member, code):
            self._take_back(code, successor_uscc)
            self._end([member])
        elif member.role != "held":
            self._end([member])
        else:
            claim = self._claim(member)
            self._end(claim)
            for each in _by_key(claim):
                self._reject(each)
        self._settle_rest(code)
        self._settle_beside(code)
        self._decide_waiting_again()

    # --- parts -------------------------------------------------------------------------------------------------

    def _claim(self, member: Member) -> list[Member]:
        return claim_of(self._case, member)

    def _allow(self, conflicts: Iterable[tuple[str, str, str]]) -> None:
        """Enter conflicts, as (rule, code, code), among those that may stand."""
        for conflict in sorted(conflicts):
            self._effects.outcome.allowed.append(AllowedConflict(*conflict, self._case.case_id, self._act.actor))
            self._judge.facts.allow(*conflict)

    def _end(self, members: Iterable[Member]) -> None:
        for member in list(members):
            self._effects.docket.remove(self._case, member)

    def _take_back(self, code: CodeFacts, successor_uscc: str | None) -> None:
        if code.holding is None:
            raise NotPossible("nobody-holds", f"nobody holds {code.uscc}")
        event = self._event(code, self._act.member, Operation.WITHDRAW)
        self._effects.withdraw(code, code.holding, event, reason=self._act.reason, successor_uscc=successor_uscc)

    def _event(
        self,
        code: CodeFacts,
        member: Member,
        operation: Operation = Operation.KEEP,
        record: dict[str, str] | None = None,
    ) -> Event:
        """Return the event of the resolution itself."""
        return Event(
            key=self._act.key,
            operation=operation,
            version=code.last_version + 1,
            name_key=member.name_key if record is None else name_key(record["name"]),
            record=record or {"uscc": code.uscc, "name": member.name},
            office=self._act.office,
            receipt_id=self._act.receipt_id,
            recorded_at=self._effects.now,
        )

    def _apply(self, member: Member, code: CodeFacts, *, kind: str | None = None) -> None:
        """Apply a held record: its second return, with what held it as warnings.

        What it is in conflict with beyond the case (D02, D03, X01: it would become the present particulars) stands by a
        keep or an assign that speaks of it, and is told so; it holds a record that is only left over.
        """
        submission = submission_of(member)
        if code.uscc in self._held_again:
            # It joins what it was to be applied with.
            self._judge.judge_again(member, code)
            return
        conflicts = conflicts_beyond(submission, code, self._judge.facts, self._settled_codes)
        if conflicts and not self._speaks_of_applied:
            self._hold_again(member, code, conflicts)
            return
        self._allow({(each.rule, code.uscc, each.other.uscc) for each in conflicts if each.other is not None})
        findings = self._judge.standing_findings(submission, code, self._case, conflicts)
        findings = [_settled(finding) for finding in findings]
        attempt = member.attempt + 1
        holding = code.holding
        if submission.operation is Operation.WITHDRAW:
            self._apply_withdraw(submission, code, holding, findings, attempt)
        elif submission.operation is Operation.KEEP:
            version = holding.present().version if holding is not None else None
            self._effects.close(submission, Disposition.UNCHANGED, findings, code, version=version, attempt=attempt)
        elif holding is None:
            self._effects.begin(submission, code, findings, attempt, kind=kind)
            self._judge.facts.remember_identity(code)
            if submission.operation is Operation.ASSIGN and submission.case_id is not None:
                self._assigned.append(submission)
        else:
            names, was_whole = holding.names, holding.present().whole
            event = self._effects.fold_in(submission, code, holding, findings, attempt, kind=kind)
            self._judge.facts.remember_identity(code)
            self._arrived.append(Arrival(code, holding, event, names, was_whole))

    def _decide_waiting_again(self) -> None:
        """Decide again what waited in other cases for the names, the status or the particulars that were applied.

        A record that names a case assigned a new code there, as it would have without having been held.
        """
        for arrival in self._arrived:
            self._judge.decide_waiting_again(arrival)
        for submission in self._assigned:
            self._judge.end_old_claim(submission)

    def _hold_again(self, member: Member, code: CodeFacts, conflicts: list[Conflict]) -> None:
        """Hold a record for what it is in conflict with beyond the case, and for nothing else."""
        submission = submission_of(member)
        settled = [_settled(each) for each in self._judge.standing_findings(submission, code, self._case)]
        findings = [*settled, *self._judge.crossing_findings(submission, conflicts)]
        self._effects.hold(submission, code, findings, None, member.attempt + 1, conflicts)
        self._held_again.add(code.uscc)

    def _apply_withdraw(
        self, submission: Submission, code: CodeFacts, holding: Holding | None, findings: list[Finding], attempt: int
    ) -> None:
        if holding is None:
            self._effects.close(submission, Disposition.REJECTED, findings, code, attempt=attempt)
            return
        event = self._effects.event(submission, code.last_version + 1, holding)
        successor = submission.successor_uscc
        self._effects.withdraw(code, holding, event, reason=submission.reason, successor_uscc=successor)
        self._effects.close(submission, Disposition.ACCEPTED, findings, code, version=event.version, attempt=attempt)

    def _reject(self, member: Member) -> None:
        """Reject a held record: its second return, with what held it."""
        submission, code = submission_of(member), self._judge.facts.code(member.uscc)
        findings = self._judge.standing_findings(submission, code, self._case)
        self._effects.close(
            submission,
            Disposition.REJECTED,
            findings,
            code,
            case_id=self._case.case_id,
            attempt=member.attempt + 1,
        )


def _by_key(members: Iterable[Member]) -> list[Member]:
    return sorted(members, key=lambda member: member.key)


def _settled(finding: Finding) -> Finding:
    return replace(finding, severity=Severity.WARNING) if finding.severity is Severity.HOLD else finding
