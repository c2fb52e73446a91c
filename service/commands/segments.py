"""`uscc segments`: code segments (码段), from which offices draw the codes that they assign."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from service.commands import options
from service.commands.registry import in_registry
from service.segment_files import SegmentReport, load_segments, read_segment_file
from service.settings import load
from service.site import load_site
from sync.store.connection import WriteConn
from sync.store.segments import SegmentUse, segment_use

_LEFT_PERCENT = 10

left_option = click.option(
    "--warn-below",
    type=click.FloatRange(0, 100),
    default=_LEFT_PERCENT,
    show_default=True,
    metavar="PERCENT",
    help="Warn of a segment of which less than this is left.",
)


@click.group("segments")
def command() -> None:
    """管理码段 · load, list and check code segments."""


@command.command("load")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would be loaded; write nothing.")
@click.option("--by", "actor", default="operator", show_default=True, help="Who answers for it.")
@options.as_json
@options.data_dir
def load_(file: Path, dry_run: bool, actor: str, as_json: bool, data_dir: Path | None) -> None:
    """载入码段分配表 · load allocations from a CSV or XLSX file: all of it, or nothing where a line is wrong.

    \b
    first,last,office,registrar_code,registrar_name,allocated_on
    MA0A0000,MA0AYYYY,commerce,210100,沈阳市市场监督管理局,2026-01-01
    """
    settings = load(data_dir=data_dir)
    lines = read_segment_file(file, load_site(settings.config_dir).offices)

    async def work(connection: WriteConn) -> SegmentReport:
        return await load_segments(connection, lines, source=file.name, actor=actor, dry_run=dry_run)

    report = in_registry(data_dir, work)
    if as_json:
        click.echo(json.dumps(asdict(report), ensure_ascii=False, indent=2))
    else:
        for problem in report.problems:
            click.echo(f"第 {problem.line} 行 · line {problem.line}: {problem.text}")
        done = "would be loaded" if dry_run or report.problems else "loaded"
        click.echo(f"{report.added} segments {done}, {report.known} known already, {len(report.problems)} wrong")
    if report.problems:
        raise click.exceptions.Exit(1)


@command.command("list")
@click.option("--office", help="Only those of this office.")
@left_option
@options.as_json
@options.data_dir
def list_(office: str | None, warn_below: float, as_json: bool, data_dir: Path | None) -> None:
    """列出码段及使用情况 · every segment with what is used and left; warns before one runs out."""
    rows = _read(data_dir, office)
    if as_json:
        click.echo(json.dumps([_json(row, warn_below) for row in rows], ensure_ascii=False, indent=2))
        return
    for row in rows:
        segment = row.segment
        left = f"{row.rest:>12,} left ({row.share_left:6.1%})"
        mark = "  将用尽 · RUNS OUT" if _runs_out(row, warn_below) else ""
        click.echo(
            f"{segment.first_body}–{segment.last_body}  {segment.office:14} {segment.holder:24} "
            f"{segment.allocated_on}  {row.used:>12,} used {left}{mark}"
        )
    if not rows:
        click.echo("没有码段 · no segments are loaded: rule S01 speaks only of the zone for private use")
    _warn(rows, warn_below)


@command.command("check")
@click.option("--office", help="Only those of this office.")
@left_option
@options.data_dir
def check(office: str | None, warn_below: float, data_dir: Path | None) -> None:
    """检查码段余量 · exit status 1 when a segment is about to run out."""
    if _warn(_read(data_dir, office), warn_below):
        raise click.exceptions.Exit(1)


def _read(data_dir: Path | None, office: str | None) -> list[SegmentUse]:
    return [row for row in in_registry(data_dir, segment_use) if office is None or row.segment.office == office]


def _runs_out(row: SegmentUse, warn_below: float) -> bool:
    return row.share_left * 100 < warn_below


def _warn(rows: list[SegmentUse], warn_below: float) -> bool:
    low = [row for row in rows if _runs_out(row, warn_below)]
    for row in low:
        segment = row.segment
        click.echo(
            f"警告 · warning: 码段 segment {segment.first_body}–{segment.last_body} "
            f"({segment.office}, {segment.holder}): {row.rest:,} of {segment.size:,} left",
            err=True,
        )
    return bool(low)


def _json(row: SegmentUse, warn_below: float) -> dict[str, object]:
    segment = row.segment
    return {
        "first": segment.first_body,
        "last": segment.last_body,
        "office": segment.office,
        "registrar_code": segment.registrar_code,
        "registrar_name": segment.registrar_name,
        "allocated_on": segment.allocated_on.isoformat(),
        "size": segment.size,
        "used": row.used,
        "left": row.rest,
        "latest": row.latest,
        "runs_out": _runs_out(row, warn_below),
    }
