"""The zero-sum statement of one office and business day (statement/1): from counts to the text that is sealed.

Counts are first dispositions by `received_at`, so they never change once every partition has passed the day's end.
Holds carry over: closing(D) = opening(D+1).

The digest is the SHA-256 of the canonical JSON (members sorted, UTF-8, no blanks, non-ASCII literal) of the statement
without `sealed_at` and `digest`: the preview of a complete day has the digest of its sealed statement.

Source: contract.md §3.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal, TypeAlias

import orjson

from sync.instants import format_instant
from sync.nightly.days import Window
from sync.records import Disposition

BatchState: TypeAlias = Literal["complete", "short", "extra", "undeclared"]
BATCH_STATES: Final[Mapping[BatchState, str]] = {
    "complete": "齐全", "short": "缺少", "extra": "多出", "undeclared": "未申报",
}  # fmt: skip
_OUTSIDE_DIGEST: Final = ("sealed_at", "digest")


@dataclass(frozen=True, slots=True, kw_only=True)
class Holds:
    """Records that wait in cases: at the day's beginning, those that came, those that were settled, at its end."""

    opening: int
    new: int
    resolved: int

    @property
    def closing(self) -> int:
        """How many wait at the day's end."""
        return self.opening + self.new - self.resolved

    def as_json(self) -> dict[str, int]:
        """Return the member of the statement."""
        return {"opening": self.opening, "new": self.new, "resolved": self.resolved, "closing": self.closing}


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLine:
    """One batch: what was declared (None: nothing), what came that day, what came through that day.

    `altered` counts the records of that day whose message id was known with other content.
    """

    batch_id: str
    declared: int | None
    received: int
    received_to_date: int
    altered: int

    @property
    def state(self) -> BatchState:
        """Whether all came that was declared."""
        if self.declared is None:
            return "undeclared"
        if self.received_to_date == self.declared:
            return "complete"
        return "short" if self.received_to_date < self.declared else "extra"

    def as_json(self) -> dict[str, Any]:
        """Return the entry of the statement."""
        declared = self.declared
        return {
            "batch_id": self.batch_id,
            "declared": declared,
            "received": self.received,
            "not_received": None if declared is None else max(0, declared - self.received_to_date),
            "received_to_date": self.received_to_date,
            "extra": None if declared is None else max(0, self.received_to_date - declared),
            "altered": self.altered,
            "state": self.state,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCounts:
    """What the ledger holds of one office and day.

    `received` is counted from the stored bytes, `dispositions` from what was decided: they are two sums. The
    sequences are those of the day's first and last return; `first_received_at` is None on a day without records.
    """

    received: int
    dispositions: Mapping[Disposition, int]
    holds: Holds
    waiting: int
    batches: Sequence[BatchLine]
    first_sequence: int | None = None
    last_sequence: int | None = None
    first_received_at: datetime | None = None

    @property
    def balanced(self) -> bool:
        """Whether every record has one disposition and the holds carried over are those that wait."""
        return self.received == sum(self.dispositions.values()) and self.holds.closing == self.waiting


def compose(
    *,
    day: date,
    office: str,
    window: Window,
    counts: DayCounts,
    comparison: Mapping[str, Any] | None,
    silent_from: datetime | None,
    sealed_at: datetime | None,
) -> dict[str, Any]:
    """Return the statement, members in the contract's order; additions stand before `comparison`.

    `silent_from` is the hour by which something should have come, None on a day that is not worked: a day on which
    nothing came by then is marked silent.
    """
    first = counts.first_received_at
    statement: dict[str, Any] = {
        "schema": "statement/1",
        "date": day.isoformat(),
        "office": office,
        "begins_at": format_instant(window.begins),
        "ends_at": format_instant(window.ends),
        "received": counts.received,
        **{each.value: counts.dispositions.get(each, 0) for each in Disposition},
        "holds": counts.holds.as_json(),
        "batches": [batch.as_json() for batch in counts.batches],
        "silent": silent_from is not None and (first is None or first >= silent_from),
        "comparison": None if comparison is None else dict(comparison),
        "balanced": counts.balanced,
        "sealed_at": None if sealed_at is None else format_instant(sealed_at),
    }
    return statement | {"digest": digest_of(statement)}


def digest_of(statement: Mapping[str, Any]) -> str:
    """Return the digest of a statement, sealed or not, as 64 hexadecimal digits."""
    content = {name: value for name, value in statement.items() if name not in _OUTSIDE_DIGEST}
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


def encode(statement: Mapping[str, Any]) -> bytes:
    """Return the text that is stored and served."""
    return orjson.dumps(statement)
