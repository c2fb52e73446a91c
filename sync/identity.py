"""Whether a record speaks of the organization that has a code, behind D01 and naming a member; and its order key."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sync.facts import CodeFacts, Member, registration_number_of
from sync.holding import State
from sync.instants import microseconds
from sync.records import OrderKey, Submission
from validators import registration_number

_AGREEING = ("established_on", "registration_number", "legal_representative_name")


def key_of(submission: Submission) -> OrderKey:
    """Return the order key of a record that has no error, and therefore has one."""
    assert submission.key is not None, "a record without an error has an order key"
    return submission.key


def key_of_act(act_id: str, at: datetime, code: CodeFacts, *, is_counting: bool) -> OrderKey:
    """Return the order key of what a person does to a code.

    A person gives no version. Where the office counts its own, the act stands behind all that it has sent of the
    holder, and before what it will send: whatever comes with a greater version is later.
    """
    if not is_counting:
        return OrderKey(microseconds(at), at, act_id)
    events = code.holding.events if code.holding is not None else ()
    return OrderKey(max((event.key.major for event in events), default=0), at, act_id)


def names_member(submission: Submission, member: Member) -> bool:
    """Whether a withdraw or keep names this member, by receipt or by name."""
    if submission.receipt_ref is not None:
        return submission.receipt_ref == member.receipt_id
    return submission.name is not None and submission.name_key == member.name_key


def assigned_to_another(submission: Submission, holder: State) -> bool:
    """Whether an assign on a held code is for another organization (D01).

    An assign that is older than the holder's particulars is the same organization's when a date, number or
    representative agrees: a rename arrived first.
    """
    particulars = holder.particulars
    if submission.name_key == particulars.name_key:
        return False
    if key_of(submission) < particulars.key:
        return not any(_both(submission, holder, name, equal=True) for name in _AGREEING)
    return True


def contradicts_identity(submission: Submission, holder: State) -> bool:
    """Whether a change is of another organization (D01): another name, and another date or number.

    A new name alone is a lawful rename. Numbers are compared only when they are of the same kind.
    """
    if submission.name_key == holder.particulars.name_key:
        return False
    if _both(submission, holder, "established_on", equal=False):
        return True
    if not _both(submission, holder, "registration_number", equal=False):
        return False
    kinds = (
        registration_number.kind(record["registration_number"])
        for record in (submission.record, holder.particulars.record)
    )
    return len(set(kinds)) == 1


def _both(submission: Submission, holder: State, name: str, *, equal: bool) -> bool:
    """Whether both give the member `name`, and the same value (or, with equal=False, another)."""
    ours, theirs = (_compared(record, name) for record in (submission.record, holder.particulars.record))
    return bool(ours) and bool(theirs) and (ours == theirs) is equal


def _compared(record: Mapping[str, str], name: str) -> str | None:
    return registration_number_of(record) if name == "registration_number" else record.get(name)
