"""Whole columns at once: which of rules E01–E10 fire on each of many codes, as bits.

Bit i - 1 of a mask stands for rule E0i (`RULES`); 0 is a clean code. The masks equal what `uscc.inspect` finds one
by one, rule by rule, with the same context; messages, positions and repairs are asked of it for the few codes that
have any.

Two characters make one 16-bit number, and nine tables of such numbers hold what each pair of positions adds to
one sum modulo 31 * 11, to the division's number and to a count of what is unusual: nine look-ups and eight additions
a code, two more look-ups for what the sums mean. Each entry is reduced, so no sum reaches the field above it: sums
that did have called valid codes wrong. What is unusual is looked at again; codes of another length, codes that
must be normalized, and what may be a placeholder or an identity number go to the rules themselves.

A pyarrow string array goes in without a Python object a value:

    _, offsets, data = array.buffers()        # for large_string use numpy.int64
    first = array.offset
    masks = findings_mask_of_buffers(
        numpy.frombuffer(offsets, numpy.int32)[first : first + len(array) + 1],
        numpy.frombuffer(data, numpy.uint8) if data else numpy.empty(0, numpy.uint8),
        context,
    )

A null counts as an empty value there: a missing code is Q01 alone, so drop nulls and empty values first.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from validators import identity_card
from validators.authority import Authorities
from validators.check_character import ALPHABET, SUBJECT_VALUES, SUBJECT_WEIGHTS, VALUES, WEIGHTS
from validators.code_rules import DIGIT_POSITIONS, CodeContext, judge
from validators.division import Divisions
from validators.normalization import normalize

RULES: Final = ("E01", "E02", "E03", "E04", "E05", "E06", "E07", "E08", "E09", "E10")
"""The rule of each bit, lowest first."""

E01, E02, E03, E04, E05, E06, E07, E08, E09, E10 = (1 << bit for bit in range(10))

Masks = npt.NDArray[np.uint16]
_Packed = npt.NDArray[np.uint32] | npt.NDArray[np.uint64]

# The fields of a packed sum: one sum modulo 341 = 31 * 11 (by the Chinese remainder theorem it holds both), how many
# pairs are unusual, and the division as a number.
_MODULUS: Final = 341  # 12 bits: nine entries of at most 340 each
_UNUSUAL: Final = 1 << 12  # 4 bits
_CHECKED: Final = 0xFFFF  # both together
_DIVISION: Final = 16  # 16 bits within a province, 20 for the nation
_OUTSIDE: Final = 10_000

_MARK: Final = 1 << 15
"""Bit of a mask, until `_mend` has removed it: the code has something unusual in it."""

_IS_WRONG: Final = 1
_IS_STRANGE: Final = 2
"""Classes of a byte: wrong at its position; or not ASCII, or one that normalization may change."""
_BLOCK: Final = 8_192


def findings_mask(column: npt.NDArray[np.bytes_], context: CodeContext) -> Masks:
    """Return the mask of each value of a column of bytes (UTF-8), of any width.

    A column of S18 takes the shortest way; as numpy has it, NULs at the end of a value are no part of it.
    """
    width = column.dtype.itemsize
    masks = np.zeros(len(column), np.uint16)
    if width < 18:
        _ask(masks, np.arange(len(column)), (bytes(value) for value in column), context)
        return masks
    rows = np.ascontiguousarray(column).view(np.uint8).reshape(len(column), width)
    if width == 18:
        asked = _judge(rows, masks, context)
        _ask(masks, asked, (bytes(column[row]) for row in asked), context)
        return masks
    regular = (rows[:, 17] != 0) & (rows[:, 18] == 0)
    part = np.zeros(int(regular.sum()), np.uint16)
    asked = np.flatnonzero(regular)[_judge(np.ascontiguousarray(rows[regular, :18]), part, context)]
    masks[regular] = part
    asked = np.concatenate((asked, np.flatnonzero(~regular)))
    _ask(masks, asked, (bytes(column[row]) for row in asked), context)
    return masks


def findings_mask_of_buffers(
    offsets: npt.NDArray[np.integer], data: npt.NDArray[np.uint8], context: CodeContext
) -> Masks:
    """Return the masks of the values data[offsets[i]:offsets[i + 1]] (UTF-8): the layout of Arrow's string arrays."""
    starts, lengths = offsets[:-1], np.diff(offsets)
    masks = np.zeros(len(lengths), np.uint16)
    regular = lengths == 18
    if regular.all():
        rows = data[int(offsets[0]) : int(offsets[-1])].reshape(len(lengths), 18)
        asked = _judge(np.ascontiguousarray(rows), masks, context)
    else:
        where = np.flatnonzero(regular)
        asked = np.flatnonzero(~regular)
        if len(where):
            windows = np.lib.stride_tricks.sliding_window_view(data, 18)
            part = np.zeros(len(where), np.uint16)
            for first in range(0, len(where), _BLOCK):
                chunk = where[first : first + _BLOCK]
                again = _judge(windows[starts[chunk]], part[first : first + _BLOCK], context)
                asked = np.concatenate((asked, chunk[again]))
            masks[where] = part
    values = (data[int(offsets[row]) : int(offsets[row + 1])].tobytes() for row in asked)
    _ask(masks, asked, values, context)
    return masks


def from_strings(values: Iterable[str]) -> npt.NDArray[np.bytes_]:
    """Return a column of bytes (UTF-8), as wide as the longest value, from Python strings."""
    return np.array([value.encode("utf-8", "surrogatepass") for value in values], dtype=np.bytes_)


def rules_of(mask: int) -> tuple[str, ...]:
    """Return the ids of the rules of a mask, in order."""
    return tuple(rule for bit, rule in enumerate(RULES) if mask >> bit & 1)


def _ask(masks: Masks, rows: npt.NDArray[np.intp], values: Iterable[bytes], context: CodeContext) -> None:
    """Set the masks of the values that the rules themselves must judge."""
    for row, value in zip(rows.tolist(), values, strict=True):
        claimed = value.decode("utf-8", "surrogatepass")
        code = normalize(claimed)
        mask = E09 if code != claimed else 0
        for hit in judge(code, context, correct=False):
            mask |= 1 << RULES.index(hit.rule)
        masks[row] = mask


def _judge(rows: npt.NDArray[np.uint8], masks: Masks, context: CodeContext) -> npt.NDArray[np.intp]:
    """Set the masks of rows of 18 bytes, contiguous, block by block; return the rows that the rules must judge."""
    year = context.approved_on.year if context.approved_on else None
    tables = _tables(context.authorities, context.province)
    checks, divisions = _checks(), _division_masks(context.divisions, context.province, year)
    kind = tables[0].dtype.type
    pairs = rows.view("<u2")
    index = np.empty(_BLOCK, np.intp)
    packed, term = np.empty(_BLOCK, kind), np.empty(_BLOCK, kind)
    narrow = np.empty(_BLOCK, np.uint16)
    asked = [np.empty(0, np.intp)]
    for first in range(0, len(rows), _BLOCK):
        count = min(_BLOCK, len(rows) - first)
        if count < _BLOCK:
            index, packed, term, narrow = index[:count], packed[:count], term[:count], narrow[:count]
        # One column of pairs at a time stays in the cache; "wrap" spares the check of bounds that no index needs.
        index[...] = pairs[first : first + count, 0]
        tables[0].take(index, out=packed, mode="wrap")
        for pair in range(1, 9):
            index[...] = pairs[first : first + count, pair]
            tables[pair].take(index, out=term, mode="wrap")
            np.add(packed, term, out=packed)
        block = masks[first : first + count]
        index[...] = np.bitwise_and(packed, kind(_CHECKED), out=term)
        checks.take(index, out=block, mode="wrap")
        index[...] = np.right_shift(packed, kind(_DIVISION), out=term)
        divisions.take(index, out=narrow, mode="wrap")
        np.bitwise_or(block, narrow, out=block)
        unusual = np.flatnonzero(block >= _MARK)
        if len(unusual):
            mended, again = _mend(rows[first + unusual], block[unusual], context.authorities)
            block[unusual] = mended
            asked.append(first + unusual[again])
    return np.concatenate(asked)


def _mend(rows: npt.NDArray[np.uint8], masks: Masks, authorities: Authorities) -> tuple[Masks, npt.NDArray[np.bool_]]:
    """Return the masks of rows in which something is unusual, and which of them the rules must judge."""
    classes = _classes()[np.arange(18), rows]
    wrong = (classes == _IS_WRONG).any(axis=1)
    foreign = ~np.isin(rows[:, 16], np.frombuffer(b"0123456789X", np.uint8))
    masks = masks & ~np.uint16(_MARK) | np.where(foreign, E06, 0).astype(np.uint16)
    # A wrong character silences the checks, and one within the division silences E07.
    masks[wrong] = masks[wrong] & ~np.uint16(E05 | E06) | np.uint16(E02)
    masks[(classes[:, 2:8] == _IS_WRONG).any(axis=1)] &= ~np.uint16(E07)
    prefixes = rows[:, 0].astype(np.intp) + 256 * rows[:, 1].astype(np.intp)
    masks |= _prefix_masks(authorities)[prefixes]
    steps = np.diff(rows.view(np.int8), axis=1)
    run = [(np.isin(steps, step)).all(axis=1) for step in ((0,), (1, -9), (-1, 9))]
    person = np.isin(prefixes, [_number(province) for province in identity_card.PROVINCES])
    person &= (rows[:, :17] <= ord("9")).all(axis=1)
    return masks, (classes == _IS_STRANGE).any(axis=1) | run[0] | run[1] | run[2] | person


@lru_cache(maxsize=4)
def _tables(authorities: Authorities, province: str | None) -> tuple[_Packed, ...]:
    """Return the nine tables: what each pair of bytes (first + 256 × second) adds at positions 2k, 2k + 1."""
    return tuple(_table(pair, authorities, province) for pair in range(9))


def _table(pair: int, authorities: Authorities, province: str | None) -> _Packed:
    classes = _classes()[2 * pair : 2 * pair + 2]
    low, high = (np.array([_residue(2 * pair + side, byte) for byte in range(256)]) for side in (0, 1))
    table = (high[:, None] + low[None, :]) % _MODULUS
    unusual = (classes[1][:, None] != 0) | (classes[0][None, :] != 0)
    if pair == 0:
        unusual |= _prefix_masks(authorities).reshape(256, 256) != 0
    if pair == 8:
        unusual |= ~np.isin(np.arange(256), np.frombuffer(b"0123456789X", np.uint8))[None, :]
    table += unusual * _UNUSUAL
    if 1 <= pair <= 3:
        table += _division_number(pair, province) << _DIVISION
    packed: _Packed = table.reshape(65_536).astype(np.uint64 if province is None else np.uint32)
    return packed


def _division_number(pair: int, province: str | None) -> npt.NDArray[np.int64]:
    """Return what the pairs of digits at 2k, 2k + 1 (second × first) add to the number of a division.

    With a province that number is the last four digits, and 10,000 more outside it: 16 bits are enough then.
    """
    digits = np.where((np.arange(256) >= ord("0")) & (np.arange(256) <= ord("9")), np.arange(256) - ord("0"), 0)
    numbers = digits[None, :] * 10 + digits[:, None]
    if pair == 1 and province is not None:
        numbers = np.where(numbers == int(province), 0, _OUTSIDE // 10_000)
    places: npt.NDArray[np.int64] = numbers * (0, 10_000, 100, 1)[pair]
    return places


@lru_cache(maxsize=1)
def _classes() -> npt.NDArray[np.uint8]:
    """Return what each byte is at each of 18 positions: 0 fine, wrong, or strange."""
    classes = np.zeros((18, 256), np.uint8)
    for index in range(18):
        allowed = ALPHABET[:10] if index in DIGIT_POSITIONS else ALPHABET
        for byte in range(256):
            character = chr(byte)
            if byte in (0, *range(128, 256)) or character.islower() or character.isspace():
                classes[index, byte] = _IS_STRANGE
            elif character not in allowed:
                classes[index, byte] = _IS_WRONG
    return classes


@lru_cache(maxsize=4)
def _prefix_masks(authorities: Authorities) -> Masks:
    """Return E03 or E04 for each pair of bytes at the first two positions."""
    masks = np.zeros(65_536, np.uint16)
    for first in ALPHABET:
        if not authorities.known(first):
            masks[ord(first) :: 256] = E03
            continue
        for second in ALPHABET:
            if not authorities.category_known(first, second):
                masks[_number(first + second)] = E04
    return masks


def _residue(index: int, byte: int) -> int:
    """Return what a byte adds at a position (from 0) to the sum modulo 341."""
    character = chr(byte)
    if character not in VALUES:
        return 0
    modulo_31 = VALUES[character] * (1 if index == 17 else WEIGHTS[index])
    modulo_11 = 0
    if 8 <= index < 16:
        modulo_11 = SUBJECT_VALUES[character] * SUBJECT_WEIGHTS[index - 8]
    if index == 16:
        modulo_11 = max("0123456789X".find(character), 0)
    # 155 is 0 modulo 31 and 1 modulo 11; 187 is 1 modulo 31 and 0 modulo 11.
    return (187 * modulo_31 + 155 * modulo_11) % _MODULUS


def _number(pair: str) -> int:
    return ord(pair[0]) + 256 * ord(pair[1])


@lru_cache(maxsize=1)
def _checks() -> Masks:
    """Return which of E05 and E06 a sum and a count mean: one entry for each value of their 16 bits."""
    fields = np.arange(_CHECKED + 1)
    sums = fields % _UNUSUAL
    masks: Masks = ((sums % 31 != 0) * E05 + (sums % 11 != 0) * E06 + (fields >= _UNUSUAL) * _MARK).astype(np.uint16)
    return masks


@lru_cache(maxsize=4)
def _division_masks(divisions: Divisions, province: str | None, year: int | None) -> Masks:
    """Return for each number of a division whether E07 has anything to say, and whether it is unusual.

    Unusual are the numbers within runs of digits, which placeholders have, and those that end in a century, as the
    first eight digits of an identity number do.
    """
    masks = np.full(1_000_000, E07, np.uint16)
    masks[990_000:] = 0
    for code, last_year in divisions.last_years.items():
        masks[int(code)] = E07 if year is not None and year > last_year else 0
    digits = "01234567890123456789"
    runs = [digits[i : i + 6] for i in range(10)]
    for run in (*runs, *(run[::-1] for run in runs), *(digit * 6 for digit in digits[:10])):
        masks[int(run)] |= _MARK
    for century in (19, 20):
        masks[century::100] |= _MARK
    if province is None:
        return masks
    home = masks.reshape(100, 10_000)
    outside = np.bitwise_or.reduce(home & _MARK, axis=0) | np.uint16(E07)
    return np.concatenate((home[int(province)], outside))
