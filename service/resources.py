"""Everything that the service holds while it runs: opened once, handed to the application, closed in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from service.access_log import AccessLog
from service.api.look_ups import LookUps
from service.auth.bearers import Bearers
from service.auth.exchange import ExchangeCallers
from service.auth.limits import Limits
from service.case_desk import CaseDesk
from service.dry_run import Judging
from service.metrics import Metrics
from service.nights import Nights
from service.tips import Tips
from service.watermarks import Watermarks
from sync.kafka import KafkaSettings
from sync.searching import NameSearch
from sync.store import registrations, searches
from sync.store.connection import API, INGEST, Pool, Prepare, open_pool
from sync.store.connection import Limits as SessionLimits
from validators.rulebook import Ruleset

_LOOPBACK = frozenset(("localhost", "127.0.0.1", "[::1]"))
DESK_SIZE = 3
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
    judging: Judging
    snapshot_folder: Path
    province: str | None = "21"
    nights: Nights = field(default_factory=Nights)
    pool_size: int = 8
    requests_per_minute: int | None = None
    misses_per_minute: int = 100_000
    most_in_flight: int = 2_000
    version: str = field(default_factory=lambda: version("uscc-data-service"))

    def host_names(self) -> frozenset[str]:
        """Return the names under which the service may be asked; "*" stands for any."""
        if self.allowed_hosts:
            return frozenset(name.lower() for name in self.allowed_hosts)
        if self.host in _LISTENS_EVERYWHERE:
            return frozenset(("*",))
        return _LOOPBACK | {self.host.lower()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What the endpoints work with.

    `reads` is the pool for reads, which may be a replica's; `searches` reads there too, by plans made anew for every
    search; `desk` is for what takes longer than a look-up may: storing what was posted, and dry runs; `case_desk`
    carries resolutions of cases out.
    """

    config: ServeConfig
    pool: Pool
    reads: Pool
    searches: Pool
    desk: Pool
    case_desk: CaseDesk
    bearers: Bearers
    exchange: ExchangeCallers
    limits: Limits
    look_ups: LookUps
    tips: Tips
    watermarks: Watermarks
    metrics: Metrics
    access_log: AccessLog
    closing: asyncio.Event
    name_search: NameSearch = field(default_factory=NameSearch)
    dry_run_turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    counted: dict[str, int] = field(default_factory=dict)
    openapi_document: dict[str, Any] = field(default_factory=dict)

    @property
    def offices(self) -> frozenset[str]:
        """The ids of all offices."""
        return frozenset(self.config.offices)


@dataclass(frozen=True, slots=True)
class _Pools:
    main: Pool
    reads: Pool
    searches: Pool
    desk: Pool


@asynccontextmanager
async def _open_pools(config: ServeConfig) -> AsyncIterator[_Pools]:
    async with AsyncExitStack() as stack:

        async def opened(dsn: str, name: str, size: int, limits: SessionLimits, prepare: Prepare | None) -> Pool:
            pool = await open_pool(dsn, role=config.role, limits=limits, size=size, name=name, prepare=prepare)
            stack.push_async_callback(pool.close)
            return pool

        size = config.pool_size
        main = await opened(config.dsn, "uscc-serve", size, API, registrations.prepare_session)
        replica = config.read_dsn
        yield _Pools(
            main=main,
            reads=main
            if replica is None
            else await opened(replica, "uscc-serve-reads", size, API, registrations.prepare_session),
            searches=await opened(
                replica or config.dsn, "uscc-serve-search", max(1, size // 2), API, searches.prepare_session
            ),
            desk=await opened(config.dsn, "uscc-serve-desk", DESK_SIZE, INGEST, None),
        )


@asynccontextmanager
async def open_resources(config: ServeConfig) -> AsyncIterator[Resources]:
    """Open pools and start what runs beside the requests; close them in the opposite order.

    Raises:
        Retryable: the database does not answer.
    """
    async with _open_pools(config) as pools:
        closing = asyncio.Event()
        metrics = Metrics()
        access_log = AccessLog()
        limits = Limits(
            pools.main, requests_per_minute=config.requests_per_minute, misses_per_minute=config.misses_per_minute
        )
        watermarks = Watermarks(pools.reads, list(config.offices), config.kafka)
        resources = Resources(
            config=config,
            pool=pools.main,
            reads=pools.reads,
            searches=pools.searches,
            desk=pools.desk,
            case_desk=CaseDesk(config.dsn, config.judging),
            bearers=Bearers(pools.main),
            exchange=ExchangeCallers(pools.main),
            limits=limits,
            look_ups=LookUps(pools.reads, metrics),
            tips=Tips(pools.reads, closing),
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
            await resources.case_desk.close()
