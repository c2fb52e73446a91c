"""Comparisons: planted differences are found exactly, bad files are refused, what stays is aged."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pa_parquet
import pytest

from sync.errors import Retryable
from sync.kafka import Message, Producer
from sync.nightly import comparisons
from sync.nightly.comparisons import settlement
from sync.nightly.registers import files_of
from sync.nightly.run import Register
from sync.store.connection import JOB, reading, writing
from sync.store.nightly_comparisons import (
    ComparisonRow,
    ItemRow,
    add_chunk,
    begin,
    find_comparison,
    hand_in,
    list_comparisons,
    list_items,
    read_order,
)
from sync.topics import submissions_topic
from tests.integration.nightly.conftest import DAY, NOON, Town, message, new_code, record_of

ROWS = 20_000


async def _compared(town: Town, register: Register) -> ComparisonRow:
    night = await town.night(register)
    (comparison_id,) = night.compared + night.failed
    return await _found(town, comparison_id)


async def _found(town: Town, comparison_id: str) -> ComparisonRow:
    async with reading(town.pool, JOB) as connection:
        found = await find_comparison(connection, comparison_id, None)
    assert found is not None
    return found


async def _handed_in(town: Town, register: Register) -> str:
    """Hand a register in as the API does."""
    async with writing(town.pool, JOB) as connection:
        comparison_id = await begin(
            connection, office=register.office, day=register.date, form=register.form, forced=False, by="test"
        )
        await add_chunk(connection, comparison_id, 0, register.file.read_bytes())
        await hand_in(connection, comparison_id, 1)
    return comparison_id


async def _items(town: Town, comparison_id: str, kind: str | None = None) -> list[ItemRow]:
    async with reading(town.pool, JOB) as connection:
        return await list_items(connection, comparison_id, kind, None, 1_000)


async def test_planted_differences_are_found_exactly(town: Town) -> None:
    await town.push([message(number, record_of(number)) for number in range(ROWS)])
    planted = {
        "different": {number: f"改名第{number}号有限公司" for number in range(7, ROWS, 997)},
        "missing_there": set(range(11, ROWS, 1_009)),
        "missing_here": {ROWS + number for number in range(13)},
    }
    rows = [
        record_of(number) | ({"name": planted["different"][number]} if number in planted["different"] else {})  # type: ignore[index]
        for number in range(ROWS + 13)
        if number not in planted["missing_there"]
    ]

    found = await _compared(town, town.write_register(rows))
    items = {each.uscc: each for each in await _items(town, found.comparison_id)}
    codes = {kind: {new_code(number) for number in numbers} for kind, numbers in planted.items()}
    different = len(planted["different"])
    assert codes == {kind: {uscc for uscc, each in items.items() if each.kind == kind} for kind in planted}
    assert found.totals() == {
        "office_total": len(rows),
        "registry_total": ROWS,
        "equal": ROWS - different - len(planted["missing_there"]),
        "different": different,
        "missing_here": 13,
        "missing_there": len(planted["missing_there"]),
        "pending": {"office": 0, "registry": 0},
    }
    assert items[new_code(7)].fields == {"name": {"office": "改名第7号有限公司", "registry": "沈阳第7号有限公司"}}


async def test_every_format_gives_the_same_answer(town: Town) -> None:
    await town.push([message(number, record_of(number)) for number in range(50)])
    rows = [record_of(number) | {"name": "改" if number == 3 else record_of(number)["name"]} for number in range(1, 51)]
    csv = town.write_register(rows)
    ndjson, parquet = town.folder / "r.ndjson.gz", town.folder / "r.parquet"
    ndjson.write_bytes(gzip.compress(b"".join(orjson.dumps(row) + b"\n" for row in rows)))
    pa_parquet.write_table(pa.Table.from_pylist(rows), parquet)

    answers = [
        await _compared(town, register)
        for register in (csv, replace(csv, file=ndjson, form="ndjson.gz"), replace(csv, file=parquet, form="parquet"))
    ]
    assert [answer.totals() for answer in answers] == [answers[0].totals()] * 3
    assert (answers[0].equal, answers[0].different, answers[0].missing_here, answers[0].missing_there) == (48, 1, 1, 1)


def _parts(town: Town, rows: list[dict[str, str]], form: str = "csv.gz", *, count: int = 3) -> Register:
    """Write a register as several files."""
    whole = town.write_register(rows)
    parts = [whole.file.with_name(f"part-{number}.{form}") for number in range(count)]
    for number, part in enumerate(parts):
        own = rows[number::count]
        if form == "csv.gz":
            part.write_bytes(gzip.compress(_csv(own)))
        else:
            part.write_bytes(gzip.compress(b"".join(orjson.dumps(row) + b"\n" for row in own)))
    return replace(whole, parts=files_of(whole.file.with_name(f"part-*.{form}")), form=form)  # type: ignore[arg-type]


@pytest.mark.parametrize("form", ["csv.gz", "ndjson.gz"])
async def test_a_register_of_several_files_gives_the_answer_of_one(town: Town, form: str) -> None:
    await town.push([message(number, record_of(number)) for number in range(50)])
    rows = [record_of(number) | {"name": "改" if number == 3 else record_of(number)["name"]} for number in range(1, 51)]

    one = await _compared(town, town.write_register(rows))
    many = await _compared(town, _parts(town, rows, form))
    assert one.totals() == many.totals()
    assert await _items(town, one.comparison_id) == await _items(town, many.comparison_id)


async def test_what_is_wrong_with_one_file_of_several_says_which(town: Town) -> None:
    await town.push([message(1, record_of(1))])
    rows = [record_of(number) for number in range(1, 3_001)]
    spoilt = _parts(town, rows)
    whole = spoilt.files[1].read_bytes()
    spoilt.files[1].write_bytes(whole[: len(whole) // 2])

    truncated = await _compared(town, spoilt)
    spoilt.files[1].write_bytes(gzip.compress(_csv([row | {"business_scope": "x"} for row in rows[1::3]])))
    other = await _compared(town, spoilt)
    spoilt.files[1].write_bytes(spoilt.files[0].read_bytes())
    twice = await _compared(town, spoilt)
    problems = [orjson.loads(each.problem or "{}") for each in (truncated, other, twice)]
    assert {"code": "truncated", "facts": {"file": "part-1.csv.gz"}} == problems[0]
    assert {"code": "different-columns", "facts": {"file": "part-1.csv.gz", "columns": ["business_scope"]}} == problems[
        1
    ]
    assert ("duplicate-codes", 1_000) == (problems[2]["code"], problems[2]["facts"]["rows"])


async def test_columns_that_the_register_lacks_are_not_compared_and_status_is_the_registrys(town: Town) -> None:
    await town.push([message(number, record_of(number)) for number in range(4)])
    short = {"uscc": new_code(1), "name": record_of(1)["name"], "approved_on": "2026-11-20"}
    await town.push([message(10, short, "cancel", occurred_at="2026-11-20T10:00:00+08:00")])
    rows = [{"tyshxydm": new_code(number).lower(), "status": "1", "standing": "normal"} for number in range(4)]

    found = await _compared(town, town.write_register(rows))
    items = await _items(town, found.comparison_id)
    assert (found.equal, found.different) == (3, 1)
    assert [(new_code(1), {"status": {"office": "1", "registry": "2"}})] == [(each.uscc, each.fields) for each in items]


async def test_the_last_record_of_a_code_explains_its_difference(town: Town) -> None:
    wrong = record_of(2) | {"name": "x" * 20, "uscc": new_code(2), "approved_on": "2026-13-45"}
    await town.push([message(1, record_of(1)), message(2, wrong)])
    rows = [record_of(1) | {"name": "改"}, record_of(2), record_of(3)]

    found = await _compared(town, town.write_register(rows))
    receipts = {each.uscc: each.receipt_id for each in await _items(town, found.comparison_id)}
    returned = {row["uscc"]: row["receipt_id"] for row in await town.fetch("select uscc, receipt_id from disposition")}
    assert {new_code(1): returned[new_code(1)], new_code(2): returned[new_code(2)], new_code(3): None} == receipts


async def test_what_is_younger_than_the_register_or_not_decided_yet_is_pending(town: Town) -> None:
    await town.push([message(number, record_of(number)) for number in range(5)])
    await town.push([message(20, record_of(20))], at=NOON + timedelta(days=1))
    producer = Producer(town.kafka)
    await producer.start()
    waiting = [Message(None, message(number, record_of(number))) for number in (90, 91)]
    # The records that stand before them in this partition were applied without the topic.
    filler = [Message(None, b"{}")] * town.offsets[next(iter(town.offsets))]
    await _produce_to_first(town, producer, filler + waiting)
    await producer.stop()
    rows = [record_of(number) for number in (0, 1, 2, 3, 4, 90, 91)]

    found = await _compared(town, town.write_register(rows))
    kinds = {each.uscc: each.kind for each in await _items(town, found.comparison_id)}
    assert {new_code(20): "pending", new_code(90): "pending", new_code(91): "pending"} == kinds
    assert (5, 2, 1) == (found.equal, found.pending_office, found.pending_registry)


async def _produce_to_first(town: Town, producer: Producer, messages: list[Message]) -> None:
    """Produce to partition 0."""
    client = producer._client
    for each in messages:
        await client.send_and_wait(submissions_topic(town.commerce), each.value, partition=0)


async def test_what_stays_from_night_to_night_is_aged(town: Town) -> None:
    await town.push([message(number, record_of(number)) for number in range(10)])
    first = town.write_register([record_of(number) for number in range(1, 10)])
    second = town.write_register([record_of(number) for number in range(2, 10)], "second.csv.gz")

    await _compared(town, first)
    found = await _compared(town, replace(second, date=DAY + timedelta(days=1)))
    assert {new_code(0): (2, DAY), new_code(1): (1, DAY + timedelta(days=1))} == {
        each.uscc: (each.nights, each.since) for each in await _items(town, found.comparison_id)
    }


async def test_the_settlement_makes_both_registers_agree(town: Town) -> None:
    await town.push([message(number, record_of(number, business_scope="软件")) for number in range(4)])
    rows = [record_of(0), record_of(1) | {"name": "沈阳新名有限公司"}, record_of(2) | {"status": "2"}, record_of(3)]
    rows = [{"status": "1"} | row for row in [*rows, record_of(9)]]
    found = await _compared(town, town.write_register(rows))

    async with reading(town.pool, JOB) as connection:
        order = await read_order(connection, found.comparison_id)
        lines = b"".join([part async for part in settlement(connection, order)]).splitlines()
    now = datetime.now(UTC)
    await town.push(lines, at=now)
    after = await _compared(town, replace(town.write_register(rows), date=town.closing.days.day_of(now)))
    assert (2, 1, 0) == (found.different, found.missing_here, found.missing_there)
    assert (5, 0, 0, 0) == (after.equal, after.different, after.missing_here, after.missing_there)
    scopes = await town.fetch(
        "select record ->> 'business_scope' as scope from registration_version where uscc = $1 order by version",
        new_code(1),
    )
    assert [{"scope": "软件"}, {"scope": "软件"}] == scopes


async def test_personal_values_are_stored_masked(town: Town) -> None:
    await town.push([message(1, record_of(1, contact_phone="13812345678"))])
    found = await _compared(town, town.write_register([record_of(1, contact_phone="13912345678")]))

    (item,) = await _items(town, found.comparison_id)
    assert {"contact_phone": {"office": "139****5678", "registry": "138****5678"}} == item.fields


def _truncated(path: Path, rows: list[dict[str, str]]) -> None:
    whole = gzip.compress(_csv(rows))
    path.write_bytes(whole[: len(whole) * 2 // 3])


def _csv(rows: list[dict[str, str]]) -> bytes:
    lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
    return "\n".join(lines).encode()


_BAD: dict[str, tuple[str, Callable[[Path, list[dict[str, str]]], Any]]] = {
    "truncated": ("truncated", _truncated),
    "no gzip": ("not-gzip", lambda path, rows: path.write_bytes(_csv(rows))),
    "another encoding": (
        "wrong-encoding",
        lambda path, rows: path.write_bytes(gzip.compress(_csv(rows).decode().encode("gb18030"))),
    ),
    "a code twice": ("duplicate-codes", lambda path, rows: path.write_bytes(gzip.compress(_csv([*rows, rows[3]])))),
    "a row without code": (
        "missing-codes",
        lambda path, rows: path.write_bytes(gzip.compress(_csv([*rows, rows[3] | {"uscc": ""}]))),
    ),
    "no key column": (
        "no-key-column",
        lambda path, rows: path.write_bytes(gzip.compress(_csv([dict(list(row.items())[1:]) for row in rows]))),
    ),
    "columns renamed": (
        "unknown-columns",
        lambda path, rows: path.write_bytes(gzip.compress(_csv([row | {"the_name": "x"} for row in rows]))),
    ),
    "a row with more cells": (
        "malformed",
        lambda path, rows: path.write_bytes(gzip.compress(_csv(rows) + b"\na,b,c,d,e,f,g,h,i,j")),
    ),
    "a text with a NUL": (
        "nul-characters",
        lambda path, rows: path.write_bytes(gzip.compress(_csv([*rows[1:], rows[0] | {"name": "a\0b"}]))),
    ),
    "header alone": ("empty", lambda path, rows: path.write_bytes(gzip.compress(",".join(rows[0]).encode() + b"\n"))),
    "nothing": ("empty", lambda path, _rows: path.write_bytes(b"")),
}


@pytest.mark.parametrize("fault", _BAD)
async def test_a_bad_register_fails_with_its_problem_and_nothing_is_counted(town: Town, fault: str) -> None:
    await town.push([message(1, record_of(1))])
    rows = [record_of(number) for number in range(2_000)]
    register = town.write_register(rows)
    code, spoil = _BAD[fault]
    spoil(register.file, rows)

    found = await _compared(town, register)
    assert ("failed", code) == (found.state, orjson.loads(found.problem or "{}")["code"])
    assert (None, None) == (found.equal, found.office_total)
    assert [] == await _items(town, found.comparison_id)


async def test_a_register_that_lost_a_fifth_or_is_an_older_one_halts_unless_forced(town: Town) -> None:
    await town.push([message(number, record_of(number)) for number in range(10)])
    await _compared(town, town.write_register([record_of(number) for number in range(10)]))
    fewer = town.write_register([record_of(number) for number in range(7)], "fewer.csv.gz")

    halted = await _compared(town, fewer)
    older = await _compared(town, replace(fewer, date=DAY - timedelta(days=1)))
    forced = await _compared(town, replace(fewer, force=True))
    assert ["too-few-rows", "older-than-last"] == [
        orjson.loads(each.problem or "{}")["code"] for each in (halted, older)
    ]
    assert ("done", 7, 3) == (forced.state, forced.equal, forced.missing_there)


async def test_a_register_that_every_run_dies_over_does_not_keep_the_others_waiting(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    await town.push([message(1, record_of(1))])
    register = town.write_register([record_of(1)])
    comparison_id = await _handed_in(town, register)

    async def die(*_: object) -> bool:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(comparisons, "make", die)
        for _ in range(5):
            with pytest.raises(MemoryError):
                await town.night()
    night = await town.night()
    found = await _found(town, comparison_id)
    assert ("failed", "gave-up") == (found.state, orjson.loads(found.problem or "{}")["code"])
    assert night.sealed


async def test_brokers_that_are_away_are_not_held_against_a_register(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    await town.push([message(1, record_of(1))])
    register = town.write_register([record_of(1)])
    comparison_id = await _handed_in(town, register)

    async def stay_away(*_: object) -> bool:
        raise Retryable("the brokers are away")

    with monkeypatch.context() as patched:
        patched.setattr(comparisons, "make", stay_away)
        for _ in range(6):
            with pytest.raises(Retryable):
                await town.night()
    await town.night()
    found = await _found(town, comparison_id)
    assert ("done", 1) == (found.state, found.equal)


async def test_the_register_of_another_office_halts_unless_forced(town: Town) -> None:
    await town.push([message(number, record_of(number)) for number in range(1_000)])
    foreign = town.write_register([record_of(number) for number in range(1_000, 2_000)])

    halted = await _compared(town, foreign)
    forced = await _compared(town, replace(foreign, force=True))
    assert ("failed", "nothing-in-common") == (halted.state, orjson.loads(halted.problem or "{}")["code"])
    assert ("done", 1_000, 1_000) == (forced.state, forced.missing_here, forced.missing_there)


async def test_comparisons_are_listed_the_last_one_first(town: Town) -> None:
    register = town.write_register([record_of(1)])
    made = [await _handed_in(town, register) for _ in range(11)]

    async with reading(town.pool, JOB) as connection:
        page = await list_comparisons(connection, None, None, None, 4)
        rest = await list_comparisons(connection, None, None, (page[-1].date, page[-1].comparison_id), 100)
    assert made[::-1] == [each.comparison_id for each in (*page, *rest)]
