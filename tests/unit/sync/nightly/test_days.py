"""Business days in Asia/Shanghai."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from service.nights import Nights
from sync.nightly.days import BusinessDays, days_between
from sync.nightly.sealing import Closing
from sync.store.nightly import NightState

CALENDAR = BusinessDays()
EARLY = BusinessDays(ends=timedelta(hours=18))


def test_a_calendar_day_runs_from_midnight_to_midnight_in_shanghai() -> None:
    window = CALENDAR.window(date(2026, 11, 20))

    assert (datetime(2026, 11, 19, 16, tzinfo=UTC), datetime(2026, 11, 20, 16, tzinfo=UTC)) == (
        window.begins,
        window.ends,
    )


def test_a_day_that_ends_early_bears_the_date_on_which_it_ends() -> None:
    before, after = datetime(2026, 11, 20, 9, 59, 59, tzinfo=UTC), datetime(2026, 11, 20, 10, tzinfo=UTC)

    assert (date(2026, 11, 20), date(2026, 11, 21)) == (EARLY.day_of(before), EARLY.day_of(after))


@pytest.mark.parametrize("days", [CALENDAR, EARLY])
@pytest.mark.parametrize("hour", range(0, 24, 3))
def test_every_instant_lies_in_the_window_of_its_day(days: BusinessDays, hour: int) -> None:
    instant = datetime(2026, 11, 20, hour, 30, tzinfo=UTC)

    window = days.window(days.day_of(instant))
    assert window.begins <= instant < window.ends


def test_the_running_day_is_not_complete() -> None:
    now = datetime(2026, 11, 20, 15, 59, tzinfo=UTC)

    assert (date(2026, 11, 19), date(2026, 11, 20)) == (
        CALENDAR.last_complete(now),
        CALENDAR.last_complete(now + timedelta(minutes=1)),
    )


def test_days_between_are_inclusive_and_none_backwards() -> None:
    first = date(2026, 11, 20)

    assert [first, date(2026, 11, 21)] == list(days_between(first, date(2026, 11, 21)))
    assert [] == list(days_between(first, date(2026, 11, 19)))


def _state(*, sealed: bool = False, heard: bool = False) -> NightState:
    return NightState(office="commerce", sealed=sealed, last_sealed_at=None, heard=heard, segments_running_out=None)


@pytest.mark.parametrize(
    ("hour", "sealed", "overdue"), [(21, False, False), (22, False, True), (22, True, False), (1, False, True)]
)
def test_the_night_is_overdue_from_its_hour_until_it_is_sealed(hour: int, sealed: bool, overdue: bool) -> None:
    now = datetime(2026, 11, 20, hour, tzinfo=UTC)

    assert overdue == Nights().is_overdue(_state(sealed=sealed), now)


@pytest.mark.parametrize(
    ("now", "heard", "silent"),
    [
        (datetime(2026, 11, 20, 8, tzinfo=UTC), False, False),
        (datetime(2026, 11, 20, 9, tzinfo=UTC), False, True),
        (datetime(2026, 11, 20, 9, tzinfo=UTC), True, False),
        (datetime(2026, 11, 21, 9, tzinfo=UTC), False, False),
    ],
)
def test_an_office_is_silent_from_its_hour_on_working_days(now: datetime, heard: bool, silent: bool) -> None:
    assert silent == Nights().is_silent(_state(heard=heard), now)


def test_silence_is_expected_after_the_hour_also_where_the_day_ends_early() -> None:
    nights = Nights()
    closing = Closing(days=EARLY, silent_after=timedelta(hours=17))

    assert datetime(2026, 11, 20, 9, tzinfo=UTC) == closing.silent_from(nights.offices["commerce"], date(2026, 11, 20))
