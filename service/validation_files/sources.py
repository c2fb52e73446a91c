"""Files of codes as batches of columns: CSV, CSV.gz, NDJSON, Parquet, XLSX, of any size in constant memory.

The format is told by the suffix, compression by the first bytes, the encoding of texts (UTF-8 or GB18030) by what
the bytes are: UTF-8 unless they cannot be. All columns of a text format are texts, exactly as they stand in the file.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal, Protocol

import orjson
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as arrow_parquet

from service.tables import UnreadableTable, detect_charset
from service.validation_files.spreadsheets import UnreadableSpreadsheet, read_rows, sheet_names
from validators import uscc

Encoding = Literal["utf-8", "gb18030"]

CODE_COLUMNS = ("uscc", "tyshxydm", "统一社会信用代码", "社会信用代码", "code", "codes", "uniscid", "aaae0027", "代码")
"""Names under which the code is looked for where no column is named, in this order."""

_BLOCK_BYTES = 1024 * 1024
_PATIENT_BLOCK_BYTES = 4 * 1024 * 1024
_SAMPLE_BYTES = 256 * 1024
_BATCH_ROWS = 20_000
_SKIPPED_SHOWN = 5
_OTHER_SEPARATORS = ",;\t|"


class UnreadableFile(Exception):
    """A file cannot be read, or the column is not there; carries what is wrong and where."""


class WrongEncoding(UnreadableFile):
    """The bytes are not the encoding that the first of them promised: read the file again under the other."""


class NeedsPatience(UnreadableFile):
    """A row crosses the border of two blocks: read the file again, patiently."""


@dataclass(slots=True, kw_only=True)
class Notes:
    """What is to be said of a file beside its codes: its encoding, lines that are no rows of it, sheets not read."""

    encoding: Encoding | None = None
    skipped: int = 0
    sheets_left: tuple[str, ...] = ()
    skipped_lines: list[str] = field(default_factory=list)

    def skip(self, line: str) -> None:
        """Count a line that is no row of the file."""
        self.skipped += 1
        if len(self.skipped_lines) < _SKIPPED_SHOWN:
            self.skipped_lines.append(line)


class Source(Protocol):
    """An opened file. `column` is the name of the column of codes, `columns` are all of them, in their order."""

    column: str
    columns: list[str]
    notes: Notes

    def batches(self) -> Iterator[Any]:
        """Yield the rows as Arrow record batches with `columns`."""
        ...

    def read_bytes(self) -> int:
        """Return how much of the file has been read."""
        ...


def open_source(path: Path, column: str | None, encoding: Encoding | None = None, *, patient: bool = False) -> Source:
    """Open a file by its suffix.

    `encoding` overrides what the first bytes say. `patient` reads a CSV file in larger blocks that a value with line
    breaks may cross: slower, and only needed by some.

    Raises:
        UnreadableFile: an unknown suffix, an empty or damaged file, or no column of codes.
    """
    name = path.name.lower()
    if not path.is_file():
        raise UnreadableFile(f"没有这个文件 · there is no file {path}")
    if name.endswith((".parquet", ".pq")):
        return ParquetSource(path, column)
    if name.endswith(".xlsx"):
        return SheetSource(path, column)
    if name.endswith((".ndjson", ".jsonl", ".ndjson.gz", ".jsonl.gz")):
        return NdjsonSource(path, column, encoding or detect_encoding(path))
    if name.endswith((".csv", ".csv.gz", ".txt", ".tsv", ".tsv.gz")):
        return CsvSource(path, column, encoding or detect_encoding(path), patient=patient)
    raise UnreadableFile(
        f"{path.name}: 无法识别的后缀 · the suffix says nothing; known are .csv, .csv.gz, .ndjson, .parquet, .xlsx"
    )


def detect_encoding(path: Path, *, whole: bool = False) -> Encoding:
    """Return the encoding of a text file by its first 256 KiB, or by the whole of it.

    Raises:
        UnreadableFile: UTF-16, or a file that is empty or damaged.
    """
    try:
        return detect_charset(path, None if whole else _SAMPLE_BYTES)
    except UnreadableTable as error:
        raise UnreadableFile(str(error)) from None


def choose_column(columns: list[str], wanted: str | None) -> str:
    """Return the column of codes: the one named, one of the usual names, or the only one there is."""
    if wanted is not None:
        if wanted in columns:
            return wanted
        raise UnreadableFile(f"没有列 · there is no column {wanted}; 现有 · there are: {', '.join(columns)}")
    named = {name.strip().lower(): name for name in reversed(columns)}
    for name in CODE_COLUMNS:
        if name in named:
            return named[name]
    if len(columns) == 1:
        return columns[0]
    raise UnreadableFile(
        "代码在哪一列？请用 --column 指明 · which column holds the codes? name it with --column; "
        f"现有 · there are: {', '.join(columns)}"
    )


def _is_gzip(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(2) == b"\x1f\x8b"


def _open_bytes(path: Path) -> IO[bytes]:
    return gzip.open(path) if _is_gzip(path) else path.open("rb")  # type: ignore[return-value]


def _texts(columns: list[str], rows: list[list[str]]) -> Any:
    """Return rows of texts as a record batch; what a row lacks is empty, what it has beyond the columns is dropped."""
    width = len(columns)
    filled = [row if len(row) == width else (row + [""] * width)[:width] for row in rows]
    arrays = [pa.array(values, pa.string()) for values in zip(*filled, strict=True)]
    return pa.record_batch(arrays, names=columns)


def _header(cells: list[str], wanted: str | None) -> tuple[list[str], bool]:
    """Return the names of the columns, and whether the cells are names at all rather than a first row of codes."""
    if wanted is None and any(uscc.is_valid(cell) for cell in cells):
        codes = [place for place, cell in enumerate(cells) if uscc.is_valid(cell)]
        return ["uscc" if place == codes[0] else f"column_{place + 1}" for place in range(len(cells))], False
    names: list[str] = []
    for place, cell in enumerate(cells):
        name = cell.strip() or f"column_{place + 1}"
        names.append(name if name not in names else f"{name}_{place + 1}")
    return names, True


class CsvSource:
    """A CSV file; the separator is a comma, or a tab where the suffix says so."""

    def __init__(self, path: Path, column: str | None, encoding: Encoding, *, patient: bool) -> None:
        self.notes = Notes(encoding=encoding)
        self._path = path
        self._patient = patient
        self._is_header_alone = False
        self._separator = "\t" if ".tsv" in path.name.lower() else ","
        self.columns, self._has_header = self._read_header(column)
        self.column = choose_column(self.columns, column)
        self._stream: Any = None

    def _read_header(self, column: str | None) -> tuple[list[str], bool]:
        with _open_bytes(self._path) as stream:
            line = stream.readline(_BLOCK_BYTES)
        text = line.decode(self.notes.encoding or "utf-8", "replace").removeprefix("\ufeff").rstrip("\r\n")
        if not text:
            raise UnreadableFile(
                f"{self._path.name}: 首行应为列名 · the first line is empty, it should name the columns"
            )
        try:
            cells = next(csv.reader([text], delimiter=self._separator))
        except csv.Error:
            raise UnreadableFile(f"{self._path.name}: 不是文本表格 · the first line is no text of a table") from None
        if len(cells) == 1 and column is None and any(other in text for other in _OTHER_SEPARATORS):
            raise UnreadableFile(
                f"{self._path.name}: 各列须以逗号分隔（.tsv 以制表符） · its columns are to be separated by commas, "
                "those of a .tsv by tabs"
            )
        self._is_header_alone = not line.endswith((b"\n", b"\r"))
        return _header(cells, column)

    def batches(self) -> Iterator[Any]:
        """Yield the rows.

        Raises:
            WrongEncoding: the bytes are not the encoding that the first of them promised.
            NeedsPatience: a row crosses the border of two blocks.
            UnreadableFile: the file is damaged.
        """
        if self._has_header and self._is_header_alone:
            return
        # As bytes, because a name may be in an encoding that is not the system's.
        self._stream = pa.OSFile(os.fsencode(self._path), "rb")
        stream = pa.CompressedInputStream(self._stream, "gzip") if _is_gzip(self._path) else self._stream
        try:
            with self._open(stream) as reader:
                yield from reader
            if self.notes.skipped and not self._patient:
                raise NeedsPatience(f"{self._path.name}: which lines are no rows is known one after the other")
        except (pa.ArrowInvalid, UnicodeDecodeError) as error:
            if "UTF8" in str(error) or isinstance(error, UnicodeDecodeError):
                raise WrongEncoding(
                    f"{self._path.name}: 既非 UTF-8 也非 GB18030 · holds bytes that are neither UTF-8 nor GB18030"
                ) from error
            if not self._patient:
                raise NeedsPatience(f"{self._path.name}: {error}") from error
            limit = f"{_PATIENT_BLOCK_BYTES // 1024 // 1024} MiB"
            if "straddling" in str(error):
                raise UnreadableFile(f"{self._path.name}: 有一行超过 {limit} · a row is longer than {limit}") from error
            raise UnreadableFile(f"{self._path.name}: {error}") from error
        except OSError as error:
            raise UnreadableFile(f"{self._path.name}: 文件损坏 · is damaged: {error}") from error
        finally:
            self._stream.close()

    def _open(self, stream: Any) -> Any:
        def skip(row: Any) -> str:
            where = f"第 {row.number} 行 · line {row.number}: " if row.number is not None else ""
            self.notes.skip(f"{where}{row.actual_columns} 列，应为 · columns, expected {row.expected_columns}")
            return "skip"

        return arrow_csv.open_csv(
            stream,
            read_options=arrow_csv.ReadOptions(
                # Read-ahead holds many blocks: with small ones only, or the memory of a large file would show it.
                use_threads=not self._patient,
                block_size=_PATIENT_BLOCK_BYTES if self._patient else _BLOCK_BYTES,
                column_names=self.columns,
                skip_rows=1 if self._has_header else 0,
                encoding="utf8" if self.notes.encoding == "utf-8" else self.notes.encoding,
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=self._separator, invalid_row_handler=skip, newlines_in_values=self._patient
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(self.columns, pa.string()), strings_can_be_null=False
            ),
        )

    def read_bytes(self) -> int:
        """Return how many bytes of the file have been read."""
        return 0 if self._stream is None or self._stream.closed else int(self._stream.tell())


class NdjsonSource:
    """One JSON object a line. The code stands in a member, or in the `record` of a submission.

    The columns are the members of the first line; a line that is no JSON object is counted and left out.
    """

    def __init__(self, path: Path, column: str | None, encoding: Encoding) -> None:
        self.notes = Notes(encoding=encoding)
        self._path = path
        self._nested = False
        self._read = 0
        first = next((row for row in self._objects() if row is not None), None)
        if first is None:
            raise UnreadableFile(f"{path.name}: 没有一行是 JSON 对象 · no line holds a JSON object")
        self.notes = Notes(encoding=encoding)
        if isinstance(first.get("record"), dict) and column not in first:
            self._nested = True
            first = _flat(first)
        self.columns = list(first)
        self.column = choose_column(self.columns, column)

    def batches(self) -> Iterator[Any]:
        """Yield the rows; whatever is no text is written as JSON."""
        rows: list[list[str]] = []
        for found in self._objects():
            if found is None:
                continue
            row = _flat(found) if self._nested else found
            rows.append([_as_text(row.get(name)) for name in self.columns])
            if len(rows) == _BATCH_ROWS:
                yield _texts(self.columns, rows)
                rows = []
        if rows:
            yield _texts(self.columns, rows)

    def read_bytes(self) -> int:
        """Return how many bytes of lines have been read."""
        return self._read

    def _objects(self) -> Iterator[dict[str, Any] | None]:
        self._read = 0
        with _open_bytes(self._path) as stream:
            for number, line in enumerate(stream, start=1):
                self._read += len(line)
                text = line.removeprefix(codecs.BOM_UTF8).strip()
                if not text:
                    continue
                found = self._parse(text)
                if found is None:
                    self.notes.skip(f"第 {number} 行 · line {number}: 不是 JSON 对象 · no JSON object")
                yield found

    def _parse(self, line: bytes) -> dict[str, Any] | None:
        try:
            found = orjson.loads(line if self.notes.encoding == "utf-8" else line.decode("gb18030"))
        except (orjson.JSONDecodeError, UnicodeDecodeError):
            return None
        return found if isinstance(found, dict) else None


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    record = row.get("record")
    return {name: value for name, value in row.items() if name != "record"} | (
        record if isinstance(record, dict) else {}
    )


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


class ParquetSource:
    """A Parquet file; its other columns keep their types."""

    def __init__(self, path: Path, column: str | None) -> None:
        self.notes = Notes()
        self._path = path
        self._read = 0
        try:
            self._file = arrow_parquet.ParquetFile(path)
        except (pa.ArrowInvalid, OSError) as error:
            raise UnreadableFile(f"{path.name}: 不是 Parquet 文件 · is no Parquet file: {error}") from error
        self.columns = list(self._file.schema_arrow.names)
        self.column = choose_column(self.columns, column)
        self._bytes_a_row = path.stat().st_size / max(1, self._file.metadata.num_rows)

    def batches(self) -> Iterator[Any]:
        """Yield the rows; the column of codes is cast to text."""
        place = self.columns.index(self.column)
        try:
            for batch in self._file.iter_batches(batch_size=_BATCH_ROWS):
                self._read += round(batch.num_rows * self._bytes_a_row)
                codes = batch.column(place)
                is_text = codes.type == pa.string()
                yield batch if is_text else batch.set_column(place, self.column, codes.cast(pa.string()))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
            raise UnreadableFile(
                f"{self._path.name}: 列 {self.column} 不是文本，或文件损坏 · "
                f"the column is no text, or the file is damaged: {error}"
            ) from error

    def read_bytes(self) -> int:
        """Return about how much of the file has been read."""
        return self._read


class SheetSource:
    """The first sheet of an XLSX file; its first row names the columns."""

    def __init__(self, path: Path, column: str | None) -> None:
        self.notes = Notes()
        self._path = path
        first = next(self._rows(), None)
        try:
            self.notes.sheets_left = sheet_names(path)[1:]
        except UnreadableSpreadsheet as error:
            raise UnreadableFile(f"{path.name}: {error}") from error
        if not first:
            raise UnreadableFile(f"{path.name}: 首行应为列名 · the first row is empty, it should name the columns")
        self.columns, self._has_header = _header(first, column)
        self.column = choose_column(self.columns, column)

    def batches(self) -> Iterator[Any]:
        """Yield the rows; rows without any cell are left out."""
        rows: list[list[str]] = []
        for number, row in enumerate(self._rows()):
            if not any(row) or (number == 0 and self._has_header):
                continue
            rows.append(row)
            if len(rows) == _BATCH_ROWS:
                yield _texts(self.columns, rows)
                rows = []
        if rows:
            yield _texts(self.columns, rows)

    def read_bytes(self) -> int:
        """Return nothing that helps: how far an archive has been unpacked is not known."""
        return 0

    def _rows(self) -> Iterator[list[str]]:
        try:
            yield from read_rows(self._path)
        except UnreadableSpreadsheet as error:
            raise UnreadableFile(f"{self._path.name}: {error}") from error
