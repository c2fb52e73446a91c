"""The registry as columns: what becomes of its readers when the database goes away in the middle."""

from __future__ import annotations

from collections.abc import Callable

import asyncpg
import duckdb
import pyarrow as pa
import pytest

from sync.errors import Retryable
from sync.store.nightly_export import View, opened
from tests.integration.nightly.conftest import Town

_MANY = "select generate_series(1, 3000000) as number"
_END = """select pg_terminate_backend(pid) from pg_stat_activity
          where query like '%generate_series%' and pid <> pg_backend_pid()"""


def _in_python(reader: pa.RecordBatchReader) -> None:
    for _ in reader:
        pass


def _in_duckdb(reader: pa.RecordBatchReader) -> None:
    with duckdb.connect() as connection:
        connection.register("numbers", reader)
        connection.execute("create table kept as from numbers")


@pytest.mark.parametrize("read_on", [_in_python, _in_duckdb])
async def test_whoever_reads_is_told_to_try_again(town: Town, read_on: Callable[[pa.RecordBatchReader], None]) -> None:
    owner = await asyncpg.connect(town.dsn)
    view = View(dsn=town.dsn, role="uscc_job", office=town.commerce, first_characters=frozenset("9"))

    async def read() -> None:
        with opened(view, {}) as session:
            reader = session.stream(_MANY)
            reader.read_next_batch()
            (ended,) = await owner.fetch(_END)
            assert ended[0]
            read_on(reader)

    with pytest.raises(Retryable, match="the database does not answer"):
        await read()
    await owner.close()
