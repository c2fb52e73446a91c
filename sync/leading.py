"""Work of which one process at a time does all: its session leads, a producer serves it, trouble is tried again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from sync.errors import Retryable
from sync.kafka import KafkaSettings, Producer, producing
from sync.store.connection import Limits, Pool, WriteConn, session

LEAD_SECONDS = 1.0
RETRIES = 60

log = structlog.get_logger(__name__)


async def lead(
    *,
    kafka: KafkaSettings,
    pool: Pool,
    limits: Limits,
    try_lead: Callable[[WriteConn], Awaitable[bool]],
    work: Callable[[WriteConn, Producer], Awaitable[None]],
    failed: str,
    stop: asyncio.Event,
) -> None:
    """Do `work` whenever `try_lead` says that a session leads, until `stop` is set; `failed` is the event of trouble.

    The lock goes with the session, session and producer with the first trouble.

    Raises:
        Retryable: the database or the broker stayed away: end the process and start anew.
    """
    failures = 0
    while not stop.is_set():
        try:
            async with session(pool, limits) as connection:
                if await _leads(connection, try_lead, stop):
                    async with producing(kafka) as producer:
                        await work(connection, producer)
            failures = 0
        except Retryable as error:
            failures += 1
            log.warning(failed, error=str(error), failures=failures)
            if failures >= RETRIES:
                raise
            await pause(stop, min(1.0, 0.1 * failures))


async def _leads(connection: WriteConn, try_lead: Callable[[WriteConn], Awaitable[bool]], stop: asyncio.Event) -> bool:
    """Wait until this session leads; return whether it does, or was told to stop before."""
    while not await try_lead(connection):
        await pause(stop, LEAD_SECONDS)
        if stop.is_set():
            return False
    return True


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait, or less when told to stop."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
