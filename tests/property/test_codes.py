"""What holds for every code, whatever it is."""

from __future__ import annotations

from datetime import date

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.unit.validators.material import BARE, RULESET, find, issue
from validators import bulk, identity_card, organization_code, registration_number, tax_number, uscc
from validators.authority import Authorities
from validators.check_character import ALPHABET, mod11_2, mod11_10
from validators.code_rules import CodeContext, judge
from validators.errors import CodeError
from validators.findings import Severity
from validators.rulebook import default_ruleset

DIGITS = "0123456789"
_divisions = st.one_of(
    st.sampled_from(["210100", "210102", "110101", "100000", "990102"]), st.text(DIGITS, min_size=6, max_size=6)
)
_bodies = st.one_of(st.text(DIGITS, min_size=8, max_size=8), st.text(ALPHABET, min_size=8, max_size=8))
CODES = st.builds(
    lambda prefix, division, body: issue(prefix + division, body),
    st.sampled_from(["91", "92", "52", "12", "Y1"]),
    _divisions,
    _bodies,
)
"""Codes that pass both checks."""
PEOPLE = st.builds(
    lambda born, serial: (body := f"210102{born:%Y%m%d}{serial:03}") + mod11_2(body),
    st.dates(date(1900, 1, 1), date(2026, 11, 20)),
    st.integers(0, 999),
)
"""Invented identity numbers."""
CLAIMED = st.one_of(
    PEOPLE,
    st.text(max_size=24),
    st.text(ALPHABET + "OISVZ ", min_size=16, max_size=20),
    CODES,
    st.builds(
        lambda code, index, new: code[:index] + new + code[index + 1 :],
        CODES,
        st.integers(0, 17),
        st.sampled_from(ALPHABET + "OISVZ字０ a"),
    ),
)
CONTEXTS = st.builds(
    CodeContext,
    province=st.sampled_from(["21", "11", None]),
    approved_on=st.sampled_from([None, date(1990, 1, 1), date(2020, 1, 1)]),
    received_on=st.sampled_from([None, date(2026, 11, 20)]),
)
REJECTING = {Severity.ERROR, Severity.HOLD}


@given(CLAIMED, CONTEXTS)
def test_the_short_way_and_the_rules_one_by_one_agree(claimed: str, context: CodeContext) -> None:
    code = uscc.normalize(claimed)
    expected = [hit.rule for hit in judge(code, context)] + (["E09"] if code != claimed else [])

    found = uscc.inspect(claimed, RULESET, BARE, context)

    assert [finding.rule for finding in found] == sorted(expected)


@given(CLAIMED)
def test_a_code_is_valid_exactly_when_parse_accepts_it_and_no_finding_rejects_it(claimed: str) -> None:
    rejected = any(finding.severity in REJECTING for finding in find(claimed))
    try:
        parsed = uscc.parse(claimed).code
    except CodeError:
        parsed = None

    assert uscc.is_valid(claimed) is not rejected
    assert parsed == (None if rejected else uscc.normalize(claimed))


@given(st.text())
def test_normalization_is_done_once(claimed: str) -> None:
    once = uscc.normalize(claimed)

    assert uscc.normalize(once) == once
    assert uscc.format(claimed) == once


@given(CODES, st.integers(0, 17), st.sampled_from(ALPHABET + "OISVZ"))
def test_for_one_substitution_the_true_code_is_among_the_suggestions(code: str, index: int, character: str) -> None:
    wrong = code[:index] + character + code[index + 1 :]
    # Placeholders and identity numbers get no suggestion, and a code that is none is nobody's true code.
    silent = any(finding.rule in ("E08", "E10") for finding in find(wrong))
    assume(code != wrong and uscc.is_valid(code) and not silent)

    assert code in uscc.suggestions(wrong, CodeContext())


@given(CLAIMED)
def test_every_suggestion_is_valid_and_none_is_the_code(claimed: str) -> None:
    code = uscc.normalize(claimed)
    suggestions = uscc.suggestions(claimed, CodeContext())

    assert all(uscc.is_valid(suggestion) for suggestion in suggestions)
    assert code not in suggestions
    assert len(set(suggestions)) == len(suggestions)


@given(CLAIMED, CONTEXTS)
def test_no_finding_gives_an_identity_number_away(claimed: str, context: CodeContext) -> None:
    code = uscc.normalize(claimed)
    found = uscc.inspect(claimed, default_ruleset(), BARE, context)
    shown = [f"{finding.actual}{finding.suggestions}{finding.zh}{finding.en}" for finding in found]

    parts = (code, code[2:8], code[6:14], code[8:17])
    assert not identity_card.is_valid(code, context.received_on) or not any(
        part in text for part in parts for text in shown
    )


@settings(max_examples=50)
@given(st.lists(CLAIMED, max_size=40), CONTEXTS)
def test_masks_of_columns_equal_the_rules_one_by_one(values: list[str], context: CodeContext) -> None:
    # As numpy has it, NULs at the end of a value are no part of it.
    values = [value.rstrip("\0") for value in values]
    expected = [
        (bulk.E09 if uscc.normalize(value) != value else 0)
        | sum(1 << bulk.RULES.index(rule) for rule in {hit.rule for hit in judge(uscc.normalize(value), context)})
        for value in values
    ]

    assert bulk.findings_mask(bulk.from_strings(values), context).tolist() == expected


@given(st.text(ALPHABET, min_size=8, max_size=8))
def test_an_organization_code_survives_its_hyphen(body: str) -> None:
    code = body + organization_code.check_character(body)

    assert organization_code.parse(organization_code.format(code)).code == code
    assert tax_number.is_valid("210100" + organization_code.format(code))


@given(st.text(DIGITS, min_size=14, max_size=14), st.integers(0, 13), st.integers(1, 9))
def test_registration_numbers_notice_every_wrong_digit(body: str, index: int, step: int) -> None:
    number = body + mod11_10(body)
    wrong = number[:index] + str((int(number[index]) + step) % 10) + number[index + 1 :]

    assert registration_number.is_valid(number)
    assert not registration_number.is_valid(wrong)


@given(st.dates(date(1900, 1, 1), date(2026, 11, 20)), st.integers(0, 999))
def test_identity_numbers_are_recognized_in_every_code_field(born: date, serial: int) -> None:
    body = f"210102{born:%Y%m%d}{serial:03}"
    number = body + mod11_2(body)

    assert identity_card.is_valid(number, date(2026, 11, 20))
    assert "E10" in [finding.rule for finding in find(number)]


@given(st.text(max_size=30))
def test_no_text_breaks_a_verb(text: str) -> None:
    for module in (organization_code, registration_number, tax_number, identity_card):
        faults = module.inspect(text)
        assert module.is_valid(text) is not bool(faults)
        assert all(str(fault) for fault in faults)
        assert module.format(text) == module.format(module.normalize(text))


@given(st.text(ALPHABET, min_size=1, max_size=1), st.text(ALPHABET, min_size=1, max_size=1))
def test_a_prefix_is_known_listed_or_neither(authority: str, category: str) -> None:
    table = Authorities.load()

    assert not (table.listed(authority, category) and table.known(authority))
    assert table.known(authority) or not table.category_known(authority, category)
