"""Organization codes (组织机构代码, GB 11714): 8 characters and a check character, written with a hyphen or without.

They are positions 9–17 of a unified social credit code: the subject identification code. Letters count 10..35 over
the full A–Z. Bodies PDY00001–PDY99999 are for private use and never name a registered organization.

Source: GB 11714-1997.
"""

from __future__ import annotations

from dataclasses import dataclass

from validators.check_character import SUBJECT_VALUES, mod11
from validators.errors import CodeError, InvalidCharacter, InvalidCheckCharacter, InvalidLength
from validators.normalization import normalize as _normalize


@dataclass(frozen=True, slots=True)
class OrganizationCode:
    """Proof of a well-formed organization code, without its hyphen."""

    code: str

    @property
    def check_character(self) -> str:
        """Return the ninth character, a digit or X."""
        return self.code[8]


def normalize(claimed: str) -> str:
    """Return a code in ASCII, upper case, without blanks around it or a hyphen before its last character."""
    number = _normalize(claimed)
    if len(number) == 10 and number[8] == "-":
        return number[:8] + number[9]
    return number


def check_character(body: str) -> str:
    """Return the check character of 8 characters; raises InvalidCharacter."""
    return mod11(body)


def inspect(claimed: str) -> list[CodeError]:
    """Return every fault of a code."""
    code = normalize(claimed)
    if len(code) != 9:
        return [InvalidLength(found=len(code), expected=9)]
    faults: list[CodeError] = [
        InvalidCharacter(position=position, found=character)
        for position, character in enumerate(code, start=1)
        if character not in (SUBJECT_VALUES if position < 9 else "0123456789X")
    ]
    if not faults and code[8] != mod11(code[:8]):
        faults.append(InvalidCheckCharacter(position=9, found=code[8], expected=mod11(code[:8])))
    return faults


def parse(claimed: str) -> OrganizationCode:
    """Return the code as proof of its form; raises the first fault that `inspect` finds."""
    for fault in inspect(claimed):
        raise fault
    return OrganizationCode(normalize(claimed))


def is_valid(claimed: str) -> bool:
    """Tell whether length, characters and check character hold."""
    return not inspect(claimed)


def format(claimed: str) -> str:  # noqa: A001 — one of the five verbs
    """Return a code as certificates print it, with a hyphen before the check character."""
    code = normalize(claimed)
    return f"{code[:8]}-{code[8:]}" if len(code) == 9 else code


def is_private(claimed: str) -> bool:
    """Tell whether a code lies in the zone for private use, PDY00001–PDY99999."""
    body = normalize(claimed)[:8]
    if not body.startswith("PDY"):
        return False
    digits = body[3:]
    return len(digits) == 5 and digits.isascii() and digits.isdigit() and digits != "00000"
