"""What the registry's rules say of one record: findings, and the case that it would join. Decides nothing.

Source: domain.md §5 (E05, S, D, L, X) and §6 (who joins a case).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

from sync.effects import Effects, occasion_of
from sync.facts import Case, CodeFacts, Facts, Member, Rulings
from sync.holding import Holding, Status
from sync.identity import assigned_to_another, contradicts_identity, key_of, names_member
from sync.neighbours import Conflict, conflicts_of
from sync.records import Submission
from sync.segments import judge_segment
from validators.code_rules import CodeContext
from validators.findings import Finding, Occasion, Operation, Severity
from validators.rulebook import Ruleset
from validators.uscc import inspect

NAMED_OPERATIONS = frozenset((Operation.WITHDRAW, Operation.KEEP))
STATUS_OPERATIONS = frozenset((Operation.CANCEL, Operation.REVOKE, Operation.RESTORE))
_ANY = Occasion()


@dataclass(slots=True, kw_only=True)
class Weighed:
    """What was found. `superseded` says that the record is older than a withdrawal that left no holder."""

    findings: list[Finding]
    join: Case | None = None
    conflicts: list[Conflict]
    superseded: bool = False

    @property
    def is_held(self) -> bool:
        """Whether a finding keeps the record out of the registry."""
        return has_severity(self.findings, Severity.HOLD)


class Weigher:
    """Holds a record against the facts."""

    def __init__(self, facts: Facts, effects: Effects, *, rulings: Rulings, ruleset: Ruleset) -> None:
        self._facts = facts
        self._effects = effects
        self._rulings = rulings
        self._ruleset = ruleset

    def weigh_alone(self, submission: Submission, code: CodeFacts) -> list[Finding]:
        """Return the findings that decide whether a record is rejected: its own, E05 by the register, S02, a name."""
        findings = [*self.regraded(submission, code), *self._home_office(submission, code)]
        if submission.name is None and not self._names_by_receipt(submission, code):
            # A withdraw or keep with a receipt is complete: where that names nobody, L09 says so.
            if submission.operation in NAMED_OPERATIONS and submission.receipt_ref is not None:
                return findings
            findings += self._effects.find("Q01", submission, "essential", field="name")
        return findings

    def _names_by_receipt(self, submission: Submission, code: CodeFacts) -> bool:
        """Whether a record without a name says by a receipt whom it means: the holder, or a member of an open case."""
        receipt = submission.receipt_ref
        if code.holding is not None and code.holding.bears_receipt(receipt):
            return True
        return any(member.receipt_id == receipt for case in code.cases for member in case.members)

    def weigh(self, submission: Submission, code: CodeFacts, findings: list[Finding]) -> Weighed:
        """Return the findings of a claim on a code, behind those that it has already."""
        if code.holding is None:
            return self._weigh_unheld(submission, code, findings)
        return self._weigh_held(submission, code, code.holding, findings)

    def _weigh_unheld(self, submission: Submission, code: CodeFacts, findings: list[Finding]) -> Weighed:
        """A claim on a code that nobody holds now: L02, L04, L07."""
        waiting = code.waiting()
        superseded = False
        join: Case | None = None
        findings = [*findings, *self._segment(submission, code)]
        if waiting:
            join = case_of(code, waiting[0])
            findings = [*findings, *self.joining(submission, join, "L07")]
        elif code.tombstone is not None:
            superseded = key_of(submission) < code.tombstone.key
            if not superseded:
                findings = [*findings, *self._effects.find("L04", submission, field="uscc", actual=code.uscc)]
        elif submission.operation is not Operation.ASSIGN and not _moves_in(submission):
            circumstance = "after_rejection" if submission.office in code.rejected_offices else ""
            found = self._effects.find("L02", submission, circumstance, field="uscc", actual=code.uscc)
            findings = [*findings, *found]
        conflicts = [] if join or superseded else conflicts_of(submission, code, self._facts)
        findings = [*findings, *self.across(submission, conflicts)]
        return Weighed(findings=findings, join=join, conflicts=conflicts, superseded=superseded)

    def _weigh_held(
        self, submission: Submission, code: CodeFacts, holding: Holding, findings: list[Finding]
    ) -> Weighed:
        """A claim on a code that somebody holds: D01, L01, L05, L06, L08, or the case that all others join."""
        conflict = self.conflicts(submission, holding)
        join: Case | None = None
        findings = [*findings, *self._segment(submission, code)]
        awaited = not conflict and self._awaited_name(submission, code)
        if code.own_cases and not awaited and not self.is_holder(submission, holding):
            join = code.own_cases[0]
            findings = [*findings, *self.joining(submission, join)]
        elif conflict:
            holder = code.holder_name
            found = self._effects.find(
                "D01", submission, field="name", expected=holder, actual=submission.name, holder=holder
            )
            findings = [*findings, *found]
        findings = [*findings, *self._life(submission, holding, of_holder=join is None and not conflict)]
        conflicts = [] if join or conflict else conflicts_of(submission, code, self._facts)
        return Weighed(findings=[*findings, *self.across(submission, conflicts)], join=join, conflicts=conflicts)

    def regraded(self, submission: Submission, code: CodeFacts | None) -> list[Finding]:
        """Return the findings with E05 as the register and the open cases make it."""
        if not submission.findings or code is None or not any(each.rule == "E05" for each in submission.findings):
            return submission.findings
        if code.nonconforming:
            others = [finding for finding in submission.findings if finding.rule != "E05"]
            return [*self._issued(submission), *others]
        if self.settles_own_case(submission, code):
            return [finding for finding in submission.findings if finding.rule != "E05"]
        return submission.findings

    def _issued(self, submission: Submission) -> list[Finding]:
        """E05 of a code in the exceptions register."""
        context = CodeContext(province=None, register=frozenset((submission.uscc or "",)))
        findings = inspect(submission.uscc or "", self._ruleset, occasion_of(submission), context)
        return [finding for finding in findings if finding.rule == "E05"]

    def settles_own_case(self, submission: Submission, code: CodeFacts) -> bool:
        """Whether this is a withdraw or keep naming a member of an open case, sent by an office concerned."""
        if submission.operation not in NAMED_OPERATIONS:
            return False
        is_holder = code.holding is not None and self.names_holder(submission, code.holding)
        return any(
            names_member(submission, member) or (is_holder and member.role == "holder")
            for case in code.cases
            for member in case.members
            if case.concerns(submission.office) and member.uscc == code.uscc and member.role != "proposed"
        )

    def _home_office(self, submission: Submission, code: CodeFacts) -> list[Finding]:
        """S02: the sender is not the code's home office."""
        first = self._rulings.homes.get(code.uscc[0])
        home = code.home_office or first
        if home == submission.office or self.settles_own_case(submission, code):
            return []
        foreign = submission.operation is Operation.ASSIGN and first != submission.office
        # What bars an assign is the first character, whoever has become the code's home office since.
        expected = first if foreign else home
        facts: dict[str, object] = {}
        for part, office in (("home", expected), ("sender", submission.office)):
            title = self._rulings.titles.get(office or "")
            if title is not None:
                facts |= {f"{part}_zh": title.zh, f"{part}_en": title.en}
        return self._effects.find(
            "S02",
            submission,
            "foreign_assign" if foreign else "",
            field="uscc",
            expected=expected,
            actual=submission.office,
            facts=facts,
        )

    def _segment(self, submission: Submission, code: CodeFacts) -> list[Finding]:
        """S01: an assign from outside the segments of its registrar, unless the code stands assigned already."""
        if submission.operation is not Operation.ASSIGN:
            return []
        holding = code.holding
        if holding is not None and holding.first_assign is not None and self.is_holder(submission, holding):
            return []
        outside = judge_segment(
            self._facts.segments, code.uscc, submission.office, submission.record, self._rulings.province
        )
        if outside is None:
            return []
        return self._effects.find(
            "S01",
            submission,
            outside.circumstance,
            field="uscc",
            expected=outside.holder,
            actual=code.uscc[8:17],
        )

    def conflicts(self, submission: Submission, holding: Holding) -> bool:
        """D01: whether a record speaks of another organization than the one that has the code."""
        if submission.operation in STATUS_OPERATIONS:
            return not self.is_holder(submission, holding)
        if submission.operation is Operation.ASSIGN:
            return assigned_to_another(submission, holding.present())
        return contradicts_identity(submission, holding.present())

    def names_holder(self, submission: Submission, holding: Holding) -> bool:
        """Whether a withdraw or keep names the holder: by receipt where it gives one, else by name."""
        if submission.receipt_ref is not None:
            return holding.bears_receipt(submission.receipt_ref)
        return submission.name_key in holding.names

    def is_holder(self, submission: Submission, holding: Holding) -> bool:
        """Whether a record names the holder: by a name that one of its records bears, or by one of their receipts."""
        if submission.name is None:
            return holding.bears_receipt(submission.receipt_ref)
        return submission.name_key in holding.names

    def _awaited_name(self, submission: Submission, code: CodeFacts) -> bool:
        """Whether held cancels, revokes or restores of a D01 case, and nothing else there, wait for this name."""
        waiting = [member for member in code.waiting() if member.name_key == submission.name_key]
        return bool(waiting) and all(
            member.operation in STATUS_OPERATIONS and case_of(code, member).rule == "D01" for member in waiting
        )

    def _life(self, submission: Submission, holding: Holding, *, of_holder: bool) -> list[Finding]:
        """L01, L05, L06, L08: what a record says about an organization's life, at its own instant."""
        operation = submission.operation
        findings: list[Finding] = []
        if holding.assigned_while_cancelled(operation, key_of(submission)):
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

    def across(self, submission: Submission, conflicts: Iterable[Conflict]) -> list[Finding]:
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

    def joining(self, submission: Submission, case: Case, *beside: str) -> list[Finding]:
        """Return the findings of a record that joins a case: the case's own rule, and those named beside it.

        It waits even where the rule is switched off for it (S01 and a stock load), or it would slip into the registry.
        """
        return [
            dataclasses.replace(finding, severity=Severity.HOLD)
            for rule in (case.rule, *beside)
            for finding in self._effects.find(
                rule, submission, "joined", occasion=_ANY, field="uscc", actual=case.uscc, case=case.case_id
            )
        ]


def _moves_in(submission: Submission) -> bool:
    """Whether a change says that the organization moved in from another province."""
    return submission.operation is Operation.CHANGE and submission.transfer == "in"


def has_severity(findings: Iterable[Finding], severity: Severity) -> bool:
    """Whether one of the findings has this severity."""
    for finding in findings:  # noqa: SIM110 — asked five times a record, mostly of no findings: "any" costs thrice
        if finding.severity is severity:
            return True
    return False


def case_of(code: CodeFacts, member: Member) -> Case:
    """Return the open case that a held record of this code waits in."""
    return next(case for case in code.cases if member in case.members)
