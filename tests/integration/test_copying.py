"""Rows of COPY that are made by hand hold what the driver would have sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from service.demo import generate
from service.demo.feed import today
from sync.apply import prepare
from sync.instants import format_instant
from sync.records import Incoming, Submission
from sync.store import copying
from sync.store.connection import Pool, reading, writing
from tests.integration.ledger import apply_all, by_office, open_ledger

_EARLY = datetime(1980, 1, 31, 23, 59, 59, 999_999, tzinfo=UTC)
_HERE = datetime(2026, 11, 20, 9, 0, 0, 1, tzinfo=timezone(timedelta(hours=8)))


@pytest.mark.parametrize(
    ("kind", "made", "values"),
    [
        ("text", copying.text, ["甲", "", None, 'a"\\\n']),
        ("bytea", copying.bytea, [b"", b"\0\xff"]),
        ("smallint", copying.smallint, [0, -1, 32_767]),
        ("integer", copying.integer, [0, -1, 2**31 - 1, None]),
        ("bigint", copying.bigint, [0, -(2**63), 2**63 - 1]),
        ("timestamptz", copying.timestamptz, [_EARLY, _HERE, datetime(2000, 1, 1, tzinfo=UTC)]),
        ("text[]", lambda value: copying.texts(tuple(value)), [[], ["E05"], ["D01", "L02"]]),
    ],
)
async def test_a_value_comes_back_as_it_was(kind: str, made: Any, values: list[Any], pool: Pool) -> None:
    assert values == await _copied(kind, [made(value) for value in values], pool)


async def test_bytes_of_texts_and_of_json_come_back_as_such(pool: Pool) -> None:
    assert ["甲"] == await _copied("text", [copying.bytea("甲".encode())], pool, table="texts")
    assert ['{"a": "甲"}'] == await _copied("jsonb", [copying.jsonb(b'{"a":"\\u7532"}')], pool, table="objects")


async def _copied(kind: str, columns: list[bytes], pool: Pool, table: str = "copied") -> list[Any]:
    rows = [copying.columns(2) + copying.integer(place) + column for place, column in enumerate(columns)]
    async with writing(pool) as connection:
        await connection.execute(f"create temporary table {table} (place integer, value {kind}) on commit drop")
        await copying.copy_rows(connection, table, ("place", "value"), rows)
        return [row["value"] for row in await connection.fetch(f"select value from {table} order by place")]


async def test_more_rows_than_a_chunk_and_none_at_all(pool: Pool) -> None:
    async with writing(pool) as connection:
        await connection.execute("create temporary table copied (place integer) on commit drop")
        for count in (0, 1_000):
            rows = (copying.columns(1) + copying.integer(place) for place in range(count))
            await copying.copy_rows(connection, "copied", ("place",), rows)
        read = await connection.fetchrow("select count(*), sum(place) from copied")

    assert read is not None
    assert (1_000, 499_500) == tuple(read)


async def test_what_is_made_before_the_decision_is_what_is_made_after_it(
    database: str, twin: str, pool: Pool, twin_pool: Pool
) -> None:
    feed = by_office(generate(1_000, 5, today()))
    async with open_ledger(database) as applier, open_ledger(twin) as other:

        def prepared(incoming: Incoming, office: str) -> Submission:
            submission = applier.decode(incoming, office)
            prepare(submission)
            return submission

        for office, bodies in feed.items():
            await apply_all(replace(applier, decode=prepared), bodies, office=office, batch=300)
            await apply_all(other, bodies, office=office, batch=300)

    assert await _written(pool) == await _written(twin_pool)


async def _written(pool: Pool) -> dict[str, list[str]]:
    """Return every line that a record is written to, with the instant of its decision blotted out."""
    tables = ("disposition", "raw_message", "message", "change", "registration_version", "registration", "holder")
    async with reading(pool) as connection:
        texts = {
            table: [row[0] for row in await connection.fetch(f"select t::text from {table} t order by 1")]
            for table in tables
        }
        instants = await connection.fetch("select distinct decided_at, decided_at::text from disposition")
    written = [text for at, stored in instants for text in (stored, format_instant(at))]
    return {table: sorted(_blotted(line, written) for line in lines) for table, lines in texts.items()}


def _blotted(line: str, written: list[str]) -> str:
    for text in written:
        line = line.replace(text, "T")
    return line
