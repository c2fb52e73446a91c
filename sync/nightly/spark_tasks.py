"""What the workers of a cluster do: each task reads, compares or looks at one part, in constant memory.

A task gets Arrow batches and gives Arrow batches; what it does with rows is said in sides.py. It may be done twice,
elsewhere and later, with the same answer: files do not change, and every session takes one exported snapshot.

Only texts, whole numbers and booleans pass between tasks: a hash that became a float would hide differences.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import duckdb
import orjson
import pyarrow as pa

from sync.nightly.register_faults import Format, UnusableRegister, within
from sync.nightly.registers import KEY, Register, open_register, padded
from sync.nightly.sides import Bounds, connected, office_rows, register_reader, registry_rows, statement
from sync.store.nightly_export import Codes, View, read_codes, read_register

DIGESTS: Final = "there boolean, uscc string, digest bigint, receipt_id string, part int, fault string"
VERDICTS: Final = (
    "uscc string, kind string, there boolean, here boolean, office_part int, registry_part int, totals array<bigint>"
)
OFFICE_MEMBERS: Final = "uscc string, status string, standing string, is_public string, members array<string>"
REGISTRY_MEMBERS: Final = OFFICE_MEMBERS.replace("is_public string,", "is_public string, receipt_id string,")
# Beside the kinds of a verdict: what a task counted, and codes that it met twice.
TOTALS: Final = "totals"
TWICE: Final = "twice"

_BATCH_ROWS: Final = 50_000
_DIGESTS: Final = pa.schema(
    [
        ("there", pa.bool_()), ("uscc", pa.string()), ("digest", pa.int64()), ("receipt_id", pa.string()),
        ("part", pa.int32()), ("fault", pa.string()),
    ]
)  # fmt: skip
_VERDICTS: Final = pa.schema(
    [
        ("uscc", pa.string()), ("kind", pa.string()), ("there", pa.bool_()), ("here", pa.bool_()),
        ("office_part", pa.int32()), ("registry_part", pa.int32()), ("totals", pa.list_(pa.int64())),
    ]
)  # fmt: skip
_REGISTRY: Final = pa.schema([(name, pa.string()) for name in ("uscc", "status", "receipt_id", "record")])


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePart:
    """A part of the register: a file, or some row groups of one."""

    file: Path
    row_groups: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What every task of a comparison knows.

    `alone` says that the register is one file, whose faults then need no name. `folder` gives the folder to spill to
    on the machine that the task runs on.
    """

    form: Format
    force: bool
    alone: bool
    columns: tuple[str, ...]
    files: tuple[FilePart, ...]
    view: View
    codes: tuple[Codes, ...] = ()
    cutoff: str
    undecided: tuple[str, ...]
    memory_mib: int
    folder: Callable[[], str]

    @contextmanager
    def tables(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open tables of one task's own."""
        with TemporaryDirectory(dir=self.folder()) as folder:
            bounds = Bounds(memory_mib=self.memory_mib, folder=Path(folder), threads=1)
            with connected(bounds) as connection:
                yield connection

    @contextmanager
    def opened(self, part: FilePart) -> Iterator[Register]:
        """Open a part of the register, with all the columns that the register has."""
        schema = pa.schema([(name, pa.string()) for name in (KEY, *self.columns)])
        with (
            within(None if self.alone else part.file),
            open_register(part.file, self.form, force=self.force, row_groups=part.row_groups) as register,
        ):
            batches = (padded(batch, schema) for batch in register.reader)
            yield Register(columns=self.columns, reader=pa.RecordBatchReader.from_batches(schema, batches))


def digest_register(work: Work, numbers: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Read parts of the register: each row becomes its code and a hash; what is wrong with a file becomes a fault."""
    for number in _numbers(numbers):
        try:
            with work.tables() as connection, work.opened(work.files[number]) as register:
                rows, parameters = office_rows(connection, register_reader(register))
                for batch in _made(connection, statement("office_digests", rows=rows), parameters):
                    yield _digests(batch, there=True, part=number)
        except UnusableRegister as error:
            fault = orjson.dumps([error.code, error.facts]).decode()
            yield pa.RecordBatch.from_pylist([{"there": True, "part": number, "fault": fault}], schema=_DIGESTS)


def digest_registry(work: Work, numbers: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Read parts of the registry: each row becomes its code, a hash and the receipt that it stands by."""
    for number in _numbers(numbers):
        with work.tables() as connection, read_register(work.view, work.codes[number]) as registry:
            rows, parameters = registry_rows(connection, registry, work.columns)
            for batch in _made(connection, statement("registry_digests", rows=rows), parameters):
                yield _digests(batch, there=False, part=number)


def compare_digests(work: Work, digests: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Compare all digests of some codes: yield what is not equal, and what was counted."""
    with work.tables() as connection:
        connection.register("digests_reader", pa.RecordBatchReader.from_batches(_DIGESTS, digests))
        connection.execute(statement("keep_digests"))
        connection.execute(statement("keep_undecided"), {"codes": list(work.undecided)})
        (counted,) = connection.execute(statement("count_office")).fetchall()
        twice = [row[0] for row in connection.execute(statement("some_duplicates")).fetchall()]
        connection.execute(statement("compare"), {"cutoff": work.cutoff})
        (totals,) = connection.execute(statement("totals")).fetchall()
        rows: list[dict[str, Any]] = [{"uscc": code, "kind": TWICE} for code in twice]
        rows.append({"kind": TOTALS, "totals": [*totals, *counted]})
        yield pa.RecordBatch.from_pylist(rows, schema=_VERDICTS)
        for batch in connection.sql(statement("part_verdicts")).to_arrow_reader(_BATCH_ROWS):
            yield padded(batch, _VERDICTS)


def look_at_register(work: Work, wanted: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Read parts of the register again for the members of some codes (uscc, part)."""
    for number, codes in _by_part(wanted):
        with work.tables() as connection, work.opened(work.files[number]) as register:
            connection.execute(statement("keep_wanted"), {"codes": codes})
            rows, parameters = office_rows(connection, register_reader(register))
            yield from _made(connection, statement("office_members", rows=rows), parameters)


def look_at_registry(work: Work, wanted: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Ask the registry again for the members of some codes (uscc, part)."""
    for _, codes in _by_part(wanted):
        with work.tables() as connection:
            connection.execute(statement("keep_wanted"), {"codes": codes})
            reader = pa.RecordBatchReader.from_batches(_REGISTRY, read_codes(work.view, codes))
            rows, parameters = registry_rows(connection, reader, work.columns)
            yield from _made(connection, statement("registry_members", rows=rows), parameters)


def _made(connection: duckdb.DuckDBPyConnection, rows: str, parameters: dict[str, Any]) -> Iterator[pa.RecordBatch]:
    """Run a statement to its end, beyond memory if need be, and yield its rows."""
    connection.execute(statement("keep_made", rows=rows), parameters)
    yield from connection.sql(statement("made")).to_arrow_reader(_BATCH_ROWS)


def _numbers(batches: Iterable[pa.RecordBatch]) -> Iterator[int]:
    for batch in batches:
        yield from batch.column(0).to_pylist()


def _by_part(batches: Iterable[pa.RecordBatch]) -> list[tuple[int, list[str]]]:
    found: dict[int, list[str]] = defaultdict(list)
    for batch in batches:
        for code, part in zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True):
            found[part].append(code)
    return sorted(found.items())


def _digests(batch: pa.RecordBatch, *, there: bool, part: int) -> pa.RecordBatch:
    length = batch.num_rows
    present = dict(zip(batch.schema.names, batch.columns, strict=True))
    columns = [
        pa.repeat(pa.scalar(there), length),
        present["uscc"],
        present["digest"],
        present.get("receipt_id", pa.nulls(length, pa.string())),
        pa.repeat(pa.scalar(part, pa.int32()), length),
        pa.nulls(length, pa.string()),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=_DIGESTS)
