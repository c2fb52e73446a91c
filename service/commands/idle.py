"""When nothing is left to do: every offset decided, every return published, and the table balances."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sync.errors import Retryable, SyncError
from sync.kafka import KafkaSettings, log_ends
from sync.store.connection import JOB, Pool, reading
from sync.store.standing import balance, list_partitions, unpublished
from sync.topics import CHANGES, RETURNS_PREFIX, submissions_topic

POLL = timedelta(seconds=0.5)
CONFIRM_AFTER = timedelta(seconds=2)


class NeverIdle(SyncError):
    """The system did not come to rest, or came to rest on wrong figures; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """How far the system is. `undecided` counts offsets, `unpublished` messages."""

    offsets: int = 0
    undecided: int = 0
    unpublished: int = 0
    halted: Sequence[str] = ()
    unbalanced: Sequence[str] = ()
    away: str | None = None

    @property
    def idle(self) -> bool:
        """Whether nothing is left to do and the table balances."""
        return not (self.undecided or self.unpublished or self.halted or self.unbalanced or self.away)

    def describe(self) -> str:
        """Say what is in the way, in one line."""
        parts = [f"{place} is halted" for place in self.halted]
        parts += list(self.unbalanced)
        parts += [f"{self.undecided} offsets are not decided"] if self.undecided else []
        parts += [f"{self.unpublished} messages are not published"] if self.unpublished else []
        parts += [self.away] if self.away else []
        return "; ".join(parts) or "idle"


@dataclass(slots=True, kw_only=True)
class Watch:
    """Looks at a running system from outside."""

    pool: Pool
    kafka: KafkaSettings
    offices: Sequence[str]
    progress: Callable[[Rest], None] = field(default=lambda _: None)

    async def look(self) -> Rest:
        """Look once; the table is summed up only when everything is decided, because that reads it whole."""
        ends = await log_ends(self.kafka, map(submissions_topic, self.offices))
        async with reading(self.pool, JOB) as connection:
            rows = await list_partitions(connection)
            waiting = await unpublished(connection, changes_topic=CHANGES, returns_prefix=RETURNS_PREFIX)
            positions = {(row.topic, row.partition): row.next_offset for row in rows}
            undecided = sum(
                max(0, end - positions.get((place.topic, place.partition), 0)) for place, end in ends.items()
            )
            unbalanced = []
            if not undecided:
                table = await balance(connection)
                unbalanced = [
                    f"{row.office}: received {row.received}, {row.difference:+d} without disposition"
                    for row in table
                    if row.difference
                ]
        return Rest(
            offsets=sum(ends.values()),
            undecided=undecided,
            unpublished=sum(waiting.values()),
            halted=[f"{row.topic}/{row.partition} ({row.halted_reason})" for row in rows if row.halted_at is not None],
            unbalanced=unbalanced,
        )

    async def until_idle(self, patience: timedelta) -> None:
        """Wait until the system is idle, twice two seconds apart.

        Raises:
            NeverIdle: a partition is halted, the table does not balance, or `patience` is at its end.
        """
        deadline = time.monotonic() + patience.total_seconds()
        confirmed = False
        while True:
            rest = await self._look_patiently()
            self.progress(rest)
            if rest.halted or (rest.unbalanced and confirmed):
                raise NeverIdle(rest.describe())
            if rest.idle and confirmed:
                return
            if time.monotonic() > deadline:
                raise NeverIdle(f"not idle after {patience.total_seconds():g} s: {rest.describe()}")
            confirmed = not rest.undecided and not rest.unpublished and rest.away is None
            await asyncio.sleep((CONFIRM_AFTER if confirmed else POLL).total_seconds())

    async def _look_patiently(self) -> Rest:
        try:
            return await self.look()
        except Retryable as error:
            return Rest(away=str(error))
