"""Compares an office's register with the registry on one machine: DuckDB over columns, spilling beyond its memory.

Both sides are read once, as streams; what is made of their rows is said in sides.py.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any, Final

import duckdb
import pyarrow as pa

from sync.nightly.registers import Register
from sync.nightly.sides import (
    Bounds,
    Difference,
    Statement,
    Totals,
    check_register,
    connected,
    difference_of,
    office_rows,
    register_reader,
    registry_rows,
    statement,
)

_CHUNK_ROWS: Final = 5_000


class Comparing:
    """A comparison that has been made; the tables behind it live as long as its block."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, columns: tuple[str, ...], totals: Totals) -> None:
        self._connection = connection
        self.columns = columns
        self.totals = totals

    def differences(self) -> Iterator[list[Difference]]:
        """Yield everything that is not equal, by code, some thousand at a time."""
        there = statement("office_members", rows="from office")
        here = statement("registry_members", rows="from registry")
        cursor = self._connection.cursor().execute(statement("differences", there=there, here=here))
        while rows := cursor.fetchmany(_CHUNK_ROWS):
            yield [difference_of(row, self.columns) for row in rows]


@contextmanager
def compare(
    register: Register,
    registry: pa.RecordBatchReader,
    *,
    cutoff: str,
    undecided: Collection[str],
    bounds: Bounds,
    check: Callable[[int], None],
    read: Callable[[int], None],
    equal: int = 0,
) -> Iterator[Comparing]:
    """Compare a register with the registry's rows (uscc, status, receipt_id, record as JSON).

    `equal` codes were set aside on both sides because they are, and count as if they were here.
    `cutoff` is a receipt: what the registry shows by a later one is pending. `check` is called with the number of
    rows of the register before anything is compared, and may refuse it. `read` hears of every batch how many rows it
    has.

    Raises:
        UnusableRegister: the register cannot be read to its end, lacks codes, or has one twice.
    """
    with connected(bounds) as connection:
        rows, parameters = office_rows(connection, _heard(register_reader(register), read))
        connection.execute(statement("keep_office", rows=rows), parameters)
        total, without_code, repeated = _row(connection, "count_office")
        total += equal
        check_register(total, without_code, repeated, lambda: _duplicates(connection))
        check(total)
        rows, parameters = registry_rows(connection, _heard(registry, read), register.columns)
        connection.execute(statement("keep_registry", rows=rows), parameters)
        connection.execute(statement("keep_undecided"), {"codes": sorted(undecided)})
        connection.execute(statement("compare"), {"cutoff": cutoff})
        names = ("office_total", "registry_total", "different", "missing_here", "missing_there")
        found = _row(connection, "totals")
        found = (found[0] + equal, found[1] + equal, *found[2:])
        totals = Totals(**dict(zip(names, found[:5], strict=True)), pending_office=found[5], pending_registry=found[6])
        assert totals.adds_up, "both sides have the same equal codes"
        yield Comparing(connection, register.columns, totals)


def _duplicates(connection: duckdb.DuckDBPyConnection) -> list[str]:
    return [row[0] for row in connection.execute(statement("some_duplicates")).fetchall()]


def _row(connection: duckdb.DuckDBPyConnection, name: Statement) -> tuple[Any, ...]:
    row: tuple[Any, ...] = connection.execute(statement(name)).fetchall()[0]
    return row


def _heard(source: pa.RecordBatchReader, read: Callable[[int], None]) -> pa.RecordBatchReader:
    """Tell of every batch that goes by how many rows it has."""

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in source:
            read(batch.num_rows)
            yield batch

    return pa.RecordBatchReader.from_batches(source.schema, batches())
