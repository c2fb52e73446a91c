"""The values that pass through the registry: what arrived, what an office submitted, and what became of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from sync.particulars import NO_PARTICULARS, Particulars
from validators.findings import Finding, Operation, Severity

_WHOLE = frozenset((Operation.ASSIGN, Operation.CHANGE))
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [first + second for first in _CROCKFORD for second in _CROCKFORD]


class Disposition(StrEnum):
    """What became of a record (domain.md §6)."""

    ACCEPTED = "accepted"
    UNCHANGED = "unchanged"
    SUPERSEDED = "superseded"
    REJECTED = "rejected"
    HELD = "held"
    QUARANTINED = "quarantined"


class Source(NamedTuple):
    """Where a record lies in Kafka."""

    topic: str
    partition: int
    offset: int


class OrderKey(NamedTuple):
    """The total order of an office's records, independent of their arrival.

    `major` is the office_version, or occurred_at in microseconds since 1970.
    """

    major: int
    occurred_at: datetime
    message_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One record as it was fetched: its bytes and headers untouched. `received_at` is the broker's append time."""

    source: Source
    received_at: datetime
    body: bytes
    headers: Mapping[str, bytes] = field(default_factory=dict)


class Lines(NamedTuple):
    """What is written of a record as far as it is known before the decision, in the format of COPY.

    Of `disposition` and `version` it is the beginning of the line, of `raw` what stands before the body. `message` is
    None for a record without an id or a content, `version` for one that cannot make a version.
    """

    disposition: bytes
    raw: bytes
    message: bytes | None
    version: bytes | None


class ReturnParts(NamedTuple):
    """The text of a return as far as it is known before the decision; what is decided stands between the parts.

    `findings` are those of the record's own content.
    """

    head: bytes
    middle: bytes
    tail: bytes
    findings: bytes


@dataclass(slots=True, kw_only=True)
class Submission:
    """One record after decoding, with every finding that its own content gives.

    A member that could not be read is None and has its finding; `quarantined` says that no JSON object could be read
    at all. `record` holds what the rules and the registry use: English names, non-empty texts, known members only,
    and for the short operations (cancel, revoke, restore, withdraw, keep) no more than uscc, name and approved_on.
    `uscc` is the normalized code. `key` is None only where an error was found.
    """

    incoming: Incoming
    receipt_id: str
    office: str
    content_sha256: bytes
    content_digest: bytes | None = None
    quarantined: bool = False
    message_id: str | None = None
    batch_id: str | None = None
    operation: Operation | None = None
    uscc: str | None = None
    name: str | None = None
    name_key: str = ""
    record: dict[str, str] = field(default_factory=dict)
    key: OrderKey | None = None
    load: str | None = None
    reason: str | None = None
    case_id: str | None = None
    receipt_ref: str | None = None
    predecessor_uscc: str | None = None
    successor_uscc: str | None = None
    transfer: str | None = None
    findings: list[Finding] = field(default_factory=list)
    lines: Lines | None = field(init=False, default=None, repr=False, compare=False)
    return_parts: ReturnParts | None = field(init=False, default=None, repr=False, compare=False)
    _particulars: Particulars | None = field(init=False, default=None, repr=False, compare=False)

    @property
    def particulars(self) -> Particulars:
        """What the record says of the organization; of a short operation no more than code and name.

        Business type and status are no particulars: the operation decides them.
        """
        if self._particulars is None:
            if self.operation in _WHOLE:
                particulars = Particulars(self.record)
                for name in NO_PARTICULARS:
                    particulars.pop(name, None)
            else:
                particulars = Particulars({"uscc": self.uscc or "", "name": self.name or ""})
            self._particulars = particulars
        return self._particulars

    @property
    def has_error(self) -> bool:
        """Whether a finding rejects the record."""
        return bool(self.findings) and any(finding.severity is Severity.ERROR for finding in self.findings)


@dataclass(slots=True, kw_only=True)
class Decision:
    """What became of one record, before sequence numbers are drawn."""

    submission: Submission
    disposition: Disposition
    findings: list[Finding]
    version: int | None = None
    duplicate_of: str | None = None
    case_id: str | None = None
    attempt: int = 1


def receipt_id(source: Source, received_at: datetime) -> str:
    """Return the receipt of the record at `source`: 26 characters, time first, the same whenever it is asked for.

    The first 10 characters are `received_at` in milliseconds, the other 16 are 80 bits of the SHA-256 of the place,
    all in Crockford's base 32: sortable by time, and equal when a topic is replayed.
    """
    place = f"{source.topic}/{source.partition}/{source.offset}".encode()
    tail = int.from_bytes(hashlib.sha256(place).digest()[:10])
    number = int(received_at.timestamp() * 1000) << 80 | tail
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(120, -1, -10)])


def receipt_bound(instant: datetime) -> str:
    """Return what every receipt of a record received at `instant` or later is greater than or begins with."""
    milliseconds = int(instant.timestamp() * 1000)
    return "".join(_CROCKFORD[milliseconds >> shift & 31] for shift in range(45, -1, -5))
