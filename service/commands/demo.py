"""`uscc demo`: write the demonstration feed and its truth."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click
from rich.console import Console

from service.commands.progress import Meter
from service.demo.feed import generate, today, write_feed


@click.command("demo")
@click.option(
    "--records", type=click.IntRange(min=1), default=20_000, show_default=True, help="How many records in all."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed gives another feed.")
@click.option(
    "--date",
    "base",
    type=click.DateTime(["%Y-%m-%d"]),
    default=None,
    help="The day on which the feed is to be received: approvals lie in the three working days before it. "
    "The same records, seed and date give the same bytes.  [default: today in Asia/Shanghai]",
)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="The folder to write to.")
def command(records: int, seed: int, base: datetime | None, out: Path) -> None:
    """生成演示数据 · write a deterministic feed of three offices with planted problems, and what must become of it.

    OUT gets commerce.ndjson, civil-affairs.ndjson and establishment.ndjson (submission/1, one a line) and truth.csv.
    """
    day = base.date() if base else today()
    with Meter(Console(stderr=True), "demo", records) as meter:
        written = write_feed(generate(records, seed, day), out, meter.advance_to)
    for office, lines in written.items():
        click.echo(f"{out / office}.ndjson  {lines:,} records")
    click.echo(f"{out / 'truth.csv'}  received on {day.isoformat()}, seed {seed}")
