"""Ranked repairs: the true code is always among them, and usually first."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date

import pytest

from tests.unit.validators.material import CONTEXT, GOOD, issue, shared
from validators import repair, uscc
from validators.check_character import ALPHABET
from validators.uscc import CodeContext


def suggest(code: str, **known: object) -> tuple[str, ...]:
    return uscc.suggestions(code, CodeContext(**known))  # type: ignore[arg-type]


def _spoil(code: str, rng: random.Random) -> str:
    """Return the code with one random character replaced by another of the alphabet."""
    index = rng.randrange(18)
    other = rng.choice([character for character in ALPHABET if character != code[index]])
    return code[:index] + other + code[index + 1 :]


def test_the_true_code_is_among_the_suggestions_for_every_single_substitution() -> None:
    for index in range(18):
        for character in ALPHABET + "OISVZ/":
            if character != GOOD[index]:
                assert GOOD in suggest(GOOD[:index] + character + GOOD[index + 1 :])


def test_every_adjacent_transposition_is_undone() -> None:
    code = issue("52210102", "MJ083471")

    for index in range(17):
        if code[index] != code[index + 1]:
            assert code in suggest(code[:index] + code[index + 1] + code[index] + code[index + 2 :])


def test_several_confused_characters_are_replaced_together() -> None:
    assert suggest("9I2IOIOOMAOOOO496O")[0] == "91210100MA00004960"


def test_characters_that_resemble_nothing_have_no_suggestion() -> None:
    assert suggest("9/2/0100MA00004960") == ()


def test_one_that_fits_nowhere_has_no_suggestion() -> None:
    # Only a letter satisfies the check at position 3, which holds digits.
    assert suggest("91/10100MA00004967") == ()


def test_the_left_out_complement_comes_first() -> None:
    assert suggest(issue("91210100", "MA000048", complement=False))[0] == issue("91210100", "MA000048")


@pytest.mark.parametrize("code", [GOOD, issue("B1210100", "MA000049"), "", "9121", "1" * 18, "11010519491231002X"])
def test_what_no_correction_can_mend_has_none(code: str) -> None:
    assert suggest(code) == ()


def test_no_suggestion_is_a_placeholder_an_identity_number_or_of_an_unknown_authority() -> None:
    for spoilt in ("123456789012345678", "000000000000000000", issue("91210100", "MA000049")):
        for index in range(18):
            for character in ALPHABET:
                assert all(uscc.is_valid(code) for code in suggest(spoilt[:index] + character + spoilt[index + 1 :]))


def test_identity_numbers_are_never_suggested() -> None:
    # 110105194912310022 passes MOD 11-2 and the check of codes, not that of organization codes.
    rng = random.Random(7)
    for _ in range(300):
        body = f"2101021980{rng.randrange(1, 13):02}{rng.randrange(1, 29):02}{rng.randrange(1000):03}"
        code = body + uscc.check_character(body)
        if not uscc.is_valid(code):
            assert code not in suggest(code[:16] + ("0" if code[16] != "0" else "1") + code[17])


def test_the_registry_comes_first_of_all() -> None:
    wrong = "91210100MA0000496X"
    others = suggest(wrong)

    assert suggest(wrong, registered=lambda code: code == others[-1])[0] == others[-1]


def test_a_division_in_force_is_likelier_than_an_abolished_one() -> None:
    lately, before = date(2020, 1, 1), date(2010, 1, 1)
    true = issue("91210122", "MA000049")
    wrong = next(
        true[:7] + character + true[8:]
        for character in ALPHABET[:10]
        if true in suggest(true[:7] + character + true[8:])[:9] and character != "2"
    )

    assert suggest(wrong, approved_on=lately).index(true) >= suggest(wrong, approved_on=before).index(true)


def test_without_a_province_no_division_is_at_home() -> None:
    assert set(suggest("91210100MA0000496X", province=None)) == set(suggest("91210100MA0000496X"))


def test_the_table_of_confused_characters_names_characters_of_the_alphabet() -> None:
    assert all(set(others) <= set(ALPHABET) for others in repair.CONFUSABLE.values())


def test_real_codes_are_first_in_six_of_ten_and_always_among_the_suggestions(say: Callable[[str], None]) -> None:
    rng = random.Random(2026)
    codes = [row["code"] for row in shared("liaoning.csv.gz") if uscc.is_valid(row["code"])]
    sample = rng.sample(codes, 3_000)
    ranks = [uscc.suggestions(_spoil(code, rng), CONTEXT) for code in sample]
    first = sum(found[:1] == (code,) for code, found in zip(sample, ranks, strict=True))
    among = sum(code in found for code, found in zip(sample, ranks, strict=True))
    say(f"first {first / len(sample):.1%}, among {among / len(sample):.1%} of {len(sample)}")

    assert among == len(sample)
    assert first >= 0.6 * len(sample)
