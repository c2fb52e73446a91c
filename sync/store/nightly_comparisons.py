"""Comparisons with the offices' registers: the files handed in, what came of them, and what is not equal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

import asyncpg
import orjson

from sync.store.connection import ReadConn, WriteConn
from sync.store.statements import statements

_SQL = statements("nightly_comparisons")
_2_64 = 1 << 64
_ITEM_COLUMNS = ("comparison_id", "kind", "uscc", "fields", "receipt_id", "nights", "since", "row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be compared."""

    comparison_id: str
    office: str
    date: date
    format: str
    forced: bool
    handed_in_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonRow:
    """A comparison and, when it is done, what it came to."""

    comparison_id: str
    office: str
    date: date
    state: str
    format: str
    forced: bool
    handed_in_at: datetime
    handed_in_by: str
    finished_at: datetime | None
    problem: str | None
    columns: Sequence[str] | None
    office_total: int | None
    registry_total: int | None
    equal: int | None
    different: int | None
    missing_here: int | None
    missing_there: int | None
    pending_office: int | None
    pending_registry: int | None

    def totals(self) -> dict[str, Any]:
        """Return the figures, as every answer shows them."""
        names = ("office_total", "registry_total", "equal", "different", "missing_here", "missing_there")
        figures: dict[str, Any] = {name: getattr(self, name) for name in names}
        return figures | {"pending": {"office": self.pending_office, "registry": self.pending_registry}}


class LastRegister(NamedTuple):
    """The register that was compared before."""

    comparison_id: str
    date: date
    office_total: int


class Age(NamedTuple):
    """For how many nights a code has differed."""

    nights: int
    since: date


class Item(NamedTuple):
    """One line to store: `fields` and `row` are JSON texts."""

    kind: str
    uscc: str
    fields: str
    receipt_id: str | None
    nights: int
    since: date
    row: str | None


class ItemRow(NamedTuple):
    """One line as it is shown."""

    kind: str
    uscc: str
    fields: dict[str, dict[str, str | None]]
    receipt_id: str | None
    nights: int
    since: date


class SettlingRow(NamedTuple):
    """What a settlement is made of: the office's row, and what the registry holds (None: nothing)."""

    kind: str
    uscc: str
    row: dict[str, str]
    status: str | None
    record: dict[str, str] | None


class DigestRow(NamedTuple):
    """Count, sum modulo 2^64 and xor of the hashes of the codes that begin with `prefix`.

    The hash of a code is a number from 0 to 2^64 - 1: the first 8 bytes of the SHA-256 of `<uscc>/<version>`.
    """

    prefix: str
    records: int
    sum: int
    xor: int


class Digests(NamedTuple):
    """Digests of the registry at a sequence of the feed; `recorded_at` is None where they are of now."""

    sequence: int
    recorded_at: datetime | None
    items: list[DigestRow]


async def begin(
    connection: WriteConn, *, office: str, day: date, form: str, forced: bool, by: str, sha256: bytes | None = None
) -> str:
    """Make the row of a comparison whose file is about to come; return its id."""
    comparison_id: str = await connection.fetchval(_SQL["begin"], office, day, form, forced, by, sha256)
    return comparison_id


async def same_file(
    connection: ReadConn, *, office: str, day: date, by: str, sha256: bytes, forced: bool
) -> tuple[str, bool] | None:
    """Return the comparison of the same file and whether it is done: unfinished, or with the answer of now."""
    row = await connection.fetchrow(_SQL["same_file"], office, day, by, sha256, forced)
    return None if row is None else (row["comparison_id"], row["done"])


async def feed_sequence(connection: ReadConn) -> int:
    """Return how far the feed has come."""
    sequence: int = await connection.fetchval(_SQL["feed_sequence"])
    return sequence


async def add_chunk(connection: WriteConn, comparison_id: str, number: int, body: bytes) -> None:
    """Keep a part of the file."""
    await connection.execute(_SQL["add_chunk"], comparison_id, number, body)


async def hand_in(connection: WriteConn, comparison_id: str, size_bytes: int) -> None:
    """Say that the whole file is there."""
    await connection.execute(_SQL["hand_in"], comparison_id, size_bytes)


async def read_chunk(connection: ReadConn, comparison_id: str, number: int) -> bytes | None:
    """Return one part of the file, None behind the last."""
    body: bytes | None = await connection.fetchval(_SQL["chunk"], comparison_id, number)
    return body


async def list_waiting(connection: ReadConn) -> list[Order]:
    """Return the comparisons that wait, oldest first."""
    return [Order(**row) for row in await connection.fetch(_SQL["waiting"])]


async def begin_try(connection: WriteConn, comparison_id: str) -> int:
    """Note that a run takes a comparison up; return how often that has been."""
    tries: int = await connection.fetchval(_SQL["begin_try"], comparison_id)
    return tries


async def forget_tries(connection: WriteConn, comparison_id: str) -> None:
    """Forget how often a comparison was taken up: it was not for the register that it came to nothing."""
    await connection.execute(_SQL["forget_tries"], comparison_id)


async def read_order(connection: ReadConn, comparison_id: str) -> Order:
    """Return what one comparison is to compare."""
    row = await connection.fetchrow(_SQL["order_of"], comparison_id)
    assert row is not None, "a comparison is never deleted"
    return Order(**row)


async def stop_receiving(connection: WriteConn, comparison_id: str) -> None:
    """Fail a comparison whose file stopped coming."""
    await connection.execute(_SQL["stop_receiving"], comparison_id)


async def give_up_abandoned(connection: WriteConn, before: datetime) -> list[str]:
    """Fail the comparisons whose file stopped coming, and let go what came of such files."""
    given_up = [row["comparison_id"] for row in await connection.fetch(_SQL["abandoned"], before)]
    await connection.execute(_SQL["drop_left_chunks"])
    return given_up


async def last_register(connection: ReadConn, office: str, comparison_id: str) -> LastRegister | None:
    """Return the register of the office that was compared before this one."""
    row = await connection.fetchrow(_SQL["last_done"], office, comparison_id)
    return None if row is None else LastRegister(*row)


async def night_before(connection: ReadConn, office: str, day: date) -> str | None:
    """Return the comparison from which differences are aged."""
    comparison_id: str | None = await connection.fetchval(_SQL["night_before"], office, day)
    return comparison_id


async def read_ages(connection: ReadConn, comparison_id: str, codes: Sequence[str]) -> dict[str, Age]:
    """Return for how many nights these codes have differed."""
    return {
        row["uscc"]: Age(row["nights"], row["since"])
        for row in await connection.fetch(_SQL["ages"], comparison_id, codes)
    }


async def last_receipts(connection: ReadConn, codes: Sequence[str], office: str) -> dict[str, str]:
    """Return the last record of each of these codes that there is one of."""
    return {row["uscc"]: row["receipt_id"] for row in await connection.fetch(_SQL["last_receipts"], codes, office)}


async def clear_items(connection: WriteConn, comparison_id: str) -> None:
    """Forget what an interrupted run wrote."""
    await connection.execute(_SQL["clear_items"], comparison_id)


async def add_items(connection: WriteConn, comparison_id: str, items: Iterable[Item]) -> None:
    """Store what is not equal."""
    records = [(comparison_id, *item) for item in items]
    await connection.copy_records_to_table("comparison_item", records=records, columns=_ITEM_COLUMNS)


async def finish(
    connection: WriteConn, comparison_id: str, columns: Sequence[str], figures: Sequence[int], sequence: int
) -> None:
    """Store what a comparison came to, in the order of ComparisonRow, and let its file go."""
    await connection.execute(_SQL["finish"], comparison_id, list(columns), *figures, sequence)
    await connection.execute(_SQL["drop_chunks"], comparison_id)


async def fail(connection: WriteConn, comparison_id: str, problem: Mapping[str, Any]) -> None:
    """Store why a register could not be compared, and let its file go; nothing is counted."""
    await connection.execute(_SQL["clear_items"], comparison_id)
    await connection.execute(_SQL["fail"], comparison_id, orjson.dumps(problem).decode())
    await connection.execute(_SQL["drop_chunks"], comparison_id)


async def find_comparison(connection: ReadConn, comparison_id: str, office: str | None) -> ComparisonRow | None:
    """Return one comparison; another office's is not found."""
    row = await connection.fetchrow(_SQL["comparison"], comparison_id, office)
    return None if row is None else ComparisonRow(**row)


async def list_comparisons(
    connection: ReadConn, office: str | None, day: date | None, after: tuple[date, str] | None, limit: int
) -> list[ComparisonRow]:
    """Return comparisons, newest date first."""
    behind = after or (None, None)
    return [ComparisonRow(**row) for row in await connection.fetch(_SQL["comparisons"], office, day, *behind, limit)]


async def comparison_on(connection: ReadConn, office: str, day: date) -> ComparisonRow | None:
    """Return the last finished comparison of an office for a day."""
    row = await connection.fetchrow(_SQL["comparison_on"], office, day)
    return None if row is None else ComparisonRow(**row)


async def list_items(
    connection: ReadConn, comparison_id: str, kind: str | None, after: str | None, limit: int
) -> list[ItemRow]:
    """Return what is not equal, by code."""
    rows = await connection.fetch(_SQL["items"], comparison_id, kind, after, limit)
    return [ItemRow(row[0], row[1], orjson.loads(row[2]), *row[3:]) for row in rows]


async def list_settling(connection: ReadConn, comparison_id: str, after: str | None, limit: int) -> list[SettlingRow]:
    """Return what a settlement is made of, by code."""
    rows = await connection.fetch(_SQL["settling"], comparison_id, after, limit)
    return [
        SettlingRow(row[0], row[1], orjson.loads(row[2]), row[3], None if row[4] is None else orjson.loads(row[4]))
        for row in rows
    ]


async def expected_rows(connection: ReadConn) -> int:
    """Return about how many codes there are."""
    rows: int = await connection.fetchval(_SQL["expected_rows"])
    return rows


async def digest_prefixes(connection: WriteConn) -> None:
    """Digest the registry as it stands at one moment."""
    await connection.execute(_SQL["digest_prefixes"])
    await connection.execute(_SQL["drop_stale_digests"])


async def read_digests(connection: ReadConn) -> Digests:
    """Return the digests that the last night left."""
    rows = await connection.fetch(_SQL["digests"])
    return Digests(rows[0]["sequence"] if rows else 0, rows[0]["recorded_at"] if rows else None, _digests(rows))


async def digests_below(connection: ReadConn, prefix: str) -> Digests:
    """Return the digests below a prefix as they stand now."""
    rows = await connection.fetch(_SQL["digests_below"], prefix, prefix[:-1] + chr(ord(prefix[-1]) + 1))
    return Digests(rows[0]["sequence"] if rows else 0, None, _digests(rows))


def _digests(rows: Iterable[asyncpg.Record]) -> list[DigestRow]:
    return [DigestRow(row["prefix"], row["records"], int(row["sum"]) % _2_64, row["xor"] % _2_64) for row in rows]
