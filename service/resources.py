"""Everything that the service holds while it runs: opened once, handed to the application, closed in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from service.access_log import AccessLog
from service.api.look_ups import LookUps
from service.auth.bearers import Bearers
from service.auth.limits import Limits
from service.metrics import Metrics
from service.tips import Tips
from service.watermarks import Watermarks
from sync.kafka import KafkaSettings
from sync.store.connection import API, Pool, open_pool
from sync.store.registrations import prepare_session
from validators.rulebook import Ruleset

_LOOPBACK = frozenset(("localhost", "127.0.0.1", "[::1]"))
_LISTENS_EVERYWHERE = frozenset(("0.0.0.0", "::", ""))  # noqa: S104 — compared with, not bound to


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeConfig:
    """How the API runs.

    `read_dsn` is a replica for reads, None for the database itself; `role` the database role to act as, None for the
    login itself. `kafka` None leaves the watermark at the last decided record. `offices` maps the id of each office to
    its titles (zh, en). `allowed_hosts` empty: names of the loopback where the service listens there only, else any.
    """

    dsn: str
    read_dsn: str | None = None
    role: str | None = "uscc_api"
    host: str = "127.0.0.1"
    port: int = 8080
    allowed_hosts: tuple[str, ...] = ()
    kafka: KafkaSettings | None = None
    offices: Mapping[str, tuple[str, str]]
    ruleset: Ruleset
    province: str | None = "21"
    pool_size: int = 8
    requests_per_minute: int | None = None
    misses_per_minute: int = 100_000
    most_in_flight: int = 2_000
    version: str = "0"

    def host_names(self) -> frozenset[str]:
        """Return the names under which the service may be asked; "*" stands for any."""
        if self.allowed_hosts:
            return frozenset(name.lower() for name in self.allowed_hosts)
        if self.host in _LISTENS_EVERYWHERE:
            return frozenset(("*",))
        return _LOOPBACK | {self.host.lower()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What the endpoints work with. `reads` is the pool for reads, which may be a replica's."""

    config: ServeConfig
    pool: Pool
    reads: Pool
    bearers: Bearers
    limits: Limits
    look_ups: LookUps
    tips: Tips
    watermarks: Watermarks
    metrics: Metrics
    access_log: AccessLog
    closing: asyncio.Event
    counted: dict[str, int] = field(default_factory=dict)
    openapi_document: dict[str, Any] = field(default_factory=dict)

    @property
    def offices(self) -> frozenset[str]:
        """The ids of all offices."""
        return frozenset(self.config.offices)


async def _open(config: ServeConfig, dsn: str, name: str) -> Pool:
    return await open_pool(dsn, role=config.role, limits=API, size=config.pool_size, name=name, prepare=prepare_session)


@asynccontextmanager
async def open_resources(config: ServeConfig) -> AsyncIterator[Resources]:
    """Open pools and start what runs beside the requests; close them in the opposite order.

    Raises:
        Retryable: the database does not answer.
    """
    pool = await _open(config, config.dsn, "uscc-serve")
    reads = pool
    try:
        if config.read_dsn is not None:
            reads = await _open(config, config.read_dsn, "uscc-serve-reads")
        closing = asyncio.Event()
        metrics = Metrics()
        access_log = AccessLog()
        limits = Limits(
            pool, requests_per_minute=config.requests_per_minute, misses_per_minute=config.misses_per_minute
        )
        watermarks = Watermarks(reads, list(config.offices), config.kafka)
        resources = Resources(
            config=config,
            pool=pool,
            reads=reads,
            bearers=Bearers(pool),
            limits=limits,
            look_ups=LookUps(reads, metrics),
            tips=Tips(reads, closing),
            watermarks=watermarks,
            metrics=metrics,
            access_log=access_log,
            closing=closing,
        )
        duties = (watermarks.probe_for_ever(), limits.save_for_ever(), access_log.flush_for_ever())
        beside = [asyncio.create_task(duty) for duty in duties]
        try:
            yield resources
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            access_log.flush()
            await limits.save()
    finally:
        if reads is not pool:
            await reads.close()
        await pool.close()
