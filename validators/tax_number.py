"""Tax numbers (税务登记号) from before 2015: a division code of 6 digits and the organization code.

Source: domain.md §3; the organization code's check is that of GB 11714.
"""

from __future__ import annotations

from dataclasses import dataclass

from validators import organization_code
from validators.errors import CodeError, InvalidCharacter, InvalidLength
from validators.normalization import normalize as _normalize


@dataclass(frozen=True, slots=True)
class TaxNumber:
    """Proof of a well-formed tax number."""

    number: str

    @property
    def division_code(self) -> str:
        """Return positions 1–6."""
        return self.number[:6]

    @property
    def organization_code(self) -> str:
        """Return positions 7–15."""
        return self.number[6:]


def normalize(claimed: str) -> str:
    """Return a number in ASCII and upper case, without blanks around it and without the organization code's hyphen."""
    number = _normalize(claimed)
    return number[:6] + organization_code.normalize(number[6:])


def inspect(claimed: str) -> list[CodeError]:
    """Return every fault of a number; positions count from the number's first character."""
    number = normalize(claimed)
    if len(number) != 15:
        return [InvalidLength(found=len(number), expected=15)]
    faults: list[CodeError] = [
        InvalidCharacter(position=position, found=character)
        for position, character in enumerate(number[:6], start=1)
        if character not in "0123456789"
    ]
    for fault in organization_code.inspect(number[6:]):
        position = fault.facts["position"]
        assert isinstance(position, int)
        faults.append(type(fault)(**{**fault.facts, "position": 6 + position}))
    return faults


def parse(claimed: str) -> TaxNumber:
    """Return the number as proof of its form; raises the first fault that `inspect` finds."""
    for fault in inspect(claimed):
        raise fault
    return TaxNumber(normalize(claimed))


def is_valid(claimed: str) -> bool:
    """Tell whether length, characters and the organization code's check hold; the division is not looked up."""
    return not inspect(claimed)


def format(claimed: str) -> str:  # noqa: A001 — one of the five verbs
    """Return the number as it is written: without any separator."""
    return normalize(claimed)
