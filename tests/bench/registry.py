"""A large registry, made quickly: a few thousand organizations are ingested, then written again under other codes.

What a look-up, a search or a decision reads is there: state, identity, versions, message ids, legacy numbers. Their
returns and raw bytes are those of the few.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import numpy as np
import orjson

from sync.apply import Batch, prepare
from sync.kafka import Partition
from sync.records import Incoming, Source
from sync.row_hash import row_hash
from sync.store import ledger
from sync.store.connection import writing
from sync.topics import submissions_topic
from tests.bench.codes import codes
from tests.bench.feed import OFFICE, mark, records
from tests.integration.ledger import open_ledger

ORIGINALS = 3_000
_CHUNK = 200_000
_WRITERS = 2
# Those that no key needs; of the partitioned table there are none.
_INDEXES = """select i.indexrelid::regclass::text as name, pg_get_indexdef(i.indexrelid) as definition
              from pg_index i
              where i.indrelid = any($1::text[]::regclass[]) and not i.indisunique
              order by pg_get_indexdef(i.indexrelid) ~ 'gin' desc"""
# What a server in service has in memory: every index, and the present state; not the records of all versions.
_READ = """select pg_prewarm(oid::regclass, 'read')
           from pg_class
           where relnamespace = 'public'::regnamespace and (relkind = 'i' or relname in ('registration', 'holder'))"""
_RECORD = """(v.record || jsonb_build_object('uscc', c.uscc, 'organization_code', substr(c.uscc, 9, 9),
    'name', left(v.record ->> 'name', 2) || c.mark || substr(v.record ->> 'name', 8))) - 'registration_number'"""
_PARTICULARS = """
    select v.record::text as record
    from registration r
    join registration_version v
      on v.uscc = r.uscc and v.version = r.particulars_version and v.recorded_at = r.particulars_recorded_at
    order by r.uscc"""
# What differs from the original, by table; `c` is the line of the new code, `t` that of the original.
_OTHER = {
    "registration": {
        "uscc": "c.uscc",
        "row_hash": "c.row_hash",
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
            # As ingest does, before it asks for the lock.
            for each in submissions:
                prepare(each)
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


def fill(dsn: str, count: int, *, seed: int = 3, hashed: bool = True) -> list[str]:
    """Make a registry of about `count` codes and return them all; without `hashed` the copies have no row_hash."""
    asyncio.run(apply(dsn, [body for _, body in records(ORIGINALS, seed=seed)]))
    return asyncio.run(_multiply(dsn, count, seed + 1, hashed=hashed))


async def _multiply(dsn: str, count: int, seed: int, *, hashed: bool) -> list[str]:
    """Write the originals again under other codes, in the order of the codes, and index them afterwards."""
    async with asyncpg.create_pool(dsn, min_size=1, max_size=_WRITERS, command_timeout=3_600) as pool:
        originals = [row["uscc"] for row in await pool.fetch("select uscc from registration order by uscc")]
        indexes = await pool.fetch(_INDEXES, list(_OTHER))
        for name, _ in indexes:
            await pool.execute(f"drop index {name}")
        await pool.execute("create unlogged table copied (number bigint, uscc text, mark text, row_hash bigint)")
        for table in _OTHER:
            await pool.execute(
                f"""create table original_{table} as
                    select t.*, o.number as place
                    from (select uscc, receipt_id, row_number() over (order by uscc) - 1 as number from registration) o
                    join {table} t on {_OF.get(table, "t.uscc = o.uscc")};
                    create index on original_{table} (place); analyze original_{table}"""
            )
        records = [orjson.loads(row["record"]) for row in await pool.fetch(_PARTICULARS)] if hashed else []
        # Sorted, so that the primary keys grow at their ends.
        column = [code.decode() for code in np.sort(codes(max(0, count - len(originals)), seed)).tolist()]
        for start in range(0, len(column), _CHUNK):
            async with pool.acquire() as connection:
                await connection.copy_records_to_table("copied", records=_lines(column, start, records))
                await connection.execute("analyze copied")
            await asyncio.gather(*(_copy(pool, table, len(originals)) for table in _OTHER))
            await pool.execute("truncate copied")
        await pool.execute(f"drop table copied, {', '.join(f'original_{table}' for table in _OTHER)}")
        await asyncio.gather(*(_index(pool, definition) for _, definition in indexes))
        for table in _OTHER:
            await pool.execute(f"vacuum analyze {table}")
        await pool.execute("create extension if not exists pg_prewarm")
        await pool.execute(_READ)
        return originals + column


async def _copy(pool: Any, table: str, originals: int) -> None:
    """Write the lines of a table again, once for each of the new codes."""
    async with pool.acquire() as connection:
        names = await connection.fetch(
            "select column_name from information_schema.columns where table_name = $1", table
        )
        columns = [f'"{name}"' for (name,) in names]
        values = [_OTHER[table].get(name, f't."{name}"') for (name,) in names]
        await connection.execute(
            f"""insert into {table} ({", ".join(columns)})
                select {", ".join(values)}
                from copied c
                join original_{table} t on t.place = c.number % {originals}
                order by c.number"""
        )


async def _index(pool: Any, definition: str) -> None:
    async with pool.acquire() as connection:
        await connection.execute("set maintenance_work_mem = '1GB'")
        await connection.execute(definition)


def _lines(column: list[str], start: int, records: list[dict[str, str]]) -> Iterator[tuple[int, str, str, int | None]]:
    """Return the lines of some new codes; `records` are those of the originals, none: the copies have no row_hash."""
    for number, code in enumerate(column[start : start + _CHUNK], start=start):
        own = mark(10_000_000 + number)
        yield number, code, own, row_hash(code, _record(records[number % len(records)], code, own)) if records else None


def _record(original: dict[str, str], code: str, mark: str) -> dict[str, str]:
    """Return what `_RECORD` makes of an original."""
    name = original["name"][:2] + mark + original["name"][7:]
    other = original | {"uscc": code, "organization_code": code[8:17], "name": name}
    other.pop("registration_number", None)
    return other
