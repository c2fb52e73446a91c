"""The registry as numbers: a code and what its whole record comes to, streamed over ADBC (sync/row_hash.py)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import adbc_driver_manager
import pyarrow as pa
from adbc_driver_postgresql import StatementOptions, dbapi

from sync.errors import Retryable
from sync.store import nightly
from sync.store.connection import ReadConn, WriteConn
from sync.store.nightly_export import View, with_settings
from sync.store.statements import statements

_SQL = statements("nightly_numbers")
_BATCH_BYTES = "4194304"


class Numbers:
    """The registry as it stands at one instant, for one office; one stream is read at a time, to its end."""

    def __init__(self, cursor: dbapi.Cursor) -> None:
        self._cursor = cursor

    def hashes(self, *, lacking: bool = False) -> pa.RecordBatchReader:
        """Stream uscc, row_hash (null: none) and status, its first letter as a number.

        `lacking` makes the numbers without the members that the register lacks.
        """
        return self._stream("hashes_without" if lacking else "hashes")

    def rows_of(self, codes: Sequence[str]) -> pa.RecordBatchReader:
        """Stream uscc, status, receipt_id and record (JSON text) of some thousand codes."""
        return self._stream_of("rows_of", codes)

    def numbers_of(self, codes: Sequence[str]) -> pa.RecordBatchReader:
        """Stream uscc, stored and without of some thousand codes: their numbers as `hashes` gives them, null: none."""
        return self._stream_of("numbers_of", codes)

    def _stream_of(self, statement: str, codes: Sequence[str]) -> pa.RecordBatchReader:
        self._cursor.execute(_SQL["choose"], [",".join(codes)])
        self._cursor.fetchall()
        return self._stream(statement)

    def _stream(self, statement: str) -> pa.RecordBatchReader:
        self._cursor.execute(_SQL[statement])
        return self._cursor.fetch_record_batch()


@contextmanager
def open_numbers(view: View, *, lacking: Iterable[str] = ()) -> Iterator[Numbers]:
    """Open what the registry has of the codes that an office is at home with, as it stands now.

    `lacking` are the members that the register has no column for.

    Raises:
        Retryable: the database does not answer.
    """
    settings = {
        "uscc.office": view.office,
        "uscc.first_characters": ",".join(sorted(view.first_characters)),
        "uscc.lacking": ",".join(lacking),
    }
    if view.role is not None:
        settings["role"] = view.role
    try:
        with dbapi.connect(with_settings(view.dsn, settings)) as connection, connection.cursor() as cursor:
            cursor.adbc_statement.set_options(**{StatementOptions.BATCH_SIZE_HINT_BYTES.value: _BATCH_BYTES})
            cursor.execute(_SQL["freeze"])
            yield Numbers(cursor)
    except adbc_driver_manager.Error as error:
        raise Retryable(f"the database does not answer: {type(error).__name__}") from error


async def read_backlog(connection: ReadConn) -> str | None:
    """Return the code up to which the numbers of an older registry are filled in, None when all are."""
    place: str | None = await connection.fetchval(_SQL["backlog"])
    return place


async def fill_some(connection: WriteConn, after: str, count: int) -> str | None:
    """Fill in the numbers of the next codes; return the last of them, None when there were none and all is done."""
    await nightly.pass_writers(connection)
    last: str | None = await connection.fetchval(_SQL["fill"], after, count)
    if last is None:
        await connection.execute(_SQL["end_backlog"])
    else:
        await connection.execute(_SQL["move_backlog"], last)
    return last
