"""The ports of a data directory: chosen once and kept, so that addresses survive a restart."""

from __future__ import annotations

import fcntl
import json
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from service.embedded.daemon import port_is_free
from sync.errors import Fatal

_RANGE = (20_000, 32_000)
_POLL_SECONDS = 0.05
_PATIENCE_SECONDS = 5.0

log = structlog.get_logger(__name__)


class Ports:
    """The ports that a data directory uses, by name, in its file `ports.json`.

    A server that was killed holds its port until the last of its threads is gone, so a port that is not free is waited
    for, `patience` seconds, before it is given up for another.
    """

    def __init__(self, data_dir: Path, *, patience: float = _PATIENCE_SECONDS) -> None:
        self._file = data_dir / "ports.json"
        self._patience = patience
        self._given: set[str] = set()

    def take(self, name: str) -> int:
        """Return the port of `name`: the one it had, unless somebody else listens there by now.

        Raises:
            Fatal: somebody listens on a port that was taken before in this life, whose users have its address.
        """
        port = self._read().get(name)
        if port is None or not self._becomes_free(name, port):
            if name in self._given:
                raise Fatal(f"port {port} of {name} is taken by another program")
            port = self._choose(name)
        self._given.add(name)
        return port

    def _becomes_free(self, name: str, port: int) -> bool:
        if port_is_free(port):
            return True
        log.info("port_waited_for", of=name, port=port, at_most_seconds=self._patience)
        deadline = time.monotonic() + self._patience
        while time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
            if port_is_free(port):
                return True
        return False

    def _choose(self, name: str) -> int:
        with self._alone():
            ports = self._read()
            port = _free_port(set(ports.values()))
            unfinished = self._file.with_suffix(".new")
            unfinished.write_text(json.dumps(ports | {name: port}, indent=1) + "\n", "utf-8")
            unfinished.replace(self._file)
        if name in ports:
            log.warning("port_changed", of=name, was=ports[name], now=port, why="another program listens there")
        return port

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep others from choosing meanwhile: PostgreSQL and Kafka are prepared at the same time."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _read(self) -> dict[str, int]:
        if not self._file.exists():
            return {}
        ports: dict[str, int] = json.loads(self._file.read_text("utf-8"))
        return ports


def _free_port(taken: set[int]) -> int:
    """Choose a free port below those that the kernel gives to outgoing connections, which could take it later."""
    while True:
        port = random.randint(*_RANGE)
        if port not in taken and port_is_free(port):
            return port
