"""Registration numbers (注册号) of commerce, from before the unified social credit code.

- 15 digits (GS15-2006): 6 of the registering office, 8 of the sequence, a check digit by ISO 7064 MOD 11,10.
- 13 digits, before 2007: no check.
- Cooperatives, 15 characters: 6 digits of the office, `NA`, 6 digits, `X`. The X is constant and no check: in 697
  numbers seen (2007–2015, Jiangsu and Chongqing; the project's irregular.csv) every last character is X, and the six
  digits before it are plain sequences of each office, all ten digits standing last about equally often. Three more
  have `NB` and belong to branches of cooperatives (分社); they are taken as well.

All 6,748 fifteen-digit numbers of the same list pass MOD 11,10.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from validators.check_character import mod11_10
from validators.errors import CodeError, InvalidCheckCharacter, InvalidForm
from validators.normalization import normalize as normalize

Kind = Literal["registration_number_15", "registration_number_13", "registration_number_cooperative"]

_FORMS: tuple[tuple[re.Pattern[str], Kind], ...] = (
    (re.compile(r"[0-9]{15}"), "registration_number_15"),
    (re.compile(r"[0-9]{13}"), "registration_number_13"),
    (re.compile(r"[0-9]{6}N[AB][0-9]{6}X"), "registration_number_cooperative"),
)


@dataclass(frozen=True, slots=True)
class RegistrationNumber:
    """Proof of a well-formed registration number."""

    number: str
    kind: Kind

    @property
    def division_code(self) -> str:
        """Return the first six digits: the division of the office that registered."""
        return self.number[:6]


@lru_cache(maxsize=16_384)
def kind(claimed: str) -> Kind | None:
    """Return which of the three forms a number has, or None; its check digit is not asked."""
    number = normalize(claimed)
    return next((name for pattern, name in _FORMS if pattern.fullmatch(number)), None)


def parse(claimed: str) -> RegistrationNumber:
    """Return the number as proof of its form; raises InvalidForm or InvalidCheckCharacter."""
    number = normalize(claimed)
    form = kind(number)
    if form is None:
        raise InvalidForm(expected="15 digits, 13 digits, or 6 digits + NA + 6 digits + X")
    if form == "registration_number_15" and number[14] != mod11_10(number[:14]):
        raise InvalidCheckCharacter(position=15, found=number[14], expected=mod11_10(number[:14]))
    return RegistrationNumber(number, form)


def inspect(claimed: str) -> list[CodeError]:
    """Return the faults of a number: none or one, since a number without a form has no check digit."""
    try:
        parse(claimed)
    except CodeError as fault:
        return [fault]
    return []


def is_valid(claimed: str) -> bool:
    """Tell whether a number has one of the forms and, where the form has one, the right check digit."""
    return not inspect(claimed)


def format(claimed: str) -> str:  # noqa: A001 — one of the five verbs
    """Return the number as it is written: without any separator."""
    return normalize(claimed)
