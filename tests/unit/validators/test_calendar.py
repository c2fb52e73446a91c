from __future__ import annotations

import importlib
from datetime import date, timedelta
from pathlib import Path

import pytest

from validators.calendar import CALENDARS, UnreadableWorkdays, WorkingCalendar
from validators.tables import rows

CHINA = WorkingCalendar.load("china")


@pytest.mark.parametrize(
    ("after", "through", "days"),
    [
        ("2026-11-20", "2026-11-20", 0),
        ("2026-11-20", "2026-11-23", 1),
        ("2026-11-23", "2026-11-20", -1),
        ("2026-09-30", "2026-10-08", 1),
        ("2026-10-08", "2026-10-10", 2),
        ("2026-02-13", "2026-02-24", 2),
        ("1990-01-01", "1990-01-08", 5),
        ("2027-10-01", "2027-10-08", 5),
    ],
)
def test_working_days_between_two_dates(after: str, through: str, days: int) -> None:
    assert CHINA.working_days(date.fromisoformat(after), date.fromisoformat(through)) == days


def test_counting_day_by_day_gives_the_same_as_counting_at_once() -> None:
    start, end = date(2003, 12, 1), date(2027, 2, 1)
    worked = {date.fromisoformat(row["date"]): row["kind"] == "workday" for row in rows("workdays")}

    counted = 0
    day = start
    while day < end:
        day += timedelta(days=1)
        counted += worked.get(day, day.weekday() < 5)

    assert CHINA.working_days(start, end) == counted


def test_the_table_agrees_with_the_library_that_it_was_taken_from() -> None:
    library = importlib.import_module("chinese_calendar")
    start = date(2004, 1, 1)
    days = [start + timedelta(days=number) for number in range((date(2026, 12, 31) - start).days + 1)]

    ours = [CHINA.working_days(day - timedelta(days=1), day) == 1 for day in days]

    assert ours == [library.is_workday(day) for day in days]


def test_the_calendar_of_weekdays_has_no_holidays() -> None:
    weekdays = WorkingCalendar.load("weekdays")

    assert weekdays.working_days(date(2026, 9, 30), date(2026, 10, 8)) == 6
    assert CALENDARS == ("china", "weekdays")


def test_a_table_that_says_nothing_new_of_a_day_is_refused() -> None:
    with pytest.raises(ValueError, match="2026-11-20 does not differ"):
        WorkingCalendar({date(2026, 11, 20): True})


def test_the_page_for_operators_names_the_years_that_have_a_table() -> None:
    page = Path(__file__).parents[3].joinpath("docs/operations/nightly.md").read_text("utf-8")
    years = sorted({row["date"][:4] for row in rows("workdays")})

    assert [str(year) for year in range(int(years[0]), int(years[-1]) + 1)] == years
    assert f"workdays.csv ({years[0]}–{years[-1]})" in page


TABLE = "date,kind,occasion\n2027-01-01,holiday,元旦\n2027-02-20,workday,春节\n"


def test_a_site_brings_the_year_that_is_not_known_yet() -> None:
    own = WorkingCalendar.of_site(TABLE, "workdays.csv")

    assert (False, True) == (CHINA.knows(2027), own.knows(2027))
    assert 0 == own.working_days(date(2026, 12, 31), date(2027, 1, 1))
    assert 1 == own.working_days(date(2027, 2, 19), date(2027, 2, 20))
    assert CHINA.working_days(date(2003, 12, 31), date(2026, 12, 31)) == own.working_days(
        date(2003, 12, 31), date(2026, 12, 31)
    )


def test_a_year_of_the_site_replaces_the_one_that_ships() -> None:
    own = WorkingCalendar.of_site("date,kind,occasion\n2026-01-01,holiday,元旦\n", "workdays.csv")

    assert 261 - 1 == own.working_days(date(2025, 12, 31), date(2026, 12, 31))


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("", "line 1: the header must be date,kind,occasion"),
        ("date,kind,occasion\n2027-01-01\n", "line 2: 1 cells, expected 3"),
        ("date,kind,occasion\n\n2027-13-01,holiday,x\n", "line 3: 2027-13-01 is no date"),
        ("date,kind,occasion\n2027-01-01,off,x\n", "line 2: the kind must be one of holiday, workday"),
        ("date,kind,occasion\n2027-01-02,holiday,x\n", "line 2: 2027-01-02 does not differ from Monday to Friday"),
        (TABLE + "2027-01-01,holiday,x\n", "line 4: 2027-01-01 comes twice"),
    ],
)
def test_a_wrong_line_of_a_table_is_named(table: str, told: str) -> None:
    with pytest.raises(UnreadableWorkdays) as raised:
        WorkingCalendar.of_site(table, "own.csv")

    assert f"own.csv, {told}" == str(raised.value)
