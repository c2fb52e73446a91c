"""China's working days: Monday to Friday, less the holidays and with the make-up days that the State Council announces.

A year without a table has none of either. A site may bring the table of a year before it ships. Days are counted from
cumulative sums, so that a count costs the same whatever it spans.

Source: data/workdays.csv (days that differ from Monday to Friday); data/SOURCES.md.
"""

from __future__ import annotations

import csv
from bisect import bisect_right
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files

from validators.tables import UnreadableLine

CALENDARS = ("china", "weekdays")
"""The names that `WorkingCalendar.load` knows."""

_COLUMNS = ["date", "kind", "occasion"]
_KINDS = {"holiday": False, "workday": True}


class UnreadableWorkdays(UnreadableLine):
    """A line of a table of working days is wrong."""


class WorkingCalendar:
    """Counts working days; `exceptions` maps each day that differs from Monday to Friday to whether it is worked."""

    def __init__(self, exceptions: Mapping[date, bool]) -> None:
        self._ordinals: list[int] = []
        self._sums: list[int] = [0]
        self._years = frozenset(day.year for day in exceptions)
        for day, worked in sorted(exceptions.items()):
            if worked == (day.weekday() < 5):
                raise ValueError(f"{day} does not differ from Monday to Friday")
            self._ordinals.append(day.toordinal())
            self._sums.append(self._sums[-1] + (1 if worked else -1))

    @staticmethod
    @cache
    def load(name: str) -> WorkingCalendar:
        """Return a calendar by name, always the same object: "china", or "weekdays" for Monday to Friday alone.

        Raises:
            KeyError: there is no calendar of that name.
        """
        tables = {"china": _shipped, "weekdays": dict[date, bool]}
        return WorkingCalendar(tables[name]())

    @staticmethod
    def of_site(text: str, file: str) -> WorkingCalendar:
        """Return China's calendar with a site's own years in place of, or beside, those that ship.

        `text` is a table like data/workdays.csv; `file` is only named in errors.

        Raises:
            UnreadableWorkdays: a line is wrong.
        """
        own = read_workdays(text, file)
        years = {day.year for day in own}
        return WorkingCalendar({day: worked for day, worked in _shipped().items() if day.year not in years} | own)

    def knows(self, year: int) -> bool:
        """Say whether the holidays of a year are known."""
        return year in self._years

    def working_days(self, after: date, through: date) -> int:
        """Return how many working days lie in (after, through]; negative where `through` is the earlier."""
        return self._until(through.toordinal()) - self._until(after.toordinal())

    def _until(self, ordinal: int) -> int:
        """Count the working days from 0001-01-01, a Monday, through a day."""
        weeks, days = divmod(ordinal, 7)
        return weeks * 5 + min(days, 5) + self._sums[bisect_right(self._ordinals, ordinal)]


def read_workdays(text: str, file: str) -> dict[date, bool]:
    """Read a table of the days that differ from Monday to Friday: date, kind (holiday, workday), occasion.

    Returns each day with whether it is worked; `file` is only named in errors.

    Raises:
        UnreadableWorkdays: a header, date or kind that there is not, a date that comes twice or differs in nothing.
    """
    lines = csv.reader(text.splitlines())
    if next(lines, []) != _COLUMNS:
        raise UnreadableWorkdays(file=file, line=1, problem=f"the header must be {','.join(_COLUMNS)}")
    days: dict[date, bool] = {}
    for cells in lines:
        if cells:
            day, worked = _read_day(cells, file, lines.line_num)
            if day in days:
                raise UnreadableWorkdays(file=file, line=lines.line_num, problem=f"{day} comes twice")
            days[day] = worked
    return days


def _read_day(cells: list[str], file: str, line: int) -> tuple[date, bool]:
    if len(cells) != len(_COLUMNS):
        raise UnreadableWorkdays(file=file, line=line, problem=f"{len(cells)} cells, expected {len(_COLUMNS)}")
    try:
        day = date.fromisoformat(cells[0])
    except ValueError:
        raise UnreadableWorkdays(file=file, line=line, problem=f"{cells[0]} is no date") from None
    if cells[1] not in _KINDS:
        raise UnreadableWorkdays(file=file, line=line, problem=f"the kind must be one of {', '.join(_KINDS)}")
    worked = _KINDS[cells[1]]
    if worked == (day.weekday() < 5):
        raise UnreadableWorkdays(file=file, line=line, problem=f"{day} does not differ from Monday to Friday")
    return day, worked


def _shipped() -> dict[date, bool]:
    name = "workdays.csv"
    return read_workdays(files("validators").joinpath("data", name).read_text("utf-8"), name)
