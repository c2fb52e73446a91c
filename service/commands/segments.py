"""`uscc segments`: code segments (码段), from which offices draw the codes that they assign."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click

from service.commands import options, output
from service.commands.registry import in_registry
from service.judging import open_applier
from service.segment_files import SegmentReport, load_segments, read_segment_file
from service.settings import load, locate
from service.site import load_site
from sync.instants import SHANGHAI
from sync.rechecking import Rechecked, recheck_segments
from sync.segments import Segment, Segments
from sync.store import ledger
from sync.store.connection import WriteConn
from sync.store.segments import LOW_SHARE, SegmentUse, read_allocations, read_segments, segment_use, withdraw_segments
from validators.normalization import normalize

left_option = click.option(
    "--warn-below",
    type=click.FloatRange(0, 100),
    default=100 * LOW_SHARE,
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
@options.by
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
        output.show_json(asdict(report))
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
        output.show_json([_json(row, warn_below) for row in rows])
        return
    for row in rows:
        segment = row.segment
        left = f"{row.rest:>12,} left ({row.share_left:6.1%})"
        mark = "  将用尽 · RUNS OUT" if row.runs_out(warn_below / 100) else ""
        click.echo(
            f"{segment.bodies}  {segment.office:14} {segment.holder:24} "
            f"{segment.allocated_on}  {row.used:>12,} used {left}{mark}"
        )
    if not rows:
        click.echo("没有码段 · no segments are loaded: rule S01 speaks only of the zone for private use")
    _warn(rows, warn_below)


@command.command("history")
@options.as_json
@options.data_dir
def history(as_json: bool, data_dir: Path | None) -> None:
    """码段分配沿革 · every allocation that ever was: loaded from where, by whom; withdrawn when, by whom and why."""
    rows = in_registry(data_dir, read_allocations)
    if not rows:
        click.echo("没有码段 · no segments were ever loaded", err=True)
    if as_json:
        output.show_json([asdict(row) for row in rows])
        return
    for row in rows:
        segment = row.segment
        click.echo(
            f"{segment.bodies}  {segment.office:14} {segment.holder:24} "
            f"{segment.allocated_on}  {_shown(row.loaded_at)} 载入 · loaded by {row.loaded_by} ({row.source})"
        )
        if row.withdrawn_at is not None:
            gone = f"{_shown(row.withdrawn_at)} 收回 · withdrawn by {row.withdrawn_by}: {row.reason}"
            click.echo(f"    {gone}")


@command.command("withdraw")
@click.argument("first", nargs=-1)
@click.option("--source", metavar="NAME", help="Every segment that was loaded from a file of this name.")
@click.option("--reason", type=options.WORDS, required=True, help="Why; it is written down.")
@click.option("--dry-run", is_flag=True, help="Say what would be withdrawn; write nothing.")
@options.by
@options.as_json
@options.data_dir
def withdraw(
    first: tuple[str, ...],
    source: str | None,
    reason: str,
    dry_run: bool,
    actor: str,
    as_json: bool,
    data_dir: Path | None,
) -> None:
    """收回码段分配 · withdraw allocations, by their first bodies or by the file that they were loaded from.

    Nothing is erased (uscc segments history), and the same bodies can be allocated again. Records that a wrong
    allocation holds are decided again by uscc segments recheck.

    \b
    uscc segments withdraw MA0A0000 --reason 录入有误
    uscc segments withdraw --source segments-2026.csv --reason 整表有误
    """
    if bool(first) == bool(source):
        raise click.UsageError("give the first bodies of the segments, or --source with the name of their file")
    bodies = [normalize(each) for each in first]

    async def work(connection: WriteConn) -> list[Segment]:
        now = await ledger.take_lock(connection)
        known = {each.first_body for each in (await read_segments(connection, Segments())).ordered}
        unknown = [each for each in bodies if each not in known]
        if unknown:
            raise click.ClickException(f"没有码段 · no segment begins with {', '.join(unknown)}")
        if dry_run:
            standing = [each for each in await read_allocations(connection) if each.withdrawn_at is None]
            return [each.segment for each in standing if each.segment.first_body in bodies or each.source == source]
        return await withdraw_segments(connection, bodies, source, now=now, actor=actor, reason=reason)

    gone = in_registry(data_dir, work)
    if not gone:
        raise click.ClickException(f"没有由 {source} 载入的码段 · no segment was loaded from {source}")
    if as_json:
        output.show_json([_named(segment) for segment in gone])
        return
    for segment in gone:
        click.echo(f"{segment.bodies}  {segment.office:14} {segment.holder}")
    click.echo(f"{len(gone)} segments {'would be withdrawn' if dry_run else 'withdrawn'}")


@command.command("recheck")
@click.option(
    "--reason",
    type=options.WORDS,
    default="码段分配已更正 · the allocations were mended",
    help="Why; it is written down.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be released; write nothing.")
@options.by
@options.as_json
@options.data_dir
def recheck(reason: str, dry_run: bool, actor: str, as_json: bool, data_dir: Path | None) -> None:
    """码段更正后重新核查 · decide again what S01 holds: records in a segment of their registrar now are applied."""
    settings = locate(load(data_dir=data_dir))

    async def run() -> list[Rechecked]:
        async with open_applier(settings, size=2) as applier:
            cases = recheck_segments(applier, actor=actor, reason=reason, dry_run=dry_run)
            return [each async for each in cases]

    cases = asyncio.run(run())
    released = sum(each.released for each in cases)
    if as_json:
        output.show_json([asdict(each) for each in cases])
        return
    for each in cases:
        became = "入库 applied" if each.released else "仍待核 still held"
        click.echo(f"{each.case_id}  {each.uscc} {each.name}  {became}")
    click.echo(f"{released} of {len(cases)} cases {'would be released' if dry_run else 'released'}")


@command.command("check")
@click.option("--office", help="Only those of this office.")
@left_option
@options.data_dir
def check(office: str | None, warn_below: float, data_dir: Path | None) -> None:
    """检查码段余量 · exit status 1 when a segment is about to run out."""
    if _warn(_read(data_dir, office), warn_below):
        raise click.exceptions.Exit(1)


def _read(data_dir: Path | None, office: str | None) -> list[SegmentUse]:
    options.check_office(office, data_dir)
    return [row for row in in_registry(data_dir, segment_use) if office is None or row.segment.office == office]


def _warn(rows: list[SegmentUse], warn_below: float) -> bool:
    low = [row for row in rows if row.runs_out(warn_below / 100)]
    for row in low:
        click.echo(f"警告 · warning: 码段 segment {row.describe()}", err=True)
    return bool(low)


def _shown(instant: datetime) -> str:
    return f"{instant.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"


def _named(segment: Segment) -> dict[str, object]:
    return {
        "first": segment.first_body,
        "last": segment.last_body,
        "office": segment.office,
        "registrar_code": segment.registrar_code,
        "registrar_name": segment.registrar_name,
        "allocated_on": segment.allocated_on.isoformat(),
        "size": segment.size,
    }


def _json(row: SegmentUse, warn_below: float) -> dict[str, object]:
    return _named(row.segment) | {
        "used": row.used,
        "left": row.rest,
        "latest": row.latest,
        "runs_out": row.runs_out(warn_below / 100),
    }
