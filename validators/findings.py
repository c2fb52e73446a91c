"""What a rule has to say about a record: one finding, located and explained in Chinese and English."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """What a finding does to the record that it stands on (domain.md §5)."""

    ERROR = "error"
    HOLD = "hold"
    WARNING = "warning"
    INFO = "info"


class Operation(StrEnum):
    """What an office asks for (domain.md §6)."""

    ASSIGN = "assign"
    CHANGE = "change"
    CANCEL = "cancel"
    REVOKE = "revoke"
    RESTORE = "restore"
    WITHDRAW = "withdraw"
    KEEP = "keep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """On which occasion a rule fires: severity is a function of the rule and of these three.

    `operation` is None for a bare code (validation) and for a record whose operation is unreadable;
    `office` is the sender's id or None; `load` is "stock" or None.
    """

    operation: Operation | None = None
    office: str | None = None
    load: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding. `position` counts from 1; `suggestions` are plain codes; personal values come masked."""

    rule: str
    problem_class: int
    severity: Severity
    field: str | None = None
    position: int | None = None
    expected: str | None = None
    actual: str | None = None
    suggestions: tuple[str, ...] = ()
    zh: str
    en: str

    def as_json(self) -> dict[str, object]:
        """Return the finding as return/1 has it, members in the contract's order."""
        return {
            "rule": self.rule,
            "class": self.problem_class,
            "severity": self.severity.value,
            "field": self.field,
            "position": self.position,
            "expected": self.expected,
            "actual": self.actual,
            "suggestions": list(self.suggestions),
            "message": {"zh": self.zh, "en": self.en},
        }
