"""Reads an office's full register (CSV.gz, NDJSON.gz, Parquet) as columns of texts, in constant memory.

Columns bear English or short names. Whatever is wrong with the file as a whole is an UnusableRegister that says what
and where, and never repeats what stood there.
"""

from __future__ import annotations

import csv
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any, Final, Literal, TypeAlias, cast, get_args

import orjson
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet
from isal import igzip_lib, igzip_threaded

from sync.errors import SyncError
from validators.fields import ENGLISH_NAMES

Format: TypeAlias = Literal["csv.gz", "ndjson.gz", "parquet"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)
KEY: Final = "uscc"
# Columns that a snapshot has beside the record's: known, and not compared.
BESIDE: Final = frozenset(("version", "office", "business_type"))

# What fits the processor's cache is read fastest.
_BLOCK_BYTES: Final = 1024 * 1024
_HEADER_BYTES: Final = 256 * 1024
_BATCH_ROWS: Final = 50_000
_GZIP_MAGIC: Final = b"\x1f\x8b"

Code: TypeAlias = Literal[
    "not-gzip", "truncated", "damaged", "wrong-encoding", "malformed", "empty", "no-key-column", "unknown-columns",
    "repeated-columns", "different-columns", "missing-codes", "duplicate-codes", "too-few-rows",
    "older-than-last", "not-decided-yet",
]  # fmt: skip


class UnusableRegister(SyncError):
    """A register cannot be compared; `code` says why, `facts` where and how much."""

    exit_status = 1

    def __init__(self, code: Code, **facts: Any) -> None:
        told = ", ".join(f"{name} {value}" for name, value in facts.items())
        super().__init__(f"the register is unusable: {code}" + (f" ({told})" if told else ""))
        self.code = code
        self.facts = facts


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
    path: Path, form: Format, *, force: bool = False, row_groups: Sequence[int] | None = None
) -> Iterator[Register]:
    """Open a register. `force` leaves columns out that nobody knows; `row_groups` are those of a Parquet file.

    Raises:
        UnusableRegister: here, or while the reader is read.
    """
    if path.stat().st_size == 0:
        raise UnusableRegister("empty")
    with explained(path, form):
        if form == "parquet":
            yield _open_parquet(path, force, row_groups)
        else:
            with path.open("rb") as file:
                if file.read(2) != _GZIP_MAGIC:
                    raise UnusableRegister("not-gzip")
            if form == "csv.gz":
                with _unpacked(path) as stream:
                    yield _open_csv(path, stream, force)
            else:
                with _unpacked(path) as stream:
                    yield _open_ndjson(path, stream, force)


@contextmanager
def open_registers(files: Sequence[Path], form: Format, *, force: bool = False) -> Iterator[Register]:
    """Open a register that several files make up, one behind the other; what is wrong says in which file.

    Raises:
        UnusableRegister: here, or while the reader is read.
    """
    if len(files) == 1:
        with open_register(files[0], form, force=force) as register:
            yield register
        return
    columns = columns_of(files, form, force=force)
    schema = pa.schema([(name, pa.string()) for name in (KEY, *columns)])

    def chained() -> Iterator[pa.RecordBatch]:
        for path in files:
            with within(path), open_register(path, form, force=force) as register:
                for batch in register.reader:
                    yield padded(batch, schema)

    yield Register(columns=columns, reader=pa.RecordBatchReader.from_batches(schema, chained()))


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


@contextmanager
def within(path: Path | None) -> Iterator[None]:
    """Say of what is wrong with one file of several which file it is; None: it is the only one."""
    try:
        yield
    except UnusableRegister as error:
        if path is None:
            raise
        raise UnusableRegister(error.code, file=path.name, **error.facts) from None


def padded(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Give a batch the columns of a schema, null where it has none."""
    present = dict(zip(batch.schema.names, batch.columns, strict=True))
    columns = [present.get(each.name, pa.nulls(batch.num_rows, each.type)) for each in schema]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _unpacked(path: Path) -> IO[bytes]:
    """Open a gzip file; a thread of its own unpacks it ahead."""
    return cast("IO[bytes]", igzip_threaded.open(path, "rb", threads=1))  # type: ignore[no-untyped-call]


@contextmanager
def explained(path: Path, form: Format) -> Iterator[None]:
    """Turn what the libraries raise over a file's bytes into what is wrong with the file."""
    try:
        yield
    except EOFError:
        raise UnusableRegister("truncated") from None
    except (igzip_lib.IsalError, zlib.error, OSError) as error:  # type: ignore[misc]  # its stub has no base
        raise UnusableRegister("damaged", error=type(error).__name__) from None
    except pa.ArrowInvalid as error:
        raise _explain(path, form, str(error)) from None


def _explain(path: Path, form: Format, told: str) -> UnusableRegister:
    if form == "parquet":
        return UnusableRegister("truncated" if "footer" in told or "magic" in told else "damaged")
    if "UTF8" in told:
        return UnusableRegister("wrong-encoding", expected="UTF-8", **_first_undecodable(path))
    words = told.split("#", 1)
    row = words[1].split(":", 1)[0] if len(words) == 2 else ""
    return UnusableRegister("malformed", **({"row": int(row)} if row.isdigit() else {}))


def _first_undecodable(path: Path) -> dict[str, int]:
    """Find the line and byte, from 1, at which a file is no UTF-8."""
    with _unpacked(path) as stream:
        for number, line in enumerate(stream, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                return {"line": number, "byte": error.start + 1}
    return {}


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


def _open_csv(path: Path, stream: IO[bytes], force: bool) -> Register:
    with _unpacked(path) as peeked:
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
            check_utf8=True,
        ),
    )
    return _register(used, iter(reader))


def _open_parquet(path: Path, force: bool, row_groups: Sequence[int] | None) -> Register:
    file = pa_parquet.ParquetFile(path)
    used = english(file.schema_arrow.names, force=force)
    return _register(used, file.iter_batches(batch_size=_BATCH_ROWS, columns=list(used), row_groups=row_groups))


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


def _open_ndjson(path: Path, stream: IO[bytes], force: bool) -> Register:
    """Open lines of JSON objects; the columns are those of the first 10,000 lines together."""
    with _unpacked(path) as peeked:
        names: dict[str, None] = {}
        for row in _objects(islice(peeked, 10_000)):
            names.update(dict.fromkeys(row))
    if not names:
        raise UnusableRegister("empty")
    used = english(list(names), force=force)
    return _register(used, _ndjson_batches(stream, used, force))


def _objects(lines: Iterator[bytes]) -> Iterator[Mapping[str, Any]]:
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
            raise UnusableRegister("malformed", row=number) from None
        if not isinstance(row, dict):
            raise UnusableRegister("malformed", row=number)
        yield row


def _ndjson_batches(stream: Any, used: Mapping[str, str], force: bool) -> Iterator[pa.RecordBatch]:
    schema = pa.schema([(name, pa.string()) for name in used])
    rows = _objects(iter(stream))
    while chunk := list(islice(rows, _BATCH_ROWS)):
        if not force:
            late = {name for row in chunk for name in row.keys() - used.keys()}
            english([*used, *sorted(late)], force=False)
        columns = [pa.array([_text(row.get(name)) for row in chunk], pa.string()) for name in used]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else orjson.dumps(value).decode()


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
