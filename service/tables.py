"""Tables that people and offices send: CSV (also .gz and .tsv), XLSX and Parquet, row by row as texts.

The first row names the columns. No row is dropped: one with too few cells lacks those members, and cells beyond the
columns go by their place (`column_19`). A text is UTF-8 unless its bytes cannot be; then it is GB18030. A formula
counts as its stored value. What is written has text cells only, and no text in it is a formula to a spreadsheet.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple, TypeAlias

import xlsxwriter

from service.submission_files.formats import MAX_UNPACKED_BYTES
from sync.errors import SyncError

Encoding: TypeAlias = Literal["utf-8", "gb18030"]

CSV_SUFFIXES = (".csv", ".csv.gz", ".txt", ".tsv", ".tsv.gz")
_PARQUET_BATCH_ROWS = 5_000
_FORMULA = re.compile(r"[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?")


class UnreadableTable(SyncError):
    """A table cannot be read; the message says what is wrong and where.

    `code` is one of service.problems.FAULTS, or `payload-too-large`; `expected` what would have been right, for those
    who are not to be told what stands in the file.
    """

    exit_status = 2

    def __init__(self, message: str, *, code: str = "not-a-table", expected: str = "CSV, XLSX") -> None:
        super().__init__(message)
        self.code = code
        self.expected = expected


class Row(NamedTuple):
    """One row: its number among the rows from 1, its line in the file (the header is 1), and its cells by column."""

    number: int
    line: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """An opened table; `encoding` is None where the format has its own."""

    path: Path
    columns: tuple[str, ...]
    encoding: Encoding | None

    def rows(self) -> Iterator[Row]:
        """Yield the rows that hold anything; only the cells that do.

        Raises:
            UnreadableTable: the file is damaged, or holds bytes that are not of its encoding.
        """
        number = 0
        for line, cells in _lines(self.path, self.encoding):
            if line == 1 or not any(cells):
                continue
            number += 1
            yield Row(number, line, _named(self.columns, cells))


def open_table(path: Path, encoding: Encoding | None = None) -> Table:
    """Open a table by its suffix; `encoding` overrides what the bytes say.

    Raises:
        UnreadableTable: an unknown suffix, an empty file, or one that is not what its suffix says.
    """
    if path.name.lower().endswith(".xlsx"):
        _check_unpacked(path)
    if encoding is None and path.name.lower().endswith(CSV_SUFFIXES):
        encoding = detect_charset(path)
    _, header = next(_lines(path, encoding), (1, []))
    if not any(cell.strip() for cell in header):
        raise UnreadableTable(
            f"{path.name}: 首行应为列名 · the first row is empty, it should name the columns",
            expected="a first row that names the columns",
        )
    columns: list[str] = []
    for place, cell in enumerate(header, start=1):
        name = cell.strip() or f"column_{place}"
        columns.append(name if name not in columns else f"{name}_{place}")
    return Table(path, tuple(columns), encoding)


def detect_charset(path: Path, sample_bytes: int | None = None) -> Encoding:
    """Return the encoding of a text by its lines: UTF-8, unless more lines cannot be than are beyond ASCII and can.

    `sample_bytes` looks at no more than the lines that begin there; None at all of them.

    So a damaged line of a UTF-8 file is found as what it is, and does not turn its neighbours into another text.

    Raises:
        UnreadableTable: the file is empty, damaged, or UTF-16.
    """
    is_empty, good, bad, looked_at = True, 0, 0, 0
    try:
        with open_bytes(path) as stream:
            for line in stream:
                if is_empty and line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                    raise UnreadableTable(
                        f"{path.name}: 是 UTF-16，请另存为 UTF-8 · is UTF-16: save it as UTF-8",
                        code="not-encoded",
                        expected="UTF-8",
                    )
                is_empty = False
                if not line.isascii():
                    is_good = _is_utf8(line)
                    good += is_good
                    bad += not is_good
                looked_at += len(line)
                if sample_bytes is not None and looked_at >= sample_bytes:
                    break
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableTable(f"{path.name}: {told(error)}") from None
    if is_empty:
        raise UnreadableTable(f"{path.name}: 空文件 · is empty", code="no-records")
    return "gb18030" if bad > good else "utf-8"


def told(error: OSError | EOFError | zlib.error) -> str:
    """Say in both languages why a file cannot be read."""
    if isinstance(error, FileNotFoundError):
        return "没有这个文件 · there is no such file"
    if isinstance(error, EOFError | zlib.error):
        return f"文件损坏或不完整 · is damaged or ends too early: {error}"
    if isinstance(error, gzip.BadGzipFile):
        return f"不是完好的 gzip 文件 · is no sound gzip file: {error}"
    return f"不能读取 · cannot be read: {error.strerror or error}"


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _check_unpacked(path: Path) -> None:
    """Refuse a workbook that would unpack to more than 1 GiB, before it is unpacked."""
    try:
        with zipfile.ZipFile(path) as package:
            unpacked = sum(entry.file_size for entry in package.infolist())
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise UnreadableTable(f"{path.name}: 不是工作簿 · is no workbook: {error}", code="not-xlsx") from None
    if unpacked > MAX_UNPACKED_BYTES:
        raise UnreadableTable(f"{path.name}: 解压后过大 · unpacks to {unpacked:,} bytes", code="payload-too-large")


def find_columns(table: Table, wanted: Mapping[str, Sequence[str]], required: Iterable[str]) -> dict[str, str]:
    """Return which column holds what; `wanted` gives the names under which each may stand.

    Raises:
        UnreadableTable: a required column is missing.
    """
    by_name = {column.strip().lower(): column for column in reversed(table.columns)}
    found = {
        key: by_name[name.lower()]
        for key, names in wanted.items()
        for name in [next((each for each in (key, *names) if each.lower() in by_name), None)]
        if name is not None
    }
    missing = [" / ".join((key, *wanted[key])) for key in required if key not in found]
    if missing:
        raise UnreadableTable(
            f"{table.path.name}: 没有列 · there is no column {'; '.join(missing)}; "
            f"现有 · there are: {', '.join(table.columns)}",
            code="no-column",
            expected="; ".join(missing),
        )
    return found


def _named(columns: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    """Return the cells that hold anything, by column."""
    named = {column: cell for column, cell in zip(columns, cells, strict=False) if cell != ""}
    for place in range(len(columns), len(cells)):
        if cells[place] != "":
            named[f"column_{place + 1}"] = cells[place]
    return named


def _lines(path: Path, encoding: Encoding | None) -> Iterator[tuple[int, list[str]]]:
    """Yield every row with its line, the header included."""
    name = path.name.lower()
    try:
        if name.endswith(".xlsx"):
            yield from _sheet_lines(path)
        elif name.endswith((".parquet", ".pq")):
            yield from _parquet_lines(path)
        elif name.endswith(CSV_SUFFIXES):
            yield from _csv_lines(path, encoding or "utf-8")
        else:
            raise UnreadableTable(
                f"{path.name}: 无法识别的后缀 · the suffix says nothing; known are .csv, .csv.gz, .xlsx, .parquet"
            )
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableTable(f"{path.name}: {told(error)}") from error


def _sheet_lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    # Loaded for a workbook alone, as Arrow is for Parquet: together they cost more than most commands do.
    from service.validation_files.spreadsheets import UnreadableSpreadsheet, read_rows

    try:
        yield from enumerate(read_rows(path), start=1)
    except UnreadableSpreadsheet as error:
        raise UnreadableTable(f"{path.name}: {error}") from error


def _parquet_lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

    try:
        file = ParquetFile(path)
        yield 1, list(file.schema_arrow.names)
        line = 1
        for batch in file.iter_batches(batch_size=_PARQUET_BATCH_ROWS):
            for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                line += 1
                yield line, ["" if value is None else str(value) for value in values]
    except pa.ArrowInvalid as error:
        raise UnreadableTable(f"{path.name}: {error}") from error


def _csv_lines(path: Path, encoding: Encoding) -> Iterator[tuple[int, list[str]]]:
    separator = "\t" if ".tsv" in path.name.lower() else ","
    with open_bytes(path) as stream:
        reader = csv.reader(_decoded(path.name, stream, encoding), delimiter=separator)
        line = 1
        try:
            for cells in reader:
                yield line, cells
                line = reader.line_num + 1
        except csv.Error as error:
            raise UnreadableTable(f"{path.name}, 第 {reader.line_num} 行 · line {reader.line_num}: {error}") from None


def _decoded(name: str, stream: IO[bytes], encoding: Encoding) -> Iterator[str]:
    """Yield the lines of a text.

    Raises:
        UnreadableTable: names the line and the byte in it that is not of the encoding.
    """
    for number, line in enumerate(stream, start=1):
        try:
            text = line.decode(encoding)
        except UnicodeDecodeError as error:
            place = f"line {number}, byte {error.start + 1}"
            raise UnreadableTable(
                f"{name}, {place}: 不是 · not {encoding.upper()}",
                code="not-encoded",
                expected=f"{encoding.upper()} ({place})",
            ) from None
        yield text.removeprefix("\ufeff") if number == 1 else text


@contextmanager
def open_bytes(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for reading, unpacked where it is gzipped."""
    with path.open("rb") as packed:
        is_gzip = packed.read(2) == b"\x1f\x8b"
        packed.seek(0)
        if not is_gzip:
            yield packed
            return
        with gzip.GzipFile(fileobj=packed) as unpacked, io.BufferedReader(unpacked) as stream:
            yield stream


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> int:
    """Write a table of texts, CSV or XLSX by the suffix; return how many rows.

    Raises:
        UnreadableTable: the suffix is neither.
    """
    name = path.name.lower()
    if name.endswith(".xlsx"):
        return _write_sheet(path, header, rows)
    if not name.endswith(".csv"):
        raise UnreadableTable(f"{path.name}: 请写为 .csv 或 .xlsx · write .csv or .xlsx")
    # The mark at the beginning lets a spreadsheet take it for UTF-8.
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        count = 0
        for row in rows:
            writer.writerow([guarded(cell) for cell in row])
            count += 1
        return count


def _write_sheet(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> int:
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book: Any = xlsxwriter.Workbook(str(path), {**options, "strings_to_numbers": False})
    sheet = book.add_worksheet()
    text = book.add_format({"num_format": "@"})
    sheet.set_column(0, len(header) - 1, 28, text)
    sheet.freeze_panes(1, 0)
    count = 0
    for place, cell in enumerate(header):
        sheet.write_string(0, place, cell, text)
    for count, row in enumerate(rows, start=1):
        for place, cell in enumerate(row):
            if cell:
                sheet.write_string(count, place, cell, text)
            else:
                sheet.write_blank(count, place, None, text)
    book.close()
    return count


def guarded(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula; numbers with a sign stay."""
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def unguarded(text: str) -> str:
    """Return the text that `guarded` was given."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text[1:]) else text
