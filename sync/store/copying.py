"""Rows of COPY in PostgreSQL's binary format, from values whose bytes are at hand.

The driver's own COPY takes Python values and encodes each of them while everybody waits for the writer's lock. A row
made here is bytes, so that most of it is made before, and a text of JSON is never decoded to be encoded again.

Source: PostgreSQL documentation, COPY, "Binary Format".
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice
from struct import Struct
from typing import Final

from sync.store.connection import WriteConn

NULL: Final = b"\xff\xff\xff\xff"
TRUE: Final = b"\0\0\0\1\1"
FALSE: Final = b"\0\0\0\1\0"

_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER: Final = b"\xff\xff"
_ROWS: Final = 64
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_TEXT_TYPE: Final = 25
_JSONB_VERSION: Final = b"\1"
_LENGTH: Final = Struct(">i").pack
_SMALL: Final = Struct(">ih").pack
_INTEGER: Final = Struct(">ii").pack
_BIG: Final = Struct(">iq").pack
_ARRAY: Final = Struct(">iii").pack
_DIMENSION: Final = Struct(">ii").pack


def columns(count: int) -> bytes:
    """Return how a row begins: with the number of its columns."""
    return count.to_bytes(2)


def text(value: str | None) -> bytes:
    """Return a column of type text."""
    if value is None:
        return NULL
    encoded = value.encode()
    return _LENGTH(len(encoded)) + encoded


def bytea(value: bytes) -> bytes:
    """Return a column of type bytea, or of type text from its UTF-8."""
    return _LENGTH(len(value)) + value


def jsonb(value: bytes) -> bytes:
    """Return a column of type jsonb from its JSON."""
    return _LENGTH(len(value) + 1) + _JSONB_VERSION + value


def smallint(value: int) -> bytes:
    """Return a column of type smallint."""
    return _SMALL(2, value)


def integer(value: int | None) -> bytes:
    """Return a column of type integer."""
    return NULL if value is None else _INTEGER(4, value)


def bigint(value: int) -> bytes:
    """Return a column of type bigint."""
    return _BIG(8, value)


def timestamptz(value: datetime) -> bytes:
    """Return a column of type timestamptz."""
    return _BIG(8, (value - _EPOCH) // _MICROSECOND)


@lru_cache(maxsize=1_024)
def texts(values: tuple[str, ...]) -> bytes:
    """Return a column of type text[]."""
    if values:
        body = _ARRAY(1, 0, _TEXT_TYPE) + _DIMENSION(len(values), 1) + b"".join(map(text, values))
    else:
        body = _ARRAY(0, 0, _TEXT_TYPE)
    return _LENGTH(len(body)) + body


async def copy_rows(connection: WriteConn, table: str, names: Sequence[str], rows: Iterable[bytes]) -> None:
    """Copy rows into the columns `names` of a table; they are asked for while the database takes those before them."""
    await connection.copy_to_table(table, source=_chunks(rows), columns=names, format="binary")


async def _chunks(rows: Iterable[bytes]) -> AsyncIterator[bytes]:
    yield _HEADER
    waiting = iter(rows)
    while chunk := b"".join(islice(waiting, _ROWS)):
        yield chunk
    yield _TRAILER
