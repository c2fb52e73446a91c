"""Records as rows of a table: members of the envelope and of the record side by side, named by the first row.

A row becomes one submission/1, or under a mapping one object of the office's own fields; an empty cell is an absent
member. A row that has not as many cells as there are columns says nothing reliable: it goes on as the list of its
cells, is quarantined where it is decided, and its neighbours are none the worse for it.
"""

from __future__ import annotations

import csv
import json
import re
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Final

import orjson

from service.submission_files.formats import (
    MAX_RECORD_BYTES,
    MAX_UNPACKED_BYTES,
    Charset,
    Kind,
    TooLargeFile,
    UnreadableFile,
)
from service.validation_files.spreadsheets import UnreadableSpreadsheet, read_rows
from sync.envelope import SCHEMA
from sync.mappings import ENVELOPE, OfficeMapping
from validators.fields import ENGLISH_NAMES

_MEMBERS: Final = ENVELOPE | {"schema"}
_INTEGER: Final = re.compile(r"-?[0-9]{1,18}")
# A spreadsheet's instant has no offset: it is one of the office's clock.
_CELL_INSTANT: Final = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}")
_SHANGHAI: Final = "+08:00"
_MAX_DIRECTORY_BYTES: Final = 1024 * 1024
_END_OF_DIRECTORY: Final = b"PK\x05\x06"

csv.field_size_limit(MAX_RECORD_BYTES)


def read_flat(path: Path, kind: Kind, charset: Charset, mapping: OfficeMapping | None) -> Iterator[bytes]:
    """Yield the rows of a CSV or XLSX file as messages.

    Raises:
        UnreadableFile: the bytes are not of the charset, the file is no table, or its header names nothing known.
        TooLargeFile: a workbook unpacks to more than 1 GiB, or a row is longer than a topic takes.
    """
    rows = _csv_rows(path, charset) if kind == "csv" else _sheet_rows(path)
    header = next(rows, None)
    if header is None:
        raise UnreadableFile("no-records")
    columns = _columns(header, mapping)
    for row in rows:
        cells = _fitted(row, len(columns), is_sheet=kind == "xlsx")
        if len(cells) != len(columns):
            yield orjson.dumps(cells)
        elif mapping is None:
            yield _submission(columns, cells, is_sheet=kind == "xlsx")
        else:
            yield _fields(columns, cells, mapping)


def _columns(header: Sequence[str], mapping: OfficeMapping | None) -> list[str]:
    while header and not header[-1].strip():
        header = header[:-1]
    columns = [cell.strip() or f"column_{place}" for place, cell in enumerate(header, start=1)]
    repeated = next((name for place, name in enumerate(columns) if name in columns[:place]), None)
    if repeated is not None:
        raise UnreadableFile("repeated", column=repeated)
    known = _MEMBERS | ENGLISH_NAMES.keys() if mapping is None else mapping.known
    if not known & set(columns):
        raise UnreadableFile("no-column", ", ".join(sorted(mapping.known)) if mapping is not None else "uscc, name, …")
    return columns


def _submission(columns: Sequence[str], cells: Sequence[str], *, is_sheet: bool) -> bytes:
    """Return a row as submission/1."""
    envelope: dict[str, Any] = {"schema": SCHEMA}
    record: dict[str, str] = {}
    for name, cell in zip(columns, cells, strict=True):
        if cell == "":
            continue
        if name not in _MEMBERS:
            record[name] = cell
        elif name == "office_version" and _INTEGER.fullmatch(cell):
            envelope[name] = int(cell)
        elif name == "occurred_at" and is_sheet and _CELL_INSTANT.fullmatch(cell):
            envelope[name] = cell.replace(" ", "T") + _SHANGHAI
        else:
            envelope[name] = cell
    return orjson.dumps(envelope | {"record": record})


def _fields(columns: Sequence[str], cells: Sequence[str], mapping: OfficeMapping) -> bytes:
    """Return a row as one object of the office's fields, in the encoding of its mapping."""
    fields = {name: cell for name, cell in zip(columns, cells, strict=True) if cell != ""}
    if mapping.encoding == "utf-8":
        return orjson.dumps(fields)
    return json.dumps(fields).encode(mapping.encoding)


def _fitted(cells: list[str], width: int, *, is_sheet: bool) -> list[str]:
    """Return a row without empty cells beyond the columns; a sheet leaves empty cells at the end out."""
    while len(cells) > width and cells[-1] == "":
        cells = cells[:-1]
    return cells + [""] * (width - len(cells)) if is_sheet else cells


# --- CSV ---------------------------------------------------------------------------------------------------------


def _csv_rows(path: Path, charset: Charset) -> Iterator[list[str]]:
    with path.open("rb") as file:
        reader = csv.reader(_decoded(file, charset), strict=True)
        try:
            for cells in reader:
                if any(cells):
                    yield cells
        except csv.Error as error:
            if "field limit" in str(error):
                raise TooLargeFile(f"{MAX_RECORD_BYTES} B a record") from None
            line = max(1, reader.line_num)
            raise UnreadableFile("not-csv", f"line {line}", line=line) from None


def _decoded(file: IO[bytes], charset: Charset) -> Iterator[str]:
    """Yield the lines of a text with their ends; a byte order mark before the first is dropped."""
    number = 0
    while line := file.readline(MAX_RECORD_BYTES + 2):
        number += 1
        if len(line) > MAX_RECORD_BYTES and not line.endswith(b"\n"):
            raise TooLargeFile(f"{MAX_RECORD_BYTES} B a record")
        try:
            text = line.decode(charset)
        except UnicodeDecodeError as error:
            byte = error.start + 1
            expected = f"{charset.upper()}, line {number}, byte {byte}"
            raise UnreadableFile("not-encoded", expected, line=number, byte=byte) from None
        yield text.removeprefix("\ufeff") if number == 1 else text


# --- XLSX --------------------------------------------------------------------------------------------------------


def _sheet_rows(path: Path) -> Iterator[list[str]]:
    _check_package(path)
    try:
        for cells in read_rows(path):
            if any(cells):
                yield cells
    except UnreadableSpreadsheet:
        raise UnreadableFile("not-xlsx") from None


def _check_package(path: Path) -> None:
    """Refuse a package by what its directory says, before anything is unpacked.

    What an entry unpacks to beyond that is never read. The directory itself is looked at first, because reading it
    costs memory by the entry.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 66_000))
        tail = file.read()
    end = tail.rfind(_END_OF_DIRECTORY)
    if end < 0 or len(tail) < end + 22:
        raise UnreadableFile("not-xlsx")
    if int.from_bytes(tail[end + 12 : end + 16], "little") > _MAX_DIRECTORY_BYTES:
        raise UnreadableFile("not-xlsx")
    try:
        with zipfile.ZipFile(path) as package:
            unpacked = sum(entry.file_size for entry in package.infolist())
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        raise UnreadableFile("not-xlsx") from None
    if unpacked > MAX_UNPACKED_BYTES:
        raise TooLargeFile(f"{MAX_UNPACKED_BYTES} B unpacked")
