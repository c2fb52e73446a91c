"""A demonstration feed that is pushed while something goes wrong, and what the system made of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from service.demo import DemoRecord, generate, push
from service.demo.feed import today
from tests.faults.system import System

_SLICE = 25


class Feed:
    """One feed: its seed names it in every message id, so that what became of it can be asked for."""

    def __init__(self, system: System, *, records: int, seed: int, seconds: float) -> None:
        self.records = records
        self.seed = seed
        self._system = system
        self._pause = seconds * _SLICE / records
        self._base = today()
        self.truth = list(generate(records, seed, self._base))

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Push the feed at an even pace while the block runs, and wait for its last acknowledgement behind it."""
        with ThreadPoolExecutor(1) as thread:
            pushed: Future[int] = thread.submit(push, self._system.kafka, self._paced(), lambda _: None)
            yield
            assert self.records == pushed.result()

    def _paced(self) -> Iterator[DemoRecord]:
        for number, record in enumerate(self.truth):
            if number % _SLICE == 0:
                time.sleep(self._pause)
            yield record

    def misjudged(self) -> list[str]:
        """Return the records that did not become what their truth says, where it says one thing."""
        expected = {each.message_id: each.disposition for each in self.truth if each.message_id and each.disposition}
        rows = self._system.query(
            "select message_id, disposition from disposition where attempt = 1 and message_id like $1",
            f"%-{self._base:%Y%m%d}-{self.seed}-%",
        )
        found: dict[str, set[str]] = {}
        for row in rows:
            found.setdefault(row["message_id"], set()).add(row["disposition"])
        return [
            f"{message_id}: {sorted(found.get(message_id, ()))} instead of {disposition}"
            for message_id, disposition in expected.items()
            if disposition not in found.get(message_id, ())
        ]
