"""Statements: what is counted, when a day is sealed, and that it then stands."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import pytest

from sync.errors import SyncError
from sync.kafka import Message, Producer
from sync.nightly.opening import HOLDS, Hold, read_holds
from sync.nightly.run import AnotherRun, lease, run_once, show
from sync.nightly.sealing import works_on
from sync.nightly.statement import digest_of
from sync.segments import Segment
from sync.store import nightly
from sync.store.connection import JOB, Pool, open_pool, reading, writing
from sync.store.nightly import state_of_nights
from sync.store.segments import add_segments
from sync.store.submissions import declare_batch
from sync.topics import submissions_topic
from tests.integration.nightly.conftest import DAY, NOON, Town, message, record_of

_COUNTS = ("received", "accepted", "unchanged", "superseded", "rejected", "held", "quarantined")


async def _statement(town: Town, day: date = DAY, office: str | None = None) -> dict[str, object]:
    async with reading(town.pool, JOB) as connection:
        sealed = await nightly.read_statement(connection, day, office or town.commerce)
    assert sealed is not None
    statement: dict[str, object] = orjson.loads(sealed.body)
    return statement


async def _push_each_kind(town: Town) -> None:
    """Four accepted, one unchanged, one rejected, one held, one quarantined."""
    conflict = record_of(2) | {"name": "另一家有限公司", "registration_number": "R999"}
    await town.push(
        [
            *(message(number, record_of(number)) for number in range(1, 5)),
            message(5, record_of(1), "change"),
            message(6, record_of(6) | {"uscc": "123456789012345678"}),
            message(7, conflict),
            b"\xff\xfe",
        ]
    )


async def test_every_record_of_the_day_is_counted_once_by_its_first_disposition(town: Town) -> None:
    await _push_each_kind(town)
    await town.night()

    statement = await _statement(town)
    assert {
        "received": 8, "accepted": 4, "unchanged": 1, "superseded": 0, "rejected": 1, "held": 1, "quarantined": 1,
    } == {name: statement[name] for name in _COUNTS}  # fmt: skip
    assert statement["balanced"] is True
    assert statement["digest"] == digest_of(statement)


async def test_every_office_has_a_statement_for_every_day(town: Town) -> None:
    await town.push([message(1, record_of(1))])
    await town.night()

    sealed = await town.fetch("select date, office from statement order by date, office")
    last = town.closing.days.last_complete(datetime.now(UTC))
    days = [DAY + timedelta(days=number) for number in range((last - DAY).days + 1)]
    assert [{"date": day, "office": office} for day in days for office in sorted(town.site.offices)] == sealed


async def test_holds_carry_over_from_day_to_day_until_they_are_settled(town: Town) -> None:
    await _push_each_kind(town)
    claim = {"uscc": record_of(2)["uscc"], "name": "另一家有限公司", "approved_on": "2026-11-20"}
    await town.push([message(20, claim, "withdraw")], at=NOON + timedelta(hours=1))
    await town.night()

    resolved_on = town.closing.days.day_of(datetime.now(UTC))
    first = await _statement(town)
    second = await _statement(town, DAY + timedelta(days=1))
    running = (await show(town.config(), resolved_on, town.commerce))[0]
    assert {"opening": 0, "new": 1, "resolved": 0, "closing": 1} == first["holds"]
    assert {"opening": 1, "new": 0, "resolved": 0, "closing": 1} == second["holds"]
    assert {"opening": 1, "new": 0, "resolved": 1, "closing": 0} == running["holds"]

    behind = {
        (day, hold): [(each["attempt"], each["disposition"]) for each in await _behind(town, day, hold)]
        for day in (DAY, DAY + timedelta(days=1), resolved_on)
        for hold in HOLDS
    }
    came, went = [(1, "held")], [(2, "rejected")]
    assert {
        (DAY, "opening"): [], (DAY, "new"): came, (DAY, "resolved"): [], (DAY, "closing"): came,
        (DAY + timedelta(days=1), "opening"): came, (DAY + timedelta(days=1), "new"): [],
        (DAY + timedelta(days=1), "resolved"): [], (DAY + timedelta(days=1), "closing"): came,
        (resolved_on, "opening"): came, (resolved_on, "new"): [],
        (resolved_on, "resolved"): went, (resolved_on, "closing"): [],
    } == behind  # fmt: skip


async def _behind(town: Town, day: date, hold: Hold) -> list[dict[str, Any]]:
    async with reading(town.pool, JOB) as connection:
        found = await read_holds(connection, town.closing, town.commerce, day, hold, limit=100)
    return [orjson.loads(text) for _, text in found]


async def test_nobody_is_called_silent_before_the_hour_has_come(town: Town) -> None:
    days = (datetime.now(UTC).date() + timedelta(days=number) for number in range(2, 15))
    working = next(day for day in days if works_on(town.site.offices[town.commerce], day))

    assert (await show(town.config(), working, town.commerce))[0]["silent"] is False


async def test_showing_a_day_seals_nothing_and_bears_the_digest_of_its_seal(town: Town) -> None:
    await _push_each_kind(town)

    shown = (await show(town.config(), DAY, town.commerce))[0]
    sealed_before = await town.fetch("select count(*) as sealed from statement")
    await town.night()
    statement = await _statement(town)
    assert [{"sealed": 0}] == sealed_before
    assert shown["sealed_at"] is None
    assert shown["digest"] == statement["digest"]


async def test_a_sealed_statement_is_never_rewritten(town: Town, database: str) -> None:
    await town.push([message(1, record_of(1))])
    await town.night()
    before = await town.fetch("select * from statement order by date, office")

    with pytest.raises(SyncError):
        async with writing(town.applier.pool) as connection:
            await connection.execute("update statement set body = ''")
    await town.night()
    assert before == await town.fetch("select * from statement order by date, office")


async def test_a_day_is_sealed_only_when_every_partition_has_passed_its_end(town: Town) -> None:
    now = datetime.now(UTC)
    over = town.closing.days.day_of(now)
    ends = now - town.closing.days.window(over).begins + timedelta(seconds=4)
    days = type(town.closing.days)(ends=timedelta(seconds=int(ends.total_seconds())))
    town.closing = type(town.closing)(days=days, silent_after=timedelta(hours=17))
    producer = Producer(town.kafka)
    await producer.start()
    await producer.send_all(submissions_topic(town.commerce), [Message(b"k", message(1, record_of(1)))])
    await asyncio.sleep(7)
    await town.push([message(2, record_of(2))], office=town.civil, at=now)

    behind = await town.night()
    await producer.stop()
    found = await town.fetch(
        "select count(*) as sealed from statement where office = $1 and date = $2", town.commerce, over
    )
    assert (over, town.commerce) in behind.unsealed
    assert (over, town.civil) not in behind.unsealed
    assert [{"sealed": 0}] == found

    for partition in (0, 1):
        await town.push([message(1, record_of(1))], at=now, partition=partition)
    after = await town.night()
    assert {} == after.unsealed


async def test_a_days_end_that_is_set_anew_counts_no_record_twice_or_not_at_all(town: Town) -> None:
    conflict = record_of(2) | {"name": "另一家有限公司", "registration_number": "R999"}
    evening = timedelta(hours=8)
    await town.push([message(1, record_of(1)), message(2, record_of(2))])
    await town.push([message(3, conflict)], at=NOON + evening)
    await run_once(town.config(), through=DAY)
    town.closing = replace(town.closing, days=type(town.closing.days)(ends=timedelta(hours=18)))
    await town.push([message(4, record_of(4))], at=NOON + timedelta(days=1))
    await town.push([message(5, record_of(5)), message(6, record_of(6))], at=NOON + timedelta(days=1) + evening)
    night = await run_once(town.config(), through=DAY + timedelta(days=1))

    first, second = await _statement(town), await _statement(town, DAY + timedelta(days=1))
    third = (await show(town.config(), DAY + timedelta(days=2), town.commerce))[0]
    assert night.balanced
    assert [3, 1, 2] == [each["received"] for each in (first, second, third)]
    assert [True, True, True] == [each["balanced"] for each in (first, second, third)]
    assert first["ends_at"] == second["begins_at"]
    assert second["ends_at"] == third["begins_at"]
    assert [(1, "held")] == [
        (each["attempt"], each["disposition"]) for each in await _behind(town, DAY + timedelta(days=1), "opening")
    ]


async def test_two_runs_never_work_at_the_same_time(town: Town) -> None:
    async with lease(town.config()):
        with pytest.raises(AnotherRun):
            await town.night()


async def test_a_short_an_extra_and_an_altered_batch_are_named(town: Town, pool: Pool) -> None:
    async with writing(pool) as connection:
        for batch_id, records in (("short", 3), ("extra", 1), ("nothing", 5), ("whole", 1)):
            await declare_batch(
                connection, office=town.commerce, batch_id=batch_id, records=records, date=DAY, client="test", now=NOON
            )
    await town.push(
        [
            message(1, record_of(1), batch_id="short"),
            message(1, record_of(1) | {"registered_capital": "7"}, batch_id="short"),
            message(2, record_of(2), batch_id="extra"),
            message(3, record_of(3), batch_id="extra"),
            message(4, record_of(4), batch_id="whole"),
            message(5, record_of(5), batch_id="undeclared"),
        ]
    )
    await town.push([message(6, record_of(6), batch_id="short")], at=NOON + timedelta(days=1))
    await town.night()

    first = {each["batch_id"]: each for each in (await _statement(town))["batches"]}  # type: ignore[attr-defined]
    second = (await _statement(town, DAY + timedelta(days=1)))["batches"]
    assert {
        "extra": "extra",
        "nothing": "short",
        "short": "short",
        "undeclared": "undeclared",
        "whole": "complete",
    } == {name: batch["state"] for name, batch in first.items()}
    assert (1, 1, 5) == (first["short"]["not_received"], first["short"]["altered"], first["nothing"]["not_received"])
    assert [("nothing", 0, 5), ("short", 1, 0)] == [
        (batch["batch_id"], batch["received"], batch["not_received"])
        for batch in second  # type: ignore[attr-defined]
    ]


async def test_an_office_that_sent_nothing_by_its_hour_is_silent_on_working_days_only(town: Town) -> None:
    await town.push([message(1, record_of(1))])
    await town.night()

    silent = {
        (row["date"].isoformat(), row["office"] == town.commerce): orjson.loads(row["body"])["silent"]
        for row in await town.fetch("select date, office, body from statement where date <= '2026-11-21'")
    }
    assert {
        ("2026-11-20", True): False, ("2026-11-20", False): True,
        ("2026-11-21", True): False, ("2026-11-21", False): False,
    } == silent  # fmt: skip


async def test_a_night_says_which_code_segments_run_out(town: Town) -> None:
    def segment(first: int, last: int, office: str) -> Segment:
        return Segment(
            first_body=f"{20_000_000 + first}", last_body=f"{20_000_000 + last}", office=office, allocated_on=DAY
        )

    owners = await open_pool(town.dsn, role=None, limits=JOB, size=1, name="test")
    async with writing(owners) as connection:
        segments = [segment(1, 2, town.commerce), segment(3, 99, town.commerce), segment(100, 199, town.civil)]
        await add_segments(connection, segments, source="a.csv", now=NOON, actor="zhang")
    owners.terminate()
    await town.push([message(number, record_of(number)) for number in (1, 2, 3)])
    through = DAY + timedelta(days=1)
    night = await run_once(town.config(), through=through)
    again = await run_once(town.config(), through=through)
    async with reading(town.pool, JOB) as looking:
        states = await state_of_nights(looking, through, NOON, list(town.site.offices))

    assert [("20000001–20000002", 0, 2)] == [
        (use.segment.bodies, use.rest, use.segment.size) for use in night.segments_running_out
    ]
    assert [] == again.segments_running_out
    told = {state.office: state.segments_running_out for state in states}
    assert {town.commerce: 1} | dict.fromkeys(list(town.site.offices)[1:], 0) == told
