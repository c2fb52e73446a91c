"""Stores what offices post until it is on their topics, and counts what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import asyncpg
import orjson

from sync.store.connection import ReadConn, WriteConn
from sync.store.statements import statements

_SQL = statements("submissions")
_LOCKS = statements("locks")
_ROW_COLUMNS = ("submission_id", "row", "key", "ce_id", "body")
_PLACE_COLUMNS = ("submission_id", "row", "partition", "offset")


class Row(NamedTuple):
    """One row of a submission: the message as it goes to the topic. `number` counts records from 1."""

    number: int
    key: str
    ce_id: str
    body: bytes


class Place(NamedTuple):
    """Where a row lies on its topic."""

    row: int
    partition: int
    offset: int


class Known(NamedTuple):
    """What an office posted before under the same idempotency key."""

    submission_id: str
    records: int
    content_sha256: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSubmission:
    """What was posted. `content_sha256` covers the bytes and how they are to be read."""

    submission_id: str
    office: str
    client: str
    idempotency_key: str | None
    content_sha256: bytes
    mapping: str | None
    batch_id: str | None
    records: int
    accepted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a submission is; `counts` are first dispositions."""

    submission_id: str
    office: str
    records: int
    accepted_at: datetime
    produced: int
    produced_at: datetime | None
    decided: int
    counts: Mapping[str, int]
    by_rule: Mapping[str, int]
    done_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A submission that is not wholly on its topic; `scan_from` maps partitions to offsets, None before it began."""

    submission_id: str
    office: str
    mapping: str | None
    batch_id: str | None
    records: int
    produced: int
    scan_from: Mapping[int, int] | None


@dataclass(slots=True, kw_only=True)
class Tally:
    """What the rows of a submission came to, as far as counted; `tallied` is the last offset counted by partition."""

    submission_id: str
    office: str
    records: int
    produced: int
    decided: int
    accepted_at: datetime
    tallied: dict[str, int]
    counts: dict[str, int]
    by_rule: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchDeclaration:
    """What an office says it sent under a batch id."""

    office: str
    batch_id: str
    records: int
    date: date
    declared_at: datetime


async def insert_submission(connection: WriteConn, new: NewSubmission) -> bool:
    """Store the head of a submission; False when the office has used its idempotency key."""
    made = await connection.fetchval(
        _SQL["insert_submission"],
        new.submission_id,
        new.office,
        new.client,
        new.idempotency_key,
        new.content_sha256,
        new.mapping,
        new.batch_id,
        new.records,
        new.accepted_at,
    )
    return made is not None


async def insert_rows(connection: WriteConn, submission_id: str, rows: Sequence[Row]) -> None:
    """Store rows of a submission."""
    records = [(submission_id, *row) for row in rows]
    await connection.copy_records_to_table("submission_row", records=records, columns=_ROW_COLUMNS)


async def find_by_key(connection: ReadConn, office: str, idempotency_key: str) -> Known | None:
    """Return what an office posted under an idempotency key, None where it posted nothing."""
    row = await connection.fetchrow(_SQL["find_by_key"], office, idempotency_key)
    return None if row is None else Known(*row)


async def find_submission(connection: ReadConn, submission_id: str) -> Progress | None:
    """Return how far a submission is, None where there is none."""
    row = await connection.fetchrow(_SQL["find_submission"], submission_id)
    return None if row is None else Progress(**_parsed(row, "counts", "by_rule"))


async def declare_batch(
    connection: WriteConn, *, office: str, batch_id: str, records: int, date: date, client: str, now: datetime
) -> BatchDeclaration:
    """Store what an office says it sent under a batch id; a second declaration replaces the first."""
    row = await connection.fetchrow(_SQL["declare_batch"], office, batch_id, records, date, client, now)
    assert row is not None
    return BatchDeclaration(**dict(row))


# --- producing ---------------------------------------------------------------------------------------------------


async def try_lead(connection: ReadConn) -> bool:
    """Become the one that produces submissions for as long as this session lives; False when another one is."""
    led: bool = await connection.fetchval(_LOCKS["lead_submissions"])
    return led


async def waiting(connection: ReadConn) -> list[Waiting]:
    """Return the oldest submission of each office that is not wholly on its topic."""
    found = []
    for row in await connection.fetch(_SQL["waiting"]):
        scan_from = None if row["scan_from"] is None else _offsets(row["scan_from"])
        found.append(Waiting(**(dict(row) | {"scan_from": scan_from})))
    return found


async def begin_producing(connection: WriteConn, submission_id: str, ends: Mapping[int, int]) -> None:
    """Remember where the partitions end before the first row of a submission goes out."""
    await connection.execute(_SQL["begin_producing"], submission_id, _encoded(ends))


async def next_rows(connection: ReadConn, submission_id: str, after: int, limit: int, most_bytes: int) -> list[Row]:
    """Return the next rows that are not known to be on the topic, of about `most_bytes` in all."""
    rows = await connection.fetch(_SQL["next_rows"], submission_id, after, limit, most_bytes)
    return [Row(*row) for row in rows]


async def placed_rows(connection: ReadConn, submission_id: str, rows: Sequence[int]) -> set[int]:
    """Return which of these rows are known to be on the topic."""
    return {row["row"] for row in await connection.fetch(_SQL["placed_rows"], submission_id, rows)}


async def mark_produced(
    connection: WriteConn, submission_id: str, places: Sequence[Place], scan_from: Mapping[int, int], now: datetime
) -> None:
    """Remember where rows lie; `scan_from` is behind what is known of each partition."""
    records = [(submission_id, *place) for place in places]
    await connection.copy_records_to_table("submission_place", records=records, columns=_PLACE_COLUMNS)
    await connection.execute(_SQL["mark_produced"], submission_id, len(places), _encoded(scan_from), now)


# --- counting ----------------------------------------------------------------------------------------------------


async def deciding(connection: ReadConn) -> list[Tally]:
    """Return the submissions of which some row has no disposition counted yet, oldest first."""
    rows = await connection.fetch(_SQL["deciding"])
    return [Tally(**_parsed(row, "tallied", "counts", "by_rule")) for row in rows]


async def partitions_of(connection: ReadConn, submission_id: str) -> list[int]:
    """Return the partitions in which rows of a submission lie."""
    return [row["partition"] for row in await connection.fetch(_SQL["partitions_of"], submission_id)]


async def newly_decided(
    connection: ReadConn, tally: Tally, topic: str, partition: int, limit: int
) -> list[tuple[int, str, list[str]]]:
    """Return offset, first disposition and rules of the next rows in one partition that ingest has gone past."""
    after = tally.tallied.get(str(partition), -1)
    rows = await connection.fetch(
        _SQL["newly_decided"], tally.submission_id, topic, partition, after, _received_from(tally.accepted_at), limit
    )
    return [tuple(row) for row in rows]


async def write_tally(connection: WriteConn, tally: Tally, now: datetime) -> None:
    """Store what was counted."""
    await connection.execute(
        _SQL["tally"],
        tally.submission_id,
        _encoded(tally.tallied),
        tally.decided,
        _encoded(tally.counts),
        _encoded(tally.by_rule),
        now,
    )


async def drop_old_rows(connection: WriteConn, done_before: datetime, now: datetime) -> str | None:
    """Drop the rows of one submission that was done long ago; return its id, None where there is none."""
    submission_id: str | None = await connection.fetchval(_SQL["old_rows"], done_before)
    if submission_id is not None:
        await connection.execute(_SQL["drop_rows"], submission_id)
        await connection.execute(_SQL["note_dropped"], submission_id, now)
    return submission_id


def _received_from(accepted_at: datetime) -> datetime:
    """Return an instant before which no row of a submission can have been received, whatever the brokers' clock."""
    return (accepted_at - timedelta(days=1)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _encoded(members: Mapping[int, int] | Mapping[str, int]) -> str:
    return orjson.dumps({str(name): value for name, value in members.items()}).decode()


def _offsets(text: str) -> dict[int, int]:
    return {int(partition): offset for partition, offset in orjson.loads(text).items()}


def _parsed(row: asyncpg.Record, *names: str) -> dict[str, Any]:
    return dict(row) | {name: orjson.loads(row[name]) for name in names}
