"""Business days: when one begins and ends, which are complete, and which an office is expected to work.

A business day bears the date on which it ends in Asia/Shanghai; `ends` says how long after that date's midnight:
24 hours for a calendar day, less where the books close earlier.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sync.instants import SHANGHAI

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The instants of one business day: from `begins` on, before `ends`, both in UTC."""

    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BusinessDays:
    """How days are cut. `ends` is more than nothing and at most 24 hours."""

    ends: timedelta = _DAY

    def window(self, day: date) -> Window:
        """Return the instants of a day."""
        end = (datetime.combine(day, time(), SHANGHAI) + self.ends).astimezone(UTC)
        return Window(begins=end - _DAY, ends=end)

    def day_of(self, instant: datetime) -> date:
        """Return the day to which an instant belongs."""
        local = instant.astimezone(SHANGHAI)
        since_midnight = local - datetime.combine(local.date(), time(), SHANGHAI)
        return local.date() if since_midnight < self.ends else local.date() + _DAY

    def last_complete(self, now: datetime) -> date:
        """Return the latest day that is over at `now`."""
        return self.day_of(now) - _DAY


def days_between(first: date, last: date) -> Iterator[date]:
    """Yield the days from `first` through `last`; none where `last` is the earlier."""
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)
