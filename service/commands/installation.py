"""One installation on one machine, from nothing to ready, and back."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from signal import SIGTERM
from typing import TypeAlias

from pydantic import SecretStr
from rich.console import Console

from service.commands.demonstration import Demonstration
from service.commands.idle import Watch
from service.commands.keys import ensure_clients
from service.commands.migrate import prepare
from service.commands.progress import Meter
from service.commands.summary import print_addresses, print_balance, print_findings
from service.embedded.daemon import end_processes, left_behind, port_is_free
from service.embedded.kafka import DEFAULT_JARS, EmbeddedKafka
from service.embedded.ports import Ports
from service.embedded.postgres import EmbeddedPostgres
from service.embedded.supervisor import Role, Supervisor
from service.settings import ENDPOINTS_FILE, Settings, UnusableSettings, child_environment, dsn, kafka_settings
from service.site import Site, load_site
from sync.errors import Fatal
from sync.store.connection import JOB, Pool, open_pool, reading
from sync.store.standing import balance, findings_by_rule, some_registered

_READY_SECONDS = 60.0
_EXAMPLE_CODE = "91210100MA0000496X"
_EXAMPLE_OFFICE = "commerce"

Embedded: TypeAlias = EmbeddedPostgres | EmbeddedKafka


@dataclass(slots=True)
class Installation:
    """Everything that `uscc up` runs. `settings` are as given; what was embedded is filled in by `start`."""

    settings: Settings
    console: Console
    supervisor: Supervisor = field(default_factory=Supervisor)
    keys: Mapping[str, Path] = field(default_factory=dict)
    _site: Site | None = None
    _pool: Pool | None = None
    _watching: asyncio.Task[None] | None = None

    @property
    def site(self) -> Site:
        """The site's tables."""
        if self._site is None:
            self._site = load_site(self.settings.config_dir)
        return self._site

    @property
    def http(self) -> str:
        """The address of the API."""
        return f"http://127.0.0.1:{self.settings.http_port}"

    @property
    def pool(self) -> Pool:
        """A pool on the registry, as its owner."""
        if self._pool is None:
            raise Fatal("the installation was not started")
        return self._pool

    async def start(self) -> None:
        """Bring up what is missing, migrate, start the roles, and write endpoints.json once the API is ready.

        Raises:
            Fatal: something does not come up; carries the end of its log.
            UnusableSettings: the port is taken.
        """
        began = time.monotonic()
        (self.settings.data_dir / ENDPOINTS_FILE).unlink(missing_ok=True)
        self._end_leftovers()
        self._choose_port()
        embedded_broker = self.settings.kafka_bootstrap is None
        self._watching = asyncio.create_task(self.supervisor.watch())
        await self._start_services()
        prepared = await prepare(self.settings, embedded_broker=embedded_broker)
        self._say(f"migrated ({len(prepared.migrations)} new), {len(prepared.topics)} topics made")
        self._pool = await open_pool(dsn(self.settings), role=None, limits=JOB, size=2, name="uscc-up")
        self.keys = await ensure_clients(self._pool, self.settings.data_dir / "keys", self.site.offices)
        for role in self._roles():
            await self.supervisor.start(role)
        await self._until_ready()
        self._write_endpoints()
        self._say(f"ready after {time.monotonic() - began:.1f} s: {self.http}")

    async def push_demo(self, records: int) -> None:
        """Push the demonstration feed, unless this data directory has had it."""
        demonstration = Demonstration(self.settings.data_dir)
        if demonstration.was_pushed(records):
            self._say(f"the {records:,} demonstration records are there already")
            return
        with Meter(self.console, "推送 push", records) as meter:
            await demonstration.push(kafka_settings(self.settings), records, meter.advance_to)

    async def until_idle(self, patience: timedelta) -> None:
        """Wait until every offset is decided, every return published and the table balances.

        Raises:
            NeverIdle: it does not come to that; says why.
        """
        with Meter(self.console, "核查 decide", None) as meter:
            watch = Watch(
                pool=self.pool,
                kafka=kafka_settings(self.settings),
                offices=list(self.site.offices),
                progress=lambda rest: meter.advance_to(rest.offsets - rest.undecided, rest.offsets),
            )
            await watch.until_idle(patience)

    async def show(self, console: Console) -> None:
        """Print the zero-sum table, the findings by rule, the addresses, and lines to paste."""
        async with reading(self.pool, JOB) as connection:
            rows, counts = await balance(connection), await findings_by_rule(connection)
            code = await some_registered(connection)
        if any(row.received for row in rows):
            print_balance(console, rows, self.site.offices)
            print_findings(console, counts)
        offices = list(self.site.offices)
        print_addresses(
            console,
            http=self.http,
            kafka=self.settings.kafka_bootstrap or "",
            data_dir=self.settings.data_dir,
            keys=self.keys,
            code=code or _EXAMPLE_CODE,
            office=_EXAMPLE_OFFICE if _EXAMPLE_OFFICE in offices else offices[0],
        )

    async def close(self) -> None:
        """End everything in order."""
        if self._watching is not None:
            self._watching.cancel()
            with suppress(asyncio.CancelledError):
                await self._watching
        (self.settings.data_dir / ENDPOINTS_FILE).unlink(missing_ok=True)
        if self._pool is not None:
            self._pool.terminate()
        await self.supervisor.stop()

    async def _start_services(self) -> None:
        """Start PostgreSQL and Kafka, at the same time, where none are given."""
        data_dir = self.settings.data_dir
        postgres, kafka = (
            EmbeddedPostgres(data_dir),
            EmbeddedKafka(data_dir, jars=self.settings.kafka_jars or DEFAULT_JARS),
        )
        databases: list[Embedded] = [postgres] if self.settings.database_dsn is None else []
        brokers: list[Embedded] = [kafka] if self.settings.kafka_bootstrap is None else []
        started = await asyncio.gather(
            *(self._start_service(service) for service in (*databases, *brokers)), return_exceptions=True
        )
        for failure in started:
            if isinstance(failure, BaseException):
                raise failure
        found: dict[str, object] = {}
        if databases:
            found["database_dsn"] = SecretStr(postgres.dsn)
        if brokers:
            found["kafka_bootstrap"] = kafka.bootstrap
        self.settings = self.settings.model_copy(update=found)

    async def _start_service(self, service: Embedded) -> None:
        began = time.monotonic()
        await self.supervisor.start(service)
        self._say(f"{service.name} serves after {time.monotonic() - began:.1f} s")

    def _roles(self) -> list[Role]:
        """Return the roles to run; each has its own process, log file and name."""
        ingests = [f"ingest-{number}" for number in range(1, self.settings.ingest_processes + 1)]
        return [self._role(name) for name in ("serve", *ingests, "relay", "nightly")]

    def _role(self, name: str) -> Role:
        role = name.partition("-")[0]
        arguments = [sys.executable, "-m", "service", role, "--data-dir", str(self.settings.data_dir)]
        if role == "ingest":
            arguments += ["--instance", name]
        if role == "nightly":
            arguments += ["--daemon"]
        settings = self.settings
        overrides = {
            "database_dsn": dsn(settings),
            "kafka_bootstrap": settings.kafka_bootstrap or "",
            "http_port": str(settings.http_port),
            "log_format": "json",
            "config_dir": str(settings.config_dir or ""),
            "kafka_ca_file": str(settings.kafka_ca_file or ""),
        }
        return Role(
            name=name,
            arguments=arguments,
            settings=child_environment(overrides) | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
            directory=self._run_directory,
            log_file=settings.data_dir / "logs" / f"{name}.log",
        )

    @property
    def _run_directory(self) -> Path:
        return self.settings.data_dir / "run"

    def _end_leftovers(self) -> None:
        """End roles of a supervisor that was killed, before anything of them meets anything of us."""
        python = Path(sys.executable).resolve().name
        end_processes(left_behind(self._run_directory, python, "service"), SIGTERM, 20)

    def _choose_port(self) -> None:
        port = self.settings.http_port
        if port == 0:
            self.settings = self.settings.model_copy(update={"http_port": Ports(self.settings.data_dir).take("http")})
        elif not port_is_free(port, self.settings.http_host):
            raise UnusableSettings(f"port {port} is taken: choose another by --port, or --port 0 for any")

    async def _until_ready(self) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while not await asyncio.to_thread(_answers, f"{self.http}/readyz"):
            if time.monotonic() > deadline:
                raise Fatal(
                    f"the API is not ready after {_READY_SECONDS:g} s: see logs/serve.log of the data directory"
                )
            await asyncio.sleep(0.05)

    def _write_endpoints(self) -> None:
        """Write how to reach everything, at once or not at all; it holds a password, so only the owner reads it."""
        endpoints = {
            "http": self.http,
            "kafka": self.settings.kafka_bootstrap,
            "database": dsn(self.settings),
            "keys": {name: str(file) for name, file in self.keys.items()},
        }
        file = self.settings.data_dir / ENDPOINTS_FILE
        unfinished = file.with_suffix(".new")
        unfinished.unlink(missing_ok=True)
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            json.dump(endpoints, opened, indent=2)
        unfinished.replace(file)

    def _say(self, text: str) -> None:
        self.console.print(text, highlight=False, style="dim", soft_wrap=True)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
