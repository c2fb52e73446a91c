"""What the nightly run reads of the ledger and what it writes: statements, steps, and who may run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

import orjson

from sync.records import Disposition
from sync.store.connection import ReadConn, WriteConn
from sync.store.statements import statements

_SQL = statements("nightly")
_LOCKS = statements("locks")


class Position(NamedTuple):
    """Where one partition stands."""

    next_offset: int
    halted_reason: str | None


class HoldCounts(NamedTuple):
    """Holds before a span, and those that came and went in it, from history alone."""

    opening: int
    new: int
    resolved: int


class BatchRow(NamedTuple):
    """What was declared of a batch, and what came of it."""

    batch_id: str
    declared: int | None
    received: int
    received_to_date: int
    altered: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerCounts:
    """First dispositions of an office in a span; sequences and instant are None where there are none."""

    dispositions: dict[Disposition, int]
    first_sequence: int | None
    last_sequence: int | None
    first_received_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedStatement:
    """A sealed statement as it is served, and the sequences between which its records lie."""

    body: str
    first_sequence: int | None
    last_sequence: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NightState:
    """How an office's last complete day stands; `heard`: something arrived since the running day began.

    `segments_running_out` is how many code segments the last night found almost used up, None before the first night.
    """

    office: str
    sealed: bool
    last_sealed_at: datetime | None
    heard: bool
    segments_running_out: int | None


async def try_lease(connection: WriteConn) -> bool:
    """Become the one run, for as long as the session of `connection` lives; False when another one runs."""
    return bool(await connection.fetchval(_LOCKS["lead_nightly"]))


async def end_lease(connection: WriteConn) -> None:
    """Let another run begin."""
    await connection.fetchval(_LOCKS["leave_nightly"])


async def pass_writers(connection: WriteConn) -> datetime:
    """Wait for the writer of the ledger and return the time: later commits bear later instants."""
    await connection.execute(_LOCKS["take_writer"])
    return await read_clock(connection)


async def read_clock(connection: ReadConn) -> datetime:
    """Return the database's time."""
    now: datetime = await connection.fetchval(_SQL["clock"])
    return now


async def first_instant(connection: ReadConn) -> datetime | None:
    """Return when this registry began, None where nothing ever happened."""
    instant: datetime | None = await connection.fetchval(_SQL["first_instant"])
    return instant


async def first_sealed(connection: ReadConn) -> date | None:
    """Return the first day that was ever sealed."""
    day: date | None = await connection.fetchval(_SQL["first_sealed"])
    return day


async def sealed_days(connection: ReadConn, first: date, last: date) -> set[tuple[date, str]]:
    """Return which statements are sealed between two days."""
    return {(row["date"], row["office"]) for row in await connection.fetch(_SQL["sealed_days"], first, last)}


async def positions(connection: ReadConn, office: str) -> dict[tuple[str, int], Position]:
    """Return where the partitions of an office stand."""
    rows = await connection.fetch(_SQL["positions"], office)
    return {(row["topic"], row["partition"]): Position(row["next_offset"], row["halted_reason"]) for row in rows}


async def count_received(
    connection: ReadConn, office: str, begins: datetime, ends: datetime, receipts: tuple[str, str]
) -> int:
    """Count the records of an office whose bytes arrived in a span; `receipts` are the span's bounds as receipts."""
    count: int = await connection.fetchval(_SQL["received"], office, begins, ends, *receipts)
    return count


async def count_dispositions(connection: ReadConn, office: str, begins: datetime, ends: datetime) -> LedgerCounts:
    """Count first dispositions of an office in a span."""
    rows = await connection.fetch(_SQL["counts"], office, begins, ends)
    return LedgerCounts(
        dispositions={Disposition(row["disposition"]): row["records"] for row in rows},
        first_sequence=min((row["first_sequence"] for row in rows), default=None),
        last_sequence=max((row["last_sequence"] for row in rows), default=None),
        first_received_at=min((row["first_received_at"] for row in rows), default=None),
    )


async def count_holds(connection: ReadConn, office: str, begins: datetime, ends: datetime) -> HoldCounts:
    """Count holds before and in a span."""
    row = await connection.fetchrow(_SQL["holds"], office, begins, ends)
    assert row is not None, "an aggregate has one row"
    return HoldCounts(row["opening"], row["new"], row["resolved"])


async def sealed_closing(connection: ReadConn, day: date, office: str) -> int | None:
    """Return the holds with which a day was sealed, None where it was not."""
    closing: int | None = await connection.fetchval(_SQL["opening"], day, office)
    return closing


async def read_batches(
    connection: ReadConn, office: str, day: date, begins: datetime, ends: datetime, unsealed_from: datetime
) -> list[BatchRow]:
    """Return the batches of a day: arrived, declared for it, or still short."""
    rows = await connection.fetch(_SQL["batches"], office, day, begins, ends, unsealed_from)
    return [
        BatchRow(row["batch_id"], row["declared"], row["received"], row["received_to_date"], row["altered"])
        for row in rows
    ]


async def seal(
    connection: WriteConn,
    *,
    day: date,
    office: str,
    closing: int,
    sequences: tuple[int | None, int | None],
    digest: str,
    sealed_at: datetime,
    body: str,
    batches: Sequence[BatchRow],
) -> None:
    """Seal a statement, once and for all, and keep what came of its batches."""
    await connection.execute(_SQL["seal"], day, office, closing, *sequences, digest, sealed_at, body)
    columns = (
        [each.batch_id for each in batches],
        [each.received for each in batches],
        [each.altered for each in batches],
    )
    await connection.execute(_SQL["keep_batches"], office, day, *columns)


async def read_statement(connection: ReadConn, day: date, office: str) -> SealedStatement | None:
    """Return a sealed statement, None where it is not sealed."""
    row = await connection.fetchrow(_SQL["statement_of"], day, office)
    return None if row is None else SealedStatement(**row)


async def sealed_bounds(connection: ReadConn, day: date, office: str) -> tuple[datetime, datetime] | None:
    """Return the instants between which a sealed day was counted, None where it is not sealed."""
    row = await connection.fetchrow(_SQL["sealed_bounds"], day, office)
    return None if row is None else (row["begins"], row["ends"])


async def last_sealed(connection: ReadConn, office: str, before: date) -> date | None:
    """Return the last sealed day of an office before another."""
    day: date | None = await connection.fetchval(_SQL["last_sealed"], office, before)
    return day


async def read_statements(
    connection: ReadConn, days: Sequence[date], office: str | None
) -> dict[tuple[date, str], str]:
    """Return the sealed statements of some days, of one office or all."""
    rows = await connection.fetch(_SQL["statements_on"], days, office)
    return {(row["date"], row["office"]): row["body"] for row in rows}


async def read_items(
    connection: ReadConn,
    *,
    office: str,
    begins: datetime,
    ends: datetime,
    after: int,
    through: int | None,
    disposition: str | None,
    batch_id: str | None,
    altered: bool,
    limit: int,
) -> list[tuple[int, str]]:
    """Return the returns behind a number of a statement, each with its sequence."""
    rows = await connection.fetch(
        _SQL["items"], office, begins, ends, after, through, disposition, batch_id, altered, limit
    )
    return [(row["sequence"], row["return_text"]) for row in rows]


async def read_hold_items(
    connection: ReadConn, *, office: str, begins: datetime, ends: datetime, hold: str, after: int, limit: int
) -> list[tuple[int, str]]:
    """Return the returns behind the holds of a statement, each with its sequence."""
    rows = await connection.fetch(_SQL["hold_items"], office, begins, ends, hold, after, limit)
    return [(row["sequence"], row["return_text"]) for row in rows]


async def read_steps(connection: ReadConn, day: date) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the steps of a night that are done, by office ("": all) and name, with what they noted."""
    rows = await connection.fetch(_SQL["steps"], day)
    return {(row["office"], row["step"]): orjson.loads(row["detail"]) for row in rows}


async def finish_step(connection: WriteConn, day: date, office: str, step: str, detail: dict[str, Any]) -> None:
    """Note that a step is done."""
    await connection.execute(_SQL["finish_step"], day, office, step, orjson.dumps(detail).decode())


async def state_of_nights(
    connection: ReadConn, last_complete: date, running_since: datetime, offices: Sequence[str]
) -> list[NightState]:
    """Return how every office stands, for metrics."""
    rows = await connection.fetch(_SQL["state_of_nights"], last_complete, running_since, offices)
    return [NightState(**{**row, "heard": bool(row["heard"])}) for row in rows]


async def finished_steps(connection: ReadConn, first: date, last: date) -> set[tuple[date, str, str]]:
    """Return which steps are done of the nights between two days: day, office, step."""
    rows = await connection.fetch(_SQL["finished_steps"], first, last)
    return {(row["date"], row["office"], row["step"]) for row in rows}


async def read_trend(connection: ReadConn, first: date, last: date) -> list[dict[str, Any]]:
    """Return the sealed statements between two days, oldest first."""
    return [orjson.loads(row["body"]) for row in await connection.fetch(_SQL["trend"], first, last)]
