"""Unified social credit codes (统一社会信用代码, GB 32100-2015 with amendment XG1-2016).

18 characters of `ALPHABET`: 1 registration authority code, 2 organization category code, 3–8 division code (digits),
9–17 subject identification code (GB 11714), 18 check character (it may be a letter). A code never changes and is
never used again, so positions 1–8 say where an organization was *first* registered.

`parse` gives a `Uscc` or raises the first fault; `inspect` returns every finding of rules E01–E10, whose facts are
listed in code_rules.py (E09 adds changes_zh and changes_en). Both look a clean code up in tables of two characters,
one addition each, and go through the rules one by one only for the others.

Source: GB 32100-2015, XG1-2016; domain.md §2, §5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from validators import identity_card, placeholder
from validators.authority import Authorities
from validators.check_character import ALPHABET, SUBJECT_VALUES, SUBJECT_WEIGHTS, VALUES, WEIGHTS, mod11, mod31
from validators.code_rules import DIGIT_POSITIONS, CodeContext, Hit, judge, passes_both_checks, repairs
from validators.errors import (
    CodeError,
    IdentityCardNumber,
    InvalidCharacter,
    InvalidCheckCharacter,
    InvalidLength,
    PlaceholderNumber,
    UnknownAuthority,
)
from validators.findings import Finding, Occasion
from validators.normalization import changes, normalize
from validators.rulebook import Ruleset, Text

__all__ = [
    "ALPHABET",
    "CodeContext",
    "Component",
    "Uscc",
    "Verdict",
    "check_character",
    "components",
    "format",
    "inspect",
    "is_valid",
    "normalize",
    "parse",
    "suggestions",
    "verdict",
]

Verdict = Literal["valid", "repairable", "invalid", "nonconforming_issued"]


@dataclass(frozen=True, slots=True, order=True)
class Uscc:
    """A well-formed code that passes its check character: proof of it, since only `parse` makes one."""

    code: str

    def __str__(self) -> str:
        """Return the 18 characters."""
        return self.code

    @property
    def registration_authority_code(self) -> str:
        """Return position 1."""
        return self.code[0]

    @property
    def organization_category_code(self) -> str:
        """Return position 2."""
        return self.code[1]

    @property
    def division_code(self) -> str:
        """Return positions 3–8."""
        return self.code[2:8]

    @property
    def subject_identification_code(self) -> str:
        """Return positions 9–17: the organization code."""
        return self.code[8:17]

    @property
    def check_character(self) -> str:
        """Return position 18."""
        return self.code[17]


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One part of a code; `value` None where the code is not 18 characters long."""

    value: str | None
    title: Text | None
    known: bool


# A sum modulo 31 in bits 0–15, a sum modulo 11 in bits 16–31, and above them flags that no sum of six reaches.
_MODULO_11: Final = 1 << 16
_FOREIGN: Final = 1 << 40  # GB 11714's check character is a letter other than X.
_UNUSUAL: Final = 1 << 48  # The category is unknown, or the authority only listed: a finding, but no fault.
_SLOW: Final = 1 << 56  # An unknown authority, or perhaps a placeholder or an identity number: look closely.
_PREFIX_LIMIT: Final = 100_000


def _pairs(index: int) -> dict[str, int]:
    """Return what each two characters of the alphabet at positions `index`, `index + 1` (from 0) add to both sums."""
    return {
        first + second: _weigh(index, first) + _weigh(index + 1, second) for first in ALPHABET for second in ALPHABET
    }


def _weigh(index: int, character: str) -> int:
    modulo_31 = VALUES[character] * (1 if index == 17 else WEIGHTS[index]) % 31
    if 8 <= index < 16:
        return modulo_31 + SUBJECT_VALUES[character] * SUBJECT_WEIGHTS[index - 8] % 11 * _MODULO_11
    if index == 16:
        value = "0123456789X".find(character)
        return modulo_31 + (value * _MODULO_11 if value >= 0 else _FOREIGN)
    return modulo_31


class _Prefixes(dict[str, int]):
    """What the first eight characters add, remembered: a registry has some thousand of them. KeyError if malformed."""

    def __missing__(self, prefix: str) -> int:
        sums = 0
        for index, character in enumerate(prefix):
            if index in DIGIT_POSITIONS and character not in ALPHABET[:10]:
                raise KeyError(prefix)
            sums += _weigh(index, character)
        authorities = Authorities.load()
        if not authorities.category_known(prefix[0], prefix[1]):
            known = authorities.known(prefix[0]) or authorities.listed(prefix[0], prefix[1])
            sums += _UNUSUAL if known else _SLOW
        if placeholder.kind(prefix) or (prefix[:2] in identity_card.PROVINCES and prefix[6:] in ("19", "20")):
            sums |= _SLOW
        if len(self) >= _PREFIX_LIMIT:
            self.clear()
        self[prefix] = sums
        return sums


_PREFIXES: Final = _Prefixes()
_AT_8, _AT_10, _AT_12, _AT_14, _AT_16 = (_pairs(index) for index in (8, 10, 12, 14, 16))


def _sums(code: str) -> int:
    """Return the packed sums and flags of 18 characters; raises KeyError where one cannot stand at its position."""
    return (
        _PREFIXES[code[:8]]
        + _AT_8[code[8:10]]
        + _AT_10[code[10:12]]
        + _AT_12[code[12:14]]
        + _AT_14[code[14:16]]
        + _AT_16[code[16:18]]
    )


def check_character(body: str) -> str:
    """Return the check character of a code's first 17 characters; raises InvalidCharacter."""
    return mod31(body)


def parse(claimed: str, on: date | None = None) -> Uscc:
    """Return the code as proof of its form; raises the first fault.

    A fault is what rejects a bare code: length, characters, an unknown authority, the check character, a
    placeholder, an identity number (born up to `on`, where given). An unknown category or division and a subject
    code that fails GB 11714 are none.
    """
    if len(claimed) == 18:
        try:
            sums = _sums(claimed)
        except KeyError:
            pass
        else:
            if (sums & 0xFFFF) % 31 == 0 and sums < _SLOW:
                return Uscc(claimed)
    code = normalize(claimed)
    fault = _first_fault(code, on)
    if fault is not None:
        raise fault
    return Uscc(code)


def is_valid(claimed: str, on: date | None = None) -> bool:
    """Tell whether `parse` accepts a code: its verdict is "valid", the register of exceptions aside."""
    if len(claimed) == 18:
        try:
            sums = _sums(claimed)
        except KeyError:
            pass
        else:
            if sums < _SLOW:
                return (sums & 0xFFFF) % 31 == 0
    return _first_fault(normalize(claimed), on) is None


def format(claimed: str) -> str:  # noqa: A001 — one of the five verbs
    """Return the code as certificates print it: 18 characters without a separator."""
    return normalize(claimed)


def inspect(claimed: str, ruleset: Ruleset, occasion: Occasion, context: CodeContext) -> list[Finding]:
    """Return every finding of rules E01–E10 on a code, in their order.

    An empty code is no matter for this function: a missing code is Q01 alone.
    """
    if _is_clean(claimed, context):
        return []
    code = normalize(claimed)
    hits = list(judge(code, context))
    if code != claimed:
        texts = changes(claimed)
        zh, en = "、".join(text.zh for text in texts), ", ".join(text.en for text in texts)
        hits.append(Hit("E09", facts={"changes_zh": zh, "changes_en": en}))
        hits.sort(key=lambda hit: hit.rule)
    found = (
        ruleset.find(
            hit.rule,
            occasion,
            hit.circumstance,
            field="uscc",
            position=hit.position,
            expected=hit.expected,
            actual=hit.actual,
            suggestions=hit.suggestions,
            **hit.facts,
        )
        for hit in hits
    )
    return [finding for finding in found if finding is not None]


def verdict(code: str, findings: Iterable[Finding], registered: bool) -> Verdict:
    """Return what a code is, given its findings and whether the exceptions register holds it (asked first).

    Only rules E01–E10 count, so the findings of a whole record may be given.
    """
    if registered:
        return "nonconforming_issued"
    judged = [finding for finding in findings if finding.rule.startswith("E")]
    if all(finding.severity not in ("error", "hold") for finding in judged):
        return "valid"
    if any(suggestion != code for finding in judged for suggestion in finding.suggestions):
        return "repairable"
    return "invalid"


def suggestions(claimed: str, context: CodeContext) -> tuple[str, ...]:
    """Return the codes that a wrong one may stand for, likeliest first; none for a code without a mendable fault."""
    return repairs(normalize(claimed), context)


def components(claimed: str, context: CodeContext) -> Mapping[str, Component]:
    """Return the five parts of a code with what they stand for, under the contract's names."""
    code = normalize(claimed)
    names = ("registration_authority_code", "organization_category_code", "division_code")
    checks = ("subject_identification_code", "check_character")
    if len(code) != 18:
        return {name: Component(value=None, title=None, known=False) for name in names + checks}
    titles = (
        context.authorities.title(code[0]),
        context.authorities.category_title(code[0], code[1]),
        context.divisions.title(code[2:8]),
    )
    values = (code[0], code[1], code[2:8])
    known = (
        context.authorities.known(code[0]),
        context.authorities.category_known(code[0], code[1]),
        context.divisions.known(code[2:8]),
    )
    parts = {
        name: Component(value=value, title=title, known=is_known)
        for name, value, title, is_known in zip(names, values, titles, known, strict=True)
    }
    subject = Text(zh="主体标识码（组织机构代码）", en="subject identification code (organization code)")
    check = Text(zh="校验码", en="check character")
    parts[checks[0]] = Component(value=code[8:17], title=subject, known=_holds(code[8:17], mod11))
    parts[checks[1]] = Component(value=code[17], title=check, known=_holds(code, mod31))
    return parts


def _is_clean(claimed: str, context: CodeContext) -> bool:
    """Tell whether no rule can have anything to say about a code; False only means that the rules must be asked."""
    if len(claimed) != 18 or context.authorities is not Authorities.load():
        return False
    try:
        sums = _sums(claimed)
        last_year = context.divisions.last_years[claimed[2:8]]
    except KeyError:
        return False
    return (
        sums < _FOREIGN
        and (sums & 0xFFFF) % 31 == 0
        and (sums >> 16) % 11 == 0
        and (context.province is None or claimed[2:4] == context.province)
        and (context.approved_on is None or context.approved_on.year <= last_year)
    )


def _first_fault(code: str, on: date | None) -> CodeError | None:
    if len(code) != 18:
        return InvalidLength(found=len(code), expected=18)
    for index, character in enumerate(code):
        if character not in (ALPHABET[:10] if index in DIGIT_POSITIONS else ALPHABET):
            return InvalidCharacter(position=index + 1, found=character)
    authorities = Authorities.load()
    if not (authorities.known(code[0]) or authorities.listed(code[0], code[1])):
        return UnknownAuthority(found=code[0])
    if code[17] != mod31(code[:17]):
        return InvalidCheckCharacter(position=18, found=code[17], expected=mod31(code[:17]))
    kind = placeholder.kind(code)
    if kind is not None:
        return PlaceholderNumber(kind=kind.en)
    if identity_card.is_valid(code, on) and not passes_both_checks(code):
        return IdentityCardNumber()
    return None


def _holds(code: str, check: Callable[[str], str]) -> bool:
    """Tell whether the last character is the check character of those before it; False where one cannot be weighed."""
    try:
        return code[-1] == check(code[:-1])
    except InvalidCharacter:
        return False
