"""The effects of a decision: versions, marks, changes, tombstones and cases, as values to be written.

Pure, like the rules that call it: it changes the facts of the batch and builds its outcome.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sync.docket import Docket
from sync.facts import Case, CodeFacts, Facts, Member, Rulings, Tombstone, numbers_of
from sync.holding import PARTICULARS_OPERATIONS, Event, Holding, State
from sync.identity import key_of
from sync.neighbours import Conflict
from sync.outcome import ChangeWrite, MarkWrite, Outcome, VersionWrite, View, view_of
from sync.records import Decision, Disposition, Submission
from validators.fields import FIELDS
from validators.findings import Finding, Occasion, Operation, Severity
from validators.rulebook import Ruleset, Text

_KINDS = {
    Operation.ASSIGN: "assigned",
    Operation.CHANGE: "changed",
    Operation.CANCEL: "cancelled",
    Operation.REVOKE: "revoked",
    Operation.RESTORE: "restored",
    Operation.WITHDRAW: "withdrawn",
}


CODE_LENGTH = 18


class Effects:
    """Builds the outcome of a batch."""

    def __init__(self, facts: Facts, outcome: Outcome, *, rulings: Rulings, ruleset: Ruleset, now: datetime) -> None:
        self.outcome = outcome
        self.docket = Docket(facts, outcome, rulings=rulings, now=now)
        self._facts = facts
        self._ruleset = ruleset
        self.now = now
        self._order = {rule: place for place, rule in enumerate(ruleset.rules)}

    def begin(
        self,
        submission: Submission,
        code: CodeFacts,
        findings: list[Finding],
        attempt: int,
        *,
        kind: str | None = None,
    ) -> None:
        """The first version of a holding; `kind` is what the feed says of it, where that is not the operation."""
        code.last_version += 1
        code.holdings += 1
        event = self.event(submission, code.last_version)
        code.holding = Holding(code.holdings, [event])
        code.tombstone = code.withdrawn = None
        code.predecessor_uscc = submission.predecessor_uscc
        self.docket.renew_holder(code)
        self._write_version(
            code, event, superseded=False, predecessor_uscc=submission.predecessor_uscc, submission=submission
        )
        self._write_change(code, event, kind or _KINDS[event.operation], before=None, after=view_of(code))
        self.close(submission, Disposition.ACCEPTED, findings, code, version=event.version, attempt=attempt)

    def begin_anew(self, code: CodeFacts, event: Event, predecessor_uscc: str) -> None:
        """Begin the holding of a code that a resolution assigned, without a record of an office."""
        code.last_version = event.version
        code.holdings += 1
        code.holding = Holding(code.holdings, [event])
        code.predecessor_uscc = predecessor_uscc
        self.docket.renew_holder(code)
        self._write_version(code, event, superseded=False, predecessor_uscc=predecessor_uscc)
        self._write_change(code, event, "assigned", before=None, after=view_of(code))
        self._facts.remember_identity(code)

    def fold_in(
        self,
        submission: Submission,
        code: CodeFacts,
        holding: Holding,
        findings: list[Finding],
        attempt: int,
        *,
        kind: str | None = None,
    ) -> Event:
        """Put a record where it belongs among those applied, and say what that changed."""
        view = view_of(code)
        present = holding.present()
        is_latest = key_of(submission) > holding.latest_key
        then = present if is_latest else holding.at(key_of(submission))
        event = self.event(submission, code.last_version + 1, holding)
        if code.predecessor_uscc is None:
            code.predecessor_uscc = submission.predecessor_uscc
        holding.add(event)
        now_present = holding.present()
        if not now_present.same_as(present):
            disposition = Disposition.ACCEPTED
        elif is_latest or _same(holding.at(event.key), then):
            disposition = Disposition.UNCHANGED
        else:
            disposition = Disposition.SUPERSEDED
        if disposition is Disposition.UNCHANGED:
            assert then is not None
            source = _confirmed(submission, then)
            version = source.version
            marked = event._replace(
                version=version,
                office=source.office,
                receipt_id=source.receipt_id,
                recorded_at=source.recorded_at,
                marked_by=event.receipt_id,
                confirms_since=source.since,
            )
            holding.replace(event, marked)
            mark = MarkWrite(uscc=code.uscc, holding=holding.number, event=event._replace(version=version))
            self.outcome.marks.append(mark)
        else:
            code.last_version += 1
            version = code.last_version
            superseded = disposition is Disposition.SUPERSEDED
            self._write_version(
                code, event, superseded=superseded, predecessor_uscc=submission.predecessor_uscc, submission=submission
            )
            if disposition is Disposition.ACCEPTED:
                again = event.operation is Operation.ASSIGN and holding.assigned_before(event.key)
                usual = "changed" if again else _KINDS[event.operation]
                self._write_change(code, event, kind or usual, before=view, after=view_of(code))
            else:
                findings = [*findings, *self.find("L03", submission, field="occurred_at")]
        self.close(submission, disposition, findings, code, version=version, attempt=attempt)
        return event

    def supersede_withdrawn(
        self, submission: Submission, code: CodeFacts, findings: list[Finding], attempt: int
    ) -> None:
        """A record of a holding that is over: it belongs to the past, and changes nothing now."""
        code.last_version += 1
        event = self.event(submission, code.last_version)
        self._write_version(
            code, event, superseded=True, predecessor_uscc=submission.predecessor_uscc, submission=submission
        )
        findings = [*findings, *self.find("L03", submission, field="occurred_at")]
        self.close(submission, Disposition.SUPERSEDED, findings, code, version=event.version, attempt=attempt)

    def withdraw(
        self, code: CodeFacts, holding: Holding, event: Event, *, reason: str | None, successor_uscc: str | None
    ) -> None:
        """Take the code back from its holder: a version, a tombstone, nobody. `event` is the withdrawal."""
        view = view_of(code)
        code.last_version = event.version
        tombstone = Tombstone(
            key=event.key,
            holding=holding.number,
            reason=reason,
            successor_uscc=successor_uscc,
            receipt_id=event.receipt_id,
            recorded_at=self.now,
        )
        self._write_version(code, event, superseded=False, reason=reason, successor_uscc=successor_uscc)
        after = view._replace(
            version=event.version,
            recorded_at=self.now,
            successor_uscc=successor_uscc,
            receipt_id=event.receipt_id,
        )
        self._write_change(code, event, "withdrawn", before=view, after=after)
        code.holding, code.withdrawn = None, holding
        code.tombstone = tombstone
        self.outcome.tombstones.append((code.uscc, tombstone))

    def confirm(self, code: CodeFacts, event: Event) -> int:
        """Say in the feed that the holder was confirmed; return the version, which stays."""
        view = view_of(code)
        self._write_change(code, event._replace(version=view.version), "confirmed", before=view, after=view)
        self.outcome.touched[code.uscc] = code
        return view.version

    def hold(
        self,
        submission: Submission,
        code: CodeFacts,
        findings: list[Finding],
        join: Case | None,
        attempt: int,
        conflicts: Sequence[Conflict] = (),
    ) -> None:
        """Keep a record out of the registry: it joins its case, or opens one.

        Two hold rules on one record make one case, of the first in the table's order.
        """
        case = join
        if case is None:
            rules = {finding.rule for finding in findings if finding.severity is Severity.HOLD}
            rule = min(rules, key=self._order.__getitem__)
            conflict = next((each for each in conflicts if each.rule == rule and each.other is not None), None)
            key = conflict.key if conflict is not None else code.uscc
            case = self._facts.cases.get((rule, key)) or self.docket.open(submission, code, rule, key, attempt)
            for neighbour in (code, conflict.other if conflict is not None else None):
                if neighbour is not None:
                    self.docket.join_holder(case, neighbour)
        self._wait_in(case, submission, code, findings, attempt, role="held")

    def propose(
        self, case: Case, submission: Submission, code: CodeFacts, findings: list[Finding], attempt: int
    ) -> None:
        """Let a message that would settle a case wait until a person approves."""
        case.is_awaiting = True
        self._wait_in(case, submission, code, findings, attempt, role="proposed")

    def _wait_in(
        self, case: Case, submission: Submission, code: CodeFacts, findings: list[Finding], attempt: int, *, role: str
    ) -> None:
        member = Member(
            receipt_id=submission.receipt_id,
            role=role,
            office=submission.office,
            uscc=code.uscc,
            name=submission.name or "",
            name_key=submission.name_key,
            operation=str(submission.operation),
            key=key_of(submission),
            received_at=submission.incoming.received_at,
            joined_at=self.now,
            submission=submission,
            attempt=attempt,
        )
        self.docket.join(case, code, member)
        self.close(submission, Disposition.HELD, findings, code, case_id=case.case_id, attempt=attempt)

    def event(self, submission: Submission, version: int, holding: Holding | None = None) -> Event:
        """Return a record as the event that it would be; one without a name bears that of the holder."""
        assert submission.operation is not None
        name_key = submission.name_key
        record: Mapping[str, str] = submission.particulars
        if submission.name is None and holding is not None:
            holder = holding.present().particulars
            name_key, record = holder.name_key, {**record, "name": holder.record["name"]}
        return Event(
            key=key_of(submission),
            operation=submission.operation,
            version=version,
            name_key=name_key,
            record=record,
            office=submission.office,
            receipt_id=submission.receipt_id,
            recorded_at=self.now,
        )

    def _write_version(
        self,
        code: CodeFacts,
        event: Event,
        *,
        superseded: bool,
        predecessor_uscc: str | None = None,
        successor_uscc: str | None = None,
        reason: str | None = None,
        submission: Submission | None = None,
    ) -> None:
        """Write a version down; `submission` is the record that makes it, where one does."""
        self.outcome.touched[code.uscc] = code
        head = None
        if submission is not None and submission.lines is not None and event.record is submission.particulars:
            assert submission.uscc == code.uscc, "a record that stands under another code was made anew"
            head = submission.lines.version
        for number in numbers_of(event.record):
            self._facts.by_number.setdefault(number, code.uscc)
        self.outcome.versions.append(
            VersionWrite(
                uscc=code.uscc,
                holding=code.holdings,
                kind=_KINDS[event.operation],
                superseded=superseded,
                event=event,
                predecessor_uscc=predecessor_uscc,
                successor_uscc=successor_uscc,
                reason=reason,
                head=head,
            )
        )

    def _write_change(self, code: CodeFacts, event: Event, kind: str, *, before: View | None, after: View) -> None:
        self.outcome.changes.append(
            ChangeWrite(
                uscc=code.uscc,
                version=event.version,
                kind=kind,
                effective_at=event.key.occurred_at,
                before=before,
                after=after,
            )
        )

    def find(
        self,
        rule: str,
        submission: Submission,
        circumstance: str = "",
        *,
        occasion: Occasion | None = None,
        field: str,
        expected: str | None = None,
        actual: str | None = None,
        holder: str = "—",
        case: str = "—",
        facts: Mapping[str, object] | None = None,
    ) -> list[Finding]:
        """Return the finding of a rule on a record, or none where the ruleset switches it off.

        `occasion` is given where it is not the record's own, `facts` where its text names more than these.
        """
        title = FIELDS[field].title if field in FIELDS else Text(zh=field, en=field)
        finding = self._ruleset.find(
            rule,
            occasion or occasion_of(submission),
            circumstance,
            field=field,
            position=None,
            expected=expected,
            actual=actual,
            suggestions=(),
            holder=holder,
            case=case,
            field_zh=title.zh,
            field_en=title.en,
            **(facts or {}),
        )
        return [finding] if finding is not None else []

    def close(
        self,
        submission: Submission,
        disposition: Disposition,
        findings: list[Finding],
        code: CodeFacts | None = None,
        *,
        version: int | None = None,
        duplicate_of: str | None = None,
        case_id: str | None = None,
        attempt: int = 1,
    ) -> None:
        """Write the decision down, and for rule L02 whether the office's last record of this code was rejected."""
        if code is not None and len(code.uscc) == CODE_LENGTH:
            rejected = disposition is Disposition.REJECTED
            if rejected != (submission.office in code.rejected_offices):
                (code.rejected_offices.add if rejected else code.rejected_offices.discard)(submission.office)
                receipt = submission.receipt_id if rejected else None
                self.outcome.claims_rejected[submission.office, code.uscc] = receipt
        if code is not None and disposition is Disposition.UNCHANGED:
            self.outcome.touched[code.uscc] = code
        self.outcome.decisions.append(
            Decision(
                submission=submission,
                disposition=disposition,
                findings=findings,
                version=version,
                duplicate_of=duplicate_of,
                case_id=case_id,
                attempt=attempt,
            )
        )


def occasion_of(submission: Submission) -> Occasion:
    """Return the occasion on which a rule fires for this record."""
    return Occasion(operation=submission.operation, office=submission.office, load=submission.load)


def _same(one: State | None, other: State | None) -> bool:
    return (one is None and other is None) or (one is not None and one.same_as(other))


def _confirmed(submission: Submission, then: State) -> Event:
    """Return the event whose version an unchanged record confirms: of the particulars, or of the status."""
    if submission.operation in PARTICULARS_OPERATIONS or then.status_event is None:
        return then.particulars
    return then.status_event
