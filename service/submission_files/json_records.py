"""Records as JSON: one a line, or the elements of one list. Each goes on byte for byte, whatever it holds.

A line or element that is no JSON object is a record too: it is quarantined where it is decided, and its neighbours are
none the worse for it. Only a list that does not hang together as a list is refused as a whole.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from service.submission_files.formats import MAX_RECORD_BYTES, Charset, TooLargeFile, UnreadableFile

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_BLANKS: Final = b" \t\r\n"
# A whole string, or one character of structure; a quote alone is a string that never ends.
_TOKEN: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{},"]', re.DOTALL)
_CLOSES: Final = {ord("]"): ord("["), ord("}"): ord("{")}


def read_lines(path: Path, charset: Charset) -> Iterator[bytes]:
    """Yield the lines of a file that hold anything, without their ends.

    In another charset than UTF-8 a line is turned into UTF-8; one that cannot be goes on as it is.

    Raises:
        TooLargeFile: a line is longer than a topic takes.
    """
    with path.open("rb") as file:
        first = True
        while line := file.readline(MAX_RECORD_BYTES + 2):
            if first:
                line = line.removeprefix(_BYTE_ORDER_MARK)
                first = False
            if len(line) > MAX_RECORD_BYTES and not line.endswith(b"\n"):
                raise TooLargeFile(f"{MAX_RECORD_BYTES} B a record")
            line = line.rstrip(b"\r\n")
            if line.strip(_BLANKS):
                yield line if charset == "utf-8" else _as_utf8(line, charset)


def _as_utf8(line: bytes, charset: Charset) -> bytes:
    try:
        return line.decode(charset).encode()
    except UnicodeDecodeError:
        return line


def read_list(path: Path) -> Iterator[bytes]:
    """Yield the elements of a JSON list, each as it stands in the file.

    Raises:
        UnreadableFile: there is no list, or its brackets and quotes do not match.
        TooLargeFile: an element is longer than a topic takes.
    """
    with path.open("rb") as file:
        if file.seek(0, 2) == 0:
            raise UnreadableFile("no-records")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
            yield from _elements(text)


def _elements(text: mmap.mmap) -> Iterator[bytes]:
    begin = _skip_blanks(text, len(_BYTE_ORDER_MARK) if text[:3] == _BYTE_ORDER_MARK else 0)
    if begin == len(text):
        raise UnreadableFile("no-records")
    if text[begin] != ord("["):
        raise UnreadableFile("wrong-type", "array")
    open_brackets = bytearray(b"[")
    start = begin + 1
    for match in _TOKEN.finditer(text, start):
        token = text[match.start()]
        if match.end() - match.start() > 1:
            continue
        if token == ord('"'):
            raise _not_a_list(text, match.start())
        if token == ord(","):
            if len(open_brackets) == 1:
                yield _element(text, start, match.start())
                start = match.end()
        elif token in _CLOSES:
            if open_brackets.pop() != _CLOSES[token]:
                raise _not_a_list(text, match.start())
            if not open_brackets:
                yield from _last_element(text, start, match.start(), is_first=start == begin + 1)
                if _skip_blanks(text, match.end()) != len(text):
                    raise _not_a_list(text, match.end())
                return
        else:
            open_brackets.append(token)
    raise _not_a_list(text, len(text))


def _last_element(text: mmap.mmap, start: int, end: int, *, is_first: bool) -> Iterator[bytes]:
    if not (is_first and _skip_blanks(text, start) >= end):
        yield _element(text, start, end)


def _element(text: mmap.mmap, start: int, end: int) -> bytes:
    if end - start > MAX_RECORD_BYTES:
        raise TooLargeFile(f"{MAX_RECORD_BYTES} B a record")
    element = text[start:end].strip(_BLANKS)
    if not element:
        raise _not_a_list(text, end)
    return element


def _skip_blanks(text: mmap.mmap, position: int) -> int:
    while position < len(text) and text[position] in _BLANKS:
        position += 1
    return position


def _not_a_list(text: mmap.mmap, position: int) -> UnreadableFile:
    """Say where the list ends to be one: line and byte, counted from 1."""
    line_start = text.rfind(b"\n", 0, position) + 1
    line = text[:position].count(b"\n") + 1
    byte = position - line_start + 1
    return UnreadableFile("not-json", f"line {line}, byte {byte}", line=line, byte=byte)
