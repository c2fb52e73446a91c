"""Sets aside what is surely equal, by one number of each record, so that only the rest is compared member by member.

The registry has stored that number with every code (sync/row_hash.py). A register with all members that the registry
has makes the same numbers; one that lacks some is compared with numbers made tonight without them; and where neither
is of use, because every value is written another way, nothing is set aside.

Source: the design's performance page: a hash at night costs as much as the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from itertools import islice
from typing import Final, Literal, TypeAlias

import duckdb
import pyarrow as pa

from sync.nightly.registers import KEY, Register, padded
from sync.nightly.sides import Bounds, connected
from sync.row_hash import COMPARED
from sync.store.nightly_numbers import Numbers
from validators.uscc import normalize

Choice: TypeAlias = Literal["stored", "without", "none"]

_CHOICES: Final[tuple[Literal["stored", "without"], ...]] = ("stored", "without")
_CODES_AT_ONCE: Final = 20_000
_BATCH_ROWS: Final = 20_000
_TRIED_ROWS: Final = 5_000
# Of the rows that are tried: with fewer that agree, the numbers are of another kind than the register's.
_ENOUGH: Final = 0.5
# Of the registry: to fetch more than that code by code takes longer than to read all of it.
_MOST_LEFT: Final = 0.2
_PLAIN: Final = re.compile(r"[0-9A-Z]+")
_COLUMNS: Final = pa.schema([(name, pa.string()) for name in (KEY, "status", *COMPARED)])


def _load() -> dict[str, str]:
    text = files("sync.nightly").joinpath("sifting.sql").read_text("utf-8")
    parts = re.split(r"^-- name: (\w+)\n", text, flags=re.MULTILINE)
    return {name: body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)}


_SQL: Final = _load()


def lacking(columns: Sequence[str]) -> tuple[str, ...]:
    """Return the members that a register has no column for."""
    return tuple(name for name in COMPARED if name not in columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sifted:
    """What is left to be compared member by member; `equal` codes are not among it."""

    register: Register
    registry: pa.RecordBatchReader
    equal: int


def choose_numbers(register: Register, registry: Numbers) -> Choice:
    """Return which numbers of the registry say most of the first rows of a register, which are read here."""
    with duckdb.connect() as connection:
        connection.register("office_reader", _reader_of(islice(register.reader, 1)))
        rows = connection.execute(_statement("some_numbers"), {"with_status": False}).fetchmany(_TRIED_ROWS)
    ours = {code: number for code, number in rows if code is not None and _PLAIN.fullmatch(code)}
    theirs = registry.numbers_of(list(ours)).read_all().to_pylist()
    for choice in _CHOICES:
        if sum(each[choice] == ours[each["uscc"]] for each in theirs) >= _ENOUGH * len(theirs):
            return choice
    return "none"


@contextmanager
def sift(
    register: Register, numbers: Numbers, *, choice: Choice, bounds: Bounds, read: Callable[[int], None]
) -> Iterator[Sifted | None]:
    """Read both sides and set aside what is surely equal. `read` hears of every batch how many rows it has.

    None where that is of no use: too much is left; or some code of the registry has two rows of the register, which
    only the comparison of everything explains.

    Raises:
        UnusableRegister: the register cannot be read to its end.
    """
    office = _Counted(padded(batch, _COLUMNS) for batch in register.reader)
    hashes = numbers.hashes(lacking=choice == "without")
    registry = _Counted(iter(hashes))
    with connected(bounds) as connection:
        connection.execute(_SQL["as_written"])
        connection.register("numbers_reader", registry.reader(hashes.schema, read))
        connection.register("office_reader", office.reader(_COLUMNS, read))
        connection.execute(_statement("sift"), {"with_status": "status" in register.columns})
        rows, codes = connection.execute(_SQL["count_sifted"]).fetchall()[0]
        equal = office.rows - rows
        if (
            codes > max(_CODES_AT_ONCE, _MOST_LEFT * registry.rows)
            or equal + _fetch(connection, numbers) != registry.rows
        ):
            yield None
            return
        left = _stream(connection, "sifted_rows")
        schema = pa.schema([(name, pa.string()) for name in (KEY, *register.columns)])
        narrow = pa.RecordBatchReader.from_batches(schema, (padded(batch, schema) for batch in left))
        here = _stream(connection, "fetched_rows")
        yield Sifted(register=Register(columns=register.columns, reader=narrow), registry=here, equal=equal)


def _statement(name: str) -> str:
    """Return a statement over the office's rows with their numbers."""
    return _SQL[name].replace("($rows)", f"({_SQL['numbered']})")


def _stream(connection: duckdb.DuckDBPyConnection, name: str) -> pa.RecordBatchReader:
    """Stream what a statement gives; streams of one comparison may be read beside each other."""
    reader = connection.cursor().sql(_SQL[name]).to_arrow_reader(_BATCH_ROWS)
    assert reader is not None, "a statement that selects has rows"
    return reader


def _reader_of(batches: Iterator[pa.RecordBatch]) -> pa.RecordBatchReader:
    return pa.RecordBatchReader.from_batches(_COLUMNS, (padded(batch, _COLUMNS) for batch in batches))


def _fetch(connection: duckdb.DuckDBPyConnection, numbers: Numbers) -> int:
    """Keep the registry's rows of the codes that are left, under whatever form the register has them; count them."""
    connection.execute(_SQL["make_fetched"])
    odd = [code for (code,) in connection.execute(_SQL["odd_codes"]).fetchall()]
    forms = sorted({normalize(code) for code in odd})
    cursor = connection.cursor().execute(_SQL["codes_left"], {"forms": forms})
    while codes := [code for (code,) in cursor.fetchmany(_CODES_AT_ONCE)]:
        for batch in numbers.rows_of(codes):
            connection.register("fetched_batch", batch)
            connection.execute(_SQL["keep_fetched"])
    (count,) = connection.execute(_SQL["count_fetched"]).fetchall()[0]
    return int(count)


class _Counted:
    """Counts the rows of a stream while they pass."""

    def __init__(self, source: Iterator[pa.RecordBatch]) -> None:
        self._source = source
        self.rows = 0

    def reader(self, schema: pa.Schema, read: Callable[[int], None]) -> pa.RecordBatchReader:
        def batches() -> Iterator[pa.RecordBatch]:
            for batch in self._source:
                self.rows += batch.num_rows
                read(batch.num_rows)
                yield batch

        return pa.RecordBatchReader.from_batches(schema, batches())
