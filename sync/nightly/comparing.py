"""Compares an office's register with the registry on one machine: DuckDB over columns, spilling beyond its memory.

Both sides are read once, as streams; each row becomes its code, a 64-bit hash and its members. Only codes whose
hashes differ are looked at member by member.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import duckdb
import orjson
import pyarrow as pa

from sync.nightly.registers import KEY, Register, UnusableRegister, padded

Kind: TypeAlias = Literal["different", "missing_here", "missing_there", "pending"]
Progress: TypeAlias = Callable[[int], None]

_BESIDE: Final = ("status", "standing", "is_public")
# What an absent member means, so that nobody need send it.
_USUAL: Final = {"standing": "normal", "is_public": "1"}
_CHUNK_ROWS: Final = 5_000
_WIDE: Final = "".join(chr(code) for code in range(0xFF01, 0xFF5F)) + "\u3000"
_NARROW: Final = "".join(chr(code) for code in range(0x21, 0x7F)) + " "
_NOTHING: Final = "_"


def _load() -> Mapping[str, str]:
    text = files("sync.nightly").joinpath("comparing.sql").read_text("utf-8")
    parts = re.split(r"^-- name: (\w+)\n", text, flags=re.MULTILINE)
    return {name: body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)}


_SQL: Final = _load()


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What a comparison came to; each side is the sum of its parts."""

    office_total: int
    registry_total: int
    different: int
    missing_here: int
    missing_there: int
    pending_office: int
    pending_registry: int

    @property
    def equal(self) -> int:
        """How many codes are equal on both sides."""
        return self.office_total - self.different - self.missing_here - self.pending_office

    @property
    def adds_up(self) -> bool:
        """Whether the registry's side comes to the same number of equal codes."""
        return self.equal == self.registry_total - self.different - self.missing_there - self.pending_registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One code that is not equal. `fields` maps names to (office, registry), personal values as they are.

    `row` is what the office's file says of it, None where it says nothing; `receipt_id` that of the registry's
    present version.
    """

    uscc: str
    kind: Kind
    fields: dict[str, tuple[str | None, str | None]]
    row: dict[str, str] | None
    receipt_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a comparison may use: memory in MiB before it spills, a folder to spill to, threads."""

    memory_mib: int = 768
    folder: Path
    threads: int = 2


class Comparing:
    """A comparison that has been made; the tables behind it live as long as its block."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, columns: tuple[str, ...], totals: Totals) -> None:
        self._connection = connection
        self.columns = columns
        self.totals = totals

    def differences(self) -> Iterator[list[Difference]]:
        """Yield everything that is not equal, by code, some thousand at a time."""
        ordinary = [name for name in self.columns if name not in _BESIDE]
        beside = [name for name in _BESIDE if name in self.columns]
        cursor = self._connection.cursor().execute(_SQL["differences"])
        while rows := cursor.fetchmany(_CHUNK_ROWS):
            yield [_difference(row, ordinary, beside) for row in rows]


def _difference(row: tuple[Any, ...], ordinary: Sequence[str], beside: Sequence[str]) -> Difference:
    uscc, kind, there, here = row[:4]
    office = _side(row[4:7], row[7], ordinary, beside) if there else {}
    registry = _side(row[8:11], row[11], ordinary, beside) if here else {}
    fields = {
        name: (office.get(name), registry.get(name))
        for name in (*ordinary, *beside)
        if office.get(name) != registry.get(name)
    }
    own = None
    if there:
        usual = {name for name, value in _USUAL.items() if office.get(name) == registry.get(name, value) == value}
        own = {KEY: uscc} | {name: value for name, value in office.items() if value is not None and name not in usual}
    return Difference(uscc=uscc, kind=kind, fields=fields, row=own, receipt_id=row[12])


def _side(
    values: tuple[Any, ...], members: list[str | None], ordinary: Sequence[str], beside: Sequence[str]
) -> dict[str, Any]:
    given = dict(zip(_BESIDE, values, strict=True))
    return dict(zip(ordinary, members, strict=False)) | {name: given[name] for name in beside}


@contextmanager
def compare(
    register: Register,
    registry: pa.RecordBatchReader,
    *,
    cutoff: str,
    undecided: Collection[str],
    bounds: Bounds,
    check: Callable[[int], None],
    progress: Progress,
) -> Iterator[Comparing]:
    """Compare a register with the registry's rows (uscc, status, receipt_id, record as JSON).

    `cutoff` is a receipt: what the registry shows by a later one is pending. `check` is called with the number of
    rows of the register before anything is compared, and may refuse it. `progress` hears how many rows were read.

    Raises:
        UnusableRegister: the register cannot be read to its end, lacks codes, or has one twice.
    """
    ordinary = [name for name in register.columns if name not in _BESIDE]
    counted = _Counter(progress)
    with duckdb.connect(":memory:") as connection:
        connection.execute(_SQL["limit_memory"].replace("$memory", f"'{bounds.memory_mib}MiB'"))
        connection.execute("set temp_directory = $1", [str(bounds.folder)])
        connection.execute("set threads = $1", [bounds.threads])
        connection.execute("set preserve_insertion_order = false")
        connection.register("office_reader", counted.reader(_padded(register, ordinary)))
        connection.execute(_SQL["load_office"], {"wide": _WIDE, "narrow": _NARROW})
        rows, without_code, repeated = _row(connection, "count_office")
        if rows == 0:
            raise UnusableRegister("empty")
        if without_code:
            raise UnusableRegister("missing-codes", rows=without_code)
        if repeated:
            codes = [row[0] for row in connection.execute(_SQL["some_duplicates"]).fetchall()]
            raise UnusableRegister("duplicate-codes", rows=repeated, codes=codes)
        check(rows)
        connection.register("registry_reader", counted.reader(registry))
        connection.execute(
            _SQL["load_registry"],
            {
                "with_status": "status" in register.columns,
                "with_standing": "standing" in register.columns,
                "with_public": "is_public" in register.columns,
                "structure": _structure(("standing", "is_public", *ordinary, _NOTHING)),
            },
        )
        connection.execute(_SQL["load_undecided"], {"codes": sorted(undecided)})
        connection.execute(_SQL["compare"], {"cutoff": cutoff})
        names = ("office_total", "registry_total", "different", "missing_here", "missing_there")
        found = _row(connection, "totals")
        totals = Totals(**dict(zip(names, found[:5], strict=True)), pending_office=found[5], pending_registry=found[6])
        assert totals.adds_up, "both sides have the same equal codes"
        yield Comparing(connection, register.columns, totals)


def _structure(names: Sequence[str]) -> str:
    """Return the structure by which the members of a record are taken, all of them texts."""
    return orjson.dumps(dict.fromkeys(names, "VARCHAR")).decode()


def _row(connection: duckdb.DuckDBPyConnection, statement: str) -> tuple[Any, ...]:
    row: tuple[Any, ...] = connection.execute(_SQL[statement]).fetchall()[0]
    return row


def _padded(register: Register, ordinary: list[str]) -> pa.RecordBatchReader:
    """Give the register every column that the statement names, and one more, so that there is always a member."""
    schema = pa.schema([(name, pa.string()) for name in (KEY, *_BESIDE, *ordinary, _NOTHING)])

    batches = (padded(batch, schema) for batch in register.reader)
    return pa.RecordBatchReader.from_batches(schema, batches)


class _Counter:
    """Tells how many rows went by."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._rows = 0

    def reader(self, source: pa.RecordBatchReader) -> pa.RecordBatchReader:
        def counted() -> Iterator[pa.RecordBatch]:
            for batch in source:
                self._rows += batch.num_rows
                self._progress(self._rows)
                yield batch

        return pa.RecordBatchReader.from_batches(source.schema, counted())
