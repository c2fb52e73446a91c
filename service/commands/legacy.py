"""`uscc legacy`: maps of old numbers to codes, and the conversion of stock."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console

from service.commands import options, output
from service.commands.progress import Meter
from service.commands.registry import in_registry
from service.legacy_files import LegacyReport, load_legacy, read_legacy_file
from service.settings import dsn, load, locate
from sync.store.connection import JOB, WriteConn, open_pool
from sync.store.legacy import ConversionRow, conversion


@click.group("legacy")
def command() -> None:
    """管理原有注册号对照 · maps of registration numbers, organization codes and tax numbers to codes."""


@command.command("load")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--office", required=True, help="The office whose map it is.")
@click.option("--dry-run", is_flag=True, help="Say what would be loaded; write nothing.")
@options.by
@options.as_json
@options.data_dir
def load_(file: Path, office: str, dry_run: bool, actor: str, as_json: bool, data_dir: Path | None) -> None:
    """载入对照表 · load a map from a .csv or .xlsx file; a line without a code counts as not yet converted.

    \b
    registration_number,organization_code,tax_number,uscc,name,division_code
    210100000012345,,,91210100MA00004960,沈阳示例有限公司,210100
    """
    options.check_office(office, data_dir)
    settings = locate(load(data_dir=data_dir))

    async def run() -> LegacyReport:
        report = LegacyReport()
        pool = await open_pool(dsn(settings), role=None, limits=JOB, size=1, name="uscc-legacy")
        try:
            with Meter(Console(stderr=True), file.name, None) as meter:
                lines = read_legacy_file(file)
                async for report in load_legacy(
                    pool, lines, office=office, source=file.name, actor=actor, dry_run=dry_run
                ):
                    meter.advance_to(report.lines)
        finally:
            await pool.close()
        return report

    report = asyncio.run(run())
    if as_json:
        output.show_json(asdict(report))
    else:
        _show(report, dry_run=dry_run)
    if report.wrong or report.conflicts:
        raise click.exceptions.Exit(1)


@command.command("report")
@click.option("--office", help="Only this office.")
@options.as_json
@options.data_dir
def report_(office: str | None, as_json: bool, data_dir: Path | None) -> None:
    """转换率 · how many organizations from before the unified code have been converted, by office and division."""
    options.check_office(office, data_dir)

    async def read(connection: WriteConn) -> list[ConversionRow]:
        return await conversion(connection, office)

    rows = in_registry(data_dir, read)
    if as_json:
        click.echo(json.dumps([asdict(row) | {"rate": round(row.rate, 4)} for row in rows], indent=2))
        return
    for row in rows:
        place = row.division_code or "合计 all"
        click.echo(
            f"{row.office:16} {place:10} {row.organizations:>12,} 家 organizations "
            f"{row.converted:>12,} 已转换 converted {row.rate:7.2%}"
        )
    if not rows:
        click.echo("没有对照表 · no map is loaded")


def _show(report: LegacyReport, *, dry_run: bool) -> None:
    for line, problem in report.problems:
        click.echo(f"第 {line} 行 · line {line}: {problem}")
    for kind, number, said, known in report.elsewhere:
        click.echo(f"{kind} {number}: {said} in the file, {known} in the registry")
    note = output.UNWRITTEN if dry_run else ""
    click.echo(
        f"{report.lines:,} 行 · lines: {report.new:,} 家新增 · new organizations, "
        f"{report.with_code:,} 家已有代码 · with a code, "
        f"{report.numbers_mapped:,} 个号码对照 · numbers mapped, {report.conflicts:,} 个另有所指 · lead elsewhere, "
        f"{report.wrong:,} 行有误 · wrong{note}"
    )
