"""Identity numbers: those of the standard's own examples, or generated."""

from __future__ import annotations

from datetime import date

import pytest

from validators import identity_card
from validators.check_character import mod11_2
from validators.errors import CodeError, InvalidCharacter, InvalidDate, InvalidLength, UnknownProvince

EXAMPLE = "11010519491231002X"


def _number(body: str) -> str:
    return body + mod11_2(body)


def test_the_standards_example_is_valid() -> None:
    card = identity_card.parse(" 11010519491231002x")

    assert (card.number, card.division_code, card.born_on) == (EXAMPLE, "110105", date(1949, 12, 31))
    assert identity_card.format("１1010519491231002x") == EXAMPLE


@pytest.mark.parametrize(
    ("number", "fault"),
    [
        ("1101051949123100", InvalidLength),
        ("1101051949A231002X", InvalidCharacter),
        ("X10105194912310021", InvalidCharacter),
        (_number("99010519491231002"), UnknownProvince),
        (_number("11010519490230002"), InvalidDate),
        (_number("11010518991231002"), InvalidDate),
        (_number("11010521000101002"), InvalidDate),
    ],
)
def test_a_number_that_breaks_the_standard_is_refused(number: str, fault: type[CodeError]) -> None:
    with pytest.raises(fault):
        identity_card.parse(number)


def test_every_fault_is_found() -> None:
    faults = identity_card.inspect("990105189902300021")

    assert [type(fault).__name__ for fault in faults] == ["UnknownProvince", "InvalidDate", "InvalidCheckCharacter"]


def test_nobody_is_born_after_the_day_of_receipt() -> None:
    number = _number("21010020261120001")

    assert identity_card.is_valid(number, date(2026, 11, 20))
    assert not identity_card.is_valid(number, date(2026, 11, 19))
    assert identity_card.is_valid(_number("83010019000101001"))


def test_an_identity_number_shows_three_and_four_characters() -> None:
    assert identity_card.mask(EXAMPLE) == "110***********002X"
    assert identity_card.mask("110105491231002") == "110********1002"
    assert identity_card.mask("1101054912") == "**********"


def test_a_printed_value_does_not_give_the_number_away() -> None:
    assert EXAMPLE not in repr(identity_card.parse(EXAMPLE))
