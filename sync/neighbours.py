"""Conflicts that cross codes: D02, D03 and X01, judged when a record brings its code a new identity.

Source: domain.md §5 ("D02, D03 and X01 are judged when …").
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from sync.facts import CodeFacts, Facts, numbers_of, registration_number_of
from sync.holding import PARTICULARS_OPERATIONS, Holding, Status
from sync.identity import key_of
from sync.records import Submission
from validators.record import NUMBERED_UNTIL

RULES = ("D02", "D03", "X01")
_NUMBERED_UNTIL = NUMBERED_UNTIL.isoformat()
_PLACE = ("legal_representative_name", "registered_address")


class Conflict(NamedTuple):
    """One conflict with another code. `circumstance` is the ruleset's; `key` is what is in conflict."""

    rule: str
    circumstance: str
    key: str
    field: str
    actual: str
    other: CodeFacts | None


def conflicts_of(submission: Submission, code: CodeFacts, facts: Facts) -> list[Conflict]:
    """Return the conflicts of a record with other codes, in the order of the rules; each rule at most once a code."""
    if not _brings_identity(submission, code.holding):
        return []
    return [
        *_same_organization(submission, code, facts),
        *_same_subject(submission, code, facts),
        *_same_number(submission, code, facts),
        *_number_missing(submission),
    ]


def conflicts_beyond(submission: Submission, code: CodeFacts, facts: Facts, settled: Iterable[str]) -> list[Conflict]:
    """Return every conflict that would hold a record, but for those with `settled` codes."""
    allowed = facts.allowed
    facts.allowed = allowed | {(rule, code.uscc, other) for rule in RULES for other in settled}
    found: list[Conflict] = []
    while conflicts := [each for each in conflicts_of(submission, code, facts) if each.other and not each.circumstance]:
        found += conflicts
        facts.allowed |= {(each.rule, code.uscc, each.other.uscc) for each in conflicts if each.other}
    facts.allowed = allowed
    return found


def _brings_identity(submission: Submission, holding: Holding | None) -> bool:
    """Whether the record would be the present particulars, with another name or a number not given before."""
    if submission.operation not in PARTICULARS_OPERATIONS:
        return False
    state = holding.present() if holding is not None else None
    if holding is None or state is None or not state.whole:
        return True
    if key_of(submission) < state.particulars.key:
        return False
    if submission.name_key != state.particulars.name_key:
        return True
    number = registration_number_of(submission.record)
    return number is not None and number not in map(registration_number_of, (each.record for each in holding.events))


def _others(codes: Collection[str], submission: Submission, code: CodeFacts, facts: Facts) -> list[CodeFacts]:
    """Return the other codes, without the record's stated predecessor, nor a successor that states this one as its."""
    if not codes:
        return []
    others = (facts.code(other) for other in sorted(codes) if other not in (code.uscc, submission.predecessor_uscc))
    return [other for other in others if other.predecessor_uscc != code.uscc]


def _same_organization(submission: Submission, code: CodeFacts, facts: Facts) -> list[Conflict]:
    """D02: a holder, neither cancelled nor withdrawn, under the same name key."""
    found: dict[str, Conflict] = {}
    for other in _others(facts.by_name.get(submission.name_key, ()), submission, code, facts):
        state = other.holding.present() if other.holding is not None else None
        if state is None or state.status is Status.CANCELLED or state.particulars.name_key != submission.name_key:
            continue
        record, theirs = submission.record, state.particulars.record
        number = registration_number_of(record)
        same = (number is not None and number == registration_number_of(theirs)) or all(
            record.get(name) is not None and record.get(name) == theirs.get(name) for name in _PLACE
        )
        if ("D02", code.uscc, other.uscc) in facts.allowed:
            continue
        circumstance = "" if same else "name_only"
        conflict = Conflict("D02", circumstance, submission.name_key, "name", submission.name or "", other)
        found.setdefault(circumstance, conflict)
    return [found[""]] if "" in found else list(found.values())


def _same_subject(submission: Submission, code: CodeFacts, facts: Facts) -> list[Conflict]:
    """D03: the same subject identification code under another code, ever held."""
    subject = code.uscc[8:17]
    for other in _others(facts.by_subject.get(subject, ()), submission, code, facts):
        if other.ever_held and ("D03", code.uscc, other.uscc) not in facts.allowed:
            return [Conflict("D03", "", subject, "uscc", subject, other)]
    return []


def _same_number(submission: Submission, code: CodeFacts, facts: Facts) -> list[Conflict]:
    """X01: a legacy number that leads to another code already."""
    for kind, number in numbers_of(submission.record):
        owner = facts.by_number.get((kind, number))
        for other in _others([owner] if owner is not None else [], submission, code, facts):
            if ("X01", code.uscc, other.uscc) not in facts.allowed:
                return [Conflict("X01", "", f"{kind}:{number}", "registration_number", number, other)]
    return []


def _number_missing(submission: Submission) -> list[Conflict]:
    """X01: an organization that is older than the unified code has an old number."""
    established = submission.record.get("established_on")
    if established is None or established >= _NUMBERED_UNTIL or "registration_number" in submission.record:
        return []
    return [Conflict("X01", "missing", "", "registration_number", "", None)]
