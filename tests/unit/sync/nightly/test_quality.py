"""Figures and pictures from counts."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from sync.nightly.quality import figures, required_fields, share, stock_after_days
from sync.nightly.report import bars, line, percent, render
from sync.nightly.statement import DayCounts, Holds
from sync.offices import load_offices
from sync.store.nightly_quality import QualityRow
from tests.unit.sync.nightly.test_statement import _compose
from validators.calendar import WorkingCalendar

ROW = QualityRow(
    date=date(2026, 11, 20), office="commerce", division="", received=10, accepted=7, unchanged=1, superseded=0,
    rejected=1,
    held=1, quarantined=0, fields_required=126, fields_missing=6, timed=8, late=2, days_p50=1, days_p90=4, days_p99=9,
    unqualified=2, wrong_codes=1, stock=0, stock_converted=0, cases_open=1, cases_overdue=0,
)  # fmt: skip


def test_shares_are_of_their_own_whole_and_null_of_nothing() -> None:
    found = figures(ROW)

    assert 0.9524 == found["completeness"]["share"]
    assert 0.75 == found["timeliness"]["within_limit"]
    assert (0.2, 0.1) == (found["accuracy"]["unqualified_rate"], found["accuracy"]["wrong_code_rate"])
    assert found["conversion"]["share"] is None
    assert found["division"] is None
    assert share(0, 5) == 0.0


def test_profiles_say_how_many_fields_are_asked_for() -> None:
    offices = load_offices()

    assert ({}, 18) == required_fields(offices["commerce"])
    assert ({"2": 11}, 8) == required_fields(offices["establishment"])


def test_what_can_only_be_stock_is_older_than_any_run_of_holidays() -> None:
    assert [21, 28] == [stock_after_days(0), stock_after_days(5)]


@pytest.mark.parametrize("limit", [0, 5, 20, 100, 250, 365])
def test_whoever_was_in_time_is_not_taken_for_stock(limit: int) -> None:
    calendar, days = WorkingCalendar.load("china"), timedelta(days=stock_after_days(limit))
    starts = (date(2004, 1, 1) + timedelta(days=number) for number in range(0, 365 * 21, 3))

    assert all(calendar.working_days(start, start + days) > limit for start in starts)


def test_a_bar_fills_the_whole_and_an_empty_day_has_none() -> None:
    pieces = bars(_compose())
    empty = DayCounts(received=0, dispositions={}, holds=Holds(opening=0, new=0, resolved=0), waiting=0, batches=())

    assert [(0.0, 60.0), (60.0, 40.0)] == [(piece.x, piece.width) for piece in pieces]
    assert [] == bars(_compose(empty))


def test_a_line_stands_on_its_base_and_reaches_its_top() -> None:
    assert "0.0,80.0 300.0,0.0 600.0,40.0" == line([0, 10, 5])
    assert "" == line([])


def _page() -> str:
    """A report of one office, whose batch has a name from outside."""
    statement = _compose() | {"batches": [], "sealed_at": "2026-11-21T00:01:00+08:00"}
    batch = {
        "batch_id": "<script>", "declared": 1, "received": 1, "not_received": 0, "received_to_date": 1, "extra": 0,
        "altered": 0, "state": "complete",
    }  # fmt: skip
    return render(
        day=date(2026, 11, 20),
        titles={"commerce": ("市场监管", "commerce")},
        statements={"commerce": statement | {"batches": [batch]}},
        trend=[statement],
        quality=[figures(ROW), *(figures(ROW) | {"division": f"2101{number:02}"} for number in range(45))],
    )


def test_the_report_is_one_file_in_both_languages_and_escapes_what_came_from_outside() -> None:
    page = _page()

    assert "日终对账" in page
    assert "齐全 complete" in page
    assert "另有 5 行" in page
    assert "Nightly reconciliation" in page
    assert "<script>" not in page
    assert not any(outside in page for outside in ("http://", "https://", "src=", "@import"))
    assert ("—", "12.34%") == (percent(None), percent(0.1234))


def test_a_narrow_screen_breaks_no_word_and_scrolls_no_more_than_a_table() -> None:
    page = _page()
    tables = page.split("<table>")

    assert "th .small { overflow-wrap: normal; }" in page
    assert 'style="width' not in page, "a fixed width leaves no room for the bar"
    assert all(before.endswith('<div class="wide">') or "</h3>" in before[-80:] for before in tables[:-1])
