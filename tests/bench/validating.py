"""Validation: a column of codes against a loop in C, one code against python-stdnum, a file against pyarrow."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
from pyarrow import csv

from tests.bench.codes import Codes, codes, spoilt
from tests.bench.figures import ROOT, Figure, Skipped, alone, of_pairs, paired, scaled, seconds
from validators import uscc
from validators.bulk import findings_mask
from validators.check_character import ALPHABET, SUBJECT_VALUES
from validators.uscc import CodeContext

_COLUMN_CODES = 2_000_000
_SINGLE_CODES = 20_000
_FILE_CODES = 10_000_000
_COPY = """
import sys
from pyarrow import csv
with csv.open_csv(sys.argv[1]) as source, csv.CSVWriter(sys.argv[2], source.schema) as sink:
    for batch in source:
        sink.write_batch(batch)
"""


def column(_wanted: frozenset[str]) -> Iterator[Figure]:
    """validate.column: nanoseconds a code on one core, array in, masks out."""
    gcc = shutil.which("gcc")
    if gcc is None:
        raise Skipped("gcc is not installed")
    size = scaled(_COLUMN_CODES)
    rows = spoilt(codes(size))
    context = CodeContext(province="21")
    with TemporaryDirectory() as folder:
        loop = _Loop(gcc, Path(folder), rows)
        both = loop.masks()
        bits = findings_mask(rows, context)
        # Both look at the same: what the loop calls wrong, E02, E05 or E06 is on.
        assert not np.any((both != 0) & (bits == 0)), "the loop finds what findings_mask does not"
        yield paired(
            "validate.column",
            lambda: seconds(lambda: findings_mask(rows, context)) / size * 1e9,
            lambda: seconds(loop.masks) / size * 1e9,
            unit="ns/code",
            records=size,
            bar="<= 3",
            rounds=7,
        )


class _Loop:
    """column.c, compiled now."""

    def __init__(self, gcc: str, folder: Path, rows: Codes) -> None:
        library = folder / "column.so"
        source = Path(__file__).with_name("column.c")
        subprocess.run([gcc, "-O3", "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
        self._judge = ctypes.CDLL(str(library)).judge
        self._rows = rows
        self._masks = np.zeros(len(rows), np.uint8)
        self._values = np.full(256, 0x80, np.uint8)
        self._subject_values = np.full(256, 0, np.uint8)
        for value, character in enumerate(ALPHABET):
            self._values[ord(character)] = value
        for character, value in SUBJECT_VALUES.items():
            self._subject_values[ord(character)] = value

    def masks(self) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
        """Judge every code once more."""
        arrays = (self._rows, self._values, self._subject_values, self._masks)
        rows, values, subject_values, masks = (ctypes.c_void_p(array.ctypes.data) for array in arrays)
        self._judge(rows, ctypes.c_size_t(len(self._rows)), values, subject_values, masks)
        return self._masks


def single(_wanted: frozenset[str]) -> Iterator[Figure]:
    """validate.single: microseconds a code, one after another."""
    try:
        from stdnum.cn import uscc as stdnum
    except ImportError:
        raise Skipped("python-stdnum is not installed") from None
    texts = [code.decode() for code in codes(scaled(_SINGLE_CODES)).tolist()]
    size = len(texts)

    def ours() -> None:
        for text in texts:
            uscc.parse(text)

    def theirs() -> None:
        for text in texts:
            assert stdnum.is_valid(text)

    yield paired(
        "validate.single",
        lambda: seconds(ours) / size * 1e6,
        lambda: seconds(theirs) / size * 1e6,
        unit="us/code",
        records=size,
        bar="<= 0.15",
    )


def file(_wanted: frozenset[str]) -> Iterator[Figure]:
    """validate.file: the whole command over a CSV, and its peak memory; the start of both processes counts."""
    size = scaled(_FILE_CODES)
    with TemporaryDirectory() as name:
        source, checked, copied = (Path(name) / each for each in ("codes.csv", "checked.csv", "copied.csv"))
        _write(source, size)
        command = [sys.executable, "-m", "service", "validate", "--file", str(source), "--output", str(checked)]
        copy = [sys.executable, "-c", _COPY, str(source), str(copied)]
        pairs, peaks = [], []
        for _ in range(3):
            took, peak = _run(command)
            peaks.append(peak)
            pairs.append((took, _run(copy)[0]))
    yield of_pairs("validate.file", pairs, unit="s", records=size, bar="<= 3")
    yield alone("validate.file.memory", peaks, unit="MiB", records=size, bar="<= 300")


def _write(path: Path, size: int) -> None:
    """Write a CSV of codes, part by part, with the shares that real registers have.

    One in ten is of a division that is abolished, unknown or elsewhere; two in ten thousand fail a check.
    """
    part = min(size, 500_000)
    schema = pa.schema([("uscc", pa.string())])
    with csv.CSVWriter(str(path), schema) as sink:
        for number in range(-(-size // part)):
            rows = codes(min(part, size - number * part), seed=number, strange=0.1)
            np.random.default_rng(number).shuffle(rows)
            rows = spoilt(rows, 0.0002, seed=number)
            sink.write_table(pa.table({"uscc": pa.array(rows.tolist(), pa.binary()).cast(pa.string())}))


def _run(command: list[str]) -> tuple[float, float]:
    """Run a command to its end; return its seconds and the peak of its memory in MiB."""
    peak = 0.0

    def work() -> None:
        nonlocal peak
        child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        assert child.stderr is not None
        said = child.stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode not in (0, 1):
            raise RuntimeError(f"{command}: status {child.returncode}: {said.decode('utf-8', 'replace')[-500:]}")
        peak = usage.ru_maxrss / 1024

    return seconds(work), peak
