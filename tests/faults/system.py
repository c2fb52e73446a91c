"""A running `uscc up`, and everything that a test may do to it: look, stop, kill, verify."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
import httpx
from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from service.commands.idle import Rest, Watch
from service.embedded.daemon import left_behind, started_at
from service.librdkafka import configuration
from service.site import load_site
from sync.errors import Retryable
from sync.failpoints import FOLDER, STEPS, Step
from sync.kafka import GROUP, KafkaSettings
from sync.store.connection import JOB, open_pool

RECOVERY_SECONDS = 30.0
_START_SECONDS = 90.0
_PYTHON = Path(sys.executable).resolve().name


class Standing(NamedTuple):
    """What the system still owes. `unowned` counts partitions that nobody reads, `serves` is the API's own word."""

    rest: Rest
    unowned: int
    serves: bool

    @property
    def well(self) -> bool:
        """Whether nothing is left to do, every partition has its reader, and the API is ready."""
        return self.rest.idle and not self.unowned and self.serves


class System:
    """One `uscc up` on a data directory, whose supervisor can be killed and started again."""

    def __init__(self, data_dir: Path, settings: Mapping[str, str]) -> None:
        self.data_dir = data_dir
        self._settings = dict(settings)
        self._process: subprocess.Popen[bytes] | None = None
        self.endpoints: dict[str, Any] = {}

    # --- life ---------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start it and wait until it serves; the address of every part stays what it was."""
        endpoints = self.data_dir / "endpoints.json"
        endpoints.unlink(missing_ok=True)
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with (self.data_dir / "up.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "service", "up", "--data-dir", str(self.data_dir), "--port", "0"],
                env=os.environ | self._settings,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + _START_SECONDS
        while not endpoints.exists():
            assert self._process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.05)
        self.endpoints = json.loads(endpoints.read_text("utf-8"))

    def stop(self) -> None:
        """End it in order."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(60)

    def kill_supervisor(self) -> None:
        """Kill the supervisor alone; its children learn of it by their death signal."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def said(self) -> str:
        """Return the end of what `uscc up` said."""
        return (self.data_dir / "up.log").read_text("utf-8", "replace")[-2000:]

    # --- processes ----------------------------------------------------------------------------------------------

    def roles(self, word: str) -> list[int]:
        """Return the processes of a role."""
        return left_behind(self.data_dir / "run", _PYTHON, word)

    def role(self, word: str, seconds: float = 10.0) -> int:
        """Return a process of a role, waiting for one that is being started."""
        deadline = time.monotonic() + seconds
        while not (found := self.roles(word)):
            assert time.monotonic() < deadline, f"no {word} runs"
            time.sleep(0.05)
        return min(found)

    def broker(self) -> int:
        """Return the process of Kafka."""
        return left_behind(self.data_dir / "kafka", "java", "kafka.Kafka")[0]

    def postmaster(self) -> int:
        """Return the process that PostgreSQL's others come from."""
        return int((self.data_dir / "pg" / "postmaster.pid").read_text("utf-8").splitlines()[0])

    def postgres(self) -> list[int]:
        """Return every process of PostgreSQL."""
        return left_behind(self.data_dir / "pg", "postgres")

    # --- fail-points ---------------------------------------------------------------------------------------------

    def disarm_all(self) -> None:
        """Let no process die at a fail-point."""
        folder = self.data_dir / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        for step in STEPS:
            (folder / step).touch()

    def arm(self, step: Step) -> None:
        """Make the next process that has reached a step as often as it is set to die there, once."""
        (self.data_dir / FOLDER / step).unlink()

    def sprung(self, step: Step) -> bool:
        """Say whether a process has died at a step since it was armed."""
        return (self.data_dir / FOLDER / step).exists()

    # --- looks --------------------------------------------------------------------------------------------------

    @property
    def kafka(self) -> KafkaSettings:
        """How to reach the broker."""
        return KafkaSettings(bootstrap=self.endpoints["kafka"])

    def query(self, text: str, *arguments: Any) -> list[Any]:
        """Return the rows of a query, asked as the owner."""

        async def ask() -> list[Any]:
            connection = await asyncpg.connect(self.endpoints["database"], timeout=10)
            try:
                return list(await connection.fetch(text, *arguments))
            finally:
                await connection.close()

        return asyncio.run(ask())

    def decided(self) -> int:
        """Return how many records have been decided so far."""
        return int(self.query("select coalesce(sum(decided_records), 0) as n from partition_progress")[0]["n"])

    def settle(self, seconds: float = RECOVERY_SECONDS) -> float:
        """Wait until all is well; return how long that took."""
        began = time.monotonic()
        standing = asyncio.run(self._until_well(began + seconds))
        assert standing.well, f"{standing.rest.describe()}; {standing}"
        return time.monotonic() - began

    async def _until_well(self, deadline: float) -> Standing:
        offices = list(load_site(None).offices)
        standing = Standing(Rest(away="not asked yet"), len(offices), False)
        while time.monotonic() < deadline and not standing.well:
            try:
                pool = await open_pool(self.endpoints["database"], role=None, limits=JOB, size=1, name="test-watch")
                try:
                    rest = await Watch(pool=pool, kafka=self.kafka, offices=offices).look()
                finally:
                    pool.terminate()
            except Retryable as error:
                rest = Rest(away=str(error))
            unowned = await asyncio.to_thread(self._unowned) if rest.idle else 0
            standing = Standing(rest, unowned, await asyncio.to_thread(self._serves))
            await asyncio.sleep(0.1)
        return standing

    def _serves(self) -> bool:
        try:
            return httpx.get(f"{self.endpoints['http']}/readyz", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def _unowned(self) -> int:
        """Return how many partitions of the submission topics no member of the group has."""
        try:
            assigned = self._assignments()
        except KafkaException:
            return 1
        owned = {(tp.topic, tp.partition) for places in assigned for tp in places}
        places = self.query("select topic, partition from partition_progress")
        return len({(row["topic"], row["partition"]) for row in places} - owned)

    def members(self) -> int:
        """Return how many processes share the partitions."""
        return len(self._assignments())

    def _assignments(self) -> list[list[TopicPartition]]:
        """Return what each member of the group has."""
        admin = AdminClient(configuration(self.kafka))
        (asked,) = admin.describe_consumer_groups([GROUP], request_timeout=5).values()
        return [member.assignment.topic_partitions for member in asked.result().members]

    # --- tools --------------------------------------------------------------------------------------------------

    def uscc(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a command of the program on the data directory."""
        return subprocess.run(
            [sys.executable, "-m", "service", *arguments, "--data-dir", str(self.data_dir)],
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    def verify(self) -> list[str]:
        """Return the invariants that `uscc verify` finds broken."""
        done = self.uscc("verify", "--json")
        assert done.stdout, done.stderr
        answer = json.loads(done.stdout)
        broken = [json.dumps(check, ensure_ascii=False) for check in answer["checks"] if not check["ok"]]
        assert (done.returncode == 0) == (not broken)
        return broken

    def start_role(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start one more process of a role beside those of the supervisor."""
        with (self.data_dir / "logs" / "extra.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "service", *arguments, "--data-dir", str(self.data_dir)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )


def send(pids: Iterable[int], number: signal.Signals) -> None:
    """Send a signal to processes, of which some may be gone."""
    for pid in pids:
        if started_at(pid) is not None:
            os.kill(pid, number)
