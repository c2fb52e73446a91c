"""Unified social credit codes: the value object, the verbs, the verdict. Codes are public bodies' or generated."""

from __future__ import annotations

from datetime import date

import pytest

from tests.unit.validators.material import CONTEXT, GOOD, find, issue, rules
from validators import uscc
from validators.authority import Authorities
from validators.check_character import mod11_2
from validators.errors import (
    CodeError,
    IdentityCardNumber,
    InvalidCharacter,
    InvalidCheckCharacter,
    InvalidLength,
    PlaceholderNumber,
    UnknownAuthority,
)
from validators.exceptions import SHIPPED
from validators.findings import Finding, Severity
from validators.uscc import CodeContext, Uscc

PERSON = "21010219800101123" + mod11_2("21010219800101123")
"""An invented identity number: it passes MOD 11-2 and fails the check of codes."""
UNIVERSITY = "12100000400009127B"


def test_a_code_names_its_five_parts() -> None:
    code = uscc.parse(UNIVERSITY)

    assert str(code) == UNIVERSITY
    assert (code.registration_authority_code, code.organization_category_code) == ("1", "2")
    assert (code.division_code, code.subject_identification_code, code.check_character) == ("100000", "400009127", "B")
    assert uscc.check_character(UNIVERSITY[:17]) == "B"


@pytest.mark.parametrize(
    ("claimed", "expected"),
    [(GOOD, GOOD), (GOOD.lower(), GOOD), (f"\u3000{GOOD}\n", GOOD), ("９" + GOOD[1:], GOOD)],
)
def test_parse_reads_what_normalization_reads(claimed: str, expected: str) -> None:
    assert uscc.parse(claimed) == Uscc(expected)
    assert uscc.format(claimed) == expected
    assert uscc.is_valid(claimed)


@pytest.mark.parametrize(
    ("claimed", "fault", "facts"),
    [
        ("", InvalidLength, {"found": 0, "expected": 18}),
        (GOOD[:17], InvalidLength, {"found": 17, "expected": 18}),
        ("91O10100MA00004960", InvalidCharacter, {"position": 3, "found": "O"}),
        ("9121010AMA00004960", InvalidCharacter, {"position": 8, "found": "A"}),
        ("91210100MA0000496Z", InvalidCharacter, {"position": 18, "found": "Z"}),
        (issue("B1210100", "MA000049"), UnknownAuthority, {"found": "B"}),
        ("000000000000000000", UnknownAuthority, {"found": "0"}),
        ("91210100MA0000496X", InvalidCheckCharacter, {"position": 18, "found": "X", "expected": "0"}),
        ("123456789012345678", PlaceholderNumber, {"kind": "a run of ascending digits"}),
    ],
)
def test_parse_raises_the_first_fault(claimed: str, fault: type[CodeError], facts: dict[str, object]) -> None:
    with pytest.raises(fault) as caught:
        uscc.parse(claimed)

    assert caught.value.facts == facts
    assert not uscc.is_valid(claimed)


@pytest.mark.parametrize(
    "claimed", [issue("G1210100", "MA000049"), issue("99210100", "MA000049"), issue("91349999", "MA000049")]
)
def test_listed_prefixes_unknown_categories_and_divisions_are_no_fault(claimed: str) -> None:
    assert uscc.parse(claimed).code == claimed
    assert uscc.is_valid(claimed)


def test_a_subject_code_that_fails_its_own_check_is_no_fault() -> None:
    body = "91210100MA000049A"

    assert uscc.is_valid(body + uscc.check_character(body))


def _identity_number(*, passes_subject: bool) -> str:
    """Return an invented identity number that passes the check of codes, and GB 11714's or not."""
    for serial in range(1_000_000):
        body = f"21010219{serial % 100:02}0{1 + serial // 100 % 9}{10 + serial // 900 % 19}{serial // 17100:03}"
        code = body + uscc.check_character(body)
        if rules(code) and rules(code)[-1] == "E10" and ("E06" not in rules(code)) is passes_subject:
            return code
    raise AssertionError("no such number")


def test_an_identity_number_that_passes_one_check_is_refused_and_one_that_passes_both_is_warned_of() -> None:
    one, both = _identity_number(passes_subject=False), _identity_number(passes_subject=True)

    with pytest.raises(IdentityCardNumber):
        uscc.parse(one)
    assert uscc.is_valid(both)
    assert uscc.parse(both).code == both
    assert [finding.severity for finding in find(one) if finding.rule == "E10"] == [Severity.ERROR]
    assert [finding.severity for finding in find(both) if finding.rule == "E10"] == [Severity.WARNING]


def test_nobody_born_after_the_day_is_an_identity_number() -> None:
    both = _identity_number(passes_subject=False)

    assert uscc.is_valid(both, date(1900, 1, 1))


def test_a_clean_code_has_no_finding() -> None:
    assert find(GOOD) == []


@pytest.mark.parametrize("table", [Authorities.load(), Authorities([])])
def test_a_site_may_bring_its_own_table_of_authorities(table: Authorities) -> None:
    expected = [] if table is Authorities.load() else ["E03"]

    assert rules(GOOD, CodeContext(authorities=table)) == expected


def test_what_was_normalized_is_a_finding_among_the_others_in_order() -> None:
    assert rules(" " + PERSON) == ["E05", "E06", "E07", "E07", "E09", "E10"]
    assert rules(GOOD.lower()) == ["E09"]


def test_a_rule_that_is_switched_off_finds_nothing() -> None:
    from tests.unit.validators.material import BARE, RULESET
    from validators.rulebook import Ruleset, SeverityRow

    silent = Ruleset(version="silent", rules=RULESET.rules, severities=[SeverityRow("E05", "", "", "", "", None)])

    assert uscc.inspect("91210100MA0000496X", silent, BARE, CONTEXT) == []


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (GOOD, "valid"),
        (issue("99210100", "MA000049"), "valid"),
        ("91210100MA0000496X", "repairable"),
        (issue("91210100", "MA000048", complement=False), "repairable"),
        ("91O10100MA00004960", "repairable"),
        ("123456789012345678", "invalid"),
        ("111111111111111111", "invalid"),
        (PERSON, "invalid"),
        ("9121", "invalid"),
        (next(iter(SHIPPED)), "nonconforming_issued"),
    ],
)
def test_the_verdict_follows_from_findings_and_register(code: str, expected: str) -> None:
    assert uscc.verdict(code, find(code), code in SHIPPED) == expected


def test_findings_of_other_rules_do_not_touch_the_verdict() -> None:
    other = Finding(rule="Q01", problem_class=5, severity=Severity.ERROR, zh="", en="")

    assert uscc.verdict(GOOD, [other], registered=False) == "valid"


def test_a_suggestion_that_is_the_code_itself_repairs_nothing() -> None:
    finding = Finding(rule="E05", problem_class=1, severity=Severity.ERROR, suggestions=(GOOD,), zh="", en="")

    assert uscc.verdict(GOOD, [finding], registered=False) == "invalid"


def test_suggestions_are_those_of_the_finding() -> None:
    wrong = "91210100MA0000496X"

    assert uscc.suggestions(wrong.lower(), CONTEXT) == find(wrong)[0].suggestions
    assert GOOD in uscc.suggestions(wrong, CONTEXT)
    assert uscc.suggestions(GOOD, CONTEXT) == ()


def test_components_say_what_each_part_stands_for() -> None:
    parts = uscc.components(GOOD, CONTEXT)

    assert [(name, part.value, part.known) for name, part in parts.items()] == [
        ("registration_authority_code", "9", True),
        ("organization_category_code", "1", True),
        ("division_code", "210100", True),
        ("subject_identification_code", "MA0000496", True),
        ("check_character", "0", True),
    ]
    assert [part.title.zh if part.title else None for part in parts.values()] == [
        "工商（市场监管）",
        "企业",
        "辽宁省沈阳市",
        "主体标识码（组织机构代码）",
        "校验码",
    ]


@pytest.mark.parametrize(
    ("claimed", "values"), [("9121", [None] * 5), ("O1349999MA000049//", ["O", "1", "349999", "MA000049/", "/"])]
)
def test_parts_of_a_broken_code_are_shown_and_unknown(claimed: str, values: list[str | None]) -> None:
    parts = uscc.components(claimed, CONTEXT).values()

    assert [part.value for part in parts] == values
    assert not any(part.known for part in parts)


def test_remembered_prefixes_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uscc, "_PREFIX_LIMIT", 2)
    monkeypatch.setattr(uscc, "_PREFIXES", uscc._Prefixes())
    codes = [issue(f"9121010{digit}", "MA000049") for digit in range(5)]

    assert all(uscc.is_valid(code) for code in codes)
    assert len(uscc._PREFIXES) <= 2
