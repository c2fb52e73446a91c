"""Reads and loads code segments, and counts how far each has been used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from sync.segments import Segment, Segments
from sync.store.connection import ReadConn, WriteConn
from sync.store.statements import statements

# A segment of which less than this share is left runs out.
LOW_SHARE = 0.1

_SQL = statements("segments")


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentUse:
    """A segment, how many of its bodies were ever registered, and the last of them in order."""

    segment: Segment
    used: int
    latest: str | None

    @property
    def rest(self) -> int:
        """How many bodies are left."""
        return self.segment.size - self.used

    @property
    def share_left(self) -> float:
        """The share of its bodies that is left, from 0 to 1."""
        return self.rest / self.segment.size

    def describe(self) -> str:
        """Say which segment it is and what is left of it."""
        segment = self.segment
        return f"{segment.bodies} ({segment.office}, {segment.holder}): {self.rest:,} of {segment.size:,} left"

    def runs_out(self, below: float = LOW_SHARE) -> bool:
        """Say whether less than a share of its bodies is left."""
        return self.share_left < below


async def read_segments(connection: ReadConn, known: Segments) -> Segments:
    """Return every segment; `known` itself where nothing was loaded or withdrawn since it was read."""
    generation = await connection.fetchval(_SQL["generation"])
    if generation == known.generation:
        return known
    rows = await connection.fetch(_SQL["segments"])
    return Segments([Segment(**row) for row in rows], generation)


@dataclass(slots=True)
class SegmentsAtHand:
    """The segments as they were last read; read again only when some were loaded since."""

    read: Segments = field(default_factory=Segments)

    async def current(self, connection: ReadConn) -> Segments:
        """Return every segment that is loaded now."""
        self.read = await read_segments(connection, self.read)
        return self.read


async def add_segments(
    connection: WriteConn, segments: Sequence[Segment], *, source: str, now: datetime, actor: str
) -> None:
    """Write segments down; the caller holds the writer's lock and has seen that none overlaps."""
    rows = [(s.first_body, s.last_body, s.office, s.registrar_code, s.registrar_name, s.allocated_on) for s in segments]
    if rows:
        await connection.execute(_SQL["add_segments"], *map(list, zip(*rows, strict=True)), source, now, actor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """One allocation that was ever loaded; `withdrawn_at` None: it stands."""

    segment: Segment
    source: str
    loaded_at: datetime
    loaded_by: str
    withdrawn_at: datetime | None
    withdrawn_by: str | None
    reason: str | None


async def withdraw_segments(
    connection: WriteConn, first_bodies: Sequence[str], source: str | None, *, now: datetime, actor: str, reason: str
) -> list[Segment]:
    """Withdraw the allocations that begin so, or all that were loaded from a file; return them, in order.

    The caller holds the writer's lock. What was decided by them stays decided.
    """
    rows = await connection.fetch(_SQL["withdraw"], list(first_bodies), source, now, actor, reason)
    return [Segment(**row) for row in rows]


async def read_allocations(connection: ReadConn) -> list[Allocation]:
    """Return every allocation that ever was, in the order of loading."""
    return [_allocation(dict(row)) for row in await connection.fetch(_SQL["history"])]


def _allocation(row: dict[str, Any]) -> Allocation:
    segment = Segment(**{field.name: row.pop(field.name) for field in fields(Segment)})
    return Allocation(segment=segment, **row)


async def segment_use(connection: ReadConn) -> list[SegmentUse]:
    """Return every segment with its use, in order."""
    segments = {each.first_body: each for each in (await read_segments(connection, Segments())).ordered}
    return [
        SegmentUse(segment=segments[row["first_body"]], used=row["used"], latest=row["latest"])
        for row in await connection.fetch(_SQL["use"])
    ]
