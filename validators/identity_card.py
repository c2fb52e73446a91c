"""Citizen identity numbers (公民身份号码, GB 11643): 17 digits and a check character, 0-9 or X.

Positions 1–6 are a division, 7–14 the date of birth, 15–17 a serial number. These numbers are personal: no finding
and no error carries one, and `mask` is how they are shown.

Source: GB 11643-1999; domain.md §5 (fine print of E10) for the provinces and the range of dates.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from validators.check_character import mod11_2
from validators.errors import (
    CodeError,
    InvalidCharacter,
    InvalidCheckCharacter,
    InvalidDate,
    InvalidLength,
    UnknownProvince,
)
from validators.normalization import normalize as normalize

PROVINCES = frozenset(
    str(code)
    for codes in ((11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65), (71, 71), (81, 83))
    for code in range(codes[0], codes[1] + 1)
)
"""The provinces of GB 11643; 81, 82 and 83 stand for residents of Hong Kong, Macao and Taiwan."""

EARLIEST_BIRTH = date(1900, 1, 1)
LATEST_BIRTH = date(2099, 12, 31)
"""The last day that is asked about; the day of receipt, where given, is earlier."""

_WRITTEN = re.compile(r"[0-9]{17}[0-9X]")


@dataclass(frozen=True, slots=True)
class IdentityCard:
    """Proof of a well-formed identity number. Its text is personal."""

    number: str = field(repr=False)

    @property
    def division_code(self) -> str:
        """Return positions 1–6."""
        return self.number[:6]

    @property
    def born_on(self) -> date:
        """Return the date of birth, positions 7–14."""
        return date(int(self.number[6:10]), int(self.number[10:12]), int(self.number[12:14]))


def inspect(claimed: str, on: date | None = None) -> list[CodeError]:
    """Return every fault of a number; `on` is the day after which nobody can have been born (the day of receipt)."""
    number = normalize(claimed)
    if len(number) != 18:
        return [InvalidLength(found=len(number), expected=18)]
    allowed = ["0123456789"] * 17 + ["0123456789X"]
    faults: list[CodeError] = [
        InvalidCharacter(position=position, found=character)
        for position, (character, characters) in enumerate(zip(number, allowed, strict=True), start=1)
        if character not in characters
    ]
    if faults:
        return faults
    if number[:2] not in PROVINCES:
        faults.append(UnknownProvince(found=number[:2]))
    if not _born_between(number[6:14], EARLIEST_BIRTH, min(on or LATEST_BIRTH, LATEST_BIRTH)):
        faults.append(InvalidDate(position=7))
    expected = mod11_2(number[:17])
    if number[17] != expected:
        faults.append(InvalidCheckCharacter(position=18, found=number[17], expected=expected))
    return faults


def parse(claimed: str, on: date | None = None) -> IdentityCard:
    """Return the number as proof of its form; raises the first fault that `inspect` finds."""
    for fault in inspect(claimed, on):
        raise fault
    return IdentityCard(normalize(claimed))


def is_valid(number: str, on: date | None = None) -> bool:
    """Tell whether province, date of birth (up to `on`, where given) and check character all hold."""
    if _WRITTEN.fullmatch(number) is None:
        return not inspect(number, on)
    # The record's busiest check: what is written as the standard has it needs no list of faults.
    return (
        number[:2] in PROVINCES
        and _born_between(number[6:14], EARLIEST_BIRTH, min(on or LATEST_BIRTH, LATEST_BIRTH))
        and number[17] == mod11_2(number[:17])
    )


def format(claimed: str) -> str:  # noqa: A001 — one of the five verbs
    """Return the number as it is written: without any separator."""
    return normalize(claimed)


def mask(number: str) -> str:
    """Return a number as it may be shown, `210***********1234`; what is shorter than 11 characters shows nothing."""
    if len(number) < 11:
        return "*" * len(number)
    return number[:3] + "*" * (len(number) - 7) + number[-4:]


def _born_between(digits: str, earliest: date, latest: date) -> bool:
    born = _day(digits)
    return born is not None and earliest <= born <= latest


@lru_cache(maxsize=40_000)
def _day(digits: str) -> date | None:
    """Return the day that eight digits say; people are born on few days, so each is read once."""
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None
