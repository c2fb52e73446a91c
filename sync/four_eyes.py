"""What a resolution speaks of, and whether it takes two persons.

A *claim* is one organization's: the held records of a code under one name key stand and fall together.

Source: domain.md §6 (the table of resolutions, four eyes).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, TypeAlias

from sync.errors import SyncError
from sync.facts import Case, CodeFacts, Facts, Member
from sync.neighbours import RULES, conflicts_beyond
from sync.outcome import Act
from sync.records import Submission
from validators.check_character import mod31
from validators.errors import InvalidCharacter
from validators.findings import Operation

ONE_CODE = frozenset(("D01", "L01", "L04"))
SEVERAL_CODES = frozenset(RULES)

Hindrance: TypeAlias = Literal[
    "not-a-member", "new-code-missing", "new-code-malformed", "new-code-foreign", "code-taken", "nobody-holds",
    "no-record", "awaits-approval", "person-needed", "no-open-case",
]  # fmt: skip
"""Why a resolution cannot be carried out."""


class NotPossible(SyncError):
    """A resolution cannot be carried out; `hindrance` says why, the message says it with the codes concerned."""

    def __init__(self, hindrance: Hindrance, message: str) -> None:
        super().__init__(message)
        self.hindrance = hindrance


def needs_approval(case: Case, act: Act, facts: Facts) -> bool:
    """Whether another person must approve a resolution that comes by API, file or console (four eyes)."""
    code = facts.code(act.member.uscc)
    if lets_stand(case, act, facts):
        return True
    if act.operation is Operation.KEEP:
        displaces = case.rule in ONE_CODE and act.member.role == "held" and displaces_holder(act.member, code)
        transfers = case.rule == "S02" and act.member.role == "held"
        return displaces or transfers or keeps_nonconforming(case, act.member) or case.rule in SEVERAL_CODES
    return holds(act.member, code)


def lets_stand(case: Case, act: Act, facts: Facts) -> bool:
    """Whether a keep or an assign would let a conflict stand between what it applies and codes beyond the case."""
    member, settled = act.member, {each.uscc for each in case.members}
    if member.role != "held" or act.operation is Operation.WITHDRAW:
        return False
    if act.operation is Operation.ASSIGN:
        applied = [recoded_to(each, act.new_uscc or "") for each in claim_of(case, member)]
    else:
        applied = claim_of(case, member) if case.rule in ONE_CODE else case.waiting()
    return any(
        each.submission is not None and conflicts_beyond(each.submission, facts.code(each.uscc), facts, settled)
        for each in applied
    )


def keeps_nonconforming(case: Case, member: Member) -> bool:
    """Whether a keep of this member brings its code into the register of exceptions.

    The national centre's summary may call a code wrong that passes its check: such a code is no exception.
    """
    if case.rule != "E05":
        return False
    try:
        return member.uscc[17:] != mod31(member.uscc[:17])
    except InvalidCharacter:
        return False


def claim_of(case: Case, member: Member) -> list[Member]:
    """Return the held records of the member's organization for the member's code."""
    return [each for each in case.waiting() if each.uscc == member.uscc and each.name_key == member.name_key]


def holds(member: Member, code: CodeFacts) -> bool:
    """Whether a member has the code now; who was its holder when the case was opened may have lost it since."""
    return member.role != "held" and code.holding is not None and member.name_key in code.holding.names


def displaces_holder(member: Member, code: CodeFacts) -> bool:
    """Whether somebody else holds the code that this held record claims."""
    return code.holding is not None and member.name_key not in code.holding.names


def submission_of(member: Member) -> Submission:
    """Return the record that waits; raises NotPossible for a member of which there is none here."""
    if member.submission is None:
        raise NotPossible("no-record", f"there is no record of {member.receipt_id} here")
    return member.submission


def recoded_to(member: Member, uscc: str) -> Member:
    """Return a held record as a record of another code, with its own as predecessor."""
    submission = submission_of(member)
    recoded = replace(
        submission, uscc=uscc, record={**submission.record, "uscc": uscc}, predecessor_uscc=submission.uscc
    )
    return replace(member, uscc=uscc, submission=recoded)
