"""What a batch of decisions wants written: values only, in the order in which they were decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sync.facts import Case, CodeFacts, Member, Tombstone
from sync.holding import Event, Status
from sync.records import Decision, OrderKey, Submission
from validators.findings import Operation


class View(NamedTuple):
    """A registration as others see it at one moment: the pieces of registration/1."""

    uscc: str
    version: int
    status: Status
    office: str
    record: Mapping[str, str]
    valid_from: datetime
    recorded_at: datetime
    predecessor_uscc: str | None
    successor_uscc: str | None
    open_case: str | None
    receipt_id: str

    @property
    def is_public(self) -> bool:
        """Whether everybody may see it (sfgk)."""
        return self.record.get("is_public") != "0"


class VersionWrite(NamedTuple):
    """One line of registration_version; `head` is its beginning where that was made before."""

    uscc: str
    holding: int
    kind: str
    superseded: bool
    event: Event
    predecessor_uscc: str | None
    successor_uscc: str | None
    reason: str | None
    head: bytes | None = None


class MarkWrite(NamedTuple):
    """One line of registration_mark."""

    uscc: str
    holding: int
    event: Event


class ChangeWrite(NamedTuple):
    """One change of the feed, before it has its sequence."""

    uscc: str
    version: int
    kind: str
    effective_at: datetime
    before: View | None
    after: View


class AllowedConflict(NamedTuple):
    """Two codes that may stand beside each other."""

    rule: str
    uscc: str
    other_uscc: str
    case_id: str
    allowed_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """A resolution of a case. `receipt_id` is the message's, or the resolution's own id; `key` orders its effects."""

    operation: Operation
    member: Member
    key: OrderKey
    receipt_id: str
    office: str
    actor: str
    reason: str | None = None
    new_uscc: str | None = None
    successor_uscc: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A resolution by message that waits for a person."""

    case: Case
    act: Act


@dataclass(slots=True, kw_only=True)
class Outcome:
    """All that a batch did.

    `messages` are the records whose message id nobody had used before.
    `nonconforming` are (code, case, who), `transfers` (code, office, case), `claims_rejected` the receipt by (office,
    code), None where the office's last record of the code is no longer a rejected one.
    """

    decisions: list[Decision] = field(default_factory=list)
    versions: list[VersionWrite] = field(default_factory=list)
    marks: list[MarkWrite] = field(default_factory=list)
    changes: list[ChangeWrite] = field(default_factory=list)
    tombstones: list[tuple[str, Tombstone]] = field(default_factory=list)
    touched: dict[str, CodeFacts] = field(default_factory=dict)
    messages: list[Submission] = field(default_factory=list)
    cases_opened: list[Case] = field(default_factory=list)
    cases_changed: dict[str, Case] = field(default_factory=dict)
    members_joined: list[tuple[str, Member]] = field(default_factory=list)
    members_ended: list[tuple[str, Member]] = field(default_factory=list)
    claims_rejected: dict[tuple[str, str], str | None] = field(default_factory=dict)
    proposals: list[Proposal] = field(default_factory=list)
    resolutions: list[tuple[Case, Act]] = field(default_factory=list)
    allowed: list[AllowedConflict] = field(default_factory=list)
    nonconforming: list[tuple[str, str, str]] = field(default_factory=list)
    transfers: list[tuple[str, str, str]] = field(default_factory=list)


def view_of(code: CodeFacts) -> View:
    """Return the registration of a code that somebody holds."""
    assert code.holding is not None, "only a held code has a registration"
    state = code.holding.present()
    shaped = state.shaped_by
    return View(
        uscc=code.uscc,
        version=shaped.version,
        status=state.status,
        office=shaped.office,
        record=state.particulars.record,
        valid_from=state.valid_from,
        recorded_at=shaped.recorded_at,
        predecessor_uscc=code.predecessor_uscc,
        successor_uscc=None,
        open_case=code.cases[0].case_id if code.cases else None,
        receipt_id=shaped.receipt_id,
    )
