"""The line of a check."""

from __future__ import annotations

from sync.invariants.report import Result


def test_a_check_that_holds_says_how_much_it_looked_at() -> None:
    result = Result(id="I1", title="closure", unit="records", checked=219_000, notes=["5 are past retention"])

    assert result.ok
    assert result.as_line() == "I1  closure       ok (219,000 records; 5 are past retention)"


def test_a_violation_names_the_first_few() -> None:
    result = Result(id="I5", title="order", unit="codes", checked=9)
    for number in range(8):
        result.violate(f"code {number}")

    assert not result.ok
    expected = "code 0; code 1; code 2; code 3; code 4 … and 3 more"
    assert result.as_line() == f"I5  order         VIOLATED 8 in 9 codes: {expected}"
    assert result.as_json()["violations"] == 8
