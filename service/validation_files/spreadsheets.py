"""Rows of the first sheet of an XLSX file as texts, streamed: memory does not grow with the file.

The sheet is parsed as it is unpacked; shared strings go to a temporary file and are looked up there. A formula counts
as its stored value, a date as ISO text, and a number as its decimal digits without an exponent, so that a code that
was damaged into a number still shows its zeros.

Source: ECMA-376 part 1, §18.3 (sheets), §18.4 (shared strings), §18.8 (styles).
"""

from __future__ import annotations

import mmap
import re
import tempfile
import zipfile
import zlib
from array import array
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import IO, Any, Self
from xml.parsers import expat

MAX_UNPACKED_BYTES = 1024**3

_CHUNK_BYTES = 64 * 1024
_DATE_FORMATS = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))
_DATE_CODE = re.compile(r"[ymdhs年月日]", re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')
_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a spreadsheet's day has no zone
_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


FAULTS = (
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
    KeyError,
    expat.ExpatError,
    EOFError,
    IndexError,
    ValueError,
)
"""What the library says of bytes that are no workbook, or of one that is damaged."""


class UnreadableSpreadsheet(Exception):
    """The file is no workbook that can be read; carries what is wrong."""


def read_rows(path: Path) -> Iterator[list[str]]:
    """Yield the rows of the first sheet, empty rows at their place; cells that are not there are empty texts.

    Raises:
        UnreadableSpreadsheet: no workbook, one that is damaged, or one that unpacks to more than 1 GiB.
    """
    try:
        with zipfile.ZipFile(path) as package:
            unpacked = sum(entry.file_size for entry in package.infolist())
            if unpacked > MAX_UNPACKED_BYTES:
                raise UnreadableSpreadsheet(f"解压后过大 · unpacks to {unpacked:,} bytes, more than 1 GiB")
            names = set(package.namelist())
            with _SharedStrings(package, names) as strings:
                sheet = _SheetParser(strings, _date_styles(package, names))
                with package.open(_first_sheet(package)) as part:
                    yield from sheet.rows(part)
    except FAULTS as error:
        raise UnreadableSpreadsheet(f"不是可读的工作簿 · no readable workbook: {error}") from error


def sheet_names(path: Path) -> tuple[str, ...]:
    """Return the names of the sheets of a workbook that `read_rows` has begun to read, in their order.

    Raises:
        UnreadableSpreadsheet: no workbook, or one that is damaged.
    """
    try:
        with zipfile.ZipFile(path) as package:
            return tuple(
                attributes.get("name", "")
                for element, attributes in _elements(package, "xl/workbook.xml")
                if element == "sheet"
            )
    except FAULTS as error:
        raise UnreadableSpreadsheet(f"不是可读的工作簿 · no readable workbook: {error}") from error


def _parser() -> expat.XMLParserType:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    return parser


def _refuse_doctype(*_: Any) -> None:
    raise UnreadableSpreadsheet("a workbook has no document type")


def _parse(parser: expat.XMLParserType, part: IO[bytes]) -> Iterator[None]:
    """Feed a part to a parser piece by piece."""
    while chunk := part.read(_CHUNK_BYTES):
        parser.Parse(chunk, False)
        yield
    parser.Parse(b"", True)
    yield


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _elements(package: zipfile.ZipFile, name: str) -> list[tuple[str, dict[str, str]]]:
    """Return every element of a small part with its attributes, in order."""
    found: list[tuple[str, dict[str, str]]] = []
    parser = _parser()
    parser.StartElementHandler = lambda element, attributes: found.append((_local(element), attributes))
    with package.open(name) as part:
        for _ in _parse(parser, part):
            pass
    return found


def _first_sheet(package: zipfile.ZipFile) -> str:
    """Return the name of the part that holds the first sheet."""
    sheets = [attributes for element, attributes in _elements(package, "xl/workbook.xml") if element == "sheet"]
    wanted = next(value for name, value in sheets[0].items() if _local(name) == "id")
    for element, attributes in _elements(package, "xl/_rels/workbook.xml.rels"):
        if element == "Relationship" and attributes["Id"] == wanted:
            target = attributes["Target"]
            return target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    raise UnreadableSpreadsheet("the first sheet has no part")


def _date_styles(package: zipfile.ZipFile, names: set[str]) -> frozenset[str]:
    """Return the numbers of the cell styles that show a date."""
    if "xl/styles.xml" not in names:
        return frozenset()
    custom: dict[int, str] = {}
    styles: list[int] = []
    inside = False
    for element, attributes in _elements(package, "xl/styles.xml"):
        if element == "numFmt":
            custom[int(attributes["numFmtId"])] = attributes["formatCode"]
        elif element in ("cellXfs", "cellStyles"):
            inside = element == "cellXfs"
        elif element == "xf" and inside:
            styles.append(int(attributes.get("numFmtId", "0")))
    return frozenset(
        str(style)
        for style, number in enumerate(styles)
        if (_DATE_CODE.search(_QUOTED.sub("", custom[number])) if number in custom else number in _DATE_FORMATS)
    )


class _SharedStrings:
    """The texts that cells share, in a temporary file."""

    def __init__(self, package: zipfile.ZipFile, names: set[str]) -> None:
        self._starts = array("Q", [0])
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as this object
        if "xl/sharedStrings.xml" in names:
            self._read(package)
        self._file.flush()
        self._bytes = mmap.mmap(self._file.fileno(), 0) if self._starts[-1] else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bytes is not None:
            self._bytes.close()
        self._file.close()

    def __getitem__(self, index: int) -> str:
        """Return the text with a number."""
        start, end = self._starts[index], self._starts[index + 1]
        return self._bytes[start:end].decode() if self._bytes is not None and end > start else ""

    def _read(self, package: zipfile.ZipFile) -> None:
        texts: list[str] = []
        state = {"text": False, "phonetic": False}

        def start(name: str, _attributes: dict[str, str]) -> None:
            element = _local(name)
            state["phonetic"] = state["phonetic"] or element == "rPh"
            state["text"] = element == "t" and not state["phonetic"]

        def data(text: str) -> None:
            if state["text"]:
                texts.append(text)

        def end(name: str) -> None:
            element = _local(name)
            state["text"] = False
            if element == "rPh":
                state["phonetic"] = False
            elif element == "si":
                self._starts.append(self._starts[-1] + self._file.write("".join(texts).encode()))
                texts.clear()

        parser = _parser()
        parser.StartElementHandler, parser.CharacterDataHandler, parser.EndElementHandler = start, data, end
        with package.open("xl/sharedStrings.xml") as part:
            for _ in _parse(parser, part):
                pass


class _SheetParser:
    """Turns the XML of a sheet into rows of texts."""

    def __init__(self, strings: _SharedStrings, date_styles: frozenset[str]) -> None:
        self._strings = strings
        self._date_styles = date_styles
        self._done: list[list[str]] = []
        self._row: list[str] = []
        self._row_number = 0
        self._column = 0
        self._kind = "n"
        self._is_date = False
        self._inside = False
        self._text: list[str] = []

    def rows(self, part: IO[bytes]) -> Iterator[list[str]]:
        """Yield the rows of the sheet in `part`."""
        parser = _parser()
        parser.StartElementHandler = self._start
        parser.CharacterDataHandler = self._data
        parser.EndElementHandler = self._end
        for _ in _parse(parser, part):
            yield from self._done
            self._done.clear()

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        match _local(name):
            case "row":
                number = int(attributes.get("r", self._row_number + 1))
                missing = number - self._row_number - 1
                if missing < 0 or number > 1_048_576:
                    raise UnreadableSpreadsheet(f"row {number} behind row {self._row_number}")
                self._done.extend([] for _ in range(missing))
                self._row_number = number
                self._row = []
            case "c":
                place = attributes.get("r")
                self._column = _column_of(place) if place else len(self._row)
                self._kind = attributes.get("t", "n")
                self._is_date = attributes.get("s") in self._date_styles
                self._text.clear()
            case "v" | "t":
                self._inside = True

    def _data(self, text: str) -> None:
        if self._inside:
            self._text.append(text)

    def _end(self, name: str) -> None:
        match _local(name):
            case "v" | "t":
                self._inside = False
            case "c":
                value = self._value("".join(self._text))
                self._text.clear()
                self._row.extend([""] * (self._column + 1 - len(self._row)))
                self._row[self._column] = value
            case "row":
                self._done.append(self._row)

    def _value(self, text: str) -> str:
        match self._kind:
            case "s":
                return self._strings[int(text)] if text else ""
            case "b":
                return "TRUE" if text == "1" else "FALSE"
            case "n" if text:
                return _date(text) if self._is_date else _number(text)
        return text


def _column_of(place: str) -> int:
    column = 0
    for character in place:
        if not character.isalpha():
            break
        column = column * 26 + ord(character.upper()) - 64
    if not 1 <= column <= 16_384:
        raise UnreadableSpreadsheet(f"no cell is at {place}")
    return column - 1


def _number(text: str) -> str:
    if text.isdecimal():
        return text
    try:
        return format(Decimal(text).normalize(), "f")
    except InvalidOperation:
        return text


def _date(text: str) -> str:
    try:
        instant = _EPOCH + timedelta(days=float(text))
    except (ValueError, OverflowError):
        return text
    rounded = (instant + timedelta(microseconds=500_000)).replace(microsecond=0)
    return rounded.date().isoformat() if rounded.time().isoformat() == "00:00:00" else rounded.isoformat(sep=" ")
