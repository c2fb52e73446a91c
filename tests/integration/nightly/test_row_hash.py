"""The number of a record: PostgreSQL, DuckDB and Python come to the same one, and the ledger keeps it."""

from __future__ import annotations

import random

import duckdb
import orjson

from sync.row_hash import COMPARED, SEPARATOR, row_hash
from tests.integration.nightly.conftest import Town, message, record_of

_STORED = """
    select r.uscc, r.row_hash, row_hash(v.record) as of_record
    from registration r
    join registration_version v
      on v.uscc = r.uscc and v.version = r.particulars_version and v.recorded_at = r.particulars_recorded_at
    order by r.uscc"""


def _records(count: int) -> list[dict[str, str]]:
    choice = random.Random(7)
    letters = ["沈", "阳", "a", "é", "𠮷", "\\", '"', "\n", "\x1e", "'", " "]
    records = []
    for _ in range(count):
        names = choice.sample(COMPARED, choice.randint(0, len(COMPARED)))
        records.append({name: "".join(choice.choices(letters, k=choice.randint(1, 30))) for name in names})
    return [*records, {"standing": "normal", "is_public": "1"}, {"standing": "moved_out"}, {"name": "甲\x1f乙"}]


async def test_postgresql_and_duckdb_come_to_the_number_of_python(town: Town) -> None:
    records = _records(500)
    expected = [row_hash(record) for record in records]

    texts = [orjson.dumps(record).decode() for record in records]
    rows = await town.fetch(
        "select row_hash(record) as row_hash from unnest($1::jsonb[]) with ordinality t (record, n) order by n", texts
    )
    usual = [
        {name: "" if name in ("standing", "is_public") else value for name, value in r.items()} for r in records[:-3]
    ]
    joined = [SEPARATOR.join(record.get(name, "") for name in COMPARED) for record in usual]
    with duckdb.connect() as connection:
        numbers = connection.execute("select (md5_number_upper(unnest($1)) >> 1)::bigint", [joined]).fetchall()

    assert expected == [row["row_hash"] for row in rows]
    assert [row_hash(record) for record in usual] == [number for (number,) in numbers]


async def test_whatever_happens_to_a_code_its_number_is_that_of_its_particulars(town: Town) -> None:
    await town.push([message(n, record_of(n)) for n in range(6)])
    await town.push(
        [
            message("c1", record_of(1, name="沈阳新名有限公司"), "change", occurred_at="2026-11-20T10:00:00+08:00"),
            message("c2", record_of(2), "cancel", occurred_at="2026-11-20T10:00:00+08:00"),
            message("c3", record_of(3, standing="moved_out"), "change", occurred_at="2026-11-20T10:00:00+08:00"),
            message("c4", record_of(4), "withdraw", occurred_at="2026-11-20T10:00:00+08:00", reason="重复"),
            message("c5", record_of(5, name="旧名"), "change", occurred_at="2026-11-20T08:00:00+08:00"),
        ]
    )

    stored = await town.fetch(_STORED)

    assert 6 == len(stored)
    assert [row["of_record"] for row in stored] == [row["row_hash"] for row in stored]
    assert row_hash(record_of(1, name="沈阳新名有限公司")) == stored[1]["row_hash"]
