"""Divisions: known, in force, and named."""

from __future__ import annotations

from datetime import date

import pytest

from validators.division import Divisions
from validators.rulebook import Text

TABLE = Divisions.load()


@pytest.mark.parametrize(
    "code", ["210102", "210122", "210000", "210242", "100000", "100001", "990000", "991234", "710000"]
)
def test_editions_zones_the_nation_and_the_corps_are_known(code: str) -> None:
    assert TABLE.known(code)


@pytest.mark.parametrize("code", ["000000", "210199", "9900", "99000A", "99٣٣٣٣", "349999"])
def test_other_digits_are_unknown(code: str) -> None:
    assert not TABLE.known(code)
    assert TABLE.title(code) is None


@pytest.mark.parametrize(
    ("code", "on", "expected"),
    [
        ("210102", date(2020, 1, 1), True),
        ("210122", date(2016, 12, 31), True),
        ("210122", date(2017, 1, 1), False),
        ("210115", date(2015, 1, 1), False),
        ("990001", date(2020, 1, 1), True),
        ("100000", date(2020, 1, 1), True),
        ("210242", date(2020, 1, 1), None),
        ("210120", date(2020, 1, 1), None),
        ("349999", date(2020, 1, 1), None),
    ],
)
def test_force_is_known_to_the_year_or_not_at_all(code: str, on: date, expected: bool | None) -> None:
    assert TABLE.in_force(code, on) is expected


@pytest.mark.parametrize(
    ("code", "on", "expected"),
    [
        ("210122", date(2017, 1, 1), 2016),
        ("210122", date(2016, 12, 31), None),
        ("210122", None, None),
        ("210102", date(2100, 1, 1), None),
        ("210120", date(2100, 1, 1), None),
        ("349999", date(2100, 1, 1), None),
    ],
)
def test_only_a_known_end_makes_a_division_abolished(code: str, on: date | None, expected: int | None) -> None:
    assert TABLE.abolished(code, on) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("210102", Text(zh="辽宁省沈阳市和平区", en="county-level division 210102 in Liaoning")),
        ("210100", Text(zh="辽宁省沈阳市", en="prefecture-level division 210100 in Liaoning")),
        ("210101", Text(zh="辽宁省沈阳市市辖区", en="county-level division 210101 in Liaoning")),
        ("210000", Text(zh="辽宁省", en="Liaoning")),
        ("110101", Text(zh="北京市东城区", en="county-level division 110101 in Beijing")),
        ("100000", Text(zh="全国", en="the nation")),
        ("660100", Text(zh="新疆生产建设兵团", en="Xinjiang Production and Construction Corps")),
        ("210242", Text(zh="辽宁省大连市（国标未列的开发区等）", en="zone that GB/T 2260 does not list, Liaoning")),
        ("099761", Text(zh="（国标未列的开发区等）", en="zone that GB/T 2260 does not list")),
    ],
)
def test_a_division_has_its_full_name(code: str, expected: Text) -> None:
    assert TABLE.title(code.replace("660100", "990100")) == expected


def test_provinces_have_names() -> None:
    assert TABLE.province("21") == Text(zh="辽宁省", en="Liaoning")
    assert TABLE.province("99") is None


def test_the_table_is_read_once() -> None:
    assert Divisions.load() is TABLE
