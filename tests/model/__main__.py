"""`python -m tests.model FIRST COUNT [DSN]`: feed the seeds from FIRST on; print each disagreement, made small.

With the address of a PostgreSQL the whole way of a batch is gone, without one the judge alone decides.
"""

import asyncio
import itertools
import json
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from random import Random

import asyncpg

from sync.store.connection import INGEST, open_pool, writing
from sync.store.migrate import ShippedCode, enter_nonconforming, migrate
from tests.model.differential import cut, differences, open_program
from tests.model.feed import Feed, Item
from tests.model.pure import PureProgram
from tests.services import database_of
from validators.exceptions import SHIPPED

_numbers = itertools.count(1)


@asynccontextmanager
async def fresh(cluster: str, template: str) -> AsyncIterator[str]:
    """Give an empty migrated database."""
    name = f"model_{os.getpid()}_{next(_numbers)}"
    connection = await asyncpg.connect(cluster)
    await connection.execute(f"create database {name} template {template}")
    try:
        yield database_of(cluster, name)
    finally:
        await connection.execute(f"drop database {name} with (force)")
        await connection.close()


async def make_template(dsn: str) -> None:
    """Migrate a database and enter the shipped exceptions, as `uscc migrate` does."""
    await migrate(dsn)
    pool = await open_pool(dsn, role=None, limits=INGEST, size=1, name="model-template")
    try:
        async with writing(pool) as connection:
            shipped = [ShippedCode(code.uscc, code.evidence, code.listed_by) for code in SHIPPED.values()]
            await enter_nonconforming(connection, shipped, entered_by="shipped")
    finally:
        await pool.close()


async def run(cluster: str | None, template: str, feed: Feed, batches: Sequence[Sequence[Item]]) -> list[str]:
    """Run batches of a feed; a feed of offices that count their versions is the judge's alone."""
    if cluster is None or feed.order != "occurred_at":
        return await differences(PureProgram(feed.order), batches, feed.segments, feed.order)
    async with fresh(cluster, template) as dsn, open_program(dsn) as program:
        return await differences(program, batches, feed.segments)


async def shrink(cluster: str | None, template: str, feed: Feed, batches: list[list[Item]]) -> list[list[Item]]:
    """Leave out records while anything still differs."""
    one_by_one = [[item] for batch in batches for item in batch]
    if await run(cluster, template, feed, one_by_one):
        batches = one_by_one
    again = True
    while again:
        again = False
        for place in reversed(range(sum(len(batch) for batch in batches))):
            fewer = _without(batches, place)
            if fewer and await run(cluster, template, feed, fewer):
                batches, again = fewer, True
    return batches


def _without(batches: list[list[Item]], place: int) -> list[list[Item]]:
    kept, seen = [], 0
    for batch in batches:
        rest = [item for number, item in enumerate(batch, start=seen) if number != place]
        seen += len(batch)
        kept += [rest] if rest else []
    return kept


def show(batches: Sequence[Sequence[Item]]) -> str:
    """Return a feed as text, a line a record."""
    return "\n  --\n".join(
        "\n".join(f"  {item.number:2} {item.office[:3]} {_line(item)}" for item in b) for b in batches
    )


def _line(item: Item) -> str:
    if item.order is not None:
        return str(item.order)
    if isinstance(item.message, bytes):
        return repr(item.message[:60])
    message = dict(item.message)
    record = message.pop("record", None)
    at = str(message.pop("occurred_at", ""))
    head = f"{message.pop('operation', '')} {message.pop('message_id', '')} @{at[5:]}"
    rest = {name: value for name, value in message.items() if value != "submission/1"}
    return f"{head} {json.dumps(record, ensure_ascii=False)} {json.dumps(rest, ensure_ascii=False) if rest else ''}"


@asynccontextmanager
async def templated(cluster: str) -> AsyncIterator[str]:
    """Give the name of a migrated database that others are made of."""
    template = f"model_template_{os.getpid()}"
    connection = await asyncpg.connect(cluster)
    await connection.execute(f"create database {template}")
    try:
        await make_template(database_of(cluster, template))
        yield template
    finally:
        await connection.execute(f"drop database {template} with (force)")
        await connection.close()


async def examine(seed: int, cluster: str | None, template: str) -> bool:
    """Run one seed; say what differs, in a feed made small."""
    feed = Feed(seed)
    batches = cut(feed.items, Random(seed))
    told = await run(cluster, template, feed, batches)
    if told:
        small = await shrink(cluster, template, feed, batches)
        told = await run(cluster, template, feed, small)
        print(f"=== seed {seed} by {feed.order} {feed.segments or ''}\n{show(small)}\n" + "\n".join(told), flush=True)
    return not told


async def main(first: int, count: int, cluster: str | None) -> int:
    async with templated(cluster) if cluster is not None else nullcontext("") as template:
        wrong = [seed for seed in range(first, first + count) if not await examine(seed, cluster, template)]
    print(f"{count} feeds from seed {first}: {len(wrong)} judged differently {wrong}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    arguments = sys.argv[1:]
    sys.exit(asyncio.run(main(int(arguments[0]), int(arguments[1]), arguments[2] if len(arguments) > 2 else None)))
