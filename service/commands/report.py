"""`uscc report`: what goes up to the national centre since the last report, and the receipt that comes back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

import click

from service.commands import options, output
from service.commands.registry import in_registry
from service.settings import dsn, load, locate
from service.upward_reports import Made, Receipt, make_report, take_receipt
from sync.store.connection import JOB, Pool, WriteConn, open_pool
from sync.store.upward import ReportRow, read_refusals, read_reports

_T = TypeVar("_T")


@click.command("report")
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--receipt",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Take back the national centre's receipt (.csv, .xlsx, .ndjson).",
)
@click.option("--list", "as_list", is_flag=True, help="List the reports that were made, with their receipts.")
@click.option(
    "--personal", is_flag=True, help="With personal values and hidden organizations; needs --purpose, audited."
)
@click.option("--purpose", type=options.WORDS, help="What personal values are released for.")
@options.by
@options.as_json
@options.data_dir
def command(
    file: Path | None,
    receipt: Path | None,
    as_list: bool,
    personal: bool,
    purpose: str | None,
    actor: str,
    as_json: bool,
    data_dir: Path | None,
) -> None:
    """上报国家中心 · write what changed since the last report (.ndjson, .csv), or take back a receipt.

    \b
    uscc report 上报.csv
    uscc report --receipt 回执.csv
    uscc report --list
    """
    if sum((file is not None, receipt is not None, as_list)) != 1:
        raise click.UsageError("请给出文件、--receipt 或 --list · give a file to write, --receipt, or --list")
    if personal and not purpose:
        raise click.UsageError("请用 --purpose 说明用途 · --personal needs --purpose: what the values are released for")
    if as_list:
        _list(as_json, data_dir)
    elif receipt is not None:
        _take(receipt, as_json, data_dir)
    elif file is not None:
        _make(file, personal, purpose, actor, as_json, data_dir)


def _make(file: Path, personal: bool, purpose: str | None, actor: str, as_json: bool, data_dir: Path | None) -> None:
    async def work(pool: Pool) -> Made | None:
        return await make_report(pool, file, actor=actor, personal=personal, purpose=purpose)

    made = _with_pool(data_dir, work)
    if as_json:
        document = None if made is None else asdict(made) | {"sha256": made.sha256.hex(), "file": str(file)}
        click.echo(json.dumps(document))
    elif made is None:
        click.echo("无新变更 · nothing changed since the last report: no file was written")
    else:
        changes = f"{made.behind + 1:,}–{made.up_to:,}"
        click.echo(f"{made.report_id}: {made.codes:,} 个代码 · codes, 变更 · changes {changes} → {file}")


def _take(path: Path, as_json: bool, data_dir: Path | None) -> None:
    async def work(pool: Pool) -> tuple[Receipt, bool]:
        return await take_receipt(pool, path)

    receipt, is_new = _with_pool(data_dir, work)
    if as_json:
        output.show_json(asdict(receipt))
    else:
        for uscc, reason in receipt.refusals.items():
            click.echo(f"{uscc}: {reason or 'refused'}")
        known = "" if is_new else "（此前已收 · taken before）"
        refused = f"{len(receipt.refusals):,} 个退回 · refused"
        click.echo(f"{receipt.report_id}: {receipt.accepted:,} 个接收 · accepted, {refused}{known}")
    if receipt.refusals:
        raise click.exceptions.Exit(1)


def _list(as_json: bool, data_dir: Path | None) -> None:
    async def read(connection: WriteConn) -> list[tuple[ReportRow, dict[str, str]]]:
        return [(row, await read_refusals(connection, row.report_id)) for row in await read_reports(connection)]

    rows = in_registry(data_dir, read)
    if not rows:
        click.echo("尚无上报 · no report was made", err=True)
    if as_json:
        documents = [asdict(row) | {"refusals": refusals} for row, refusals in rows]
        output.show_json(documents)
        return
    for row, _ in rows:
        answer = "no receipt yet" if row.receipt_at is None else f"{row.accepted:,} accepted, {row.refused:,} refused"
        click.echo(
            f"{row.report_id}  {row.made_at:%Y-%m-%d %H:%M}Z  changes {row.from_sequence + 1:,}–{row.to_sequence:,}  "
            f"{row.codes:,} codes  {answer}  {row.file_name}"
        )


def _with_pool(data_dir: Path | None, work: Callable[[Pool], Awaitable[_T]]) -> _T:
    address = dsn(locate(load(data_dir=data_dir)))

    async def run() -> _T:
        pool = await open_pool(address, role=None, limits=JOB, size=1, name="uscc-report")
        try:
            return await work(pool)
        finally:
            await pool.close()

    return asyncio.run(run())
