"""The report of a night: one HTML file that needs nothing else, in Chinese and English, with its pictures inside."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, StrictUndefined, Template

from sync.nightly.quality import figures
from sync.nightly.statement import BATCH_STATES
from sync.offices import Offices
from sync.store import nightly, nightly_quality
from sync.store.connection import JOB, Pool, reading

TREND_DAYS: Final = 30
_LINES: Final = (
    ("accepted", "入库", "#2f7d4f"),
    ("unchanged", "未变", "#8fb8a0"),
    ("superseded", "补录", "#4a78b5"),
    ("rejected", "退回", "#c0392b"),
    ("held", "待核", "#e0a030"),
    ("quarantined", "隔离", "#6b4c8a"),
)
_MOST_DIVISIONS: Final = 40


@dataclass(frozen=True, slots=True)
class Bar:
    """A piece of a horizontal bar: its place and length in per cent of the whole, what it stands for."""

    x: float
    width: float
    colour: str
    title: str


def bars(statement: Mapping[str, Any]) -> list[Bar]:
    """Return the dispositions of a statement as one bar; none where nothing came."""
    total = sum(statement[name] for name, _, _ in _LINES)
    pieces = []
    place = 0.0
    for name, zh, colour in _LINES:
        width = 100 * statement[name] / total if total else 0.0
        if width:
            pieces.append(Bar(round(place, 3), round(width, 3), colour, f"{zh} {name} {statement[name]:,}"))
        place += width
    return pieces


def line(values: Sequence[int], *, width: float = 600, height: float = 80) -> str:
    """Return the points of a line through values, as an SVG polyline takes them."""
    top = max(values, default=0) or 1
    step = width / max(1, len(values) - 1)
    return " ".join(
        f"{round(place * step, 2)},{round(height - height * value / top, 2)}" for place, value in enumerate(values)
    )


def render(
    *,
    day: date,
    titles: Mapping[str, tuple[str, str]],
    statements: Mapping[str, Mapping[str, Any]],
    trend: Sequence[Mapping[str, Any]],
    quality: Sequence[Mapping[str, Any]],
) -> str:
    """Return the page; `titles` are the offices' (zh, en), `quality` the figures of the day."""
    days = sorted({each["date"] for each in trend})
    lines = {
        office: [
            next((each["received"] for each in trend if each["date"] == at and each["office"] == office), 0)
            for at in days
        ]
        for office in titles
    }
    divisions = [each for each in quality if each["division"] is not None]
    return _template().render(
        day=day,
        titles=titles,
        statements=statements,
        bars={office: bars(statement) for office, statement in statements.items()},
        legend=_LINES,
        names=("received", *(name for name, _, _ in _LINES)),
        labels={"received": "收到", **{name: zh for name, zh, _ in _LINES}},
        trend_days=days,
        trend={office: (values, line(values)) for office, values in lines.items()},
        whole=[each for each in quality if each["division"] is None],
        batch_states=BATCH_STATES,
        divisions=divisions[:_MOST_DIVISIONS],
        divisions_left=max(0, len(divisions) - _MOST_DIVISIONS),
    )


@cache
def _template() -> Template:
    text = files("sync.nightly").joinpath("report.html").read_text("utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["percent"] = percent
    environment.filters["number"] = lambda value: "—" if value is None else f"{value:,}"
    return environment.from_string(text)


def percent(share: float | None) -> str:
    """Return a share as per cent, a dash for the share of nothing."""
    return "—" if share is None else f"{share:.2%}"


async def write_report(pool: Pool, folder: Path, offices: Offices, day: date) -> Path:
    """Write the report of a day whose statements are all sealed; a file that was begun is never seen."""
    async with reading(pool, JOB) as connection:
        trend = await nightly.read_trend(connection, day - timedelta(days=TREND_DAYS - 1), day)
        rows = await nightly_quality.read_quality(
            connection, office=None, division=None, first=day, last=day, after=None, limit=1_000
        )
    page = render(
        day=day,
        titles={office.id: (office.title_zh, office.title_en) for office in offices.values()},
        statements={each["office"]: each for each in trend if each["date"] == day.isoformat()},
        trend=trend,
        quality=[figures(row) for row in rows],
    )
    return await asyncio.to_thread(_write, folder / f"{day.isoformat()}.html", page)


def _write(file: Path, page: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(".new")
    unfinished.write_text(page, "utf-8")
    unfinished.replace(file)
    return file
