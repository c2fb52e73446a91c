"""Reads an office's full register (CSV.gz, NDJSON.gz, Parquet) as columns of texts, in constant memory.

Columns bear English or short names. What is wrong with a file as a whole is said by register_faults.py.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any, Final, TypeAlias

import orjson
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from sync.nightly.register_faults import (
    FORMATS,
    Format,
    UnusableRegister,
    explained,
    explaining,
    noticing,
    unpacked,
    within,
)
from validators.fields import ENGLISH_NAMES, FIELDS

KEY: Final = "uscc"
# Columns that a snapshot has beside the record's: known, and not compared.
BESIDE: Final = frozenset(("version", "office", "business_type"))

# What fits the processor's cache is read fastest.
_BLOCK_BYTES: Final = 1024 * 1024
_HEADER_BYTES: Final = 256 * 1024
_BATCH_ROWS: Final = 50_000
_GZIP_MAGIC: Final = b"\x1f\x8b"
_JSON_TYPES: Final = {int: "number", float: "number", bool: "boolean", dict: "object", list: "array"}

# The English name of every column that is used by the name that the file gives it, and the batches of rows.
Opened: TypeAlias = tuple[dict[str, str], Iterator[pa.RecordBatch]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """An opened register: `columns` are the English names that are compared, `reader` yields them and the key.

    `reader` has the column uscc and those of `columns`, all of them texts, empty or null where a member is absent.
    """

    columns: tuple[str, ...]
    reader: pa.RecordBatchReader


def format_of(path: Path) -> Format | None:
    """Return the format that a file's name says, None where it says none."""
    return next((each for each in FORMATS if path.name.lower().endswith("." + each)), None)


def files_of(named: Path) -> tuple[Path, ...]:
    """Return the files that a register's name stands for, by name: itself, all of a folder, or all that match.

    Files of a folder that are no registers are left out; so are hidden ones.
    """
    if named.is_file():
        return (named,)
    if named.is_dir():
        return tuple(sorted(each for each in named.iterdir() if _visible(each) and format_of(each) is not None))
    if not any(mark in named.name for mark in "*?["):
        return ()
    return tuple(sorted(each for each in named.parent.glob(named.name) if _visible(each)))


def _visible(path: Path) -> bool:
    return path.is_file() and not path.name.startswith((".", "_"))


@contextmanager
def open_register(
    path: Path,
    form: Format,
    *,
    force: bool = False,
    row_groups: Sequence[int] | None = None,
    check_encoding: bool = True,
) -> Iterator[Register]:
    """Open a register. `force` leaves columns out that nobody knows; `row_groups` are those of a Parquet file.

    Without `check_encoding` the texts of a CSV file may be no UTF-8.

    Raises:
        UnusableRegister: here, or while the reader is read.
    """
    if path.stat().st_size == 0:
        raise UnusableRegister("empty")
    with ExitStack() as stack, noticing() as noted:
        with explained(path, form):
            if form == "parquet":
                used, batches = _open_parquet(path, force, row_groups)
            else:
                with path.open("rb") as file:
                    if file.read(2) != _GZIP_MAGIC:
                        raise UnusableRegister("not-gzip")
                stream = stack.enter_context(unpacked(path))
                if form == "csv.gz":
                    used, batches = _open_csv(path, stream, force, check_encoding)
                else:
                    used, batches = _open_ndjson(path, stream, force)
        yield _register(used, noted.passing(explaining(path, form, batches)))


@contextmanager
def open_registers(
    files: Sequence[Path], form: Format, *, force: bool = False, check_encoding: bool = True
) -> Iterator[Register]:
    """Open a register that several files make up, one behind the other; what is wrong says in which file.

    Without `check_encoding` the texts of CSV files may be no UTF-8.

    Raises:
        UnusableRegister: here, or while the reader is read.
    """
    if len(files) == 1:
        with open_register(files[0], form, force=force, check_encoding=check_encoding) as register:
            yield register
        return
    columns = columns_of(files, form, force=force)
    schema = pa.schema([(name, pa.string()) for name in (KEY, *columns)])

    def chained() -> Iterator[pa.RecordBatch]:
        for path in files:
            with within(path), open_register(path, form, force=force, check_encoding=check_encoding) as register:
                for batch in register.reader:
                    yield padded(batch, schema)

    with noticing() as noted:
        yield Register(columns=columns, reader=pa.RecordBatchReader.from_batches(schema, noted.passing(chained())))


def columns_of(files: Sequence[Path], form: Format, *, force: bool) -> tuple[str, ...]:
    """Return the columns of a register that several files make up.

    Raises:
        UnusableRegister: a file cannot be opened, or has other columns; lines of JSON may lack members.
    """
    found: tuple[str, ...] = ()
    for number, path in enumerate(files):
        named = None if len(files) == 1 else path
        with within(named), open_register(path, form, force=force) as register:
            if form != "ndjson.gz" and number and register.columns != found:
                raise UnusableRegister("different-columns", columns=_shown(sorted({*found} ^ {*register.columns})))
            found = tuple(sorted({*found, *register.columns}))
    return found


def padded(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Give a batch the columns of a schema, null where it has none."""
    present = dict(zip(batch.schema.names, batch.columns, strict=True))
    columns = [present.get(each.name, pa.nulls(batch.num_rows, each.type)) for each in schema]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def english(names: Sequence[str], *, force: bool) -> dict[str, str]:
    """Return the English name of each column that is used, by the name that the file gives it.

    Raises:
        UnusableRegister: the key is missing, a column twice, or one that nobody knows (renamed?) without `force`.
    """
    known = {name: ENGLISH_NAMES.get(name.strip(), name.strip()) for name in names}
    unknown = [name for name, found in known.items() if found not in ENGLISH_NAMES and found not in BESIDE]
    if KEY not in known.values():
        raise UnusableRegister("no-key-column", expected=KEY, columns=len(names), unknown=_shown(unknown))
    if unknown and not force:
        raise UnusableRegister("unknown-columns", unknown=_shown(unknown))
    used = {name: found for name, found in known.items() if found in ENGLISH_NAMES and found not in BESIDE}
    if len(set(names)) != len(names) or len(set(used.values())) != len(used):
        raise UnusableRegister("repeated-columns")
    return used


def _shown(names: Sequence[str]) -> list[str]:
    return [name[:64] for name in names[:10]]


def _open_csv(path: Path, stream: IO[bytes], force: bool, check_encoding: bool) -> Opened:
    with unpacked(path) as peeked:
        head = peeked.read(_HEADER_BYTES)
    try:
        text = head.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnusableRegister("wrong-encoding", expected="UTF-8", line=1, byte=error.start + 1) from None
    names = next(csv.reader([text.rstrip("\r")]), [])
    if not names:
        raise UnusableRegister("empty")
    used = english(names, force=force)
    reader = pa_csv.open_csv(
        stream,
        read_options=pa_csv.ReadOptions(block_size=_BLOCK_BYTES, encoding="utf8"),
        parse_options=pa_csv.ParseOptions(newlines_in_values=True),
        convert_options=pa_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            include_columns=list(used),
            strings_can_be_null=False,
            check_utf8=check_encoding,
        ),
    )
    return used, iter(reader)


def _open_parquet(path: Path, force: bool, row_groups: Sequence[int] | None) -> Opened:
    file = pa_parquet.ParquetFile(path)
    used = english(file.schema_arrow.names, force=force)
    for name, found in used.items():
        if not _is_text(file.schema_arrow.field(name).type, FIELDS[found].form):
            kind = str(file.schema_arrow.field(name).type)
            raise UnusableRegister("not-text", column=name[:64], type=kind[:64])
    return used, file.iter_batches(batch_size=_BATCH_ROWS, columns=list(used), row_groups=row_groups)


def _is_text(kind: pa.DataType, form: str) -> bool:
    """Whether a column's values have one text each: a number does not say how it was written (0711, 5.00)."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if any(test(kind) for test in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)):
        return True
    by_form = {"date": pa.types.is_date, "integer": pa.types.is_integer, "decimal": pa.types.is_decimal}
    return pa.types.is_null(kind) or (form in by_form and by_form[form](kind))


def cut_parquet(path: Path, rows: int) -> list[tuple[int, ...]]:
    """Return the row groups of a Parquet file in parts of about so many rows.

    Raises:
        UnusableRegister: the file is damaged.
    """
    parts: list[tuple[int, ...]] = []
    part: list[int] = []
    held = 0
    with explained(path, "parquet"):
        metadata = pa_parquet.ParquetFile(path).metadata
    for group in range(metadata.num_row_groups):
        part.append(group)
        held += metadata.row_group(group).num_rows
        if held >= rows:
            parts.append(tuple(part))
            part, held = [], 0
    return [*parts, tuple(part)] if part else parts


def _open_ndjson(path: Path, stream: IO[bytes], force: bool) -> Opened:
    """Open lines of JSON objects; the columns are those of the first 10,000 lines together."""
    with unpacked(path) as peeked:
        names: dict[str, None] = {}
        for _, row in _objects(islice(peeked, 10_000)):
            names.update(dict.fromkeys(row))
    if not names:
        raise UnusableRegister("empty")
    used = english(list(names), force=force)
    return used, _ndjson_batches(stream, used, force)


def _objects(lines: Iterator[bytes]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield every object with the number of its line, from 1."""
    for number, line in enumerate(lines, start=1):
        text = line.removeprefix(b"\xef\xbb\xbf").strip() if number == 1 else line.strip()
        if not text:
            continue
        try:
            row = orjson.loads(text)
        except orjson.JSONDecodeError:
            try:
                text.decode("utf-8")
            except UnicodeDecodeError as error:
                place = {"line": number, "byte": error.start + 1}
                raise UnusableRegister("wrong-encoding", expected="UTF-8", **place) from None
            raise UnusableRegister("malformed", line=number) from None
        if not isinstance(row, dict):
            raise UnusableRegister("malformed", line=number)
        yield number, row


def _ndjson_batches(stream: Any, used: Mapping[str, str], force: bool) -> Iterator[pa.RecordBatch]:
    schema = pa.schema([(name, pa.string()) for name in used])
    rows = _objects(iter(stream))
    while chunk := list(islice(rows, _BATCH_ROWS)):
        if not force:
            late = {name for _, row in chunk for name in row.keys() - used.keys()}
            english([*used, *sorted(late)], force=False)
        columns = [
            pa.array([_text(row.get(name), name, found, line) for line, row in chunk], pa.string())
            for name, found in used.items()
        ]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _text(value: Any, name: str, found: str, line: int) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and FIELDS[found].form == "integer":
        return str(value)
    raise UnusableRegister("not-text", column=name[:64], type=_JSON_TYPES[type(value)], line=line)


def _register(used: Mapping[str, str], batches: Iterator[pa.RecordBatch]) -> Register:
    columns = tuple(sorted(found for found in used.values() if found != KEY))
    places = {found: name for name, found in used.items()}
    schema = pa.schema([(name, pa.string()) for name in (KEY, *columns)])

    def ordered() -> Iterator[pa.RecordBatch]:
        for batch in batches:
            arrays = [batch.column(batch.schema.get_field_index(places[name])) for name in schema.names]
            texts = [each if each.type == pa.string() else each.cast(pa.string()) for each in arrays]
            yield pa.RecordBatch.from_arrays(texts, schema=schema)

    return Register(columns=columns, reader=pa.RecordBatchReader.from_batches(schema, ordered()))
