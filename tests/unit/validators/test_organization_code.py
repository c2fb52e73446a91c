"""Organization codes of public bodies, or generated."""

from __future__ import annotations

import pytest

from validators import organization_code
from validators.errors import CodeError, InvalidCharacter, InvalidCheckCharacter, InvalidLength


def test_the_hyphen_is_optional() -> None:
    assert organization_code.parse("40000912-7") == organization_code.parse(" 400009127 ")
    assert organization_code.parse("40000912-7").check_character == "7"
    assert organization_code.format("400009127") == "40000912-7"


@pytest.mark.parametrize(
    ("claimed", "fault", "facts"),
    [
        ("4000091", InvalidLength, {"found": 7, "expected": 9}),
        ("4000-9127", InvalidCharacter, {"position": 5, "found": "-"}),
        ("40000912A", InvalidCharacter, {"position": 9, "found": "A"}),
        ("400009128", InvalidCheckCharacter, {"position": 9, "found": "8", "expected": "7"}),
    ],
)
def test_a_code_that_breaks_the_standard_is_refused(
    claimed: str, fault: type[CodeError], facts: dict[str, object]
) -> None:
    with pytest.raises(fault) as caught:
        organization_code.parse(claimed)

    assert caught.value.facts == facts
    assert not organization_code.is_valid(claimed)


def test_a_text_of_another_length_is_formatted_as_it_is() -> None:
    assert organization_code.format(" 12 ") == "12"


def test_letters_outside_the_credit_codes_alphabet_are_allowed() -> None:
    body = "IOSVZ000"

    assert organization_code.is_valid(body + organization_code.check_character(body))


@pytest.mark.parametrize(
    ("claimed", "expected"),
    [
        ("PDY00001-X", True),
        ("pdy999994", True),
        ("PDY000000", False),
        ("PDY0000", False),
        ("PDY0A0010", False),
        ("PDX000010", False),
    ],
)
def test_the_private_zone_ends_at_its_bounds(claimed: str, expected: bool) -> None:
    assert organization_code.is_private(claimed) is expected
