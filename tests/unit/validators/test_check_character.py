"""The algorithms, against numbers that the standards themselves or public bodies print."""

from __future__ import annotations

import pytest

from validators.check_character import ALPHABET, mod11, mod11_2, mod11_10, mod31, mod31_without_complement
from validators.errors import InvalidCharacter


@pytest.mark.parametrize(
    "code", ["91350100M000100Y43", "12100000400009127B", "531000005000160090", "111000000000116154"]
)
def test_check_characters_of_published_codes_hold(code: str) -> None:
    assert mod31(code[:17]) == code[17]


def test_remainder_zero_gives_0_and_remainder_one_gives_y() -> None:
    # Weight 1 stands on the first position, so its value is the remainder.
    assert [mod31(ALPHABET[value] + "0" * 16) for value in (0, 1, 2, 30)] == ["0", "Y", "X", "1"]


def test_an_issuer_who_leaves_out_the_complement_writes_the_remainder_itself() -> None:
    assert mod31_without_complement(ALPHABET[7] + "0" * 16) == "7"


@pytest.mark.parametrize(
    ("body", "expected"), [("D2143569", "X"), ("00000000", "0"), ("40000912", "7"), ("PDY00001", "X")]
)
def test_organization_codes_carry_a_digit_or_x(body: str, expected: str) -> None:
    assert mod11(body) == expected


def test_letters_of_organization_codes_count_over_the_full_alphabet() -> None:
    # J is 18 in GB 32100 and 19 in GB 11714: 19 * 3 = 57 leaves 2, and 11 - 2 is 9.
    assert mod11("J0000000") == "9"


@pytest.mark.parametrize(("digits", "expected"), [("11010519491231002", "X"), ("44052418800101001", "4")])
def test_identity_numbers_of_the_standard_hold(digits: str, expected: str) -> None:
    assert mod11_2(digits) == expected


@pytest.mark.parametrize(("digits", "expected"), [("11000000000001", "7"), ("44030110309741", "3")])
def test_registration_numbers_hold(digits: str, expected: str) -> None:
    assert mod11_10(digits) == expected


def test_a_character_that_cannot_be_weighed_is_named_with_its_position() -> None:
    with pytest.raises(InvalidCharacter) as organization:
        mod31("91O10000000496010")
    with pytest.raises(InvalidCharacter) as registration:
        mod11_10("1100000000000X")

    assert organization.value.facts == {"position": 3, "found": "O"}
    assert registration.value.facts == {"position": 14, "found": "X"}
