"""The judgement: each record of a batch over the facts and over what the batch has already done. Pure; no I/O.

The order of decision is that of domain.md §6: unreadable, message id known, any error, any hold, and then the fold:
another present state is accepted, another past only is superseded, neither is unchanged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sync.effects import Effects
from sync.facts import Arrival, Case, CodeFacts, Facts, KnownMessage, Member, Rulings
from sync.four_eyes import ONE_CODE, SEVERAL_CODES, NotPossible, displaces_holder, holds, lets_stand
from sync.holding import Holding
from sync.identity import key_of, names_member
from sync.json_objects import printable
from sync.neighbours import Conflict
from sync.outcome import Act, Outcome, Proposal
from sync.records import Disposition, Submission
from sync.resolution import Resolver
from sync.weighing import NAMED_OPERATIONS, STATUS_OPERATIONS, Weighed, Weigher, has_severity
from validators.findings import Finding, Operation, Severity
from validators.rulebook import Ruleset


class Judge:
    """Decides records one after another; the facts it was given and the outcome it builds carry what it has done."""

    def __init__(self, facts: Facts, *, rulings: Rulings, ruleset: Ruleset, now: datetime) -> None:
        self.facts = facts
        self.rulings = rulings
        self.outcome = Outcome()
        self.effects = Effects(facts, self.outcome, rulings=rulings, ruleset=ruleset, now=now)
        self._weigher = Weigher(facts, self.effects, rulings=rulings, ruleset=ruleset)

    def decide(self, submission: Submission, attempt: int = 1) -> None:
        """Decide one record: the first line of domain.md §6 that matches. `attempt` is 2 and more for a replay."""
        if submission.quarantined:
            self.effects.close(submission, Disposition.QUARANTINED, submission.findings, attempt=attempt)
            return
        if self._is_known(submission, attempt):
            return
        code = self.facts.code(submission.uscc) if submission.uscc else None
        if code is None or submission.has_error:
            # An E05 is softer for a code in the exceptions register, so the register is asked before the verdict.
            findings = self._weigher.regraded(submission, code)
            if code is None or has_severity(findings, Severity.ERROR):
                self.effects.close(submission, Disposition.REJECTED, findings, code, attempt=attempt)
                return
        self._judge(submission, code, attempt=attempt)

    def decide_all(self, submissions: Iterable[Submission]) -> Outcome:
        """Decide records in order and return everything that they did."""
        for submission in submissions:
            self.decide(submission)
        return self.outcome

    def judge_again(self, member: Member, code: CodeFacts) -> None:
        """Judge a held record anew, by everything that holds now; its next return, unless it is held again."""
        assert member.submission is not None
        self._judge(member.submission, code, attempt=member.attempt + 1)

    def standing_findings(
        self, submission: Submission, code: CodeFacts, case: Case, conflicts: Sequence[Conflict] = ()
    ) -> list[Finding]:
        """Return what a held record is returned with when its case is resolved: its own findings and the case's.

        `conflicts` are those with codes beyond the case that stand from now on.
        """
        own = [*self._weigher.weigh_alone(submission, code), *self._weigher.across(submission, conflicts)]
        if any(finding.rule == case.rule for finding in own):
            return own
        return [*own, *self._weigher.joining(submission, case)]

    def crossing_findings(self, submission: Submission, conflicts: Sequence[Conflict]) -> list[Finding]:
        """Return what a record's conflicts with other codes are told by."""
        return self._weigher.across(submission, conflicts)

    def contradicts(self, submission: Submission, holding: Holding) -> bool:
        """Whether a claim is of another organization than this holder."""
        return submission.operation not in NAMED_OPERATIONS and self._weigher.conflicts(submission, holding)

    def would_be_held(self, submission: Submission, code: CodeFacts) -> bool:
        """Whether a record would be held if it were decided now, if nothing of its code waited."""
        waiting = [(case, case.members) for case in code.cases]
        for case, members in waiting:
            case.members = [member for member in members if member.role == "holder"]
        weighed = self._weigher.weigh(submission, code, self._weigher.weigh_alone(submission, code))
        for case, members in waiting:
            case.members = members
        return weighed.is_held

    def resolve(self, case: Case, act: Act) -> None:
        """Carry a resolution out; raises NotPossible where it cannot be."""
        Resolver(self, case, act).resolve()
        self.answer_proposals(case)

    def renewed_member(self, case: Case, message: Member) -> Member | None:
        """Return the holder that a message waiting for a person names, where another record stands for it by now."""
        submission, code = message.submission, self.facts.code(message.uscc)
        if submission is None or code.holding is None or not self._weigher.names_holder(submission, code.holding):
            return None
        return next((each for each in case.members if each.role == "holder" and each.uscc == code.uscc), None)

    def own_findings(self, submission: Submission) -> list[Finding]:
        """Return what the content of a record gives, as the register of exceptions and the open cases stand now."""
        return self._weigher.regraded(submission, self.facts.code(submission.uscc or ""))

    def settled_version(self, code: CodeFacts, act: Act) -> int | None:
        """Return the version that a withdraw made, else the one that stands now: a keep confirms, and makes none."""
        made = [each.event.version for each in self.outcome.versions if each.event.receipt_id == act.receipt_id]
        if act.operation is Operation.WITHDRAW and made:
            return made[-1]
        return code.holding.present().version if code.holding is not None else None

    def answer_proposals(self, case: Case) -> None:
        """Answer the messages that waited for a person, once their case is settled.

        A keep that names whoever has the code now is `unchanged`, as it is without a case; all else came too late.
        """
        if case.resolved_at is None:
            return
        for member in case.proposals():
            case.members.remove(member)
            submission, code = member.submission, self.facts.code(member.uscc)
            if submission is None:
                continue
            holding, attempt = code.holding, member.attempt + 1
            is_keep = submission.operation is Operation.KEEP
            if is_keep and holding is not None and self._weigher.names_holder(submission, holding):
                version = holding.present().version
                findings = self._weigher.regraded(submission, code)
                self.effects.close(submission, Disposition.UNCHANGED, findings, code, version=version, attempt=attempt)
            else:
                findings = self.standing_findings(submission, code, case)
                self.effects.close(
                    submission, Disposition.REJECTED, findings, code, case_id=case.case_id, attempt=attempt
                )

    def refuse_proposals(self, case: Case) -> None:
        """Reject the messages that wait for a person; the case is open for other resolutions."""
        case.is_awaiting = False
        self.outcome.cases_changed[case.case_id] = case
        for member in case.proposals():
            self.effects.docket.remove(case, member)
            if member.submission is not None:
                code = self.facts.code(member.uscc)
                self.effects.close(
                    member.submission,
                    Disposition.REJECTED,
                    self.standing_findings(member.submission, code, case),
                    code,
                    case_id=case.case_id,
                    attempt=member.attempt + 1,
                )

    # --- the lines before the registry -------------------------------------------------------------------------

    def _is_known(self, submission: Submission, attempt: int) -> bool:
        """Close a record whose message id the office has used; otherwise remember the id, where it could be read."""
        if submission.message_id is None:
            return False
        assert submission.content_digest is not None, "a readable record has a content"
        place = (submission.office, submission.message_id)
        known = self.facts.messages.get(place)
        code = self.facts.code(submission.uscc) if submission.uscc else None
        if known is None:
            digest = submission.content_digest
            self.facts.messages[place] = KnownMessage(submission.receipt_id, digest)
            self.outcome.messages.append(submission)
            return False
        findings = self._weigher.regraded(submission, code)
        if known.content_digest == submission.content_digest:
            first = known.receipt_id
            self.effects.close(submission, Disposition.UNCHANGED, findings, duplicate_of=first, attempt=attempt)
        else:
            found = self.effects.find("M01", submission, field="message_id", actual=submission.message_id)
            findings = [*findings, *found]
            self.effects.close(submission, Disposition.REJECTED, findings, code, attempt=attempt)
        return True

    # --- the registry's rules ----------------------------------------------------------------------------------

    def _apply(
        self, submission: Submission, code: CodeFacts, holding: Holding, findings: list[Finding], attempt: int
    ) -> None:
        names, was_whole = holding.names, holding.present().whole
        event = self.effects.fold_in(submission, code, holding, findings, attempt)
        self.facts.remember_identity(code)
        if code.own_cases:
            self.decide_waiting_again(Arrival(code, holding, event, names, was_whole))

    def _judge(self, submission: Submission, code: CodeFacts, *, attempt: int) -> None:
        findings = self._weigher.weigh_alone(submission, code)
        if has_severity(findings, Severity.ERROR):
            self.effects.close(submission, Disposition.REJECTED, findings, code, attempt=attempt)
        elif submission.operation in NAMED_OPERATIONS:
            self._judge_named(submission, code, findings, attempt)
        else:
            self._settle(submission, code, self._weigher.weigh(submission, code, findings), attempt)

    def _settle(self, submission: Submission, code: CodeFacts, weighed: Weighed, attempt: int) -> None:
        """Hold a claim, or let it take effect."""
        if has_severity(weighed.findings, Severity.ERROR):
            self.effects.close(submission, Disposition.REJECTED, weighed.findings, code, attempt=attempt)
        elif weighed.is_held:
            self.effects.hold(submission, code, weighed.findings, weighed.join, attempt, weighed.conflicts)
        elif weighed.superseded:
            self.effects.supersede_withdrawn(submission, code, weighed.findings, attempt)
        elif code.holding is None:
            self.effects.begin(submission, code, weighed.findings, attempt)
            self.facts.remember_identity(code)
            if submission.operation is Operation.ASSIGN and submission.case_id is not None:
                self.end_old_claim(submission)
        else:
            self._apply(submission, code, code.holding, weighed.findings, attempt)

    def _judge_named(self, submission: Submission, code: CodeFacts, findings: list[Finding], attempt: int) -> None:
        """Decide a withdraw or keep: it names the holder, or a member of a case, or nobody (L09)."""
        holding = code.holding
        names_holder = holding is not None and self._weigher.names_holder(submission, holding)
        case, member = _named_in_case(submission, code, holder=names_holder)
        if member is None and not names_holder:
            findings = [*findings, *self._names_nobody(submission)]
            self.effects.close(submission, Disposition.REJECTED, findings, code, attempt=attempt)
        elif has_severity(findings, Severity.HOLD):
            self.effects.hold(submission, code, findings, None, attempt)
        elif case is not None and member is not None:
            self._resolve(submission, code, findings, case, member, attempt)
        elif submission.operation is Operation.KEEP and holding is not None:
            version = holding.present().version
            self.effects.close(submission, Disposition.UNCHANGED, findings, code, version=version, attempt=attempt)
        elif holding is not None:
            event = self.effects.event(submission, code.last_version + 1, holding)
            successor = submission.successor_uscc
            self.effects.withdraw(code, holding, event, reason=submission.reason, successor_uscc=successor)
            self.effects.close(submission, Disposition.ACCEPTED, findings, code, version=event.version, attempt=attempt)

    def _names_nobody(self, submission: Submission) -> list[Finding]:
        """L09, of the receipt where one was given: then it decides whom the record means, and not the name."""
        if submission.receipt_ref is not None:
            actual = printable(submission.receipt_ref)
            return self.effects.find("L09", submission, field="receipt_id", actual=actual)
        return self.effects.find("L09", submission, field="name", actual=submission.name)

    def _resolve(
        self,
        submission: Submission,
        code: CodeFacts,
        findings: list[Finding],
        case: Case,
        member: Member,
        attempt: int,
    ) -> None:
        """Let an office's message resolve a case, or hold the message until a person approves."""
        if _needs_person(submission, self.facts, case, member):
            if not case.is_awaiting:
                self.outcome.proposals.append(Proposal(case=case, act=_act(submission, member)))
            findings = [*findings, *self._weigher.joining(submission, case)]
            self.effects.propose(case, submission, code, findings, attempt)
            return
        act = _act(submission, member)
        try:
            self.resolve(case, act)
        except NotPossible:  # It is raised before anything was done: the message names nobody who could be meant.
            findings = [*findings, *self._names_nobody(submission)]
            self.effects.close(submission, Disposition.REJECTED, findings, code, attempt=attempt)
            return
        self.outcome.resolutions.append((case, act))
        version = self.settled_version(code, act)
        self.effects.close(
            submission,
            Disposition.ACCEPTED,
            findings,
            code,
            version=version,
            case_id=case.case_id,
            attempt=attempt,
        )

    def end_old_claim(self, submission: Submission) -> None:
        """An assign that names a case gave the office's own member another code: its claim on the old one ends."""
        case = next((each for each in self.facts.cases.values() if each.case_id == submission.case_id), None)
        if case is None:
            return
        others = [each for each in case.members if each.role != "proposed" and each.uscc != submission.uscc]
        others.sort(key=lambda each: each.role != "holder")
        member = next((each for each in others if self._names(submission, each)), None)
        if member is not None and member.office == submission.office:
            act = _act(submission, member)
            Resolver(self, case, act).end_claim(successor_uscc=submission.uscc)
            self.answer_proposals(case)
            self.outcome.resolutions.append((case, act))

    def _names(self, submission: Submission, member: Member) -> bool:
        """Whether a record names this member; a holder may have another name, and record, than when it became one."""
        holding = self.facts.code(member.uscc).holding if member.role == "holder" else None
        by_now = holding is not None and self._weigher.names_holder(submission, holding)
        return by_now or names_member(submission, member)

    # --- what was waited for -----------------------------------------------------------------------------------

    def decide_waiting_again(self, arrival: Arrival) -> None:
        """Decide again, by itself, what overtook its rename, or came between a cancellation and the first particulars.

        A cancellation that came first has no more than a name: an assign under another name is held until particulars
        tell whether both are one organization. An assign that overtook the restore before it was held by L01. Once
        nothing in a case is in conflict any more, neither is the case.
        """
        code, holding, event, names, was_whole = arrival
        named_anew = event.name_key not in names or not was_whole
        if code.holding is not holding or not (named_anew or event.operation in STATUS_OPERATIONS):
            return
        first_particulars = not was_whole
        for case in [case for case in code.own_cases if case.rule in ("D01", "L01")]:
            waiting = sorted(case.waiting(), key=lambda member: member.key)
            settled = [
                member
                for member in waiting
                if (first_particulars or case.rule == "L01" or member.operation in STATUS_OPERATIONS)
                and not self._in_conflict(member, holding)
            ]
            if settled and not any(self._in_conflict(member, holding) for member in waiting):
                settled = waiting
            for member in settled:
                self.effects.docket.leave(case, member)
            for member in settled:
                self.judge_again(member, code)
            self.answer_proposals(case)

    def _in_conflict(self, member: Member, holding: Holding) -> bool:
        submission = member.submission
        return (
            submission is None
            or self._weigher.conflicts(submission, holding)
            or holding.assigned_while_cancelled(submission.operation, key_of(submission))
        )


def _named_in_case(submission: Submission, code: CodeFacts, *, holder: bool) -> tuple[Case | None, Member | None]:
    """Return the open case and its member that a withdraw or keep names.

    That is the holder, or the oldest held record of that name, or what the national centre's summary says of it.
    """
    for role in ("holder" if holder else "held", "claimed"):
        for case in code.cases:
            for member in case.members:
                named = names_member(submission, member) or role == "holder"
                if member.role == role and member.uscc == code.uscc and named:
                    return case, member
    return None, None


def _needs_person(submission: Submission, facts: Facts, case: Case, member: Member) -> bool:
    """Whether a message of an office is not the office's own act: it waits until a person approves."""
    code = facts.code(member.uscc)
    if submission.operation is Operation.KEEP:
        if lets_stand(case, _act(submission, member), facts):
            return True
        displacing = case.rule in ONE_CODE and member.role == "held" and displaces_holder(member, code)
        return displacing or case.rule in SEVERAL_CODES or case.rule == "S02"
    return holds(member, code) and member.office != submission.office


def _act(submission: Submission, member: Member) -> Act:
    assert submission.operation is not None
    return Act(
        operation=submission.operation,
        member=member,
        key=key_of(submission),
        receipt_id=submission.receipt_id,
        office=submission.office,
        actor=f"office {submission.office}",
        reason=submission.reason,
        successor_uscc=submission.successor_uscc,
    )
