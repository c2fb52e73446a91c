"""Files that a validated column is written to, by suffix: CSV, XLSX, Parquet with the columns added; NDJSON.

No text ever becomes a formula: in XLSX every text is a text cell, and in CSV a text that a spreadsheet would take for
a formula begins with an apostrophe.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv
import pyarrow.parquet as arrow_parquet
import xlsxwriter

from service.validation_files.json_lines import JsonLines
from service.validation_files.judging import ADDED_COLUMNS, Judged

SUFFIXES = (".csv", ".xlsx", ".parquet", ".ndjson")
_SHEET_ROWS = 1_000_000
_CELL_CHARACTERS = 32_767
_FORMULA_BYTES = np.isin(np.arange(256), np.frombuffer(b"=+-@\t\r", np.uint8))
_NUMBER = r"^[+-]?[0-9][0-9.,]*$"


class Sink(Protocol):
    """Takes judged batches, in order, until it is closed."""

    def write(self, batch: Any, judged: Judged) -> None:
        """Write one batch."""
        ...

    def close(self) -> None:
        """Finish the file."""
        ...


def open_sink(path: Path, suffix: str, json_lines: JsonLines) -> Sink:
    """Open a file for writing in the format of `suffix`, one of SUFFIXES."""
    match suffix:
        case ".csv":
            return CsvSink(path)
        case ".parquet":
            return ParquetSink(path)
        case ".xlsx":
            return SheetSink(path)
    return NdjsonSink(path.open("wb"), json_lines)


def _joined(batch: Any, judged: Judged) -> tuple[list[str], list[Any]]:
    """Return the input's columns and the added ones; an input's column of an added name gives way."""
    kept = [
        (name, column)
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
        if name not in ADDED_COLUMNS
    ]
    return [name for name, _ in kept] + list(ADDED_COLUMNS), [column for _, column in kept] + judged.columns


class CsvSink:
    """UTF-8 CSV; values are quoted where they must be."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: Any = None

    def write(self, batch: Any, judged: Judged) -> None:
        """Write one batch, harmless to spreadsheets."""
        names, columns = _joined(batch, judged)
        plain = [_json_texts(column) if pa.types.is_nested(column.type) else column for column in columns]
        safe = [_without_formulas(column) if column.type == pa.string() else column for column in plain]
        table = pa.record_batch(safe, names=names)
        if self._writer is None:
            options = arrow_csv.WriteOptions(quoting_style="needed")
            self._writer = arrow_csv.CSVWriter(str(self._path), table.schema, write_options=options)
        self._writer.write_batch(table)

    def close(self) -> None:
        """Finish the file."""
        if self._writer is not None:
            self._writer.close()
        else:
            self._path.touch()


def _json_texts(column: Any) -> Any:
    """Return a column of lists or structures, for which CSV has no kind, as JSON."""
    values = column.to_pylist()
    texts = [None if value is None else json.dumps(value, ensure_ascii=False, default=str) for value in values]
    return pa.array(texts, pa.string())


def _without_formulas(column: Any) -> Any:
    """Return a column of texts in which none begins like a formula; numbers with a sign stay."""
    _, offsets_buffer, data_buffer = column.buffers()
    if data_buffer is None or not len(column):
        return column
    offsets = np.frombuffer(offsets_buffer, np.int32)[column.offset : column.offset + len(column) + 1]
    starts = offsets[:-1][np.diff(offsets) > 0]
    if not len(starts) or not _FORMULA_BYTES[np.frombuffer(data_buffer, np.uint8)[starts]].any():
        return column
    dangerous = pc.and_(
        pc.match_substring_regex(column, r"^[=+\-@\t\r]"), pc.invert(pc.match_substring_regex(column, _NUMBER))
    )
    return pc.if_else(dangerous, pc.binary_join_element_wise("'", column, ""), column)


class ParquetSink:
    """Parquet, a row group a batch."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: Any = None

    def write(self, batch: Any, judged: Judged) -> None:
        """Write one batch."""
        names, columns = _joined(batch, judged)
        table = pa.record_batch(columns, names=names)
        if self._writer is None:
            self._writer = arrow_parquet.ParquetWriter(self._path, table.schema, compression="zstd")
        self._writer.write_batch(table)

    def close(self) -> None:
        """Finish the file."""
        if self._writer is None:
            self._writer = arrow_parquet.ParquetWriter(
                self._path, pa.schema([(name, pa.string()) for name in ADDED_COLUMNS])
            )
        self._writer.close()


class SheetSink:
    """XLSX of text cells; behind a million rows another sheet begins, with the same header."""

    def __init__(self, path: Path) -> None:
        self._book = xlsxwriter.Workbook(
            str(path),
            {
                "constant_memory": True,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
            },
        )
        self._sheet: Any = None
        self._row = 0

    def write(self, batch: Any, judged: Judged) -> None:
        """Write one batch."""
        names, columns = _joined(batch, judged)
        for values in zip(*(column.to_pylist() for column in columns), strict=True):
            if self._sheet is None or self._row > _SHEET_ROWS:
                self._begin(names)
            for place, value in enumerate(values):
                if isinstance(value, bool) or not isinstance(value, int | float):
                    if value is not None and value != "":
                        self._sheet.write_string(self._row, place, _fitting(str(value)))
                else:
                    self._sheet.write_number(self._row, place, value)
            self._row += 1

    def close(self) -> None:
        """Finish the file."""
        if self._sheet is None:
            self._begin(list(ADDED_COLUMNS))
        self._book.close()

    def _begin(self, names: list[str]) -> None:
        self._sheet = self._book.add_worksheet()
        for place, name in enumerate(names):
            self._sheet.write_string(0, place, name)
        self._row = 1


def _fitting(text: str) -> str:
    """Return what a cell can hold of a text; of a longer one a workbook would keep nothing."""
    return text if len(text) <= _CELL_CHARACTERS else text[: _CELL_CHARACTERS - 1] + "…"


class NdjsonSink:
    """One validation a line, as the API gives it."""

    def __init__(self, stream: IO[bytes], json_lines: JsonLines) -> None:
        self._stream = stream
        self._json_lines = json_lines

    def write(self, batch: Any, judged: Judged) -> None:  # noqa: ARG002 - a validation speaks of the code alone
        """Write one batch."""
        self._stream.writelines(self._json_lines.render(judged))

    def close(self) -> None:
        """Finish the file."""
        self._stream.close()
