"""Rules E01–E10 one by one: when they fire, what they say, and which of them silence which."""

from __future__ import annotations

from datetime import date

import pytest

from tests.unit.validators.material import BARE, CONTEXT, GOOD, find, issue, rules
from validators.code_rules import CodeContext, Hit, judge
from validators.exceptions import SHIPPED
from validators.rulebook import default_ruleset
from validators.uscc import inspect


def hits(code: str, context: CodeContext = CONTEXT) -> dict[str, Hit]:
    return {hit.rule: hit for hit in judge(code, context)}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("110000000000017", "a 15-digit registration number"),
        ("110000000000012", "15 digits whose check digit is that of no registration number"),
        ("1100000000012", "a 13-digit registration number"),
        ("320506NA000043X", "a registration number of a cooperative"),
        ("40000912-7", "an organization code"),
        ("400009127", "an organization code"),
        ("210100MA0000496", "a tax number"),
        ("91 210100 MA0000496-0", "a code with blanks or hyphens in it"),
        ("91 210100 MA0000496-O", "text of no known form"),
        ("91210100MA0000496", "a code with characters missing"),
        ("91210100MA000049600", "a code with too many characters"),
        ("无", "text of no known form"),
        ("1234567", "text of no known form"),
        ("", "nothing"),
    ],
)
def test_a_wrong_length_says_what_it_looks_like(code: str, expected: str) -> None:
    hit = hits(code)["E01"]

    assert (hit.facts["looks_like_en"], hit.expected, hit.actual) == (expected, "18", str(len(code)))


@pytest.mark.parametrize("code", ["B3349999ABC", "91210100MA0000496000", "无"])
def test_a_wrong_length_silences_e02_to_e07(code: str) -> None:
    assert rules(code) == ["E01"]


def test_placeholders_and_identity_numbers_are_found_whatever_the_length() -> None:
    assert rules("11111111") == ["E01", "E08"]
    assert hits("0" * 60_000)["E08"].actual == "0" * 17 + "…"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("O1349999MA00004960", ["E02", "E07", "E07"]),
        ("BO210100MA00004960", ["E02", "E03"]),
        ("9O349999MA00004960", ["E02", "E07", "E07"]),
        ("5421O100MA00004960", ["E02", "E04"]),
        ("B921010AMA00004960", ["E02", "E03"]),
        ("91210100MAO0004961", ["E02"]),
        ("91210100MA0000496Z", ["E02"]),
        ("G1210100MA0000496O", ["E02", "E03"]),
    ],
)
def test_a_wrong_character_silences_the_checks_and_the_rule_of_its_position(code: str, expected: list[str]) -> None:
    assert rules(code) == expected


def test_every_wrong_character_has_its_own_finding() -> None:
    found = find("9I21O100MA0000496/")

    assert [(finding.rule, finding.position, finding.actual) for finding in found] == [
        ("E02", 2, "I"),
        ("E02", 5, "O"),
        ("E02", 18, "/"),
    ]


@pytest.mark.parametrize(
    ("code", "position", "reason", "suggestion"),
    [
        ("91210100MA0O004960", 12, "is not in the alphabet of the code", "0"),
        ("9121010AMA00004960", 8, "stands in positions 3–8, which hold digits", "0"),
        ("9121010字MA0000/960", 8, "is not in the alphabet of the code", ""),
        ("9121OIOOMAS000/960", 5, "is not in the alphabet of the code", "0"),
    ],
)
def test_a_wrong_character_has_its_reason_and_what_it_may_stand_for(
    code: str, position: int, reason: str, suggestion: str
) -> None:
    hit = next(hit for hit in judge(code, CONTEXT) if hit.position == position)

    assert (hit.facts["reason_en"], hit.facts["suggestion"]) == (reason, suggestion)
    assert (suggestion in str(hit.facts["hint_zh"])) is True
    assert (hit.facts["hint_en"] == "") is (suggestion == "")


def test_a_character_that_cannot_be_shown_is_named() -> None:
    assert hits("91210100MA000049\x006")["E02"].actual == "U+0000"
    assert hits("91210100MA000049\ud8006")["E02"].actual == "U+D800"


def test_listed_prefixes_are_exceptions_and_judge_no_category() -> None:
    listed, unlisted = hits(issue("G1210100", "MA000049")), hits(issue("G2210100", "MA000049"))

    assert (listed["E03"].circumstance, listed["E03"].position, listed["E03"].actual) == ("listed", 1, "G")
    assert unlisted["E03"].circumstance == ""
    assert "E04" not in listed | unlisted


@pytest.mark.parametrize("prefix", ["54", "55", "99", "18", "Y2"])
def test_an_unknown_category_is_named_with_its_authority(prefix: str) -> None:
    hit = hits(issue(f"{prefix}210100", "MA000049"))["E04"]

    assert (hit.position, hit.actual, hit.facts["authority"]) == (2, prefix[1], prefix[0])


def test_a_wrong_check_character_names_the_right_one_and_suggests() -> None:
    hit = hits("91210100MA0000496X")["E05"]

    assert (hit.circumstance, hit.position, hit.expected, hit.actual) == ("", 18, "0", "X")
    assert GOOD in hit.suggestions


def test_a_left_out_complement_is_its_own_circumstance() -> None:
    code = issue("91210100", "MA000048", complement=False)

    assert hits(code)["E05"].circumstance == "complement"
    assert hits(code)["E05"].suggestions[0] == issue("91210100", "MA000048")


def test_a_registered_exception_is_asked_first_and_has_no_suggestion() -> None:
    code = issue("91210100", "MA000048", complement=False)
    register = frozenset({code})

    assert hits(code, CodeContext(register=register))["E05"].circumstance == "registered"
    assert hits(code, CodeContext(register=register))["E05"].suggestions == ()
    assert all(hits(shipped)["E05"].circumstance == "registered" for shipped in SHIPPED)


@pytest.mark.parametrize(
    ("code", "damaged"), [("534100003414976000", True), ("91210100MA0000000X", False), ("912101000000010009", False)]
)
def test_a_cell_damaged_by_a_spreadsheet_is_said(code: str, damaged: bool) -> None:
    assert bool(hits(code)["E05"].facts["damaged_en"]) is damaged
    assert bool(hits(code)["E05"].facts["damaged_zh"]) is damaged


def test_corrections_can_be_left_out() -> None:
    for code in ("91210100MA0000496X", "91O10100MA00004960"):
        assert all(hit.suggestions == () for hit in judge(code, CONTEXT, correct=False))


def test_a_wrong_subject_code_names_the_right_character() -> None:
    hit = hits("91210100MA00004910")["E06"]

    assert (hit.position, hit.expected, hit.actual, hit.facts["subject"]) == (17, "6", "1", "MA0000491")


DAY = date(2020, 1, 1)


@pytest.mark.parametrize(
    ("division", "context", "expected"),
    [
        ("210102", CodeContext(approved_on=DAY), []),
        ("210122", CodeContext(approved_on=date(2016, 1, 1)), []),
        ("210122", CodeContext(), []),
        ("210122", CodeContext(approved_on=DAY), ["abolished"]),
        ("210242", CodeContext(approved_on=DAY), []),
        ("210199", CodeContext(), ["unknown"]),
        ("110101", CodeContext(), ["outside"]),
        ("110101", CodeContext(province=None), []),
        ("100000", CodeContext(), ["outside"]),
        ("990102", CodeContext(province="65"), ["outside"]),
        ("990102", CodeContext(province=None), []),
        ("349999", CodeContext(), ["unknown", "outside"]),
        ("110221", CodeContext(approved_on=DAY), ["abolished", "outside"]),
        ("000000", CodeContext(province=None), ["unknown"]),
    ],
)
def test_divisions_are_unknown_abolished_or_outside(division: str, context: CodeContext, expected: list[str]) -> None:
    found = [hit for hit in judge(issue("91" + division, "MA000049"), context) if hit.rule == "E07"]

    assert [hit.circumstance for hit in found] == expected
    assert all(hit.position == 3 and hit.actual == division for hit in found)


def test_a_division_is_named_with_its_last_year_and_the_province() -> None:
    facts = hits(issue("91110221", "MA000049"), CodeContext(approved_on=DAY))["E07"].facts

    assert facts["title_zh"] == "北京市昌平县"
    assert (facts["last_year"], facts["approved_on"], facts["province"]) == (1999, "2020-01-01", "21")
    assert (facts["province_zh"], facts["province_en"]) == ("辽宁省", "Liaoning")


def test_a_province_that_no_table_names_stands_for_itself() -> None:
    facts = hits(issue("91110221", "MA000049"), CodeContext(province="98"))["E07"].facts

    assert (facts["province_zh"], facts["province_en"]) == ("98", "98")


def test_an_identity_number_is_masked_and_has_no_suggestions() -> None:
    person = "11010519491231002X"
    found = hits(person)

    assert (found["E10"].actual, found["E10"].circumstance) == ("110***********002X", "")
    assert found["E05"].suggestions == ()


def test_an_identity_number_of_one_born_later_than_received_is_none() -> None:
    person = "11010519491231002X"

    assert "E10" in hits(person, CodeContext(received_on=date(1949, 12, 31)))
    assert "E10" not in hits(person, CodeContext(received_on=date(1949, 12, 30)))


def test_every_text_of_the_rulebook_is_filled_by_the_facts() -> None:
    abolished = CodeContext(approved_on=DAY)
    left_out = issue("91210100", "MA000048", complement=False)
    samples = [
        ("9121", CONTEXT, "E01"),
        ("91O10100MA00004960", CONTEXT, "E02"),
        (issue("B1210100", "MA000049"), CONTEXT, "E03"),
        (issue("G1210100", "MA000049"), CONTEXT, "E03"),
        (issue("99210100", "MA000049"), CONTEXT, "E04"),
        ("534100003414976000", CONTEXT, "E05"),
        (left_out, CONTEXT, "E05"),
        (left_out, CodeContext(register=frozenset({left_out})), "E05"),
        ("91210100MA00004910", CONTEXT, "E06"),
        (issue("91210199", "MA000049"), CONTEXT, "E07"),
        (issue("91210122", "MA000049"), abolished, "E07"),
        (issue("91110101", "MA000049"), CONTEXT, "E07"),
        ("1" * 18, CONTEXT, "E08"),
        (GOOD.lower(), CONTEXT, "E09"),
        ("11010519491231002X", CONTEXT, "E10"),
    ]

    for code, context, rule in samples:
        texts = [
            (found.zh, found.en) for found in inspect(code, default_ruleset(), BARE, context) if found.rule == rule
        ]
        assert texts, rule
        assert not any(sign in text for pair in texts for text in pair for sign in "{}—"), texts
