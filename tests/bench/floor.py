"""The floor of ingest: the rows that it wrote, read back, and written again from memory with the same statements.

Same tables, same indexes, same batches, one transaction a batch, one connection: what is left is what the database and
its driver cost.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg

from sync.store import ledger, lines
from sync.store.statements import statements

BATCH = 5_000
_SQL = statements("ledger")
_LOCKS = statements("locks")
_APPENDED = {
    "message": lines.MESSAGE_COLUMNS,
    "registration_version": lines.VERSION_COLUMNS,
    "registration_mark": ledger.MARK_COLUMNS,
    "change": lines.CHANGE_COLUMNS,
    "disposition": lines.DISPOSITION_COLUMNS,
    "raw_message": lines.RAW_COLUMNS,
}
_PRESENT = {"registration": ledger.REGISTRATION_COLUMNS, "holder": ledger.HOLDER_COLUMNS}

Row = tuple[Any, ...]


@dataclass(slots=True)
class Batch:
    """What one batch writes: lines of each table, and the legacy numbers that came with it."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    numbers: list[Row] = field(default_factory=list)


def read_back(dsn: str) -> list[Batch]:
    """Return what was ingested, batch by batch in the order of its returns."""
    return asyncio.run(_read_back(dsn))


def write(dsn: str, batches: list[Batch]) -> float:
    """Write batches into an empty registry; return the records a second."""
    return asyncio.run(_write(dsn, batches))


async def _read_back(dsn: str) -> list[Batch]:
    connection = await asyncpg.connect(dsn)
    try:
        batch_of: dict[str, int] = {}
        codes: list[set[str]] = []
        for number, (receipt, uscc) in enumerate(
            await connection.fetch("select receipt_id, uscc from disposition order by office, sequence")
        ):
            if number % BATCH == 0:
                codes.append(set())
            batch_of[receipt] = number // BATCH
            codes[-1].add(uscc)
        batches = [Batch() for _ in codes]
        for table, columns in _APPENDED.items():
            # A change has no receipt; its version has.
            shown = ", ".join(f't."{name}"' for name in columns)
            source = (
                f"{table} t"
                if table != "change"
                else "change t join registration_version v using (uscc, version, recorded_at)"
            )
            receipt = "t.receipt_id" if table != "change" else "v.receipt_id"
            for row in await connection.fetch(f"select {receipt} as of_receipt, {shown} from {source}"):
                batches[batch_of[row["of_receipt"]]].rows.setdefault(table, []).append(tuple(row)[1:])
        for table, columns in _PRESENT.items():
            shown = ", ".join(columns)
            lines = {row["uscc"]: tuple(row) for row in await connection.fetch(f"select {shown} from {table}")}
            for batch, touched in zip(batches, codes, strict=True):
                batch.rows[table] = [lines[uscc] for uscc in touched if uscc in lines]
        for row in await connection.fetch("select kind, number, uscc, source from legacy_number"):
            batches[batch_of[row["source"]]].numbers.append(tuple(row))
        return batches
    finally:
        await connection.close()


async def _write(dsn: str, batches: list[Batch]) -> float:
    connection = await asyncpg.connect(dsn)
    try:
        return await write_all(connection, batches)
    finally:
        await connection.close()


async def write_all(connection: Any, batches: list[Batch]) -> float:
    """Write batches with a connection; return the records a second."""
    await connection.execute(_SQL["stage_tables"])
    now = await connection.fetchval("select now()")
    await connection.execute(_SQL["ensure_month"], now)
    began = time.perf_counter()
    for batch in batches:
        async with connection.transaction():
            await connection.execute(_LOCKS["take_writer"])
            await _write_batch(connection, batch, now)
    took = time.perf_counter() - began
    return sum(len(batch.rows["disposition"]) for batch in batches) / took


async def _write_batch(connection: Any, batch: Batch, now: datetime) -> None:
    for table, columns in _APPENDED.items():
        if table in batch.rows:
            await connection.copy_records_to_table(table, records=batch.rows[table], columns=columns)
    for table, columns in _PRESENT.items():
        staged = f"staged_{table}"
        await connection.copy_records_to_table(staged, records=batch.rows[table], columns=columns)
        await connection.execute(_SQL[f"merge_{table}s"])
    if batch.numbers:
        await connection.execute(_SQL["keep_numbers"], *map(list, zip(*batch.numbers, strict=True)), now)
