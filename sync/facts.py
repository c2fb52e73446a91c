"""What the registry knows about the codes and messages of a batch: read set-wise before it, kept up to date through it.

`rules` judges each record over these values and changes them as it goes, so that a record sees what the records
before it in the same batch have done. Nothing here does I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import NamedTuple

from sync.holding import Event, Holding
from sync.records import OrderKey, Submission
from sync.segments import Segments
from validators import registration_number
from validators.rulebook import Text


class KnownMessage(NamedTuple):
    """The first record under a message id."""

    receipt_id: str
    content_digest: bytes


@dataclass(slots=True, kw_only=True)
class Member:
    """One member of a case. `submission` is there for held records that this batch may decide again.

    `role` is holder, held, claimed (named by the national centre's summary, with no record of it here) or proposed
    (a message that would settle the case and waits for a person).
    """

    receipt_id: str
    role: str
    office: str
    uscc: str
    name: str
    name_key: str
    operation: str
    key: OrderKey
    received_at: datetime
    joined_at: datetime
    submission: Submission | None = None
    attempt: int = 1


@dataclass(slots=True, kw_only=True)
class Case:
    """An open conflict (重错码), its members in the order in which they came.

    `conflict_key` is what is in conflict: a code, a name key, a subject code, a number.
    `is_awaiting` says that a resolution was proposed and waits for another person.
    """

    case_id: str
    rule: str
    uscc: str
    conflict_key: str
    opened_at: datetime
    due_on: date
    offices: list[str]
    suggested_operation: str
    reason: str
    members: list[Member] = field(default_factory=list)
    resolved_at: datetime | None = None
    is_awaiting: bool = False

    def waiting(self) -> list[Member]:
        """Return the held members in the order in which they came."""
        return [member for member in self.members if member.role == "held"]

    def proposals(self) -> list[Member]:
        """Return the messages that would settle the case and wait for a person."""
        return [member for member in self.members if member.role == "proposed"]

    def concerns(self, office: str) -> bool:
        """Whether `office` has a member in this case."""
        return office in self.offices


@dataclass(slots=True, kw_only=True)
class Tombstone:
    """The withdrawal that left a code without a holder."""

    key: OrderKey
    holding: int
    reason: str | None
    successor_uscc: str | None
    receipt_id: str
    recorded_at: datetime


@dataclass(slots=True, kw_only=True)
class CodeFacts:
    """Everything that is known of one code.

    `as_read` are the particulars that were in force before this batch, if anybody held the code; `withdrawn` is the
    holding that this batch took the code back from.
    """

    uscc: str
    last_version: int = 0
    holding: Holding | None = None
    holdings: int = 0
    tombstone: Tombstone | None = None
    cases: list[Case] = field(default_factory=list)
    home_office: str | None = None
    nonconforming: bool = False
    rejected_offices: set[str] = field(default_factory=set)
    predecessor_uscc: str | None = None
    withdrawn: Holding | None = None
    as_read: Event | None = None

    @property
    def own_cases(self) -> list[Case]:
        """The open cases about this code itself, oldest first; not those in which it is another code's neighbour."""
        return [case for case in self.cases if case.uscc == self.uscc]

    @property
    def holder_name(self) -> str:
        """The name of the present holder, or a dash."""
        return self.holding.present().particulars.record["name"] if self.holding is not None else "—"

    @property
    def ever_held(self) -> bool:
        """Whether somebody holds this code, or once did."""
        return self.last_version > 0

    def waiting(self) -> list[Member]:
        """Return the held records of this code, those of the oldest case first."""
        return [member for case in self.cases for member in case.waiting() if member.uscc == self.uscc]


class Arrival(NamedTuple):
    """A record that was folded into a holding; `names` and `was_whole` are the holding's before it came."""

    code: CodeFacts
    holding: Holding
    event: Event
    names: frozenset[str]
    was_whole: bool


@dataclass(slots=True, kw_only=True)
class Facts:
    """The facts of one batch.

    `by_subject` leads from a subject identification code to every code ever held that has it, `by_name` from a name
    key to codes that stand or stood under it, `by_number` from (kind, number) to the code that has it; the codes they
    lead to are among `codes`. `cases` are the open ones by rule and conflict key; `allowed` are (rule, code, code);
    `read` are the codes that were looked up.
    """

    segments: Segments = field(default_factory=Segments)
    messages: dict[tuple[str, str], KnownMessage] = field(default_factory=dict)
    codes: dict[str, CodeFacts] = field(default_factory=dict)
    by_subject: dict[str, set[str]] = field(default_factory=dict)
    by_name: dict[str, set[str]] = field(default_factory=dict)
    by_number: dict[tuple[str, str], str] = field(default_factory=dict)
    cases: dict[tuple[str, str], Case] = field(default_factory=dict)
    allowed: set[tuple[str, str, str]] = field(default_factory=set)
    read: set[str] = field(default_factory=set)

    def code(self, uscc: str) -> CodeFacts:
        """Return what is known of a code; of a code never heard of, that nothing is."""
        code = self.codes.get(uscc)
        if code is None:
            code = self.codes[uscc] = CodeFacts(uscc=uscc)
        return code

    def allow(self, rule: str, one: str, other: str) -> None:
        """Let two codes stand beside each other under a rule, whichever of them is judged."""
        self.allowed |= {(rule, one, other), (rule, other, one)}

    def remember_identity(self, code: CodeFacts) -> None:
        """Let the records that follow find a code under the identity that it has now."""
        if code.holding is None:
            return
        particulars = code.holding.present().particulars
        self.by_subject.setdefault(code.uscc[8:17], set()).add(code.uscc)
        self.by_name.setdefault(particulars.name_key, set()).add(code.uscc)


def numbers_of(record: Mapping[str, str]) -> Sequence[tuple[str, str]]:
    """Return the legacy numbers of a record as (kind, number): registration numbers in a form of domain.md §3."""
    number = record.get("registration_number")
    return _known_as(number) if number else ()


@lru_cache(maxsize=16_384)
def _known_as(written: str) -> Sequence[tuple[str, str]]:
    number = registration_number.normalize(written)
    kind = registration_number.kind(number)
    return ((kind, number),) if kind is not None else ()


def registration_number_of(record: Mapping[str, str]) -> str | None:
    """Return the registration number of a record as it is compared: without differences of width and case."""
    number = record.get("registration_number")
    return registration_number.normalize(number) if number else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulings:
    """What `rules` needs beside the facts: the office of each first character, and when a case opened now is due.

    `province` is the own one, by the first two digits of its divisions; None judges the segments of all (S01).
    `counting` are the offices whose records are ordered by their versions. `titles` are those of the offices, for
    the texts of findings.
    """

    homes: Mapping[str, str]
    due_on: Callable[[datetime], date]
    province: str | None = "21"
    counting: frozenset[str] = frozenset()
    titles: Mapping[str, Text] = field(default_factory=dict)
