"""While the database works on a statement the program works too, and neither loses what the other has to say."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from sync.errors import Rejected
from sync.store.connection import Pool, meanwhile, writing


async def test_the_database_has_the_statement_while_the_block_runs(pool: Pool) -> None:
    async with writing(pool) as connection:
        async with meanwhile(connection.execute("create temporary table seen as select clock_timestamp() as at")):
            ended_at = _stand_still(0.5)
        ran_at = await connection.fetchval("select at from seen")

    assert ran_at < ended_at


def _stand_still(seconds: float) -> datetime:
    """Let no loop turn, as nothing turns while a batch is rendered; return when that was over."""
    time.sleep(seconds)
    return datetime.now(UTC)


async def test_an_error_of_the_statement_ends_the_transaction(pool: Pool) -> None:
    done: list[str] = []

    with pytest.raises(Rejected):
        await _fail_meanwhile(pool, done)

    assert ["block"] == done
    async with writing(pool) as connection:
        assert await connection.fetchval("select to_regclass('made_before')") is None


async def test_a_block_that_fails_leaves_no_statement_behind(pool: Pool) -> None:
    with pytest.raises(LookupError):
        async with writing(pool) as connection, meanwhile(connection.execute("select pg_sleep(0.2)")):
            raise LookupError("the block")

    async with writing(pool) as connection:
        assert 1 == await connection.fetchval("select 1")


async def _fail_meanwhile(pool: Pool, done: list[str]) -> None:
    async with writing(pool) as connection:
        await connection.execute("create table made_before (id integer)")
        async with meanwhile(connection.execute("select 1/0")):
            done.append("block")
        done.append("behind it")
