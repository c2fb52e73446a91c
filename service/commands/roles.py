"""`uscc serve`, `uscc ingest`, `uscc relay`: one role each, for production; `uscc up` runs them as processes."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import click
import structlog
import uvloop

from service import logs
from service.commands import options
from service.settings import Settings, dsn, kafka_settings, load, locate, serve_config
from service.site import load_site

DRAIN_SECONDS = 18.0
_RARELY = (200_000, 5, 5)

log = structlog.get_logger(__name__)


@click.command("serve")
@options.data_dir
def serve(data_dir: Path | None) -> None:
    """运行接口服务 · run the HTTP API until SIGTERM."""
    run_role("serve", data_dir, _serve, loop_factory=uvloop.new_event_loop)


@click.command("ingest")
@click.option("--instance", help="Keeps this process's partitions for it over a restart; unique among processes.")
@options.data_dir
def ingest(instance: str | None, data_dir: Path | None) -> None:
    """运行回传接收与核查 · decide what the offices push, until SIGTERM.

    Any number of these processes share the partitions.
    """

    async def work(settings: Settings, stop: asyncio.Event) -> None:
        await _ingest(settings, instance, stop)

    run_role("ingest", data_dir, work)


@click.command("relay")
@options.data_dir
def relay(data_dir: Path | None) -> None:
    """运行结果发布 · publish returns and changes to their topics, until SIGTERM."""
    run_role("relay", data_dir, _relay)


async def _serve(settings: Settings, stop: asyncio.Event) -> None:
    from service.app import serve as serve_http  # The other roles need no web framework.

    await serve_http(serve_config(settings), stop)


async def _ingest(settings: Settings, instance: str | None, stop: asyncio.Event) -> None:
    from service.judging import open_applier
    from sync.ingest import IngestConfig, run

    async with open_applier(settings) as applier:
        offices = list(load_site(settings.config_dir).offices)
        config = IngestConfig(
            kafka=kafka_settings(settings),
            offices=offices,
            applier=applier,
            batch_records=settings.batch_records,
            instance=instance,
        )
        # What is here by now stays, and a batch stays until it is applied: the collector need not look so often.
        gc.freeze()
        gc.set_threshold(*_RARELY)
        await run(config, stop)


async def _relay(settings: Settings, stop: asyncio.Event) -> None:
    from sync import submissions
    from sync.failpoints import FailPoints
    from sync.relay import RelayConfig, run
    from sync.store.connection import INGEST, open_pool

    pool = await open_pool(dsn(settings), role="uscc_relay", limits=INGEST, size=5, name="uscc-relay")
    try:
        fail_points = FailPoints.parse(settings.fail_point, settings.data_dir)
        config = RelayConfig(
            kafka=kafka_settings(settings),
            offices=list(load_site(settings.config_dir).offices),
            pool=pool,
            limits=INGEST,
            fail_points=fail_points,
        )
        producing = submissions.ProducingConfig(kafka=config.kafka, pool=pool, limits=INGEST, fail_points=fail_points)
        # The first of the two that fails ends both, and the process.
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(run(config, stop))
            tasks.create_task(submissions.run(producing, stop))
    finally:
        pool.terminate()


def run_role(
    role: str,
    data_dir: Path | None,
    work: Callable[[Settings, asyncio.Event], Awaitable[None]],
    *,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> None:
    """Run a role until SIGTERM or SIGINT, then let it drain; whatever it dies of is logged, and the status is 1.

    A role that speaks to Kafka needs asyncio's own loop: on uvloop's, a write to a connection that the broker has just
    closed raises what the client does not expect, and its group or its sender ends (aio-libs/aiokafka, issue 1038).
    """
    settings = locate(load(data_dir=data_dir))
    logs.configure(settings.log_format, settings.log_level, role=role)
    try:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(_until_told(work, settings))
    except Exception:
        log.exception("role_failed")
        raise click.exceptions.Exit(1) from None


async def _until_told(work: Callable[[Settings, asyncio.Event], Awaitable[None]], settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    working = asyncio.ensure_future(work(settings, stop))
    told = asyncio.create_task(stop.wait())
    await asyncio.wait((working, told), return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    await asyncio.wait_for(working, DRAIN_SECONDS if stop.is_set() else None)
