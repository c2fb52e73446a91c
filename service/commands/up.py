"""`uscc up`: everything on one machine, supervised: PostgreSQL and Kafka where none are given, and every role."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import click
from rich.console import Console

from service import logs
from service.commands import options
from service.commands.idle import NeverIdle
from service.commands.installation import Installation
from service.commands.summary import console
from service.embedded.supervisor import DirectoryLock
from service.settings import Settings, load


@click.command("up")
@options.data_dir
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Port of the API; 0 picks one (default: USCC_HTTP_PORT, else 8080)."
)
@click.option("--demo", type=click.IntRange(1, 10_000_000), help="Push this many records of the demonstration feed.")
@click.option(
    "--until-idle", is_flag=True, help="End when nothing is left to do: 0 when all is well, 1 with the reason."
)
@click.option("--timeout", type=click.IntRange(1), default=600, show_default=True, help="Seconds to wait for that.")
def command(data_dir: Path | None, port: int | None, demo: int | None, until_idle: bool, timeout: int) -> None:
    """启动全部服务 · run everything until Ctrl-C: PostgreSQL, Kafka, API, ingest, relay, nightly.

    PostgreSQL and Kafka are embedded where USCC_DATABASE_DSN and USCC_KAFKA_BOOTSTRAP are not set; everything they keep
    lies in the data directory, with keys/ and endpoints.json.

    \b
    uscc up --demo 20000                   with a demonstration feed of three offices
    uscc up --demo 20000 --until-idle      the same, and ends when every record has its return
    """
    settings = load(data_dir=data_dir, http_port=port)
    logs.configure(settings.log_format, "warning", role="up")
    ended = asyncio.run(_up(settings, demo, until_idle, timedelta(seconds=timeout)))
    raise click.exceptions.Exit(ended)


async def _up(settings: Settings, demo: int | None, until_idle: bool, patience: timedelta) -> int:
    lock = DirectoryLock(settings.data_dir)
    try:
        async with _told_to_stop() as stop:
            installation = Installation(settings, Console(stderr=True))
            work = asyncio.create_task(_work(installation, demo, until_idle, patience))
            told = asyncio.create_task(stop.wait())
            try:
                await asyncio.wait((work, told), return_when=asyncio.FIRST_COMPLETED)
                return work.result() if work.done() else 0
            finally:
                for task in (work, told):
                    task.cancel()
                    with suppress(asyncio.CancelledError):
                        await task
                await installation.close()
    finally:
        lock.release()


async def _work(installation: Installation, demo: int | None, until_idle: bool, patience: timedelta) -> int:
    """Bring everything up and show it; return the exit status, or stay for ever."""
    await installation.start()
    try:
        if demo is not None:
            await installation.push_demo(demo)
        if demo is not None or until_idle:
            await installation.until_idle(patience)
    except NeverIdle as error:
        click.echo(f"not idle: {error}", err=True)
        if until_idle:
            return 1
    await installation.show(console())
    if until_idle:
        return 0
    click.echo("\nCtrl-C ends everything · 按 Ctrl-C 结束", err=True)
    await asyncio.Event().wait()
    return 0


@asynccontextmanager
async def _told_to_stop() -> AsyncIterator[asyncio.Event]:
    """Lend an event that SIGINT and SIGTERM set; a second signal ends the process the hard way."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def tell() -> None:
        if stop.is_set():
            sys.exit(1)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, tell)
    yield stop
