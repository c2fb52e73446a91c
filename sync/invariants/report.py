"""What a check found: how much it looked at, what is wrong, and what it could not look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

SHOWN = 5

Progress: TypeAlias = "Callable[[int, int], None]"
"""Told how much the running check has looked at, and of how much."""


@dataclass(slots=True, kw_only=True)
class Result:
    """The answer of one check. `offenders` holds the first few of `violations`; `notes` what was left out, and why."""

    id: str
    title: str
    unit: str
    checked: int = 0
    violations: int = 0
    offenders: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether the invariant holds as far as it was looked at."""
        return self.violations == 0

    def violate(self, offender: str) -> None:
        """Count a violation, and keep its description while there are few."""
        self.violations += 1
        if len(self.offenders) < SHOWN:
            self.offenders.append(offender)

    def as_json(self) -> dict[str, Any]:
        """Return the answer for a program to read."""
        return {
            "id": self.id,
            "title": self.title,
            "ok": self.ok,
            "checked": self.checked,
            "unit": self.unit,
            "violations": self.violations,
            "offenders": self.offenders,
            "notes": self.notes,
        }

    def as_line(self) -> str:
        """Return the answer as one line."""
        head = f"{self.id:<4}{self.title:<14}"
        notes = "".join(f"; {note}" for note in self.notes)
        if self.ok:
            return f"{head}ok ({self.checked:,} {self.unit}{notes})"
        hidden = self.violations - len(self.offenders)
        offenders = "; ".join(self.offenders) + (f" … and {hidden:,} more" if hidden else "")
        return f"{head}VIOLATED {self.violations:,} in {self.checked:,} {self.unit}: {offenders}{notes}"
