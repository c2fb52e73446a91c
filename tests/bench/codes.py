"""Codes by the million: generated with a seed, valid but for a share that is spoilt."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from service.demo.words import districts
from validators.check_character import ALPHABET, SUBJECT_VALUES, SUBJECT_WEIGHTS, VALUES, WEIGHTS

_LETTERS = np.frombuffer(ALPHABET.encode(), np.uint8)
_SUBJECT_CHECKS = np.frombuffer(b"0123456789X", np.uint8)
_SECOND = ALPHABET.encode().index(b"M")

Codes = npt.NDArray[np.bytes_]


def codes(count: int, seed: int = 1, *, strange: float = 0.0) -> Codes:
    """Return `count` distinct valid codes of commerce, as S18; their subject codes begin with `M`.

    They are of Liaoning, but for the share `strange`, which is of divisions elsewhere or unknown (rule E07).
    """
    random = np.random.default_rng(seed)
    divisions = np.array([district.code.encode() for district in districts()], dtype="S6")
    elsewhere = np.array([f"{number}01".encode() for number in range(2110, 4410, 23)], dtype="S6")
    rows = np.empty((count, 18), np.uint8)
    rows[:, 0] = ord("9")
    rows[:, 1] = random.choice(np.frombuffer(b"1123", np.uint8), count)
    rows[:, 2:8] = random.choice(divisions, count).view(np.uint8).reshape(count, 6)
    rows[: int(count * strange), 2:8] = np.resize(elsewhere, int(count * strange)).view(np.uint8).reshape(-1, 6)
    # A stride that is coprime to the space gives every number once.
    space = 31**7
    numbers = (np.arange(count, dtype=np.int64) + int(random.integers(space))) * 1_299_709 % space
    rows[:, 8] = _LETTERS[_SECOND]
    for place in range(9, 16):
        numbers, digit = np.divmod(numbers, 31)
        rows[:, place] = _LETTERS[digit]
    rows[:, 16] = _SUBJECT_CHECKS[-_sum(rows[:, 8:16], SUBJECT_WEIGHTS, _values(SUBJECT_VALUES)) % 11]
    rows[:, 17] = _LETTERS[-_sum(rows[:, :17], WEIGHTS, _values(VALUES)) % 31]
    return rows.view("S18").reshape(count)


def spoilt(column: Codes, share: float = 0.02, seed: int = 2) -> Codes:
    """Return a copy in which a share of the codes has another character somewhere."""
    random = np.random.default_rng(seed)
    rows = column.copy()
    cells = rows.view(np.uint8).reshape(len(rows), 18)
    which = random.choice(len(rows), int(len(rows) * share), replace=False)
    cells[which, random.integers(0, 18, len(which))] = random.choice(_LETTERS, len(which))
    return rows


def _values(values: Mapping[str, int]) -> npt.NDArray[np.int64]:
    table = np.zeros(256, np.int64)
    for character, value in values.items():
        table[ord(character)] = value
    return table


def _sum(rows: npt.NDArray[np.uint8], weights: tuple[int, ...], values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.asarray(values[rows] @ np.array(weights, np.int64))
