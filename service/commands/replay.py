"""`uscc replay --quarantined`: decides quarantined records again, after a mapping was mended."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import click

from service.commands import options, output
from service.judging import open_applier
from service.settings import load, locate
from service.site import load_site
from sync.replay import Replayed, replay_quarantined


@click.command("replay")
@click.option("--quarantined", is_flag=True, required=True, help="Decide the records that lie in quarantine.")
@click.option("--office", help="Only those of this office.")
@click.option("--dry-run", is_flag=True, help="Say what would become of them; write nothing.")
@options.as_json
@options.data_dir
def command(quarantined: bool, office: str | None, dry_run: bool, as_json: bool, data_dir: Path | None) -> None:  # noqa: ARG001 - required, so that the command says what it does
    """重新处理隔离记录 · decide quarantined records again: same receipt, attempt 2.

    What can be read now is decided like any record and returned; what cannot stays in quarantine.
    """
    options.check_office(office, data_dir)
    settings = locate(load(data_dir=data_dir))
    offices = load_site(settings.config_dir).offices

    async def run() -> Replayed:
        total = Replayed()
        async with open_applier(settings, size=2) as applier:
            async for total in replay_quarantined(applier, [office] if office else list(offices), dry_run=dry_run):
                click.echo(f"已看 {total.looked_at:,} 条 · looked at", err=True)
        return total

    total = asyncio.run(run())
    counts = {str(disposition): count for disposition, count in sorted(total.dispositions.items())}
    if as_json:
        document = {
            "looked_at": total.looked_at,
            "unreadable": total.unreadable,
            "failed": total.failed,
            "dispositions": counts,
            "rules": dict(sorted(total.rules.items())),
            "dry_run": dry_run,
        }
        click.echo(json.dumps(document, indent=2))
    else:
        told = ", ".join(f"{count:,} {name}" for name, count in counts.items()) or "均未处理 · none decided"
        note = output.UNWRITTEN if dry_run else ""
        unreadable = f"{total.unreadable:,} 仍不能读取 · still unreadable"
        click.echo(f"{total.looked_at:,} 条隔离 · quarantined: {unreadable}, {told}{note}")
    if total.failed:
        click.echo(f"{total.failed:,} 条不能入库，仍隔离 · could not be applied and stay in quarantine", err=True)
        raise click.exceptions.Exit(1)
