"""Ranked repairs: the true code is always among them, and usually first."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from datetime import date

import pytest

from tests.unit.validators.material import CONTEXT, GOOD, issue, shared
from validators import repair, uscc
from validators.check_character import ALPHABET
from validators.uscc import CodeContext


def suggest(code: str, **known: object) -> tuple[str, ...]:
    return uscc.suggestions(code, CodeContext(**known))  # type: ignore[arg-type]


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


def _wrong(code: str) -> Iterator[str]:
    """Yield every code that one substitution, or one transposition of neighbours, makes of a right one."""
    for index, right in enumerate(code):
        yield from (code[:index] + other + code[index + 1 :] for other in ALPHABET if other != right)
    for index in range(17):
        if code[index] != code[index + 1]:
            yield code[:index] + code[index + 1] + code[index] + code[index + 2 :]


@pytest.mark.timeout(0)
def test_real_codes_are_always_among_the_suggestions_and_first_in_six_of_ten(say: Callable[[str], None]) -> None:
    # REPAIR_SHARE=1 tries every wrong code of each of the 10,000: 5.5 million, some twenty minutes.
    share = float(os.environ.get("REPAIR_SHARE", "0.002"))
    rng = random.Random(2026)
    codes = [row["code"] for name in ("liaoning", "nationwide-100k") for row in shared(f"{name}.csv.gz")]
    substitutions, transpositions, first, missing = 0, 0, 0, []
    for code in rng.sample([code for code in codes if uscc.is_valid(code)], 10_000):
        for number, wrong in enumerate(_wrong(code)):
            if rng.random() >= share:
                continue
            found = uscc.suggestions(wrong, CONTEXT)
            if code not in found:
                missing.append((code, wrong))
            if number < 18 * 30:
                substitutions += 1
                first += found[:1] == (code,)
            else:
                transpositions += 1
    say(
        f"{substitutions} substitutions and {transpositions} transpositions of 10,000 real codes: "
        f"{len(missing)} without the true code; of substitutions it is first in {first / substitutions:.1%}"
    )

    assert missing == []
    assert first / substitutions >= 0.6
