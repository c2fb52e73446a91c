from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sync.instants import format_instant, microseconds, parse_instant


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-20T09:00:00+08:00",
        "2026-11-20T01:00:00Z",
        "2026-11-20t01:00:00z",
        "2026-11-20T01:00:00.000Z",
        "2026-11-19T22:30:00-02:30",
        "2026-11-20T01:00:00.0000009Z",
    ],
)
def test_one_instant_may_be_written_in_many_ways(text: str) -> None:
    assert parse_instant(text) == datetime(2026, 11, 20, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-20",
        "2026-11-20T09:00:00",
        "2026-11-20 09:00:00+08:00",
        "2026-11-20T09:00+08:00",
        "20261120T090000+08:00",
        "2026-W47-5T09:00:00+08:00",
        "2026-02-30T09:00:00+08:00",
        "2026-11-20T24:00:00Z",
        "2026-11-20T09:00:60Z",
        "2026-11-20T09:00:00+24:00",
        "0001-01-01T00:00:00+08:00",
        "9999-12-31T23:59:59-01:00",
        "２０２６-11-20T09:00:00Z",
    ],
)
def test_what_is_no_instant_of_the_contract_is_none(text: str) -> None:
    assert parse_instant(text) is None


def test_an_instant_is_written_with_shanghai_s_offset_and_loses_nothing() -> None:
    instant = datetime(2026, 11, 20, 1, 2, 3, 4_000, tzinfo=UTC)

    assert format_instant(instant) == "2026-11-20T09:02:03.004+08:00"
    assert format_instant(instant.replace(microsecond=4_001)) == "2026-11-20T09:02:03.004001+08:00"
    assert microseconds(instant) == 1_795_136_523_004_000
