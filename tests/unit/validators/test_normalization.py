"""What is normalized, and nothing else."""

from __future__ import annotations

import pytest

from validators.normalization import changes, normalize


@pytest.mark.parametrize(
    ("claimed", "expected"),
    [
        ("９１２１", "9121"),
        ("ｍａ", "MA"),
        ("ma0", "MA0"),
        ("\u3000 91\t\n", "91"),
        ("\u00a091", "91"),
        ("9 1-2", "9 1-2"),
        ("9Oo1", "9OO1"),
        ("ßıſ", "ßıſ"),
        ("", ""),
    ],
)
def test_full_width_case_and_surrounding_blanks_are_normalized(claimed: str, expected: str) -> None:
    assert normalize(claimed) == expected


@pytest.mark.parametrize(
    ("claimed", "expected"),
    [
        ("MA", []),
        ("ma", ["lower case"]),
        (" MA", ["surrounding blanks"]),
        ("ＭＡ", ["full-width characters"]),
        ("\u3000MA", ["surrounding blanks"]),
        ("\u3000ｍa ", ["full-width characters", "lower case", "surrounding blanks"]),
    ],
)
def test_what_was_changed_is_said(claimed: str, expected: list[str]) -> None:
    assert [text.en for text in changes(claimed)] == expected
