"""The ports of a data directory: chosen once and kept, so that addresses survive a restart."""

from __future__ import annotations

import json
import random
from pathlib import Path

from service.embedded.daemon import port_is_free

_RANGE = (20_000, 32_000)


class Ports:
    """The ports that a data directory uses, by name, in its file `ports.json`."""

    def __init__(self, data_dir: Path) -> None:
        self._file = data_dir / "ports.json"

    def take(self, name: str) -> int:
        """Return the port of `name`: the one it had, unless somebody else listens there by now."""
        ports = self._read()
        port = ports.get(name)
        if port is None or not port_is_free(port):
            port = _free_port(set(ports.values()))
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.write_text(json.dumps(ports | {name: port}, indent=1) + "\n", "utf-8")
        return port

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
