"""Runs the night every night: closes a day as soon as it is over and makes comparisons as soon as they are handed in.

It holds the lease only while it works, so that a run by hand can come in between.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import structlog

from sync.errors import Retryable
from sync.nightly.run import AnotherRun, NightlyConfig, open_days, run_once
from sync.store import nightly_comparisons
from sync.store.connection import JOB, reading

_POLL = timedelta(seconds=1)
_AGAIN = timedelta(seconds=10)
_RETRIES = 120

log = structlog.get_logger(__name__)


async def run(config: NightlyConfig, stop: asyncio.Event) -> None:
    """Work until `stop` is set.

    Raises:
        Retryable: the database or the brokers stayed away.
    """
    log.info("nightly_started")
    loop = asyncio.get_running_loop()
    failures = 0
    try_at = loop.time()
    done_through: date | None = None
    while not stop.is_set():
        try:
            over = config.closing.days.last_complete(datetime.now(UTC))
            day_waits = over != done_through and loop.time() >= try_at
            if day_waits or await _register_waits(config):
                night = await run_once(config)
                if night.unsealed or await open_days(config):
                    try_at = loop.time() + _AGAIN.total_seconds()
                else:
                    done_through = over
            failures = 0
        except AnotherRun as error:
            log.info("nightly_waits", reason=str(error))
            try_at = loop.time() + _AGAIN.total_seconds()
        except Retryable as error:
            failures += 1
            log.warning("nightly_failed", error=str(error), failures=failures)
            if failures >= _RETRIES:
                raise
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _POLL.total_seconds())
    log.info("nightly_stopped")


async def _register_waits(config: NightlyConfig) -> bool:
    async with reading(config.means.pool, JOB) as connection:
        return bool(await nightly_comparisons.list_waiting(connection))
