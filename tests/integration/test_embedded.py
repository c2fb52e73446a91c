"""The embedded services start from nothing, after an orderly end and after a kill, on the same addresses."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from service.embedded.daemon import Running, left_behind, run, started_at
from service.embedded.kafka import EmbeddedKafka
from service.embedded.postgres import EmbeddedPostgres
from service.embedded.supervisor import AlreadyRunning, DirectoryLock, Role, Supervisor
from sync.kafka import KafkaSettings, create_topics, log_ends
from sync.topics import submissions_topic

END: dict[str, Callable[[Running], None]] = {"in order": Running.stop, "by kill -9": Running.kill}


@pytest.mark.parametrize("how", END)
async def test_postgres_keeps_data_and_address_over_an_end(tmp_path: Path, how: str) -> None:
    postgres = EmbeddedPostgres(tmp_path, shared_buffers_mib=128, durable=False)
    first = run(postgres)
    address = postgres.dsn
    connection = await asyncpg.connect(address)
    await connection.execute("create table kept as select 1 as one")
    END[how](first)

    second = run(EmbeddedPostgres(tmp_path, shared_buffers_mib=128))

    connection = await asyncpg.connect(address)
    assert await connection.fetchval("select one from kept") == 1
    await connection.close()
    second.stop()


@pytest.mark.parametrize("how", END)
async def test_kafka_keeps_topics_and_address_over_an_end(tmp_path: Path, how: str) -> None:
    kafka = EmbeddedKafka(tmp_path)
    first = run(kafka)
    settings = KafkaSettings(bootstrap=kafka.bootstrap)
    await create_topics(settings, ["office"], partitions=2)
    END[how](first)

    second = run(EmbeddedKafka(tmp_path))

    ends = await log_ends(settings, [submissions_topic("office")])
    assert list(ends.values()) == [0, 0]
    second.stop()


async def test_a_password_is_wanted_and_only_loopback_listens(cluster: str) -> None:
    connection = await asyncpg.connect(cluster)
    assert await connection.fetchval("show listen_addresses") == "127.0.0.1"
    assert await connection.fetchval("show unix_socket_directories") == ""
    await connection.close()

    without = cluster.replace(cluster.split("@")[0].rsplit(":", 1)[1], "wrong")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(without)


def _supervised_postgres(folder: Path) -> tuple[subprocess.Popen[str], int]:
    """Start a process that starts PostgreSQL; return it and the server's process id."""
    program = (
        "import sys, time; from pathlib import Path; from service.embedded.daemon import run;"
        "from service.embedded.postgres import EmbeddedPostgres;"
        "postgres = EmbeddedPostgres(Path(sys.argv[1]), shared_buffers_mib=128, durable=False);"
        "print(run(postgres).pid, flush=True); time.sleep(60)"
    )
    supervisor = subprocess.Popen([sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE, text=True)
    assert supervisor.stdout is not None
    return supervisor, int(supervisor.stdout.readline())


def _wait_until(true: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not so after {seconds} s"
        time.sleep(0.05)


def test_a_server_whose_supervisor_was_killed_is_replaced(tmp_path: Path) -> None:
    supervisor, pid = _supervised_postgres(tmp_path)
    os.kill(pid, signal.SIGSTOP)
    supervisor.kill()
    supervisor.communicate()

    second = run(EmbeddedPostgres(tmp_path, shared_buffers_mib=128))

    assert started_at(pid) is None
    second.stop()


def test_children_die_with_their_supervisor(tmp_path: Path) -> None:
    supervisor, _ = _supervised_postgres(tmp_path)
    assert left_behind(tmp_path / "pg", "postgres") != []

    supervisor.kill()
    supervisor.communicate()

    _wait_until(lambda: left_behind(tmp_path / "pg", "postgres") == [])


async def test_a_child_that_dies_is_started_again(tmp_path: Path) -> None:
    supervisor = Supervisor()
    role = Role(name="sleeper", arguments=["sleep", "60"], settings={}, directory=tmp_path / "run", log_file=None)
    await supervisor.start(role)
    watching = asyncio.create_task(supervisor.watch())
    first = supervisor.pids["sleeper"]

    os.kill(first, signal.SIGKILL)

    await asyncio.to_thread(_wait_until, lambda: supervisor.pids.get("sleeper", first) != first)
    second = supervisor.pids["sleeper"]
    watching.cancel()
    await supervisor.stop()
    assert second != first
    assert started_at(second) is None


def test_a_data_directory_has_one_supervisor(tmp_path: Path) -> None:
    lock = DirectoryLock(tmp_path)

    with pytest.raises(AlreadyRunning, match=rf"process {os.getpid()}\) runs on .* choose another --data-dir"):
        DirectoryLock(tmp_path)

    lock.release()
    DirectoryLock(tmp_path).release()
