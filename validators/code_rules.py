"""Rules E01–E10 as facts: which fire on a normalized code, in which circumstance, with what to say.

A hit carries no severity and no text: the ruleset gives both (rulebook.py). What each rule's texts may name:

- E01 length, looks_like_zh, looks_like_en
- E02 reason_zh, reason_en, suggestion (one character or ""), hint_zh, hint_en (clause or "")
- E03 prefix; circumstance "listed" for the two prefixes that lists in use know
- E04 authority, authority_zh, authority_en
- E05 damaged_zh, damaged_en (clause or ""); circumstance "registered", else "complement", else ""
- E06 subject
- E07 title_zh, title_en, last_year, approved_on, province, province_zh, province_en; circumstances "unknown",
  "abolished", "outside", of which "outside" may stand beside either of the others
- E08 kind_zh, kind_en
- E10 nothing more; circumstance "passes" where the number passes both checks; `actual` is masked, and so are
  the parts that the other rules show

Dependencies: E01 stops E02–E07. E02 stops E05 and E06 and the rule of the position it stands at (1: E03, and so E04;
2: E04; 3–8: E07). E03 stops E04. E08 and E10 always run.

Source: domain.md §5.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from validators import identity_card, organization_code, placeholder, registration_number, repair
from validators.authority import Authorities
from validators.check_character import ALPHABET, mod11, mod31, mod31_without_complement
from validators.division import Divisions
from validators.exceptions import SHIPPED

DIGIT_POSITIONS = range(2, 8)
"""Where a code holds digits only, counted from 0: its division."""

_REASONS = {
    False: ("不在代码字符集内", "is not in the alphabet of the code"),
    True: ("第 3–8 位必须是数字", "stands in positions 3–8, which hold digits"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeContext:
    """What a code is judged against.

    `province` is two digits, or None where codes of any province are at home; `approved_on` is the date on which the
    division must have been in force, None where unknown; `received_on` the day after which nobody can have been born,
    None for no such day; `register` the exceptions register; `registered` tells, on line, which codes the
    registry holds, to rank repairs.
    """

    divisions: Divisions = field(default_factory=Divisions.load)
    authorities: Authorities = field(default_factory=Authorities.load)
    province: str | None = "21"
    approved_on: date | None = None
    received_on: date | None = None
    register: Container[str] = field(default_factory=lambda: SHIPPED)
    registered: Callable[[str], bool] | None = None


class Hit(NamedTuple):
    """One rule that fires, and what is known about it."""

    rule: str
    circumstance: str = ""
    position: int | None = None
    expected: str | None = None
    actual: str | None = None
    suggestions: tuple[str, ...] = ()
    facts: dict[str, object] = {}  # noqa: RUF012 — never altered


def judge(code: str, context: CodeContext, *, correct: bool = True) -> Iterator[Hit]:
    """Yield every rule of E01–E08 and E10 that fires on a normalized code, in their order.

    `correct` False leaves the corrections out, which cost a hundred times what the rules do.
    """
    personal = _is_identity_number(code, context)
    if len(code) == 18:
        # Parts of an identity number in several findings would add up to the number.
        shown = identity_card.mask(code) if personal else code
        yield from _composition(code, context, shown, correct)
    else:
        yield _length(code)
    kind = placeholder.kind(code)
    if kind is not None:
        yield Hit("E08", actual=_shown(code), facts={"kind_zh": kind.zh, "kind_en": kind.en})
    if personal:
        yield Hit("E10", "passes" if passes_both_checks(code) else "", actual=identity_card.mask(code))


def passes_both_checks(code: str) -> bool:
    """Tell whether 18 characters of the alphabet pass GB 32100's check and GB 11714's."""
    return code[17] == mod31(code[:17]) and code[16] == mod11(code[8:16])


def repairs(code: str, context: CodeContext) -> tuple[str, ...]:
    """Return ranked corrections of a code, likeliest first.

    Placeholders and identity numbers have none: the first stand for nothing, and a code close to the second would
    give a personal number away.
    """
    if len(code) != 18 or placeholder.kind(code) is not None or _is_identity_number(code, context):
        return ()
    return repair.suggest(
        code,
        divisions=context.divisions,
        authorities=context.authorities,
        province=context.province,
        on=context.approved_on,
        registered=context.registered,
    )


def _composition(code: str, context: CodeContext, shown: str, correct: bool) -> Iterator[Hit]:
    wrong = [index for index, character in enumerate(code) if not _may_stand(character, index)]
    if wrong:
        yield from _characters(code, wrong, repairs(code, context) if correct else ())
    if 0 not in wrong:
        if not context.authorities.known(code[0]):
            listed = context.authorities.listed(code[0], code[1])
            expected = context.authorities.codes
            yield Hit("E03", "listed" if listed else "", 1, expected, code[0], facts={"prefix": code[:2]})
        elif 1 not in wrong and not context.authorities.category_known(code[0], code[1]):
            yield _category(code, context)
    if not wrong:
        yield from _checks(code, context, shown, correct)
    if not any(index in DIGIT_POSITIONS for index in wrong):
        yield from _division(code, context, shown[2:8])


def _may_stand(character: str, index: int) -> bool:
    return character in (ALPHABET[:10] if index in DIGIT_POSITIONS else ALPHABET)


def _length(code: str) -> Hit:
    zh, en = _looks_like(code)
    facts: dict[str, object] = {"length": len(code), "looks_like_zh": zh, "looks_like_en": en}
    return Hit("E01", expected="18", actual=str(len(code)), facts=facts)


def _looks_like(code: str) -> tuple[str, str]:
    """Return what a value of another length than 18 seems to be, in Chinese and English."""
    kinds = {
        "registration_number_15": ("15 位注册号", "a 15-digit registration number"),
        "registration_number_13": ("13 位注册号", "a 13-digit registration number"),
        "registration_number_cooperative": ("农民专业合作社注册号", "a registration number of a cooperative"),
    }
    kind = registration_number.kind(code)
    if kind is not None and (kind != "registration_number_15" or registration_number.is_valid(code)):
        return kinds[kind]
    if organization_code.is_valid(code):
        return "组织机构代码", "an organization code"
    if len(code) == 15 and code[:6].isdigit() and organization_code.is_valid(code[6:]):
        return "税务登记号", "a tax number"
    if kind is not None:
        return "校验位错误的 15 位数字", "15 digits whose check digit is that of no registration number"
    compact = "".join(code.replace("-", "").split())
    if len(compact) == 18 and all(_may_stand(character, index) for index, character in enumerate(compact)):
        return "夹有空格或连字符的代码", "a code with blanks or hyphens in it"
    if not code:
        return "空值", "nothing"
    if len(code) < 8 or any(character not in ALPHABET for character in code):
        return "无法识别的文字", "text of no known form"
    if len(code) < 18:
        return "字符缺失的代码", "a code with characters missing"
    return "字符过多的代码", "a code with too many characters"


def _characters(code: str, wrong: list[int], suggestions: tuple[str, ...]) -> Iterator[Hit]:
    for index in wrong:
        reason_zh, reason_en = _REASONS[code[index] in ALPHABET]
        suggestion = suggestions[0][index] if suggestions else _lookalike(code[index], index)
        yield Hit(
            "E02",
            position=index + 1,
            expected="0123456789" if index in DIGIT_POSITIONS else ALPHABET,
            actual=_shown(code[index]),
            suggestions=suggestions,
            facts={
                "reason_zh": reason_zh,
                "reason_en": reason_en,
                "suggestion": suggestion,
                "hint_zh": f"，可能应为 {suggestion}" if suggestion else "",
                "hint_en": f"; it may stand for {suggestion}" if suggestion else "",
            },
        )


def _shown(text: str) -> str:
    """Return a text as a finding may carry it: short, and without what no encoding or terminal takes."""
    short = text if len(text) <= 18 else text[:17] + "…"
    return "".join(character if character.isprintable() else f"U+{ord(character):04X}" for character in short)


def _lookalike(character: str, index: int) -> str:
    return next((other for other in repair.CONFUSABLE.get(character, "") if _may_stand(other, index)), "")


def _category(code: str, context: CodeContext) -> Hit:
    title = context.authorities.title(code[0])
    assert title is not None, "a known authority has a title"
    facts: dict[str, object] = {"authority": code[0], "authority_zh": title.zh, "authority_en": title.en}
    return Hit("E04", "", 2, context.authorities.categories(code[0]), code[1], facts=facts)


def _checks(code: str, context: CodeContext, shown: str, correct: bool) -> Iterator[Hit]:
    expected = mod31(code[:17])
    if code[17] != expected:
        circumstance = "complement" if code[17] == mod31_without_complement(code[:17]) else ""
        registered = code in context.register
        damaged = code.endswith("000") and code.isdigit()
        yield Hit(
            "E05",
            "registered" if registered else circumstance,
            18,
            expected,
            code[17],
            repairs(code, context) if correct and not registered else (),
            {
                "damaged_zh": "；疑似电子表格损坏的单元格：15 位数字后接 000" if damaged else "",
                "damaged_en": "; it looks like a cell damaged by a spreadsheet: 15 digits, then 000" if damaged else "",
            },
        )
    subject = code[8:17]
    if subject[8] != mod11(subject[:8]):
        yield Hit("E06", "", 17, mod11(subject[:8]), subject[8], facts={"subject": shown[8:17]})


def _division(code: str, context: CodeContext, shown: str) -> Iterator[Hit]:
    division, province = code[2:8], context.province
    title = context.divisions.title(division)
    home = context.divisions.province(province) if province is not None else None
    last_year = context.divisions.abolished(division, context.approved_on)
    facts: dict[str, object] = {
        "title_zh": title.zh if title and shown == division else shown,
        "title_en": title.en if title and shown == division else shown,
        "named_zh": f"（{title.zh}）" if title and shown == division else "",
        "named_en": f" ({title.en})" if title and shown == division else "",
        "last_year": last_year or "",
        "approved_on": context.approved_on.isoformat() if context.approved_on else "",
        "province": province or "",
        "province_zh": home.zh if home else province or "",
        "province_en": home.en if home else province or "",
    }
    if title is None:
        yield Hit("E07", "unknown", 3, None, shown, facts=facts)
    if last_year is not None:
        yield Hit("E07", "abolished", 3, None, shown, facts=facts)
    if province is not None and division[:2] != province:
        yield Hit("E07", "outside", 3, province, shown, facts=facts)


def _is_identity_number(code: str, context: CodeContext) -> bool:
    return code[:2] in identity_card.PROVINCES and identity_card.is_valid(code, context.received_on)
