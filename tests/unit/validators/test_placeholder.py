"""Placeholders are few: a real number called one is much worse than the reverse."""

from __future__ import annotations

import pytest

from validators import placeholder
from validators.tables import rows


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("000000000000000000", "all characters equal"),
        ("XX", "all characters equal"),
        ("无无", "all characters equal"),
        ("123456789012345678", "a run of ascending digits"),
        ("901234", "a run of ascending digits"),
        ("987654321098765432", "a run of descending digits"),
    ],
)
def test_placeholders_are_known_by_kind(number: str, expected: str) -> None:
    title = placeholder.kind(number)

    assert title is not None
    assert title.en == expected


@pytest.mark.parametrize("number", ["", "X", "12345", "123456789012345679", "ABCDEFGHJKLMNPQRTU", "91210100MA00004960"])
def test_other_numbers_are_none(number: str) -> None:
    assert placeholder.kind(number) is None


def test_the_list_is_data() -> None:
    assert [row["kind"] for row in rows("placeholders")] == ["repeated", "ascending", "descending"]
