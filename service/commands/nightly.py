"""`uscc nightly`: closes days, compares registers, measures, and writes the report; or shows how a day stands."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import click
from rich.console import Console

from service import logs
from service.commands import options
from service.commands.nightly_texts import COUNTS, print_night, print_statements
from service.commands.progress import Meter
from service.commands.roles import run_role
from service.judging import decoder
from service.settings import Settings, dsn, kafka_settings, load, locate, nights, snapshot_folder
from service.site import load_site
from sync.nightly.comparisons import Means, settlement
from sync.nightly.engine import Engine
from sync.nightly.opening import HOLDS, read_holds, read_records
from sync.nightly.register_faults import FORMATS
from sync.nightly.registers import files_of, format_of
from sync.nightly.run import Night, NightlyConfig, Register, chosen, first_day, run_once, show
from sync.records import Disposition
from sync.snapshots import SnapshotUnderWay, make_snapshot
from sync.store.connection import JOB, Pool, ReadConn, open_pool, reading
from sync.store.nightly_comparisons import find_comparison, read_order

_PATIENCE = timedelta(seconds=30)
_NUMBERS = (*COUNTS, *(f"holds.{name}" for name in HOLDS), "altered")
_PAGE = 1_000
# The night has until morning; look-ups and ingest go first.
_NICENESS = 5


@click.command("nightly")
@click.option(
    "--date",
    "day",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="Business days up to this one; a running one is shown.",
)
@click.option("--office", help="This office alone.")
@click.option(
    "--against",
    type=click.Path(path_type=Path),
    metavar="FILE|FOLDER|'GLOB'",
    help="The office's full register as of --date (default: now): .csv.gz, .ndjson.gz or .parquet, one file or many.",
)
@click.option(
    "--force", is_flag=True, help="Compare a register that lacks rows, is an older one, or has columns of its own."
)
@click.option(
    "--engine",
    type=click.Choice(["local", "spark"]),
    help="What compares: this machine, or an Apache Spark cluster (default: USCC_NIGHTLY_ENGINE, local).",
)
@click.option("--master", metavar="spark://HOST:PORT", help="The cluster (default: USCC_SPARK_MASTER).")
@click.option("--show", "only_show", is_flag=True, help="Print how the day stands and seal nothing.")
@click.option(
    "--records",
    type=click.Choice(_NUMBERS),
    metavar="NUMBER",
    help="With --show: print the returns behind this number of the day's statements, one JSON a line: a column's name"
    " (held, holds.closing, …), or altered.",
)
@click.option("--batch-id", help="With --records: of this batch alone.")
@click.option("--daemon", is_flag=True, help="Run every night, until SIGTERM.")
@options.as_json
@options.data_dir
def command(
    day: datetime | None,
    office: str | None,
    against: Path | None,
    force: bool,
    engine: str | None,
    master: str | None,
    only_show: bool,
    records: str | None,
    batch_id: str | None,
    daemon: bool,
    as_json: bool,
    data_dir: Path | None,
) -> None:
    """日终对账 · close the days that are over: statements, comparison, figures, report.

    Without options: every complete day that is not sealed. Exit status 1: a statement does not balance, a day could not
    be sealed, or the register is unusable; says why.

    \b
    uscc nightly --show                                   the running day, nothing is sealed
    uscc nightly --show --date 2026-11-20 --records held  the returns of the records behind that number
    uscc nightly --office commerce --against reg.csv.gz   compares the office's full register with the registry
    uscc nightly --office commerce --against 'reg/*.parquet' --engine spark --master spark://host:7077
    """
    if daemon:
        if any((day, office, against, force, engine, master, only_show, records, batch_id)):
            raise click.UsageError("--daemon goes with no other option but --data-dir")
        run_role("nightly", data_dir, _daemon)
        return
    if records is not None and not only_show:
        raise click.UsageError("--records goes with --show")
    if batch_id is not None and (records is None or records.startswith("holds.")):
        raise click.UsageError("--batch-id goes with --records, and not with holds")
    if (engine or master) and against is None:
        raise click.UsageError("--engine and --master go with --against: only registers are compared by an engine")
    settings = locate(load(data_dir=data_dir, nightly_engine=engine, spark_master=master))
    logs.configure(settings.log_format, "error", role="nightly")
    offices = load_site(settings.config_dir).offices
    options.refuse_unknown_office(office, offices)
    wanted = None if day is None else day.date()
    running = nights(settings).closing.days.day_of(datetime.now(UTC))
    if wanted is not None and wanted > running:
        raise click.UsageError(f"{wanted} 尚未开始 · has not begun")
    if records is not None:
        asyncio.run(_print_records(settings, wanted or running, office, records, batch_id))
        return
    if only_show or (against is None and wanted == running):
        print_statements(asyncio.run(_show(settings, wanted or running, office)), as_json)
        return
    register = None
    if against is not None:
        register = replace(_register(against, office, wanted or running, force), engine=_engine(settings))
    night, compared = asyncio.run(_run(settings, wanted, office, register))
    print_night(night, compared, as_json)
    if night.failed or night.unsealed or not night.balanced:
        raise click.exceptions.Exit(1)


def _register(file: Path, office: str | None, day: date, force: bool) -> Register:
    files = files_of(file)
    if not files:
        raise click.UsageError(f"--against: 没有登记簿 · there is no register at {file}")
    forms = {format_of(each) for each in files}
    form = next(iter(forms))
    if form is None or len(forms) > 1:
        endings = ", ".join("." + each for each in FORMATS)
        if len(forms) > 1:
            raise click.UsageError(
                f"{file.name} holds several formats: all files of a register are of one of {endings}"
            )
        raise click.UsageError(f"{file.name} must end in {endings}")
    if office is None:
        raise click.UsageError("--against needs --office: whose register is it?")
    file = file.parent if file not in files and not file.is_dir() else file
    return Register(office=office, date=day, file=file.resolve(), form=form, force=force, parts=files)


def _engine(settings: Settings) -> Engine | None:
    """Return the cluster that compares, None where this machine does."""
    if settings.nightly_engine == "local":
        return None
    if settings.spark_master is None:
        raise click.UsageError("--engine spark needs --master spark://host:port, or USCC_SPARK_MASTER")
    try:
        from sync.nightly.spark_engine import SparkEngine
    except ImportError as error:
        raise click.UsageError(
            f"--engine spark needs the extra: pip install 'uscc-data-service[spark]' ({error.name} is missing)"
        ) from None
    return SparkEngine(
        dsn=dsn(settings),
        role="uscc_job",
        master=settings.spark_master,
        python=settings.spark_python or sys.executable,
        memory_mib=settings.nightly_memory_mib,
    )


@asynccontextmanager
async def open_nightly(settings: Settings, *, patience: timedelta) -> AsyncIterator[NightlyConfig]:
    """Open what the nightly run works with.

    Raises:
        Retryable: the database does not answer.
    """
    site = load_site(settings.config_dir)
    rules = nights(settings)
    pool = await open_pool(dsn(settings), role="uscc_job", limits=JOB, size=6, name="uscc-nightly")
    try:
        means = Means(
            pool=pool,
            dsn=dsn(settings),
            role="uscc_job",
            kafka=kafka_settings(settings),
            decode=decoder(settings, site).decode,
            days=rules.closing.days,
            folder=settings.data_dir / "nightly",
            memory_mib=settings.nightly_memory_mib,
            progress=lambda _rows, _expected: None,
        )

        yield NightlyConfig(
            means=means,
            closing=rules.closing,
            offices=site.offices,
            reports=settings.reports_dir or settings.data_dir / "reports",
            patience=patience,
            late_after_working_days=settings.late_after_working_days,
            snapshot=partial(_snapshot, pool, settings),
        )
    finally:
        pool.terminate()


async def _snapshot(pool: Pool, settings: Settings) -> dict[str, Any]:
    """Make the night's snapshot, unless somebody makes one just now."""
    try:
        made = await make_snapshot(pool, snapshot_folder(settings), kept=settings.snapshots_kept)
    except SnapshotUnderWay:
        return {"snapshot_id": None}
    return {"snapshot_id": made.snapshot_id, "rows": made.rows}


async def _daemon(settings: Settings, stop: asyncio.Event) -> None:
    from sync.nightly.daemon import run

    os.nice(_NICENESS)
    async with open_nightly(settings, patience=timedelta()) as config:
        await run(config, stop)


async def _show(settings: Settings, day: date, office: str | None) -> list[dict[str, Any]]:
    async with open_nightly(settings, patience=timedelta()) as config:
        await _check_begun(config, day)
        return await show(config, day, office)


async def _print_records(settings: Settings, day: date, office: str | None, number: str, batch_id: str | None) -> None:
    """Print the returns behind a number, office by office, in sequence."""
    async with open_nightly(settings, patience=timedelta()) as config:
        await _check_begun(config, day)
        for each in chosen(config.offices, office):
            after = 0
            # Printed while no connection is lent: a reader that went away is no trouble of the database.
            while page := await _page(config, each.id, day, number, batch_id, after):
                click.echo("\n".join(text for _, text in page))
                after = page[-1][0]


async def _page(
    config: NightlyConfig, office: str, day: date, number: str, batch_id: str | None, after: int
) -> list[tuple[int, str]]:
    async with reading(config.means.pool, JOB) as connection:
        return await _read_page(connection, config, office, day, number, batch_id, after)


async def _read_page(
    connection: ReadConn, config: NightlyConfig, office: str, day: date, number: str, batch_id: str | None, after: int
) -> list[tuple[int, str]]:
    for hold in HOLDS:
        if number == f"holds.{hold}":
            return await read_holds(connection, config.closing, office, day, hold, after=after, limit=_PAGE)
    return await read_records(
        connection,
        config.closing,
        office,
        day,
        disposition=None if number in ("received", "altered") else Disposition(number),
        batch_id=batch_id,
        altered=number == "altered",
        after=after,
        limit=_PAGE,
    )


async def _check_begun(config: NightlyConfig, day: date) -> None:
    """Refuse a day on which there was no registry: nobody was silent on it.

    Raises:
        UsageError: the registry began later.
    """
    async with reading(config.means.pool, JOB) as connection:
        first = await first_day(connection, config.closing)
    if first is not None and day < first:
        raise click.UsageError(f"{day} 早于建库之日 · is before this registry began, on {first}")


@contextmanager
def _watched(config: NightlyConfig) -> Iterator[NightlyConfig]:
    """Show how far the run is: rows read, of about how many, and the time that is left."""
    console = Console(stderr=True)
    with Meter(console, "比对 compare", None) as meter:
        means = replace(config.means, progress=meter.advance_to)
        yield replace(config, means=means, announce=lambda text: console.print(text, style="dim", highlight=False))


def open_private(file: Path) -> BinaryIO:
    """Open a file for writing that its owner alone may read, also where it was there before."""
    opened = os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
    os.fchmod(opened.fileno(), 0o600)
    return opened


async def _run(
    settings: Settings, through: date | None, office: str | None, register: Register | None
) -> tuple[Night, list[Mapping[str, Any]]]:
    async with open_nightly(settings, patience=_PATIENCE) as config:
        with _watched(config) as watched:
            night = await run_once(watched, through=through, office=office, register=register)
        compared: list[Mapping[str, Any]] = []
        for comparison_id in (*night.compared, *night.failed):
            async with reading(config.means.pool, JOB) as connection:
                found = await find_comparison(connection, comparison_id, None)
                order = await read_order(connection, comparison_id)
            if found is None or register is None:
                continue
            entry: dict[str, Any] = {"comparison_id": comparison_id, "office": found.office, "state": found.state}
            entry |= {"date": found.date.isoformat(), **found.totals()}
            entry["problem"] = None if found.problem is None else json.loads(found.problem)
            if found.state == "done" and (found.different or found.missing_here):
                file = register.file.with_name(register.file.name + ".settlement.ndjson")
                with open_private(file) as opened:
                    async with reading(config.means.pool, JOB) as connection:
                        async for lines in settlement(connection, order):
                            opened.write(lines)
                entry["settlement"] = str(file)
            compared.append(entry)
        return night, compared
