"""Ranked corrections of a code that fails: what it may have been, likeliest first. Nothing is ever changed by them.

Considered are one character off, one adjacent transposition, several characters that do not belong to the alphabet
and are easily confused (O for 0), and the complement that an issuer left out. The check character decides which of
these are codes at all: for each position exactly one character satisfies it, so one substitution has at most 18
candidates, and the true code is always among them. GB 11714, the table of authorities, divisions in force and, on line,
the registry only rank: real codes fail each of them.

Scores are natural logarithms of odds, estimated from what each fact is worth: GB 11714 holds by chance in 1 of 11,
a table's entry for 1 of some hundred. A test measures the ranking on real codes (tests/unit/validators/test_repair.py).

Source: domain.md §5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from itertools import chain, islice, product
from typing import Final

from validators import identity_card, placeholder
from validators.authority import Authorities
from validators.check_character import ALPHABET, VALUES, WEIGHTS, mod11, mod31
from validators.division import Divisions

CONFUSABLE: Final = {
    "O": "0DQ",
    "I": "1LTJ",
    "S": "58",
    "V": "UYW",
    "Z": "27",
    "B": "8",
    "D": "0",
    "G": "6C",
    "L": "1",
    "Q": "0",
    "T": "71",
    "U": "0",
    "A": "4",
    "E": "3",
    "Y": "7",
}
"""What a character is easily read or typed for, likeliest first; the keys O I S V Z are outside the alphabet."""

_LOOKALIKES: Final = frozenset(
    frozenset((group[0], other))
    for group in ("0DQC", "1LT7", "27", "586", "6G9", "83B", "UYW", "NMH", "PR", "EF", "XYK", "CG", "4A", "QD")
    for other in group[1:]
)
"""Pairs of characters of the alphabet that are easily taken for each other."""
_WEIGHTS: Final = (*WEIGHTS, 1)
_INVERSES: Final = tuple(pow(weight, -1, 31) for weight in _WEIGHTS)
_MAXIMUM_COMBINATIONS: Final = 256
_MAXIMUM_OF_COMBINED: Final = 8


def suggest(
    code: str,
    *,
    divisions: Divisions,
    authorities: Authorities,
    province: str | None = None,
    on: date | None = None,
    registered: Callable[[str], bool] | None = None,
) -> tuple[str, ...]:
    """Return the codes that a wrong one may stand for, likeliest first.

    `code` is normalized and 18 characters long; `province` (two digits) and `on` (the date of approval) sharpen
    the prior of divisions, and `registered` tells which codes the registry holds. A candidate always satisfies the
    check character, and is neither of an unknown authority, nor a placeholder, nor an identity number. Codes without
    a fault that a correction can mend give none.
    """
    wrong = [index for index, character in enumerate(code) if character not in _allowed(index)]
    if not wrong and code[17] == mod31(code[:17]):
        return ()
    ranked: dict[str, float] = {}
    candidates = chain(_substituted(code, wrong), _transposed(code, wrong), _recombined(code, wrong))
    for candidate in candidates:
        if candidate in ranked or not _possible(candidate, authorities):
            continue
        score = _likelihood(code, candidate)
        score += _prior(candidate, divisions, authorities, province, on)
        if registered is not None and registered(candidate):
            score += 20.0
        ranked[candidate] = score
    ordered = sorted(ranked, key=lambda candidate: (-ranked[candidate], candidate))
    return tuple(ordered if len(wrong) < 2 else ordered[:_MAXIMUM_OF_COMBINED])


def _allowed(index: int) -> str:
    return ALPHABET[:10] if 2 <= index < 8 else ALPHABET


def _total(code: str) -> int:
    """Return the weighted sum over all 18 characters, a multiple of 31 for a code that passes; others count 0."""
    return sum(VALUES.get(character, 0) * weight for character, weight in zip(code, _WEIGHTS, strict=True))


def _substituted(code: str, wrong: list[int]) -> Iterator[str]:
    """Yield, for each position that one substitution may mend, the one character that satisfies the check there.

    31 is prime, so every weight has an inverse and every position exactly one solution.
    """
    if len(wrong) > 1:
        return
    total = _total(code)
    for index in wrong or range(18):
        character = ALPHABET[(VALUES.get(code[index], 0) - total * _INVERSES[index]) % 31]
        if character in _allowed(index):
            yield code[:index] + character + code[index + 1 :]


def _transposed(code: str, wrong: list[int]) -> Iterator[str]:
    """Yield the code with two neighbours exchanged, where that mends everything."""
    total = _total(code)
    for index in range(17):
        left, right = code[index], code[index + 1]
        if left == right or not set(wrong) <= {index, index + 1}:
            continue
        if right not in _allowed(index) or left not in _allowed(index + 1):
            continue
        if (total + (VALUES[right] - VALUES[left]) * (_WEIGHTS[index] - _WEIGHTS[index + 1])) % 31 == 0:
            yield code[:index] + right + left + code[index + 2 :]


def _recombined(code: str, wrong: list[int]) -> Iterator[str]:
    """Yield the code with each of several impossible characters replaced by one that it is confused with."""
    if len(wrong) < 2:
        return
    options = [[new for new in CONFUSABLE.get(code[index], "") if new in _allowed(index)] for index in wrong]
    for replacement in islice(product(*options), _MAXIMUM_COMBINATIONS):
        characters = list(code)
        for index, character in zip(wrong, replacement, strict=True):
            characters[index] = character
        if _total("".join(characters)) % 31 == 0:
            yield "".join(characters)


def _possible(candidate: str, authorities: Authorities) -> bool:
    """Tell whether a code that passes its check would be valid: authority, no placeholder, no identity number."""
    if not (authorities.known(candidate[0]) or authorities.listed(candidate[0], candidate[1])):
        return False
    if placeholder.kind(candidate):
        return False
    if candidate[:2] not in identity_card.PROVINCES or candidate[16] == mod11(candidate[8:16]):
        return True
    return not identity_card.is_valid(candidate)


def _likelihood(code: str, candidate: str) -> float:
    """Return how likely it is that a candidate was written as `code`: confused characters, a left-out complement."""
    score = 0.0
    for old, new in zip(code, candidate, strict=True):
        if new in CONFUSABLE.get(old, ""):
            score += 1.0 - 0.5 * CONFUSABLE[old].index(new)
        elif old != new and frozenset((old, new)) in _LOOKALIKES:
            score += 1.0
    if code[:17] == candidate[:17] and VALUES.get(code[17], 0) == -VALUES[candidate[17]] % 31:
        score += 3.0
    return score


def _prior(
    candidate: str, divisions: Divisions, authorities: Authorities, province: str | None, on: date | None
) -> float:
    """Return how likely a code is to have been issued, whatever was written."""
    score = 0.0
    if not authorities.category_known(candidate[0], candidate[1]):
        score -= 4.0
    if candidate[16] != mod11(candidate[8:16]):
        score -= 8.0
    score += _shape(candidate[8:16])
    division = candidate[2:8]
    if not divisions.known(division):
        score -= 4.0
    elif on is not None and divisions.abolished(division, on):
        score -= 1.5
    elif divisions.last_years.get(division, 0) < 2015:
        # Without a date of approval: a division that ended before codes were assigned is the less likely.
        score -= 1.0
    if province is not None and division[:2] != province:
        score -= 2.0
    return score


def _shape(body: str) -> float:
    """Return how usual a subject identification code is: digits before 2015, MA and the like and six more since."""
    if body.isdigit():
        return 0.0
    if body[0] == "M" and body[1].isalpha():
        return -0.5
    return -3.0 if body[1:].isdigit() else -6.0
