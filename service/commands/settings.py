"""`uscc settings`: what the program would run with."""

from __future__ import annotations

from pathlib import Path

import click

from service import settings as configuration
from service.commands import options, output


@click.command("settings")
@options.data_dir
@options.as_json
def command(data_dir: Path | None, as_json: bool) -> None:
    """有效设置，密钥掩码显示 · show the effective settings; secrets are masked."""
    rows = configuration.effective(configuration.load(data_dir=data_dir))
    if as_json:
        output.show_json({row.variable: row.value for row in rows})
        return
    for row in rows:
        value = "" if row.value is None else row.value
        click.echo(click.style(f"{row.variable}={value}", bold=row.value != row.default) + f"\n    {row.description}")
