"""How far long work is: a bar on a terminal, otherwise a line every few seconds."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

_SECONDS_BETWEEN_LINES = 3.0


class Meter:
    """Shows one piece of work; `total` may become known later."""

    def __init__(self, console: Console, what: str, total: int | None) -> None:
        self._console = console
        self._what = what
        self._total = total
        self._began_at = self._shown_at = time.monotonic()
        self._bar: Progress | None = None
        self._task = TaskID(0)

    def __enter__(self) -> Self:
        """Begin to show."""
        if self._console.is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._bar = Progress(*columns, console=self._console, transient=True)
            self._bar.start()
            self._task = self._bar.add_task(self._what, total=self._total)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Show nothing more."""
        if self._bar is not None:
            self._bar.stop()

    def advance_to(self, done: int, total: int | None = None) -> None:
        """Show that `done` units are done, of `total` where it has become known."""
        self._total = total if total is not None else self._total
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=self._total)
        elif time.monotonic() - self._shown_at >= _SECONDS_BETWEEN_LINES:
            self._shown_at = time.monotonic()
            of = f" of {self._total:,}" if self._total else ""
            self._console.print(f"{self._what}: {done:,}{of}{self._left(done)}", highlight=False)

    def _left(self, done: int) -> str:
        """Say how long the rest will take at the pace so far, where that can be told."""
        if not done or not self._total:
            return ""
        seconds = (time.monotonic() - self._began_at) * max(0, self._total - done) / done
        return f", about {seconds:.0f} s left"
