"""A large registry, made quickly: a few thousand organizations are ingested, then written again under other codes.

What a look-up, a search or a decision reads is there: state, identity, versions, message ids, legacy numbers. Their
returns and raw bytes are those of the few.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime

import asyncpg

from sync.apply import Batch
from sync.kafka import Partition
from sync.records import Incoming, Source
from sync.store import ledger
from sync.store.connection import writing
from sync.topics import submissions_topic
from tests.bench.codes import codes
from tests.bench.feed import OFFICE, mark, records
from tests.integration.ledger import open_ledger

ORIGINALS = 3_000
_CHUNK = 100_000
_RECORD = """v.record || jsonb_build_object('uscc', c.uscc, 'organization_code', substr(c.uscc, 9, 9),
    'name', left(v.record ->> 'name', 2) || c.mark || substr(v.record ->> 'name', 8)) - 'registration_number'"""
# What differs from the original, by table; `c` is the line of the new code, `t` that of the original.
_OTHER = {
    "registration": {
        "uscc": "c.uscc",
        "row_hash": f"""(select row_hash({_RECORD}) from registration_version v
            where v.uscc = o.uscc and v.version = t.particulars_version)""",
    },
    "registration_version": {
        "uscc": "c.uscc",
        "name_key": "left(t.name_key, 2) || c.mark || substr(t.name_key, 8)",
        "record": _RECORD.replace("v.", "t."),
    },
    "holder": {
        "uscc": "c.uscc",
        "name": "left(t.name, 2) || c.mark || substr(t.name, 8)",
        "name_key": "left(t.name_key, 2) || c.mark || substr(t.name_key, 8)",
        "subject_code": "substr(c.uscc, 9, 9)",
        "division_code": "substr(c.uscc, 3, 6)",
        "registration_number": "null",
    },
    "message": {"message_id": "t.message_id || '/' || c.number"},
    "legacy_number": {"uscc": "c.uscc", "number": "c.number::text || t.number"},
}
# By which line of a table an original is known.
_OF = {"message": "t.receipt_id = o.receipt_id", "legacy_number": "t.uscc = o.uscc"}


async def apply(dsn: str, bodies: list[bytes], *, partition: int = 0, batch: int = 5_000) -> list[float]:
    """Apply the records of one partition in batches; return the seconds that each took, without the decoding."""
    place = Partition(submissions_topic(OFFICE), partition)
    took = []
    clock = asyncio.get_running_loop().time
    async with open_ledger(dsn) as applier:
        async with writing(applier.pool) as connection:
            await ledger.begin_partition(connection, *place, OFFICE, 0)
        for position in range(0, len(bodies), batch):
            now = datetime.now(UTC)
            incoming = [
                Incoming(source=Source(*place, position + number), received_at=now, body=body)
                for number, body in enumerate(bodies[position : position + batch])
            ]
            submissions = [applier.decode(each, OFFICE) for each in incoming]
            began = clock()
            await applier.apply(
                Batch(
                    place=place,
                    office=OFFICE,
                    position=position,
                    next_offset=position + len(incoming),
                    submissions=submissions,
                )
            )
            took.append(clock() - began)
    return took


def fill(dsn: str, count: int, *, seed: int = 3) -> list[str]:
    """Make a registry of about `count` codes and return them all."""
    asyncio.run(apply(dsn, [body for _, body in records(ORIGINALS, seed=seed)]))
    return asyncio.run(_multiply(dsn, count, seed + 1))


async def _multiply(dsn: str, count: int, seed: int) -> list[str]:
    connection = await asyncpg.connect(dsn)
    try:
        originals = [row["uscc"] for row in await connection.fetch("select uscc from registration order by uscc")]
        await connection.execute(
            """create temporary table original as
               select uscc, receipt_id, row_number() over (order by uscc) - 1 as number from registration;
               create temporary table copied (number bigint, uscc text, mark text)"""
        )
        column = [code.decode() for code in codes(max(0, count - len(originals)), seed).tolist()]
        for start in range(0, len(column), _CHUNK):
            await connection.copy_records_to_table("copied", records=_lines(column, start))
            await connection.execute("analyze copied; analyze original")
            for table, other in _OTHER.items():
                names = await connection.fetch(
                    "select column_name from information_schema.columns where table_name = $1", table
                )
                columns = [f'"{name}"' for (name,) in names]
                values = [other.get(name, f't."{name}"') for (name,) in names]
                await connection.execute(
                    f"""insert into {table} ({", ".join(columns)})
                        select {", ".join(values)}
                        from copied c
                        join original o on o.number = c.number % {len(originals)}
                        join {table} t on {_OF.get(table, "t.uscc = o.uscc")}"""
                )
            await connection.execute("truncate copied")
        await connection.execute("vacuum analyze registration, registration_version, holder, message, legacy_number")
        return originals + column
    finally:
        await connection.close()


def _lines(column: list[str], start: int) -> Iterator[tuple[int, str, str]]:
    for number, code in enumerate(column[start : start + _CHUNK], start=start):
        yield number, code, mark(10_000_000 + number)
