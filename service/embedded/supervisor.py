"""Keeps daemons running: starts them, starts them again when they die, and ends them in order.

Everything happens on one thread, because a child's death signal follows the thread that started it.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import SIGTERM, Signals
from typing import IO

import structlog

from service.embedded.daemon import Daemon, Running, log_tail
from sync.errors import Fatal, SyncError

_POLL_SECONDS = 0.1
_BACKOFF_SECONDS = (0.1, 0.3, 1.0, 2.0)
_STEADY_SECONDS = 15.0
_STOP_SECONDS = 20.0

log = structlog.get_logger(__name__)


class AlreadyRunning(SyncError):
    """Somebody else runs on this data directory."""

    exit_status = 2

    def __init__(self, data_dir: Path, pid: str) -> None:
        super().__init__(
            f"`uscc up` (process {pid}) runs on {data_dir} already: end it first, or choose another --data-dir"
        )


class DirectoryLock:
    """Keeps a data directory for one supervisor; the lock goes with the process, however it ends."""

    def __init__(self, data_dir: Path) -> None:
        data_dir.mkdir(parents=True, exist_ok=True)
        self._file: IO[str] = (data_dir / "lock").open("a+", encoding="utf-8")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.seek(0)
            pid = self._file.read().strip()
            self._file.close()
            raise AlreadyRunning(data_dir, pid) from None
        self._file.truncate(0)
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()

    def release(self) -> None:
        """Let others have it."""
        self._file.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """One role of the program as a daemon: its command line has the role's word."""

    name: str
    arguments: Sequence[str]
    settings: Mapping[str, str]
    directory: Path
    log_file: Path | None
    stop_signal: Signals = SIGTERM

    def prepare(self) -> None:
        """Make the working directory."""
        self.directory.mkdir(parents=True, exist_ok=True)

    def command(self) -> list[str]:
        """Return the command line."""
        return list(self.arguments)

    def environment(self) -> Mapping[str, str] | None:
        """Return the environment that names the services."""
        return self.settings

    def ready(self) -> bool:
        """Say yes: a role that cannot serve yet waits, or ends and is started again."""
        return True

    def ended(self) -> None:
        """Do nothing: an orderly end leaves nothing behind."""


@dataclass(slots=True)
class _Kept:
    """One daemon that is to run, its present life, and when its next one may begin."""

    daemon: Daemon
    running: Running | None = None
    coming_up: bool = False
    deaths: int = 0
    start_at: float = 0.0


class Supervisor:
    """Runs daemons until it is told to stop."""

    def __init__(self) -> None:
        self._kept: list[_Kept] = []
        self._stopping = False

    @property
    def pids(self) -> dict[str, int]:
        """The process ids of what runs now, by name."""
        return {kept.daemon.name: kept.running.pid for kept in self._kept if kept.running is not None}

    async def start(self, daemon: Daemon, seconds: float = 60.0) -> None:
        """Start a daemon, wait until it is ready and keep it running from then on.

        Raises:
            Fatal: it cannot be prepared, ends, or is not ready in time.
        """
        await asyncio.to_thread(daemon.prepare)
        running = Running(daemon)
        # From here on it is ended by `stop`, whatever happens.
        kept = _Kept(daemon, running, coming_up=True)
        self._kept.append(kept)
        deadline = time.monotonic() + seconds
        while not await asyncio.to_thread(daemon.ready):
            if running.poll() is not None or time.monotonic() > deadline:
                self._kept.remove(kept)
                running.kill()
                raise Fatal(f"{daemon.name} did not come up:\n{log_tail(daemon)}")
            await asyncio.sleep(0.02)
        kept.coming_up = False

    async def watch(self) -> None:
        """Start again what dies, until cancelled."""
        while True:
            for kept in list(self._kept):
                await self._tend(kept)
            await asyncio.sleep(_POLL_SECONDS)

    async def _tend(self, kept: _Kept) -> None:
        running = kept.running
        if kept.coming_up:
            return
        if running is not None:
            status = running.poll()
            if status is None:
                return
            lived = time.monotonic() - running.started_at
            kept.deaths = 0 if lived > _STEADY_SECONDS else kept.deaths + 1
            pause = _BACKOFF_SECONDS[min(kept.deaths, len(_BACKOFF_SECONDS) - 1)]
            kept.running, kept.start_at = None, time.monotonic() + pause
            log.warning(
                "process_ended", process=kept.daemon.name, pid=running.pid, status=status, lived_seconds=round(lived, 1)
            )
        if time.monotonic() < kept.start_at or self._stopping:
            return
        try:
            await asyncio.to_thread(kept.daemon.prepare)
            kept.running = Running(kept.daemon)
        except (Fatal, OSError) as error:
            kept.start_at = time.monotonic() + _BACKOFF_SECONDS[-1]
            log.error("process_not_started", process=kept.daemon.name, error=str(error))
            return
        log.info("process_started", process=kept.daemon.name, pid=kept.running.pid)

    async def stop(self) -> None:
        """End everything: the roles first, then what they work with; what does not end in time is killed."""
        self._stopping = True
        roles = [kept for kept in self._kept if isinstance(kept.daemon, Role)]
        for group in (roles, [kept for kept in self._kept if kept not in roles]):
            await asyncio.gather(
                *(asyncio.to_thread(kept.running.stop, _STOP_SECONDS) for kept in group if kept.running)
            )
        self._kept.clear()
