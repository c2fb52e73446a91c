"""Draws docs/operations/scale.svg from the measured points of scale.csv: `python -m tests.scale_chart`.

Both axes are logarithmic: what costs the same for every row is a line that climbs one decade a decade.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "operations"
_SERIES = {"local": ("#1d4ed8", "单机 one machine"), "spark": ("#b45309", "Spark 各任务之和 all tasks of Spark")}
_LEFT, _TOP, _WIDTH, _HEIGHT = 70.0, 46.0, 620.0, 320.0


class Point(NamedTuple):
    """One measurement: what ran, over how many codes a side, its seconds of processor time, its memory."""

    what: str
    codes: int
    seconds: float
    peak_mib: float


def read_points() -> list[Point]:
    """Return the measured points of the page."""
    with (FOLDER / "scale.csv").open(encoding="utf-8", newline="") as opened:
        return [
            Point(row["what"], int(row["codes"]), float(row["cpu_seconds"]), float(row["peak_mib"]))
            for row in csv.DictReader(opened)
        ]


def render(points: list[Point]) -> str:
    """Return the picture."""
    drawn = [point for point in points if point.what in _SERIES]
    codes = _decades([point.codes for point in drawn])
    seconds = _decades([point.seconds for point in drawn])
    return "\n".join(_lines(drawn, codes, seconds)) + "\n"


def _decades(values: list[int] | list[float]) -> tuple[int, int]:
    return math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))


def _place(value: float, span: tuple[int, int]) -> float:
    return (math.log10(value) - span[0]) / (span[1] - span[0])


def _lines(points: list[Point], codes: tuple[int, int], seconds: tuple[int, int]) -> Iterator[str]:
    yield '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 440" role="img" aria-labelledby="title">'
    yield '<title id="title">比对所用处理器时间 · Processor seconds of a comparison by codes a side</title>'
    yield (
        "<style>text{font:12px sans-serif;fill:#334155}.t{font-weight:600;font-size:15px;fill:#0f172a}"
        ".g{stroke:#e2e8f0}.e{text-anchor:end}.m{text-anchor:middle}</style>"
    )
    yield '<rect width="720" height="440" fill="#ffffff"/>'
    yield '<text x="70" y="26" class="t">比对所用处理器秒数 · processor seconds of a comparison</text>'
    for decade in range(codes[0], codes[1] + 1):
        x = _LEFT + _WIDTH * _place(10**decade, codes)
        yield f'<path d="M{x:.1f} {_TOP}V{_TOP + _HEIGHT}" class="g"/>'
        yield f'<text x="{x:.1f}" y="{_TOP + _HEIGHT + 18}" class="m">{10**decade:,}</text>'
    for decade in range(seconds[0], seconds[1] + 1):
        y = _TOP + _HEIGHT * (1 - _place(10.0**decade, seconds))
        yield f'<path d="M{_LEFT} {y:.1f}H{_LEFT + _WIDTH}" class="g"/>'
        yield f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" class="e">{10.0**decade:g}</text>'
    yield f'<text x="{_LEFT + _WIDTH / 2}" y="{_TOP + _HEIGHT + 38}" class="m">两侧各有代码 · codes a side</text>'
    for number, (what, (colour, title)) in enumerate(_SERIES.items()):
        places = [
            (_LEFT + _WIDTH * _place(each.codes, codes), _TOP + _HEIGHT * (1 - _place(each.seconds, seconds)), each)
            for each in sorted(points, key=lambda point: point.codes)
            if each.what == what
        ]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y, _ in places)
        yield f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
        for x, y, each in places:
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>'
            yield f'<text x="{x:.1f}" y="{y + (-9 if what == "spark" else 19):.1f}" class="m">{each.seconds:g} s</text>'
        x, y = _LEFT + 16 + 240 * number, _TOP + 14
        yield f'<circle cx="{x}" cy="{y - 4}" r="4" fill="{colour}"/><text x="{x + 10}" y="{y}">{title}</text>'
    yield "</svg>"


if __name__ == "__main__":
    (FOLDER / "scale.svg").write_text(render(read_points()), "utf-8")
