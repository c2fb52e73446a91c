"""Registration numbers: generated, and the real ones where they are present."""

from __future__ import annotations

import pytest

from tests.unit.validators.material import shared
from validators import registration_number
from validators.errors import InvalidCheckCharacter, InvalidForm


@pytest.mark.parametrize(
    ("claimed", "expected"),
    [
        ("110000000000017", "registration_number_15"),
        ("110000000000012", "registration_number_15"),
        ("１100000000001", "registration_number_13"),
        ("320506na000043x", "registration_number_cooperative"),
        ("320305NB000001X", "registration_number_cooperative"),
        ("320506NA0000430", None),
        ("11000000000001", None),
        ("٣200000000001", None),
        ("", None),
    ],
)
def test_a_number_is_known_by_its_form(claimed: str, expected: str | None) -> None:
    assert registration_number.kind(claimed) == expected


def test_only_fifteen_digits_have_a_check() -> None:
    assert registration_number.inspect("110000000000017") == []
    assert registration_number.is_valid("1100000000012")
    assert registration_number.is_valid("320506NA000043X")
    assert [fault.facts for fault in registration_number.inspect("110000000000012")] == [
        {"position": 15, "found": "2", "expected": "7"}
    ]


def test_parse_gives_the_form_and_the_office() -> None:
    number = registration_number.parse(registration_number.format(" 320506na000043x "))

    assert (number.kind, number.division_code) == ("registration_number_cooperative", "320506")


def test_parse_raises_what_is_wrong() -> None:
    with pytest.raises(InvalidForm):
        registration_number.parse("企合苏总字第000063")
    with pytest.raises(InvalidCheckCharacter):
        registration_number.parse("110000000000012")


def test_real_numbers_have_the_forms_that_are_written_down() -> None:
    numbers = [row["code"] for row in shared("irregular.csv.gz")]
    fifteen = [number for number in numbers if len(number) == 15]

    assert all(registration_number.is_valid(number) for number in fifteen)
    assert sum(registration_number.kind(number) == "registration_number_cooperative" for number in fifteen) == 701
