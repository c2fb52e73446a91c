"""Child processes: started so that they die with us, asked to end, and cleared away when a killed supervisor left them.

A daemon says how it is prepared, which command runs it and when it is ready; `Running` is one life of it. A child gets
PR_SET_PDEATHSIG through `setpriv`, last in the chain of exec calls because a change of credentials would clear it. The
signal follows the *thread* that started the child: start children from the main thread.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

from sync.errors import Fatal

_POLL_SECONDS = 0.05
_LOG_LIMIT_BYTES = 64 * 1024 * 1024


class Daemon(Protocol):
    """A program that runs until it is told to end."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def stop_signal(self) -> signal.Signals:
        """The signal that asks it to end in order."""

    @property
    def log_file(self) -> Path | None:
        """Where its output goes; None is our own stderr."""

    @property
    def directory(self) -> Path:
        """The working directory, by which a later start knows what a killed supervisor left running."""

    def prepare(self) -> None:
        """Make everything ready for a start, whatever state the last life left; may take seconds."""

    def command(self) -> list[str]:
        """Return the command line."""

    def environment(self) -> Mapping[str, str] | None:
        """Return the whole environment of the process; None is our own."""

    def ready(self) -> bool:
        """Say whether it serves by now; takes no longer than a moment."""

    def ended(self) -> None:
        """Tidy up after an orderly end."""


class Running:
    """One life of a daemon, as a child of this process. Its output is appended to the daemon's log file."""

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self.started_at = time.monotonic()
        command = ["setpriv", "--pdeathsig", daemon.stop_signal.name.removeprefix("SIG"), "--", *daemon.command()]
        if daemon.log_file is None:
            self._child = subprocess.Popen(
                command, cwd=daemon.directory, env=daemon.environment(), stdin=subprocess.DEVNULL, process_group=0
            )
            return
        daemon.log_file.parent.mkdir(parents=True, exist_ok=True)
        if daemon.log_file.exists() and daemon.log_file.stat().st_size > _LOG_LIMIT_BYTES:
            daemon.log_file.replace(daemon.log_file.with_suffix(".log.1"))
        with daemon.log_file.open("ab") as log:
            self._child = subprocess.Popen(
                command,
                cwd=daemon.directory,
                env=daemon.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # A Ctrl-C at the terminal reaches the supervisor alone, which ends its children in order.
                process_group=0,
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._child.pid

    def poll(self) -> int | None:
        """Return the exit status, or None while it runs."""
        return self._child.poll()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens when it has ended."""
        self._child.send_signal(number)

    def stop(self, seconds: float = 20.0) -> None:
        """Ask it to end, wait for at most `seconds`, then kill it."""
        self.signal(self.daemon.stop_signal)
        self.signal(signal.SIGCONT)
        try:
            self._child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return
        self.daemon.ended()

    def kill(self) -> None:
        """Kill it with SIGKILL and wait until it is gone."""
        self._child.kill()
        self._child.wait()

    def wait_until_ready(self, seconds: float = 60.0) -> None:
        """Wait until it serves.

        Raises:
            Fatal: it ended, or is not ready after `seconds`; carries the end of its log.
        """
        deadline = time.monotonic() + seconds
        while not self.daemon.ready():
            if self.poll() is not None:
                raise Fatal(f"{self.daemon.name} ended with status {self.poll()}:\n{log_tail(self.daemon)}")
            if time.monotonic() > deadline:
                raise Fatal(f"{self.daemon.name} is not ready after {seconds:g} s:\n{log_tail(self.daemon)}")
            time.sleep(_POLL_SECONDS)


def run(daemon: Daemon, seconds: float = 60.0) -> Running:
    """Prepare and start a daemon and wait until it serves.

    Raises:
        Fatal: it cannot be started.
    """
    daemon.prepare()
    running = Running(daemon)
    try:
        running.wait_until_ready(seconds)
    except BaseException:
        running.kill()
        raise
    return running


def log_tail(daemon: Daemon, lines: int = 15) -> str:
    """Return the last lines of a daemon's log."""
    if daemon.log_file is None or not daemon.log_file.exists():
        return ""
    return "\n".join(daemon.log_file.read_text("utf-8", "replace").splitlines()[-lines:])


def checked(command: list[str], what: str) -> str:
    """Run a command to its end and return what it printed.

    Raises:
        Fatal: the program is missing or failed; carries what it said.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise Fatal(f"{what}: the program {command[0]} is not installed") from error
    if done.returncode != 0:
        raise Fatal(f"{what} failed with status {done.returncode}:\n{done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def end_processes(pids: Iterable[int], ask: signal.Signals, seconds: float) -> None:
    """End processes that are no children of ours: ask, wait for at most `seconds`, then kill."""
    left = [pid for pid in pids if _send(pid, ask) and _send(pid, signal.SIGCONT)]
    deadline = time.monotonic() + seconds
    while left and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
        left = [pid for pid in left if started_at(pid) is not None]
    for pid in left:
        _send(pid, signal.SIGKILL)
    while any(started_at(pid) is not None for pid in left):
        time.sleep(_POLL_SECONDS)


def _send(pid: int, number: signal.Signals) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def started_at(pid: int) -> int | None:
    """Return when a process was started, in clock ticks since boot; None when it is gone or a zombie.

    Together with its id this names a process for ever, because ids are used again. A process whose first thread is a
    zombie is there while it has other threads: they hold its ports and its locks.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return None
    state, threads, start = fields[0], int(fields[17]), int(fields[19])
    return None if state == "Z" and threads <= 1 else start


def left_behind(directory: Path, executable: str, argument: str | None = None) -> list[int]:
    """Return the processes of `executable` that work in `directory` (and have `argument` on their command line)."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if (entry / "cwd").readlink() != directory or (entry / "exe").readlink().name != executable:
                continue
            arguments = (entry / "cmdline").read_text("utf-8", "replace").split("\0")
        except OSError:
            continue
        if argument is None or argument in arguments:
            found.append(int(entry.name))
    return found


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Say whether a listener could take `port`."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def accepts(port: int, host: str = "127.0.0.1") -> bool:
    """Say whether somebody listens on `port`."""
    try:
        with socket.create_connection((host, port), timeout=0.5):
            return True
    except OSError:
        return False
