"""Sets aside what is surely equal, by one number of each code, so that only the rest is compared member by member.

The registry has stored that number with every code (sync/row_hash.py), and the rows of a register make the same ones
where it has the members that the records have, in the same form. Where it has not, nothing is set aside.

Source: the design's performance page: a hash at night costs as much as the rest.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Final

import numpy as np
import pyarrow as pa

from sync.nightly.numbering import NumberSet, numbers_of_rows
from sync.nightly.registers import KEY, Register
from sync.nightly.sides import Bounds
from sync.store.nightly_numbers import Numbers
from validators.uscc import normalize

_CODES_AT_ONCE: Final = 20_000
_TRIED_ROWS: Final = 5_000
# Of the rows that are tried: with fewer that agree, the numbers are of another kind than the register's.
_ENOUGH: Final = 0.5
# Of the registry: to fetch more than that code by code takes longer than to read all of it.
_MOST_LEFT: Final = 0.2
_TURN_SECONDS: Final = 0.0001
_PLAIN: Final = re.compile(r"[0-9A-Z]+")
_REGISTRY: Final = pa.schema([(name, pa.string()) for name in ("uscc", "status", "receipt_id", "record")])


@dataclass(frozen=True, slots=True, kw_only=True)
class Sifted:
    """What is left to be compared member by member; `equal` codes are not among it."""

    register: Register
    registry: pa.RecordBatchReader
    equal: int


@contextmanager
def sift(
    register: Register, registry: Numbers, *, bounds: Bounds, read: Callable[[int], None]
) -> Iterator[Sifted | None]:
    """Read both sides and set aside what is surely equal. `read` hears of every batch how many rows it has.

    The register's texts need not have been checked for UTF-8: what has the number of the registry's is.
    None where that is of no use: the numbers are of another kind; too much is left; or there is something that only the
    comparison of everything explains: two rows of one code of the registry, a text that is no UTF-8.

    Raises:
        UnusableRegister: the register cannot be read to its end.
    """
    batches = _ahead(iter(register.reader))
    first = next(batches, None)
    if first is None or not _agrees(first.slice(0, _TRIED_ROWS), registry):
        yield None
        return
    known = NumberSet(_heard(registry.all(), read))
    most = max(_CODES_AT_ONCE, int(_MOST_LEFT * len(known)))
    with ExitStack() as stack:
        left = _Left(registry, register.reader.schema, bounds.folder, stack)
        equal = 0
        for batch in chain((first,), batches):
            read(batch.num_rows)
            found = known.find(numbers_of_rows(batch, with_status=registry.with_status))
            equal += int(np.count_nonzero(found))
            left.keep(batch.filter(pa.array(~found)))
            if left.rows > most or left.is_unreadable:
                break
        if left.is_unreadable or left.rows > most or equal != known.found or not left.complete(known, most):
            yield None
            return
        there, here = left.readers()
        yield Sifted(register=Register(columns=register.columns, reader=there), registry=here, equal=equal)


def _agrees(rows: pa.RecordBatch, registry: Numbers) -> bool:
    """Whether the first rows of a register come to the registry's numbers of their codes."""
    try:
        rows.validate(full=True)
    except pa.ArrowInvalid:
        return False
    numbers = numbers_of_rows(rows, with_status=registry.with_status).tolist()
    ours = dict(zip(rows.column(KEY).to_pylist(), numbers, strict=True))
    theirs = registry.of(_forms(ours)).read_all()
    pairs = zip(theirs.column("uscc").to_pylist(), theirs.column("number").to_pylist(), strict=True)
    same = sum(ours.get(code) == number for code, number in pairs)
    return bool(same >= _ENOUGH * theirs.num_rows)


def _ahead(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Read the next batch while the last one is looked at.

    Who unpacks and who reads need the interpreter for moments only; they would wait five milliseconds for it each time.
    """
    with ThreadPoolExecutor(1) as beside, _turns_of(_TURN_SECONDS):
        following = beside.submit(next, batches, None)
        while (batch := following.result()) is not None:
            following = beside.submit(next, batches, None)
            yield batch


@contextmanager
def _turns_of(seconds: float) -> Iterator[None]:
    """Let threads take the interpreter from each other so often while the block lasts."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(seconds)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


def _heard(parts: Iterator[tuple[bytes, int]], read: Callable[[int], None]) -> Iterator[tuple[bytes, int]]:
    for numbers, unnumbered in parts:
        read(len(numbers) // 8 + unnumbered)
        yield numbers, unnumbered


def _forms(codes: Iterable[str | None]) -> list[str]:
    """Return codes in the form in which the registry writes them, in order; what can be none is left out."""
    forms = {code if _PLAIN.fullmatch(code) else normalize(code) for code in codes if code}
    return sorted(filter(_PLAIN.fullmatch, forms))


class _Left:
    """What is left of both sides, in files: rows of the register, and the registry's rows of their codes."""

    def __init__(self, registry: Numbers, schema: pa.Schema, folder: Path, stack: ExitStack) -> None:
        self._registry = registry
        self._there = stack.enter_context(_spilled(folder, schema))
        self._here = stack.enter_context(_spilled(folder, _REGISTRY))
        self._wanted: list[str | None] = []
        self._numbers: list[pa.Array] = []
        self._unnumbered: set[str] = set()
        self.is_unreadable = False

    @property
    def rows(self) -> int:
        """How many rows of the register are left."""
        return self._there.rows

    def keep(self, batch: pa.RecordBatch) -> None:
        """Take in rows of the register; the registry's rows of their codes are fetched some thousand at a time."""
        if not batch.num_rows:
            return
        try:
            batch.validate(full=True)
        except pa.ArrowInvalid:
            self.is_unreadable = True
            return
        self._there.write(batch)
        self._wanted.extend(batch.column(KEY).to_pylist())
        if len(self._wanted) >= _CODES_AT_ONCE:
            self._fetch(_forms(self._wanted))
            self._wanted.clear()

    def complete(self, known: NumberSet, most: int) -> bool:
        """Fetch the codes that only the registry has; False when there are too many, or some code is here twice."""
        self._fetch(_forms(self._wanted))
        missing = len(known) - known.found - self._here.rows
        if not 0 <= missing <= most:
            return False
        if missing:
            fetched = pa.chunked_array(self._numbers, pa.int64()).to_numpy()
            others = self._registry.codes_of(np.setdiff1d(known.left(), fetched).tolist()).read_all()
            codes = sorted(set(others.column("uscc").to_pylist()) - self._unnumbered)
            for begin in range(0, len(codes), _CODES_AT_ONCE):
                self._fetch(codes[begin : begin + _CODES_AT_ONCE])
        return known.found + self._here.rows == len(known)

    def readers(self) -> tuple[pa.RecordBatchReader, pa.RecordBatchReader]:
        """Return the rows of the register and those of the registry; nothing more is taken in."""
        return self._there.reader(), self._here.reader()

    def _fetch(self, codes: Sequence[str]) -> None:
        for batch in self._registry.rows_of(codes) if codes else ():
            numbers = batch.column("number")
            self._numbers.append(numbers.drop_null())
            self._unnumbered.update(batch.filter(numbers.is_null()).column("uscc").to_pylist())
            self._here.write(batch.select(_REGISTRY.names))


class _Spilled:
    """Batches in a file."""

    def __init__(self, file: IO[bytes], schema: pa.Schema) -> None:
        self._file = file
        self._writer = pa.ipc.new_stream(file, schema)
        self.rows = 0

    def write(self, batch: pa.RecordBatch) -> None:
        self._writer.write_batch(batch)
        self.rows += batch.num_rows

    def reader(self) -> pa.RecordBatchReader:
        self._writer.close()
        self._file.seek(0)
        return pa.ipc.open_stream(self._file)


@contextmanager
def _spilled(folder: Path, schema: pa.Schema) -> Iterator[_Spilled]:
    """Make a file that is gone with its block, also when the program is killed."""
    with TemporaryFile(dir=folder) as file:
        yield _Spilled(file, schema)
