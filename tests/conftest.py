"""Real services for the tests that need them: one PostgreSQL and one Kafka a session, a database and topics a test.

They are started when the first test asks for them. `TEST_SERVICES=<folder>` keeps them in a folder that
`python -m tests.services <folder>` serves, which saves some seconds a run.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import asyncpg
import hypothesis
import pytest

from service.embedded.daemon import run
from service.embedded.kafka import EmbeddedKafka
from service.embedded.postgres import EmbeddedPostgres
from sync.kafka import KafkaSettings
from sync.store.connection import INGEST, Pool, open_pool
from sync.store.migrate import migrate
from tests.services import Addresses, database_of, read_addresses

_TEMPLATE = "uscc_template"
_numbers = itertools.count(1)

# `make check` is to be quick and to give the same answer twice; `make fuzz` searches long and anew.
hypothesis.settings.register_profile("quick", max_examples=100, deadline=None, derandomize=True)
hypothesis.settings.register_profile("long", max_examples=20_000, deadline=None)
hypothesis.settings.load_profile("quick")


@pytest.fixture
def say(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Tell the reader a figure: at once where one process runs the tests, and in the summary at the end."""

    def tell(text: str) -> None:
        request.node.user_properties.append(("said", text))
        if "PYTEST_XDIST_WORKER" not in os.environ:
            with capsys.disabled():
                print(f"\n  {text}", end=" ")

    return tell


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the tests had to say, whichever process ran them."""
    said = [
        (report.nodeid.partition("::")[0], text)
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        for name, text in report.user_properties
        if name == "said" and report.when == "call"
    ]
    if said:
        terminalreporter.section("figures")
    for file, text in said:
        terminalreporter.write_line(f"{file}: {text}")


@pytest.fixture(scope="session")
def served() -> Addresses | None:
    """The services that `python -m tests.services` keeps running, if any."""
    folder = os.environ.get("TEST_SERVICES")
    return read_addresses(Path(folder)) if folder else None


@pytest.fixture(scope="session")
def cluster(served: Addresses | None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The DSN of a running PostgreSQL, as its owner."""
    if served is not None:
        yield served.database
        return
    postgres = EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), shared_buffers_mib=256, durable=False)
    running = run(postgres)
    yield postgres.dsn
    running.stop()


@pytest.fixture(scope="session")
def broker(served: Addresses | None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaSettings]:
    """The settings of a running Kafka."""
    if served is not None:
        yield KafkaSettings(bootstrap=served.kafka)
        return
    kafka = EmbeddedKafka(tmp_path_factory.mktemp("kafka"))
    running = run(kafka)
    yield KafkaSettings(bootstrap=kafka.bootstrap)
    running.stop()


@pytest.fixture(scope="session")
def template(cluster: str) -> str:
    """The name of a migrated, empty database, made anew in every session."""

    async def make() -> None:
        connection = await asyncpg.connect(cluster)
        await connection.execute(f"drop database if exists {_TEMPLATE} with (force)")
        await connection.execute(f"create database {_TEMPLATE}")
        await connection.close()
        await migrate(database_of(cluster, _TEMPLATE))

    asyncio.run(make())
    return _TEMPLATE


@pytest.fixture
async def database(cluster: str, template: str) -> AsyncIterator[str]:
    """The DSN of a migrated, empty database of this test alone, as its owner."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    connection = await asyncpg.connect(cluster)
    await connection.execute(f"create database {name} template {template}")
    try:
        yield database_of(cluster, name)
    finally:
        await connection.execute(f"drop database {name} with (force)")
        await connection.close()


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    """A pool on the test's database, as its owner."""
    opened = await open_pool(database, role=None, limits=INGEST, size=8, name="test")
    yield opened
    await opened.close()


@pytest.fixture
async def twin(cluster: str, template: str) -> AsyncIterator[str]:
    """The DSN of a second migrated, empty database, to compare with."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    connection = await asyncpg.connect(cluster)
    await connection.execute(f"create database {name} template {template}")
    try:
        yield database_of(cluster, name)
    finally:
        await connection.execute(f"drop database {name} with (force)")
        await connection.close()


@pytest.fixture
async def twin_pool(twin: str) -> AsyncIterator[Pool]:
    """A pool on the second database, as its owner."""
    opened = await open_pool(twin, role=None, limits=INGEST, size=8, name="test-twin")
    yield opened
    await opened.close()


@pytest.fixture
async def ingest_pool(database: str) -> AsyncIterator[Pool]:
    """A pool on the test's database that may do what `uscc ingest` may do."""
    opened = await open_pool(database, role="uscc_ingest", limits=INGEST, size=8, name="test-ingest")
    yield opened
    await opened.close()


@pytest.fixture
def suffix() -> str:
    """A few characters that no other test has: name offices with it, and their topics are this test's alone."""
    return f"{os.getpid():x}x{next(_numbers)}"
