"""Waits for the end of a feed to move: one look at the counters for everybody who waits, none while nobody does."""

from __future__ import annotations

import asyncio

from sync.errors import Retryable
from sync.store.connection import Pool, reading
from sync.store.feed import read_counters

_LOOK_SECONDS = 0.2


class Tips:
    """Knows when a dense sequence ('changes', 'returns:<office>') has moved beyond a number.

    `closing` ends every wait at once, so that the process can drain.
    """

    def __init__(self, pool: Pool, closing: asyncio.Event) -> None:
        self._pool = pool
        self._closing = closing
        self._waiting: dict[asyncio.Future[None], tuple[str, int]] = {}
        self._looking: asyncio.Task[None] | None = None

    @property
    def closing(self) -> bool:
        """Whether the process drains: who waits in a loop should end it."""
        return self._closing.is_set()

    async def wait_beyond(self, name: str, sequence: int, seconds: float) -> bool:
        """Wait until the sequence `name` has gone beyond `sequence`; False when the time ran out first."""
        if self.closing:
            return False
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[future] = (name, sequence)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            await asyncio.wait_for(future, seconds)
        except TimeoutError:
            return False
        finally:
            self._waiting.pop(future, None)
        return not self.closing

    async def _look(self) -> None:
        while self._waiting:
            if self.closing:
                self._release(list(self._waiting))
                return
            try:
                async with reading(self._pool) as connection:
                    counters = await read_counters(connection)
            except Retryable:
                counters = {}
            self._release([f for f, (name, sequence) in self._waiting.items() if counters.get(name, 0) > sequence])
            if self._waiting:
                await asyncio.sleep(_LOOK_SECONDS)

    def _release(self, futures: list[asyncio.Future[None]]) -> None:
        for future in futures:
            if not future.done():
                future.set_result(None)
            self._waiting.pop(future, None)
