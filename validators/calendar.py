"""China's working days: Monday to Friday, less the holidays and with the make-up days that the State Council announces.

A year without a table has none of either. Days are counted from cumulative sums, so that a count costs the same
whatever it spans.

Source: data/workdays.csv (days that differ from Monday to Friday); data/SOURCES.md.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from datetime import date
from functools import cache

from validators.tables import rows


class WorkingCalendar:
    """Counts working days; `exceptions` maps each day that differs from Monday to Friday to whether it is worked."""

    def __init__(self, exceptions: Mapping[date, bool]) -> None:
        self._ordinals: list[int] = []
        self._sums: list[int] = [0]
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
        tables: dict[str, dict[date, bool]] = {
            "china": {date.fromisoformat(row["date"]): row["kind"] == "workday" for row in rows("workdays")},
            "weekdays": {},
        }
        return WorkingCalendar(tables[name])

    def working_days(self, after: date, through: date) -> int:
        """Return how many working days lie in (after, through]; negative where `through` is the earlier."""
        return self._until(through.toordinal()) - self._until(after.toordinal())

    def _until(self, ordinal: int) -> int:
        """Count the working days from 0001-01-01, a Monday, through a day."""
        weeks, days = divmod(ordinal, 7)
        return weeks * 5 + min(days, 5) + self._sums[bisect_right(self._ordinals, ordinal)]


CALENDARS = ("china", "weekdays")
"""The names that `WorkingCalendar.load` knows."""
