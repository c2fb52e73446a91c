"""`uscc snapshot`: a sealed snapshot now."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console

from service import logs
from service.commands import options, output
from service.commands.progress import Meter
from service.settings import Settings, dsn, load, locate, snapshot_folder
from sync.snapshots import make_snapshot
from sync.store.connection import JOB, open_pool
from sync.store.snapshots import Snapshot


@click.command("snapshot")
@options.as_json
@options.data_dir
def command(as_json: bool, data_dir: Path | None) -> None:
    """生成全量快照 · write a sealed snapshot of the registry as it stands now: Parquet, NDJSON.gz and CSV.gz.

    Where nothing has changed since the last one, that one is shown.
    """
    settings = locate(load(data_dir=data_dir))
    logs.configure(settings.log_format, "error", role="snapshot")
    snapshot = asyncio.run(_make(settings))
    folder = snapshot_folder(settings) / snapshot.snapshot_id
    if as_json:
        output.show_json(asdict(snapshot) | {"folder": str(folder)})
        return
    click.echo(f"snapshot {snapshot.snapshot_id}: {snapshot.rows:,} rows at change {snapshot.sequence:,}")
    for file in snapshot.files:
        click.echo(f"{folder / file.name}  {file.bytes:,} bytes  sha256 {file.sha256}")


async def _make(settings: Settings) -> Snapshot:
    pool = await open_pool(dsn(settings), role="uscc_job", limits=JOB, size=3, name="uscc-snapshot")
    try:
        with Meter(Console(stderr=True), "快照 snapshot", None) as meter:
            return await make_snapshot(
                pool, snapshot_folder(settings), kept=settings.snapshots_kept, progress=meter.advance_to
            )
    finally:
        await pool.close()
