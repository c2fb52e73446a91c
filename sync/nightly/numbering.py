"""The numbers of a register's rows, made column by column, and those of a registry to look them up in.

A number is that of sync/row_hash.py with the status mixed in; it stands for the code, its record and its status. A
registry of six million codes takes 64 MB here.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable
from itertools import groupby
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from xxhash import xxh3_64_intdigest

from sync.nightly.registers import KEY
from sync.row_hash import COMPARED, SEPARATOR, SIGN_OF_STATUS, USUAL

Numbers = npt.NDArray[np.int64]

NONE: Final = -1
"""What stands for no number."""

_BITS: Final = 63
_STATUS_FORMS: Final = (*SIGN_OF_STATUS, "1", "2", "3")
_SIGNS: Final = np.array([*SIGN_OF_STATUS.values()] * 2 + [NONE], np.int64)


def numbers_of_rows(batch: pa.RecordBatch, *, with_status: bool) -> Numbers:
    """Return the number of each row of a register, a batch of texts; with the status mixed in where it has one.

    A row whose status is none that the registry knows has no number.
    """
    texts = pc.binary_join_element_wise(*_values(batch), SEPARATOR, null_handling="replace", null_replacement="").cast(
        pa.binary()
    )
    hashes = np.fromiter(map(xxh3_64_intdigest, texts.to_pylist()), np.uint64, batch.num_rows)
    numbers = (hashes >> 1).astype(np.int64)
    if with_status:
        places = pc.fill_null(pc.index_in(batch.column("status"), pa.array(_STATUS_FORMS)), len(_STATUS_FORMS))
        signs = _SIGNS[places.to_numpy(zero_copy_only=False)]
        numbers = np.where(signs == NONE, NONE, numbers ^ signs)
    return numbers


def _values(batch: pa.RecordBatch) -> list[pa.Array | str]:
    """Return what joins to the canonical texts: columns, and for members without one the separators between them."""
    values: list[pa.Array | str] = [batch.column(KEY)]
    for is_there, names in groupby(COMPARED, batch.schema.names.__contains__):
        if is_there:
            values.extend(_column(batch, name) for name in names)
        else:
            values.append(SEPARATOR * (len(list(names)) - 1))
    return values


def _column(batch: pa.RecordBatch, name: str) -> pa.Array:
    column = batch.column(name)
    usual = USUAL.get(name)
    return column if usual is None else pc.if_else(pc.equal(column, usual), "", column)


class NumberSet:
    """The numbers of a registry's codes, and which of them were found.

    They are evenly spread, as hashes are: a number's first bits say nearly where it stands among the others.
    """

    def __init__(self, parts: Iterable[tuple[bytes, int]]) -> None:
        """Take in some numbers at a time, eight bytes each, the first byte first, and how many codes have none."""
        held = array("q")
        self._unnumbered = 0
        for numbers, unnumbered in parts:
            held.frombytes(numbers)
            self._unnumbered += unnumbered
        if sys.byteorder == "little":
            held.byteswap()
        self._count = len(held)
        # One behind them all, so that whoever looks for a greater one comes to an end.
        held.append(2**_BITS - 1)
        self._sorted = np.frombuffer(held, np.int64)
        self._sorted[: self._count].sort()
        bits = max(1, self._count.bit_length() - 2)
        self._shift = _BITS - bits
        self._begins = np.searchsorted(self._sorted[: self._count], np.arange(2**bits, dtype=np.int64) << self._shift)
        self._found = np.zeros(self._count + 1, np.bool_)

    def __len__(self) -> int:
        """Return how many codes there are, with and without a number."""
        return self._count + self._unnumbered

    def find(self, numbers: Numbers) -> npt.NDArray[np.bool_]:
        """Return which of some numbers are there, and remember it of those that are."""
        wanted = np.maximum(numbers, 0)
        places = self._begins[wanted >> self._shift]
        behind = np.flatnonzero(self._sorted[places] < wanted)
        while len(behind):
            places[behind] += 1
            behind = behind[self._sorted[places[behind]] < wanted[behind]]
        there: npt.NDArray[np.bool_] = (self._sorted[places] == numbers) & (places < self._count)
        self._found[places[there]] = True
        return there

    @property
    def found(self) -> int:
        """How many were found; what was found twice counts once."""
        return int(np.count_nonzero(self._found))

    def left(self) -> Numbers:
        """Return the numbers that were not found, in order."""
        left: Numbers = self._sorted[: self._count][~self._found[: self._count]]
        return left
