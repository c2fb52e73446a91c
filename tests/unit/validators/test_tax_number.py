"""Tax numbers are a division and an organization code."""

from __future__ import annotations

import pytest

from validators import tax_number
from validators.errors import CodeError, InvalidCharacter, InvalidCheckCharacter, InvalidLength


def test_a_tax_number_names_its_parts() -> None:
    number = tax_number.parse("210100 40000912-7".replace(" ", ""))

    assert (number.division_code, number.organization_code) == ("210100", "400009127")
    assert tax_number.format("21010040000912-7") == "210100400009127"
    assert tax_number.is_valid("210100400009127")


@pytest.mark.parametrize(
    ("claimed", "fault", "position"),
    [
        ("21010040000912", InvalidLength, None),
        ("2A0100400009127", InvalidCharacter, 2),
        ("210100400009128", InvalidCheckCharacter, 15),
        ("2101004000/9127", InvalidCharacter, 11),
    ],
)
def test_positions_count_from_the_first_character(claimed: str, fault: type[CodeError], position: int | None) -> None:
    with pytest.raises(fault) as caught:
        tax_number.parse(claimed)

    assert caught.value.facts.get("position") == position
