"""Closes the day of one office: counts it, says whether it may be sealed, and seals it.

A day may be sealed when every partition of the office has passed its first offset at or after the day's end, and
whoever wrote the ledger meanwhile has committed: from then on neither a count nor a hold of that day can change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sync.kafka import KafkaSettings, offsets_at
from sync.nightly.days import BusinessDays, Window
from sync.nightly.statement import BatchLine, DayCounts, Holds, compose, encode
from sync.offices import Office
from sync.records import receipt_bound
from sync.store import nightly
from sync.store.connection import JOB, Pool, ReadConn, reading, writing
from sync.topics import submissions_topic

# How far the brokers' clocks may be behind ours: only then is a log without a record after the day's end over.
CLOCK_TOLERANCE = timedelta(seconds=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """How days are closed. `silent_after` is how long after midnight something should have come on a working day."""

    days: BusinessDays
    silent_after: timedelta

    def silent_from(self, office: Office, day: date) -> datetime | None:
        """Return the instant by which an office should have been heard on a day, None on a day off."""
        if not works_on(office, day):
            return None
        window = self.days.window(day)
        return max(window.begins, window.ends - self.days.ends + self.silent_after)


async def window_of(connection: ReadConn, days: BusinessDays, office: str, day: date) -> Window:
    """Return the instants of a day of an office.

    A sealed day keeps its own, and the next one begins where it ended: so where `USCC_DAY_ENDS` is set anew, one day
    is longer or shorter, and no record is counted twice or not at all.
    """
    own = await nightly.sealed_bounds(connection, day, office)
    if own is not None:
        return Window(begins=own[0], ends=own[1])
    window = days.window(day)
    before = await nightly.sealed_bounds(connection, day - timedelta(days=1), office)
    return window if before is None else Window(begins=before[1], ends=window.ends)


def works_on(office: Office, day: date) -> bool:
    """Whether an office works on a day, by its calendar."""
    return office.working_calendar.working_days(day - timedelta(days=1), day) == 1


async def read_counts(
    connection: ReadConn, office: str, day: date, window: Window, unsealed_from: datetime
) -> DayCounts:
    """Count one day of an office. `unsealed_from` is the beginning of its first day that is not sealed."""
    found = await nightly.count_dispositions(connection, office, window.begins, window.ends)
    holds = await nightly.count_holds(connection, office, window.begins, window.ends)
    opening = await nightly.sealed_closing(connection, day - timedelta(days=1), office)
    receipts = (receipt_bound(window.begins), receipt_bound(window.ends))
    batches = await nightly.read_batches(connection, office, day, window.begins, window.ends, unsealed_from)
    return DayCounts(
        received=await nightly.count_received(connection, office, window.begins, window.ends, receipts),
        dispositions=found.dispositions,
        holds=Holds(opening=holds.opening if opening is None else opening, new=holds.new, resolved=holds.resolved),
        waiting=holds.opening + holds.new - holds.resolved,
        batches=[BatchLine(**row._asdict()) for row in batches],
        first_sequence=found.first_sequence,
        last_sequence=found.last_sequence,
        first_received_at=found.first_received_at,
    )


async def preview(
    connection: ReadConn, closing: Closing, office: Office, day: date, comparison: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return the statement of a day as it stands, unsealed: nobody is silent before the hour has come."""
    window = await window_of(connection, closing.days, office.id, day)
    sealed = await nightly.last_sealed(connection, office.id, day)
    if sealed is not None:
        unsealed_from = min(window.begins, (await window_of(connection, closing.days, office.id, sealed)).ends)
    else:
        first = await nightly.first_instant(connection)
        unsealed_from = window.begins if first is None else min(window.begins, first)
    counts = await read_counts(connection, office.id, day, window, unsealed_from)
    silent_from = closing.silent_from(office, day)
    if silent_from is not None and await nightly.read_clock(connection) < silent_from:
        silent_from = None
    return compose(
        day=day,
        office=office.id,
        window=window,
        counts=counts,
        comparison=comparison,
        silent_from=silent_from,
        sealed_at=None,
    )


async def seal(
    pool: Pool, closing: Closing, office: Office, day: date, comparison: Mapping[str, Any] | None
) -> nightly.SealedStatement:
    """Seal a day whose partitions have passed its end; one that is sealed stays as it is."""
    async with reading(pool, JOB) as connection:
        present = await nightly.read_statement(connection, day, office.id)
    if present is not None:
        return present
    async with writing(pool, JOB) as connection:
        sealed_at = await nightly.pass_writers(connection)
    async with writing(pool, JOB) as connection:
        window = await window_of(connection, closing.days, office.id, day)
        counts = await read_counts(connection, office.id, day, window, window.begins)
        statement = compose(
            day=day,
            office=office.id,
            window=window,
            counts=counts,
            comparison=comparison,
            silent_from=closing.silent_from(office, day),
            sealed_at=sealed_at,
        )
        await nightly.seal(
            connection,
            day=day,
            office=office.id,
            closing=counts.holds.closing,
            sequences=(counts.first_sequence, counts.last_sequence),
            digest=statement["digest"],
            sealed_at=sealed_at,
            body=encode(statement).decode(),
            batches=[
                nightly.BatchRow(b.batch_id, b.declared, b.received, b.received_to_date, b.altered)
                for b in counts.batches
            ],
        )
        stored = await nightly.read_statement(connection, day, office.id)
    assert stored is not None, "it was sealed in this transaction"
    return stored


async def behind(pool: Pool, kafka: KafkaSettings, office: str, ends: datetime) -> Sequence[str]:
    """Return, a line a partition, what keeps the day that ends at `ends` from being sealed; empty when nothing does.

    Raises:
        Retryable: the broker does not answer.
    """
    async with reading(pool, JOB) as connection:
        now = await nightly.read_clock(connection)
    if now < ends + CLOCK_TOLERANCE:
        return [f"the day ends at {ends.isoformat()}"]
    marks = await offsets_at(kafka, submissions_topic(office), ends)
    async with reading(pool, JOB) as connection:
        found = await nightly.positions(connection, office)
    lines = []
    for place, mark in sorted(marks.items()):
        position = found.get((place.topic, place.partition))
        reached = position.next_offset if position is not None else 0
        if reached < mark:
            halted = f", halted: {position.halted_reason}" if position is not None and position.halted_reason else ""
            lines.append(f"{place.topic}/{place.partition} stands at {reached}, the day ends before {mark}{halted}")
    return lines
