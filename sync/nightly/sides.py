"""Both sides of a comparison as rows: what is compared, in which form, and what a verdict on a code is made of.

Every engine runs these statements over columns, one machine over the whole and a cluster over parts; so they agree to
the last character. A row is its code, a 64-bit hash and its members; only where hashes differ are members looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import duckdb
import orjson
import pyarrow as pa

from sync.nightly.register_faults import UnusableRegister
from sync.nightly.registers import KEY, Register, padded
from sync.row_hash import USUAL
from sync.store.statements import statements

Kind: TypeAlias = Literal["different", "missing_here", "missing_there", "pending"]
Statement: TypeAlias = Literal[
    "office_rows", "registry_rows", "keep_office", "keep_registry", "office_digests", "registry_digests",
    "keep_made", "made", "keep_digests", "keep_wanted", "keep_undecided", "count_office", "some_duplicates",
    "compare", "totals", "part_verdicts", "office_members", "registry_members", "differences",
]  # fmt: skip

_BESIDE: Final = ("status", "standing", "is_public")
_WIDE: Final = "".join(chr(code) for code in range(0xFF01, 0xFF5F)) + "\u3000"
_NARROW: Final = "".join(chr(code) for code in range(0x21, 0x7F)) + " "
_NOTHING: Final = "_"
_TOLD_DUPLICATES: Final = 10
_SQL: Final = statements("sides", "sync.nightly")


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


@contextmanager
def connected(bounds: Bounds) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an empty set of tables that spills beyond its memory."""
    with duckdb.connect(":memory:") as connection:
        connection.execute(_SQL["limit_memory"].replace("$memory", f"'{bounds.memory_mib}MiB'"))
        connection.execute("set temp_directory = $1", [str(bounds.folder)])
        connection.execute("set threads = $1", [bounds.threads])
        connection.execute("set preserve_insertion_order = false")
        yield connection


def statement(name: Statement, **rows: str) -> str:
    """Return a statement; `rows` are the statements that give it its rows."""
    text = _SQL[name]
    for place, source in rows.items():
        text = text.replace(f"(${place})", f"({source})")
    return text


def office_rows(connection: duckdb.DuckDBPyConnection, reader: pa.RecordBatchReader) -> tuple[str, dict[str, Any]]:
    """Return the statement of the office's rows, and its parameters, over a reader that `register_reader` made."""
    connection.register("office_reader", reader)
    return _SQL["office_rows"], {"wide": _WIDE, "narrow": _NARROW}


def registry_rows(
    connection: duckdb.DuckDBPyConnection, reader: pa.RecordBatchReader, columns: Collection[str]
) -> tuple[str, dict[str, Any]]:
    """Return the statement of the registry's rows, and its parameters, over its export; `columns` are compared."""
    connection.register("registry_reader", reader)
    return _SQL["registry_rows"], {
        "with_status": "status" in columns,
        "with_standing": "standing" in columns,
        "with_public": "is_public" in columns,
        "structure": _structure(("standing", "is_public", *_ordinary(columns), _NOTHING)),
    }


def _ordinary(columns: Collection[str]) -> list[str]:
    """Return the columns whose value is just a text."""
    return [name for name in columns if name not in _BESIDE]


def _structure(names: Sequence[str]) -> str:
    """Return the structure by which the members of a record are taken, all of them texts."""
    return orjson.dumps(dict.fromkeys(names, "VARCHAR")).decode()


def register_reader(register: Register) -> pa.RecordBatchReader:
    """Give a register every column that the statement names, and one more, so that there is always a member."""
    names = (KEY, *_BESIDE, *_ordinary(register.columns), _NOTHING)
    schema = pa.schema([(name, pa.string()) for name in names])
    return pa.RecordBatchReader.from_batches(schema, (padded(batch, schema) for batch in register.reader))


def check_register(rows: int, without_code: int, repeated: int, some: Callable[[], list[str]]) -> None:
    """Refuse a register that has no rows, rows without a code, or codes twice, of which `some` tells some.

    Raises:
        UnusableRegister: it has.
    """
    if rows == 0:
        raise UnusableRegister("empty")
    if without_code:
        raise UnusableRegister("missing-codes", rows=without_code)
    if repeated:
        raise UnusableRegister("duplicate-codes", rows=repeated, codes=sorted(some())[:_TOLD_DUPLICATES])


def difference_of(row: Sequence[Any], columns: Collection[str]) -> Difference:
    """Return the difference that a row of the statement `differences` tells; `columns` were compared."""
    ordinary = _ordinary(columns)
    beside = [name for name in _BESIDE if name in columns]
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
        usual = {name for name, value in USUAL.items() if office.get(name) == registry.get(name, value) == value}
        own = {KEY: uscc} | {name: value for name, value in office.items() if value is not None and name not in usual}
    return Difference(uscc=uscc, kind=kind, fields=fields, row=own, receipt_id=row[12])


def _side(
    values: Sequence[Any], members: Sequence[str | None], ordinary: Sequence[str], beside: Sequence[str]
) -> dict[str, Any]:
    given = dict(zip(_BESIDE, values, strict=True))
    return dict(zip(ordinary, members, strict=False)) | {name: given[name] for name in beside}
