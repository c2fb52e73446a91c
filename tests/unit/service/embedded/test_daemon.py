"""What is asked of processes that are not, or no longer, children of ours."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.embedded.daemon import end_processes, port_is_free, started_at

# The first thread ends alone (the system call exit, not exit_group), another holds the port: a broker that dies.
_HALF_DEAD = """
import ctypes, platform, socket, threading, time
server = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=time.sleep, args=(60,)).start()
print(server.getsockname()[1], flush=True)
ctypes.CDLL(None).syscall({"x86_64": 60, "aarch64": 93}[platform.machine()], 0)
"""


@pytest.fixture
def half_dead() -> Iterator[tuple[int, int]]:
    """Yield the process and the port of a server whose first thread is a zombie."""
    with subprocess.Popen([sys.executable, "-c", _HALF_DEAD], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            port = int(process.stdout.readline())
            while Path(f"/proc/{process.pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z":
                time.sleep(0.01)
            yield process.pid, port
        finally:
            process.kill()


def test_a_process_is_there_until_its_last_thread_is_gone(half_dead: tuple[int, int]) -> None:
    pid, port = half_dead

    assert started_at(pid) is not None
    end_processes([pid], signal.SIGTERM, 5)
    assert started_at(pid) is None
    assert port_is_free(port)
