"""The registry as columns: what an office's register is compared with, streamed over ADBC in constant memory.

One machine reads it whole, in one statement. A cluster reads it in parts over many sessions, which all see the same
registry: one session exports its snapshot and stays, the others take it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import adbc_driver_manager
import pyarrow as pa
from adbc_driver_postgresql import StatementOptions, dbapi

from sync.errors import Retryable
from sync.store.statements import statements

_SQL = statements("nightly_export")
_BATCH_BYTES = "8388608"
_CODES_AT_A_TIME = 10_000
_SAMPLED_A_PART = 200
# Behind every code, and before it.
_LAST = "~"
_FIRST = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Where the registry is, and which codes of it are an office's counterpart.

    `snapshot` is one that another session exported, None: what stands there now.
    """

    dsn: str = field(repr=False)
    role: str | None
    office: str
    first_characters: frozenset[str]
    snapshot: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """The codes from one to before another."""

    begin: str = _FIRST
    end: str = _LAST


class Session:
    """A session that streams rows as columns; `lost` says why when the database went away in the middle of them."""

    def __init__(self, cursor: dbapi.Cursor) -> None:
        self._cursor = cursor
        self.lost: Retryable | None = None

    def run(self, statement: str, values: Sequence[str] = ()) -> list[tuple[Any, ...]]:
        """Run a statement; return its rows, none where it has none to give."""
        self._cursor.execute(statement, list(values) or None)
        return self._cursor.fetchall() if self._cursor.description else []

    def stream(self, statement: str) -> pa.RecordBatchReader:
        """Stream the rows of a statement."""
        self._cursor.execute(statement)
        reader = self._cursor.fetch_record_batch()
        return pa.RecordBatchReader.from_batches(reader.schema, self._passing(reader))

    def _passing(self, reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
        try:
            yield from reader
        except OSError as error:
            # Whoever reads the stream through another library tells only a text of it.
            self.lost = _away(error)
            raise self.lost from error


def _away(error: Exception) -> Retryable:
    return Retryable(f"the database does not answer: {type(error).__name__}")


def with_settings(dsn: str, settings: dict[str, str]) -> str:
    """Return a DSN whose sessions begin with these settings of the server."""
    parts = urlsplit(dsn)
    query = [(name, value) for name, value in parse_qsl(parts.query) if name != "options"]
    options = " ".join(f"-c {name}={value.replace(chr(92), '').replace(' ', '')}" for name, value in settings.items())
    return parts._replace(query=urlencode([*query, ("options", options)], quote_via=quote)).geturl()


@contextmanager
def read_register(view: View, codes: Codes = Codes()) -> Iterator[pa.RecordBatchReader]:
    """Stream the register of an office as the registry has it: uscc, status, receipt_id, record (JSON text).

    Raises:
        Retryable: the database does not answer, or the snapshot is gone.
    """
    with opened(view, {"uscc.codes_from": codes.begin, "uscc.codes_below": codes.end}) as session:
        yield session.stream(_SQL["register"])


def read_codes(view: View, codes: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Yield the same of these codes alone.

    Raises:
        Retryable: the database does not answer, or the snapshot is gone.
    """
    with opened(view, {}) as session:
        for begin in range(0, len(codes), _CODES_AT_A_TIME):
            session.run(_SQL["set_codes"], [",".join(codes[begin : begin + _CODES_AT_A_TIME])])
            yield from session.stream(_SQL["register_of_codes"])


@contextmanager
def exported_snapshot(view: View) -> Iterator[str]:
    """Hold one view of the registry for other sessions while the block lasts; yield its name.

    Raises:
        Retryable: the database does not answer.
    """
    with opened(view, {"idle_in_transaction_session_timeout": "0"}) as session:
        session.run(_SQL["isolate"])
        ((name,),) = session.run(_SQL["export_snapshot"])
        yield name


def cut_register(view: View, parts: int) -> list[Codes]:
    """Return ranges that cut the registry into about so many parts of about the same size, by a sample.

    Raises:
        Retryable: the database does not answer.
    """
    if parts <= 1:
        return [Codes()]
    with opened(view, {"uscc.sample": str(parts * _SAMPLED_A_PART)}) as session:
        ((share,),) = session.run(_SQL["sample_share"])
    with opened(view, {"uscc.share": str(share), "uscc.parts": str(parts)}) as session:
        bounds = [row[0] for row in session.run(_SQL["code_bounds"]) if row[0] is not None]
    return [Codes(begin=begin, end=end) for begin, end in zip([_FIRST, *bounds], [*bounds, _LAST], strict=True)]


@contextmanager
def opened(view: View, settings: dict[str, str]) -> Iterator[Session]:
    """Open a session that sees the view, with these settings of the server beside.

    Raises:
        Retryable: the database does not answer, here or while the block lasts.
    """
    own = {"uscc.office": view.office, "uscc.first_characters": ",".join(sorted(view.first_characters))}
    if view.role is not None:
        own["role"] = view.role
    try:
        with dbapi.connect(with_settings(view.dsn, own | settings)) as connection, connection.cursor() as cursor:
            cursor.adbc_statement.set_options(**{StatementOptions.BATCH_SIZE_HINT_BYTES.value: _BATCH_BYTES})
            session = Session(cursor)
            if view.snapshot is not None:
                session.run(_SQL["isolate"])
                session.run(_SQL["take_snapshot"].replace("$snapshot", view.snapshot))
            try:
                yield session
            except Exception:
                if session.lost is not None:
                    raise session.lost from None
                raise
    except adbc_driver_manager.Error as error:
        raise _away(error) from error
