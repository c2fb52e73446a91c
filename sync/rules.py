"""The judgement: each record of a batch over the facts and over what the batch has already done. Pure; no I/O.

The order of decision is that of domain.md §6: unreadable, message id known, any error, any hold, and then the fold:
another present state is accepted, another past only is superseded, neither is unchanged.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from sync.effects import Effects, occasion_of
from sync.facts import Case, CodeFacts, Facts, KnownMessage, Member, Rulings
from sync.holding import Holding, Status
from sync.identity import assigned_to_another, contradicts_identity, key_of, names_member
from sync.neighbours import Conflict, conflicts_of
from sync.outcome import Outcome
from sync.records import Disposition, Submission
from validators.code_rules import CodeContext
from validators.findings import Finding, Operation, Severity
from validators.rulebook import Ruleset
from validators.uscc import inspect

NAMED_OPERATIONS = frozenset((Operation.WITHDRAW, Operation.KEEP))
STATUS_OPERATIONS = frozenset((Operation.CANCEL, Operation.REVOKE, Operation.RESTORE))
class Judge:
    """Decides records one after another; the facts it was given and the outcome it builds carry what it has done."""

    def __init__(self, facts: Facts, *, rulings: Rulings, ruleset: Ruleset, now: datetime) -> None:
        self.facts = facts
        self.outcome = Outcome()
        self._rulings = rulings
        self._ruleset = ruleset
        self._effects = Effects(facts, self.outcome, rulings=rulings, ruleset=ruleset, now=now)

    def decide(self, submission: Submission) -> None:
        """Decide one record: the first line of domain.md §6 that matches."""
        if submission.quarantined:
            self._effects.close(submission, Disposition.QUARANTINED, submission.findings)
            return
        if self._is_known(submission):
            return
        code = self.facts.code(submission.uscc) if submission.uscc else None
        if code is None or submission.has_error:
            # An E05 is softer for a code in the exceptions register, so the register is asked before the verdict.
            findings = self._regraded(submission, code)
            if code is None or _has(findings, Severity.ERROR):
                self._effects.close(submission, Disposition.REJECTED, findings, code)
                return
        self._judge(submission, code, attempt=1)

    def decide_all(self, submissions: Iterable[Submission]) -> Outcome:
        """Decide records in order and return everything that they did."""
        for submission in submissions:
            self.decide(submission)
        return self.outcome

    # --- the lines before the registry -------------------------------------------------------------------------

    def _is_known(self, submission: Submission) -> bool:
        """Close a record whose message id the office has used; otherwise remember the id."""
        assert submission.message_id is not None and submission.content_digest is not None
        place = (submission.office, submission.message_id)
        known = self.facts.messages.get(place)
        if known is None:
            digest = submission.content_digest
            self.facts.messages[place] = KnownMessage(submission.receipt_id, digest)
            self.outcome.messages.append((*place, submission.receipt_id, digest))
            return False
        if known.content_digest == submission.content_digest:
            self._effects.close(submission, Disposition.UNCHANGED, submission.findings, duplicate_of=known.receipt_id)
        else:
            finding = self._effects.find("M01", submission, field="message_id", actual=submission.message_id)
            code = self.facts.code(submission.uscc) if submission.uscc else None
            self._effects.close(submission, Disposition.REJECTED, [*submission.findings, *finding], code)
        return True

    def _regraded(self, submission: Submission, code: CodeFacts | None) -> list[Finding]:
        """Return the findings with E05 as the register and the open cases make it."""
        if not any(finding.rule == "E05" for finding in submission.findings) or code is None:
            return submission.findings
        if code.nonconforming:
            others = [finding for finding in submission.findings if finding.rule != "E05"]
            return [*self._issued(submission), *others]
        if self._settles_own_case(submission, code):
            return [finding for finding in submission.findings if finding.rule != "E05"]
        return submission.findings

    def _issued(self, submission: Submission) -> list[Finding]:
        """E05 of a code in the exceptions register."""
        context = CodeContext(province=None, register=frozenset((submission.uscc,)))
        findings = inspect(submission.uscc or "", self._ruleset, occasion_of(submission), context)
        return [finding for finding in findings if finding.rule == "E05"]

    def _settles_own_case(self, submission: Submission, code: CodeFacts) -> bool:
        """Whether this is a withdraw or keep naming a member of an open case, sent by an office concerned."""
        if submission.operation not in NAMED_OPERATIONS:
            return False
        return any(
            case.concerns(submission.office) and any(names_member(submission, member) for member in case.members)
            for case in code.cases
        )

    # --- the registry's rules ----------------------------------------------------------------------------------

    def _judge(self, submission: Submission, code: CodeFacts, *, attempt: int) -> None:
        findings = [*self._regraded(submission, code), *self._home_office(submission, code)]
        if submission.name is None and not (code.holding and code.holding.bears_receipt(submission.receipt_ref)):
            findings += self._effects.find("Q01", submission, "essential", field="name")
        if _has(findings, Severity.ERROR):
            self._effects.close(submission, Disposition.REJECTED, findings, code, attempt=attempt)
        elif submission.operation in NAMED_OPERATIONS:
            self._judge_named(submission, code, findings)
        elif code.holding is None:
            self._judge_unheld(submission, code, findings, attempt)
        else:
            self._judge_held(submission, code, code.holding, findings, attempt)

    def _home_office(self, submission: Submission, code: CodeFacts) -> list[Finding]:
        """S02: the sender is not the code's home office."""
        first = self._rulings.homes.get(code.uscc[0])
        home = code.home_office or first
        if home == submission.office or self._settles_own_case(submission, code):
            return []
        foreign = submission.operation is Operation.ASSIGN and first != submission.office
        return self._effects.find("S02", submission, "foreign_assign" if foreign else "", field="uscc", expected=home, actual=submission.office)

    def _judge_unheld(
        self, submission: Submission, code: CodeFacts, findings: list[Finding], attempt: int
    ) -> None:
        """Decide a claim on a code that nobody holds now."""
        waiting = code.waiting()
        superseded = False
        join: Case | None = None
        if waiting:
            join = _case_of(code, waiting[0])
            findings += self._joining(submission, join, "L07")
        elif code.tombstone is not None:
            superseded = key_of(submission) < code.tombstone.key
            if not superseded:
                findings += self._effects.find("L04", submission, field="uscc", actual=code.uscc)
        elif submission.operation is not Operation.ASSIGN:
            if submission.office in code.rejected_offices:
                findings += self._effects.find("L02", submission, "after_rejection", field="uscc", actual=code.uscc)
            elif submission.transfer != "in":
                findings += self._effects.find("L02", submission, field="uscc", actual=code.uscc)
        conflicts = [] if join or superseded else conflicts_of(submission, code, self.facts)
        findings += self._across(submission, conflicts)
        if _has(findings, Severity.HOLD):
            self._effects.hold(submission, code, findings, join, attempt, conflicts)
        elif superseded:
            self._effects.supersede_withdrawn(submission, code, findings, attempt)
        else:
            self._effects.begin(submission, code, findings, attempt)
            self.facts.remember_identity(code)

    def _judge_held(
        self, submission: Submission, code: CodeFacts, holding: Holding, findings: list[Finding], attempt: int
    ) -> None:
        """Decide a claim on a code that somebody holds."""
        state = holding.present()
        is_holder = self._is_holder(submission, holding)
        join: Case | None = None
        conflict = self._conflicts(submission, holding)
        if code.own_cases and not is_holder and not (not conflict and self._awaited_name(submission, code)):
            join = code.own_cases[0]
            findings += self._joining(submission, join)
        elif conflict:
            holder = state.particulars.record["name"]
            findings += self._effects.find("D01", submission, field="name", actual=submission.name, holder=holder)
        findings += self._life(submission, holding, of_holder=join is None and not conflict)
        conflicts = [] if join or conflict else conflicts_of(submission, code, self.facts)
        findings += self._across(submission, conflicts)
        if _has(findings, Severity.HOLD):
            self._effects.hold(submission, code, findings, join, attempt, conflicts)
        else:
            self._apply(submission, code, holding, findings, attempt)

    def _apply(
        self, submission: Submission, code: CodeFacts, holding: Holding, findings: list[Finding], attempt: int
    ) -> None:
        names, was_whole = holding.names, holding.present().whole
        event = self._effects.fold_in(submission, code, holding, findings, attempt)
        self.facts.remember_identity(code)
        if code.own_cases and (event.name_key not in names or not was_whole):
            self._decide_waiting_again(code, holding, first_particulars=not was_whole)

    def _conflicts(self, submission: Submission, holding: Holding) -> bool:
        """D01: whether a record speaks of another organization than the one that has the code."""
        if submission.operation in STATUS_OPERATIONS:
            return not self._is_holder(submission, holding)
        if submission.operation is Operation.ASSIGN:
            return assigned_to_another(submission, holding.present())
        return contradicts_identity(submission, holding.present())

    def _is_holder(self, submission: Submission, holding: Holding) -> bool:
        if submission.name is None:
            return holding.bears_receipt(submission.receipt_ref)
        return submission.name_key in holding.names

    def _life(self, submission: Submission, holding: Holding, *, of_holder: bool) -> list[Finding]:
        """L01, L05, L06, L08: what a record says about an organization's life, at its own instant."""
        operation = submission.operation
        findings: list[Finding] = []
        if holding.assigned_while_cancelled(self._effects.event(submission, 0)):
            holder = holding.present().particulars.record["name"]
            findings += self._effects.find("L01", submission, field="uscc", actual=submission.uscc, holder=holder)
        if not of_holder:
            return findings
        key = key_of(submission)
        if operation is Operation.ASSIGN and holding.assigned_before(key):
            findings += self._effects.find("L08", submission, field="operation", actual="assign")
        if operation in (Operation.RESTORE, Operation.CHANGE):
            before = holding.at(key)
            if before is not None and before.status is Status.CANCELLED:
                rule = "L05" if operation is Operation.RESTORE else "L06"
                findings += self._effects.find(rule, submission, field="operation", actual=operation)
        return findings

    def _across(self, submission: Submission, conflicts: list[Conflict]) -> list[Finding]:
        """D02, D03, X01: what a record has in common with other codes."""
        return [
            finding
            for conflict in conflicts
            for finding in self._effects.find(
                conflict.rule,
                submission,
                conflict.circumstance,
                field=conflict.field,
                expected=conflict.other.uscc if conflict.other else None,
                actual=conflict.actual or None,
                holder=conflict.other.holder_name if conflict.other else "—",
            )
        ]

    def _joining(self, submission: Submission, case: Case, *beside: str) -> list[Finding]:
        """Return the findings of a record that joins a case: the case's own rule, and those named beside it."""
        return [
            replace(finding, severity=Severity.HOLD)
            for rule in (case.rule, *beside)
            for finding in self._effects.find(rule, submission, "joined", field="uscc", actual=case.uscc, case=case.case_id)
        ]

    def _judge_named(self, submission: Submission, code: CodeFacts, findings: list[Finding]) -> None:
        """Decide a withdraw or keep: it names the holder, or a held record, or nobody (L09)."""
        holding = code.holding
        if holding is None or not self._is_holder(submission, holding):
            findings += self._effects.find("L09", submission, field="name", actual=submission.name)
            self._effects.close(submission, Disposition.REJECTED, findings, code)
        elif _has(findings, Severity.HOLD):
            self._effects.hold(submission, code, findings, None, 1)
        elif submission.operation is Operation.KEEP:
            version = holding.present().version
            self._effects.close(submission, Disposition.UNCHANGED, findings, code, version=version)
        else:
            self._effects.withdraw(submission, code, holding, findings)

    # --- what was waited for -----------------------------------------------------------------------------------

    def _awaited_name(self, submission: Submission, code: CodeFacts) -> bool:
        """Whether held cancels, revokes or restores of a D01 case, and nothing else there, wait for this name."""
        waiting = [member for member in code.waiting() if member.name_key == submission.name_key]
        return bool(waiting) and all(
            member.operation in STATUS_OPERATIONS and _case_of(code, member).rule == "D01" for member in waiting
        )

    def _decide_waiting_again(self, code: CodeFacts, holding: Holding, *, first_particulars: bool) -> None:
        """Decide again, by itself, what overtook its rename, or came between a cancellation and the first particulars.

        A cancellation that came first has no more than a name: an assign under another name is held until particulars
        tell whether both are one organization. Once nothing in a case is in conflict any more, neither is the case.
        """
        for case in [case for case in code.own_cases if case.rule == "D01"]:
            waiting = sorted(case.waiting(), key=lambda member: member.key)
            settled = [
                member
                for member in waiting
                if (first_particulars or member.operation in STATUS_OPERATIONS) and not self._in_conflict(member, holding)
            ]
            if settled and not any(self._in_conflict(member, holding) for member in waiting):
                settled = waiting
            for member in settled:
                self._effects.leave(case, member)
            for member in settled:
                assert member.submission is not None
                self._judge(member.submission, code, attempt=member.attempt + 1)

    def _in_conflict(self, member: Member, holding: Holding) -> bool:
        return member.submission is None or self._conflicts(member.submission, holding)


def _has(findings: Iterable[Finding], severity: Severity) -> bool:
    return any(finding.severity is severity for finding in findings)


def _case_of(code: CodeFacts, member: Member) -> Case:
    """Return the open case that a held record of this code waits in."""
    return next(case for case in code.cases if member in case.members)
