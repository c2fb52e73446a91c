"""What a figure is: two things measured side by side in one run, alternating; medians, and how far the pairs spread."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import orjson

ROOT = Path(__file__).resolve().parents[2]


class Skipped(Exception):
    """A figure cannot be measured here; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line. `ratio` is the median of the pairs' ratios, `spread` the least and the greatest of them.

    A figure without a baseline stands by itself: its ratio is that to the bar, if the bar is a number of its unit.
    """

    name: str
    ours: float
    baseline: float | None
    unit: str
    ratio: float | None
    spread: tuple[float, float]
    records: int
    bar: str

    def line(self) -> bytes:
        """Return the figure as a line of JSON, with the commit that it was measured on."""
        shown = {name: _rounded(value) for name, value in asdict(self).items()}
        return orjson.dumps(shown | {"commit": commit()}, option=orjson.OPT_APPEND_NEWLINE)


def _rounded(value: object) -> object:
    """Round to four significant digits: no more are true on a shared machine."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, tuple):
        return [_rounded(each) for each in value]
    return value


@lru_cache(maxsize=1)
def commit() -> str:
    """Return the commit of the checkout, with a plus behind it where files differ from it."""
    try:
        git = ["git", "-C", str(ROOT)]
        head = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True)
        changed = subprocess.run([*git, "status", "--porcelain", "-uno"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head.stdout.strip() + ("+" if changed.stdout else "")


def scaled(records: int, *, least: int = 1_000) -> int:
    """Return a size times BENCH_SCALE (default 1), but at least `least`."""
    return max(least, int(records * float(os.environ.get("BENCH_SCALE", "1"))))


def paired(
    name: str,
    ours: Callable[[], float],
    baseline: Callable[[], float],
    *,
    unit: str,
    records: int,
    bar: str,
    rounds: int = 5,
) -> Figure:
    """Measure both in turn, each first in every other round. Both return their measure in `unit`."""
    pairs: list[tuple[float, float]] = []
    for number in range(rounds):
        if number % 2 == 0:
            mine = ours()
            pairs.append((mine, baseline()))
        else:
            theirs = baseline()
            pairs.append((ours(), theirs))
    return of_pairs(name, pairs, unit=unit, records=records, bar=bar)


def of_pairs(name: str, pairs: Sequence[tuple[float, float]], *, unit: str, records: int, bar: str) -> Figure:
    """Return the figure of measurements that were taken in pairs."""
    ratios = [mine / theirs for mine, theirs in pairs]
    return Figure(
        name=name,
        ours=statistics.median(mine for mine, _ in pairs),
        baseline=statistics.median(theirs for _, theirs in pairs),
        unit=unit,
        ratio=statistics.median(ratios),
        spread=(min(ratios), max(ratios)),
        records=records,
        bar=bar,
    )


def alone(name: str, measured: Sequence[float], *, unit: str, records: int, bar: str) -> Figure:
    """Return the figure of something that has only a bar; `spread` is of the measurements themselves."""
    return Figure(
        name=name,
        ours=statistics.median(measured),
        baseline=None,
        unit=unit,
        ratio=None,
        spread=(min(measured), max(measured)),
        records=records,
        bar=bar,
    )


def seconds(work: Callable[[], object]) -> float:
    """Return how long a piece of work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
