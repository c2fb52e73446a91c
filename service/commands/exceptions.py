"""`uscc exceptions`: issued codes that fail a check, and conflicts that were allowed; each with evidence and who."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click

from service.commands import options, output
from service.commands.registry import in_registry
from service.exception_files import one_exception, read_exceptions
from sync.four_eyes import SEVERAL_CODES
from sync.store import ledger
from sync.store.connection import WriteConn
from sync.store.register import allow as allow_conflict
from sync.store.register import end_allowance, enter, read_allowed, read_register
from validators.uscc import ALPHABET, normalize

CODE_LENGTH = 18
TABLE_SUFFIXES = (".csv", ".xlsx")


@click.group("exceptions")
def command() -> None:
    """管理例外代码 · the register of non-conforming codes in use, and of allowed conflicts. Nothing is ever erased."""


@command.command("list")
@options.as_json
@options.data_dir
def list_(as_json: bool, data_dir: Path | None) -> None:
    """列出例外代码 · the codes of the register, oldest first."""
    rows = in_registry(data_dir, read_register)
    if as_json:
        output.show_json([asdict(row) for row in rows])
        return
    for row in rows:
        issued = f", issued {row.issued_on}" if row.issued_on else ""
        click.echo(f"{row.uscc}  {row.entered_at:%Y-%m-%d}  {row.entered_by:12} {row.evidence} ({row.source}{issued})")


@command.command("add")
@click.argument("what", metavar="FILE|CODE")
@click.option("--evidence", type=options.WORDS, help="What shows that the code was issued; a file has a column for it.")
@click.option(
    "--source", type=options.WORDS, default="operator", show_default=True, help="Where the evidence comes from."
)
@click.option("--issued-on", type=click.DateTime(["%Y-%m-%d"]), help="When the code was issued, if known.")
@click.option("--dry-run", is_flag=True, help="Say what would be entered; write nothing.")
@options.by
@options.data_dir
def add(
    what: str,
    evidence: str | None,
    source: str,
    issued_on: datetime | None,
    dry_run: bool,
    actor: str,
    data_dir: Path | None,
) -> None:
    """登记例外代码 · enter a code, or the codes of a .csv or .xlsx file: all of it, or nothing where a line is wrong.

    \b
    uscc exceptions add 91350100M000100Y43 --evidence "营业执照副本, 2026-11-20"
    uscc exceptions add codes.csv          # uscc,evidence,source,issued_on
    """
    file = Path(what)
    if file.is_file():
        lines = read_exceptions(file)
    elif file.suffix.lower() in TABLE_SUFFIXES:
        raise click.UsageError(f"没有这个文件 · there is no file {file}")
    elif evidence is None:
        raise click.UsageError("请用 --evidence 说明依据 · --evidence is needed: what shows that the code was issued")
    else:
        lines = one_exception(what, evidence, source, issued_on.date() if issued_on else None)
    for line, problem in lines.problems:
        click.echo(f"第 {line} 行 · line {line}: {problem}")
    if lines.problems:
        raise click.exceptions.Exit(1)
    if dry_run:
        click.echo(f"{len(lines.codes)} 个代码将登记 · codes would be entered")
        return

    async def work(connection: WriteConn) -> set[str]:
        now = await ledger.take_lock(connection)
        return await enter(connection, lines.codes, now=now, actor=actor)

    new = in_registry(data_dir, work)
    known = len({code.uscc for code in lines.codes}) - len(new)
    click.echo(f"{len(new)} 个已登记 · codes entered, {known} 个此前已有 · known already")


@command.command("conflicts")
@options.as_json
@options.data_dir
def conflicts(as_json: bool, data_dir: Path | None) -> None:
    """列出获准并存的冲突 · the conflicts that were allowed, by a case or by hand."""
    rows = in_registry(data_dir, read_allowed)
    if not rows:
        click.echo("没有获准并存的冲突 · no conflict was allowed", err=True)
    if as_json:
        output.show_json([asdict(row) for row in rows])
        return
    for row in rows:
        click.echo(
            f"{row.rule}  {row.uscc}  {row.other_uscc}  {row.allowed_at:%Y-%m-%d}  {row.allowed_by:12} {row.evidence}"
        )
        if row.ended_at is not None:
            click.echo(f"    {row.ended_at:%Y-%m-%d} 终止 · ended by {row.ended_by}: {row.end_reason}")


@command.command("allow")
@click.argument("rule", type=click.Choice(sorted(SEVERAL_CODES)))
@click.argument("code")
@click.argument("other")
@click.option("--evidence", type=options.WORDS, required=True, help="Why both may stand.")
@options.by
@options.data_dir
def allow(rule: str, code: str, other: str, evidence: str, actor: str, data_dir: Path | None) -> None:
    """准许冲突并存 · let two codes stand beside each other; records that come from now on are not held for it."""
    pair = _pair(code, other)

    async def work(connection: WriteConn) -> bool:
        now = await ledger.take_lock(connection)
        return await allow_conflict(connection, rule, *pair, evidence=evidence, now=now, actor=actor)

    click.echo("已准许 · allowed" if in_registry(data_dir, work) else "此前已准许 · allowed already")


@command.command("end")
@click.argument("rule", type=click.Choice(sorted(SEVERAL_CODES)))
@click.argument("code")
@click.argument("other")
@click.option("--reason", type=options.WORDS, required=True, help="Why they no longer may.")
@options.by
@options.data_dir
def end(rule: str, code: str, other: str, reason: str, actor: str, data_dir: Path | None) -> None:
    """终止并存许可 · end an allowed conflict: records that come from now on are held for it again.

    What stands in the registry stays; the allowance stays in the list, with who ended it, when and why.
    """
    pair = _pair(code, other)

    async def work(connection: WriteConn) -> bool:
        now = await ledger.take_lock(connection)
        return await end_allowance(connection, rule, *pair, reason=reason, now=now, actor=actor)

    if not in_registry(data_dir, work):
        raise click.ClickException(f"没有此项并存许可 · {rule} of {pair[0]} and {pair[1]} is not allowed")
    click.echo("已终止 · ended")


def _pair(code: str, other: str) -> tuple[str, str]:
    """Return two codes that can be in conflict with each other."""
    pair = normalize(code), normalize(other)
    for each in pair:
        if len(each) != CODE_LENGTH or not all(character in ALPHABET for character in each):
            raise click.UsageError(f"“{each}” 不是统一社会信用代码 · is no unified social credit code")
    if pair[0] == pair[1]:
        raise click.UsageError("一个代码不会与自身冲突 · a code is in no conflict with itself")
    return pair
