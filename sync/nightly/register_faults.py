"""What is wrong with a register as a whole: said with what and where, and never with what stood there.

The libraries that read a register tell what they meet in ways of their own, and those that read them only a text of
it; here it becomes an UnusableRegister.
"""

from __future__ import annotations

import csv
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, Literal, TypeAlias, cast, get_args

import pyarrow as pa
from isal import igzip_lib, igzip_threaded

from sync.errors import SyncError

Format: TypeAlias = Literal["csv.gz", "ndjson.gz", "parquet"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)
_PARQUET_MAGIC: Final = b"PAR1"

Code: TypeAlias = Literal[
    "not-gzip", "truncated", "damaged", "wrong-encoding", "malformed", "empty", "no-key-column", "unknown-columns",
    "repeated-columns", "different-columns", "missing-codes", "duplicate-codes", "too-few-rows",
    "older-than-last", "not-decided-yet", "not-parquet", "not-text", "nul-characters", "gave-up",
    "nothing-in-common",
]  # fmt: skip


class UnusableRegister(SyncError):
    """A register cannot be compared; `code` says why, `facts` where and how much."""

    exit_status = 1

    def __init__(self, code: Code, **facts: Any) -> None:
        told = ", ".join(f"{name} {value}" for name, value in facts.items())
        super().__init__(f"the register is unusable: {code}" + (f" ({told})" if told else ""))
        self.code = code
        self.facts = facts


class Noted:
    """Keeps what was wrong with a register while another library read it: that library tells only a text of it."""

    def __init__(self) -> None:
        self.error: UnusableRegister | None = None

    def passing(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield the batches."""
        try:
            yield from batches
        except UnusableRegister as error:
            self.error = error
            raise


@contextmanager
def noticing() -> Iterator[Noted]:
    """Raise what was wrong with a register, whatever became of it on its way through the library that read it."""
    noted = Noted()
    try:
        yield noted
    except Exception:
        if noted.error is not None:
            raise noted.error from None
        raise


@contextmanager
def within(path: Path | None) -> Iterator[None]:
    """Say of what is wrong with one file of several which file it is; None: it is the only one."""
    try:
        yield
    except UnusableRegister as error:
        if path is None:
            raise
        raise UnusableRegister(error.code, file=path.name, **error.facts) from None


def unpacked(path: Path) -> IO[bytes]:
    """Open a gzip file; a thread of its own unpacks it ahead."""
    return cast("IO[bytes]", igzip_threaded.open(path, "rb", threads=1))  # type: ignore[no-untyped-call]


@contextmanager
def explained(path: Path, form: Format) -> Iterator[None]:
    """Turn what the libraries raise over a file's bytes into what is wrong with the file."""
    try:
        yield
    except EOFError:
        raise UnusableRegister("truncated") from None
    except pa.ArrowException as error:
        raise _explain(path, form, str(error)) from None
    except (igzip_lib.IsalError, zlib.error, OSError) as error:  # type: ignore[misc]  # its stub has no base
        raise UnusableRegister("damaged", error=type(error).__name__) from None


def explaining(path: Path, form: Format, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the batches of a file; what is wrong with it comes as an UnusableRegister."""
    with explained(path, form):
        yield from batches


def _explain(path: Path, form: Format, told: str) -> UnusableRegister:
    if form == "parquet":
        if "UTF8" in told:
            return UnusableRegister("wrong-encoding", expected="UTF-8")
        if "footer" not in told and "magic" not in told:
            return UnusableRegister("damaged")
        with path.open("rb") as file:
            return UnusableRegister("truncated" if file.read(4) == _PARQUET_MAGIC else "not-parquet")
    if "UTF8" in told:
        return UnusableRegister("wrong-encoding", expected="UTF-8", **_first_undecodable(path))
    return UnusableRegister("malformed", **_first_ragged(path))


def _first_undecodable(path: Path) -> dict[str, int]:
    """Find the line and byte, from 1, at which a file is no UTF-8."""
    with unpacked(path) as stream:
        for number, line in enumerate(stream, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                return {"line": number, "byte": error.start + 1}
    return {}


def _first_ragged(path: Path) -> dict[str, int]:
    """Find the line, from 1, on which a row of a CSV file ends that has not as many cells as the header."""
    with unpacked(path) as stream, io.TextIOWrapper(stream, "utf-8-sig", "replace", newline="") as text:
        rows = csv.reader(text)
        try:
            expected = len(next(rows, []))
            for row in rows:
                if row and len(row) != expected:
                    return {"line": rows.line_num, "cells": len(row), "expected": expected}
        except csv.Error:
            return {"line": rows.line_num}
    return {}
