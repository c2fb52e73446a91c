"""The number that says that a whole record is equal: what it reads, and what it does not."""

from __future__ import annotations

import pytest

from sync.row_hash import COMPARED
from sync.row_hash import row_hash as of_code
from validators.fields import FIELDS

RECORD = {
    "uscc": "91210100MA0000496X",
    "name": "沈阳一号有限公司",
    "approved_on": "2026-11-20",
    "valid_to": "2046-11-20",
}


def row_hash(record: dict[str, str]) -> int | None:
    return of_code("91210100MA0000496X", record)


def test_every_member_but_code_and_status_is_compared_in_an_order_that_never_changes() -> None:
    assert sorted(FIELDS.keys() - {"uscc", "status", "business_type"}) == list(COMPARED)


def test_the_number_of_a_record_is_what_the_registry_has_stored() -> None:
    assert row_hash(RECORD) == 5945585349123336988


def test_another_code_with_the_same_record_has_another_number() -> None:
    assert of_code("91210100MA0000500X", RECORD) != row_hash(RECORD)


@pytest.mark.parametrize("beside", [{"status": "2"}, {"business_type": "1"}, {"uscc": "another"}])
def test_what_is_no_member_of_the_record_is_not_of_it(beside: dict[str, str]) -> None:
    assert row_hash(RECORD | beside) == row_hash(RECORD)


@pytest.mark.parametrize("usual", [{"standing": "normal"}, {"is_public": "1"}, {"currency": ""}])
def test_what_is_usual_counts_as_absent(usual: dict[str, str]) -> None:
    assert row_hash(RECORD | usual) == row_hash(RECORD)


@pytest.mark.parametrize(
    "other",
    [
        {"standing": "moved_out"},
        {"is_public": "0"},
        {"name": "沈阳二号有限公司"},
        {"valid_from": "2046-11-20", "valid_to": ""},
    ],
)
def test_another_value_makes_another_number(other: dict[str, str]) -> None:
    assert row_hash(RECORD | other) != row_hash(RECORD)


def test_a_record_with_the_separator_in_a_value_has_none() -> None:
    assert row_hash(RECORD | {"business_scope": "甲\x1f乙"}) is None
