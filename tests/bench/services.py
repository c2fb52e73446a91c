"""The PostgreSQL and the Kafka that figures are measured on, as `uscc up` runs them, and the program as processes."""

from __future__ import annotations

import asyncio
import atexit
import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from urllib.parse import urlsplit

import asyncpg
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from service.embedded.daemon import Running, run
from service.embedded.kafka import EmbeddedKafka
from service.embedded.postgres import EmbeddedPostgres, binary
from sync.kafka import submission_topic_settings
from sync.store.migrate import migrate
from tests.bench.figures import ROOT
from tests.services import database_of

PARTITIONS = 6
_TEMPLATE = "bench_template"
_numbers = itertools.count(1)


class Services:
    """Both services in a folder of their own; each starts when it is first asked for."""

    def __init__(self) -> None:
        self.folder = Path(mkdtemp(prefix="uscc-bench-"))
        self._postgres: EmbeddedPostgres | None = None
        self._kafka: EmbeddedKafka | None = None
        self._running: list[Running] = []
        self._producer: Producer | None = None

    @property
    def dsn(self) -> str:
        """The address of the cluster, as its owner."""
        if self._postgres is None:
            self._postgres = EmbeddedPostgres(self.folder)
            self._running.append(run(self._postgres))
            self.execute(f"create database {_TEMPLATE}")
            asyncio.run(migrate(database_of(self._postgres.dsn, _TEMPLATE)))
        return self._postgres.dsn

    @property
    def bootstrap(self) -> str:
        """The address of the broker."""
        if self._kafka is None:
            self._kafka = EmbeddedKafka(self.folder)
            self._running.append(run(self._kafka))
        return self._kafka.bootstrap

    def stop(self) -> None:
        """End both and remove their folder."""
        # A producer that outlives its broker says so, many times.
        self._producer = None
        for running in reversed(self._running):
            running.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def execute(self, statement: str, *, dsn: str | None = None) -> None:
        """Run one statement by itself."""

        async def work() -> None:
            connection = await asyncpg.connect(dsn or self.dsn)
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        asyncio.run(work())

    def fetch(self, query: str, *arguments: Any, dsn: str) -> list[asyncpg.Record]:
        """Run one query."""

        async def work() -> list[asyncpg.Record]:
            connection = await asyncpg.connect(dsn)
            try:
                return list(await connection.fetch(query, *arguments))
            finally:
                await connection.close()

        return asyncio.run(work())

    @contextmanager
    def database(self) -> Iterator[str]:
        """Lend a migrated, empty database; yields its DSN as owner."""
        cluster, name = self.dsn, f"bench_{next(_numbers)}"
        self.execute(f"create database {name} template {_TEMPLATE}")
        try:
            yield database_of(cluster, name)
        finally:
            self.execute(f"drop database {name} with (force)")

    def settle(self) -> None:
        """Write a checkpoint, so that what one measurement left does not weigh on the next."""
        self.execute("checkpoint")

    def make_topics(self, names: Iterable[str], partitions: int = PARTITIONS) -> None:
        """Make topics as submission topics are made, anew where they exist."""
        names = list(names)
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        present = [name for name in names if name in admin.list_topics(timeout=10).topics]
        for done in admin.delete_topics(present).values() if present else ():
            done.result(30)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and set(names) & set(admin.list_topics(timeout=10).topics):
            time.sleep(0.1)
        time.sleep(0.5)
        settings = submission_topic_settings(embedded=False)
        wanted = [NewTopic(name, num_partitions=partitions, replication_factor=1, config=settings) for name in names]
        for done in admin.create_topics(wanted).values():
            done.result(30)

    def produce(self, topic: str, records: Iterable[tuple[bytes, bytes]]) -> None:
        """Produce records, keyed as offices key them, and wait until all are acknowledged."""
        if self._producer is None:
            self._producer = Producer(
                {
                    "bootstrap.servers": self.bootstrap,
                    "acks": "all",
                    "linger.ms": 5,
                    "compression.type": "lz4",
                    "partitioner": "murmur2_random",
                }
            )
        for key, value in records:
            while True:
                try:
                    self._producer.produce(topic, value=value, key=key)
                    break
                except BufferError:
                    self._producer.poll(0.1)
        left = self._producer.flush(120)
        assert not left, f"{left} records were not acknowledged"

    @contextmanager
    def role(self, *arguments: str, dsn: str, settings: Mapping[str, str] | None = None) -> Iterator[Process]:
        """Run `uscc …` as a process on a database; its log is told when it dies."""
        process = Process(
            [sys.executable, "-m", "service", *arguments],
            self.folder / f"{'-'.join(arguments)}-{next(_numbers)}.log",
            {"USCC_DATABASE_DSN": dsn, "USCC_KAFKA_BOOTSTRAP": self.bootstrap, **(settings or {})},
        )
        try:
            yield process
        finally:
            process.stop()


class Process:
    """A child process with a log file."""

    def __init__(self, command: list[str], log: Path, environment: Mapping[str, str]) -> None:
        self._log = log
        clean = {name: value for name, value in os.environ.items() if not name.startswith("USCC_")}
        with log.open("wb") as file:
            self._child = subprocess.Popen(
                command, cwd=ROOT, env={**clean, **environment}, stdin=subprocess.DEVNULL, stdout=file, stderr=file
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._child.pid

    def check(self) -> None:
        """Raise when it has ended."""
        if self._child.poll() is not None:
            tail = self._log.read_text("utf-8", "replace")[-2_000:]
            raise RuntimeError(f"{self._child.args!r} ended with status {self._child.returncode}:\n{tail}")

    def peak_mib(self) -> float:
        """Return the peak of its resident memory."""
        status = Path(f"/proc/{self.pid}/status").read_text("utf-8")
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024

    def wait(self, seconds: float) -> None:
        """Wait for its orderly end."""
        self._child.wait(seconds)
        if self._child.returncode != 0:
            self.check()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Ask it to end, then make it."""
        self._child.send_signal(number)
        try:
            self._child.wait(25)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()


@lru_cache(maxsize=1)
def services() -> Services:
    """Return the services of this run; they end with it."""
    made = Services()
    atexit.register(made.stop)
    return made


def pgbench(dsn: str, *arguments: str) -> str:
    """Run pgbench of the same PostgreSQL against a database; return what it printed."""
    address = urlsplit(dsn)
    environment = os.environ | {"PGPASSWORD": address.password or ""}
    place = ["-h", address.hostname or "", "-p", str(address.port), "-U", address.username or ""]
    done = subprocess.run(
        [binary("pgbench"), *place, *arguments, address.path.lstrip("/")],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout
