"""A standalone Spark cluster of real processes on loopback, started by the lines of docs/operations/scale.md."""

from __future__ import annotations

import itertools
import os
import re
import signal
import subprocess
import time
from pathlib import Path

from service.embedded.daemon import port_is_free

ROOT = Path(__file__).resolve().parents[3]
_PAGE = ROOT / "docs" / "operations" / "scale.md"
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PATIENCE_SECONDS = 120.0
# What lives for seconds is not worth compiling twice.
_SHORT_LIVED = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
CONF = {
    "spark.driver.extraJavaOptions": _SHORT_LIVED,
    "spark.executor.extraJavaOptions": _SHORT_LIVED,
    "spark.shuffle.io.retryWait": "1s",
}


def page_lines() -> list[str]:
    """Return the lines that the page tells an operator to type."""
    return [line for block in _BLOCK.findall(_PAGE.read_text("utf-8")) for line in block.splitlines() if line]


class Cluster:
    """A master and two workers, by the page's lines on ports of this test alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = _free_port()
        self.master = f"spark://127.0.0.1:{self.port}"
        self._processes: list[subprocess.Popen[bytes]] = []
        places = {"SPARK_WORKER_DIR": str(folder / "work"), "SPARK_LOCAL_DIRS": str(folder)}
        environment = os.environ | places | {"SPARK_DAEMON_JAVA_OPTS": _SHORT_LIVED}
        exported, *started = [line for line in page_lines() if "SPARK_HOME" in line]
        for line in started:
            own = re.sub(r"--webui-port \d+", f"--webui-port {_free_port()}", line.replace("7077", str(self.port)))
            number = len(self._processes)
            command = ["bash", "-c", f"{exported}\nexec {own}"]
            with (folder / f"{number}.log").open("wb") as log:
                self._processes.append(
                    subprocess.Popen(
                        command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
                    )
                )
            if not number:
                self._await("0.log", "I have been elected leader")
        for number in range(1, len(self._processes)):
            self._await(f"{number}.log", "Successfully registered with master")

    def executors(self) -> list[int]:
        """Return the processes that do the work, children of the workers."""
        return [
            int(child)
            for worker in self._processes[1:]
            for listed in Path(f"/proc/{worker.pid}/task").glob("*/children")
            for child in listed.read_text().split()
            if b"CoarseGrainedExecutorBackend" in Path(f"/proc/{child}/cmdline").read_bytes()
        ]

    def kill_one(self) -> int:
        """Kill one of them; return it."""
        victim = self.executors()[0]
        os.kill(victim, signal.SIGKILL)
        return victim

    def stop(self) -> None:
        """End all processes."""
        for process in reversed(self._processes):
            process.terminate()
        for process in self._processes:
            process.wait(30)

    def _await(self, log: str, text: str) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while text not in (said := (self.folder / log).read_text("utf-8")):
            assert time.monotonic() < deadline, said
            time.sleep(0.1)


_ports = itertools.count(32_000 + os.getpid() % 500)


def _free_port() -> int:
    """Return a port that nobody listens on, another each time."""
    return next(port for port in _ports if port_is_free(port))
