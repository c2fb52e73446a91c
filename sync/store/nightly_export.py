"""The registry as columns: what an office's register is compared with, streamed over ADBC in constant memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import adbc_driver_manager
import pyarrow as pa
from adbc_driver_postgresql import StatementOptions, dbapi

from sync.errors import Retryable
from sync.store.statements import statements

_SQL = statements("nightly_export")
_BATCH_BYTES = "8388608"


def with_settings(dsn: str, settings: dict[str, str]) -> str:
    """Return a DSN whose sessions begin with these settings of the server."""
    parts = urlsplit(dsn)
    query = [(name, value) for name, value in parse_qsl(parts.query) if name != "options"]
    options = " ".join(f"-c {name}={value.replace(chr(92), '').replace(' ', '')}" for name, value in settings.items())
    return parts._replace(query=urlencode([*query, ("options", options)], quote_via=quote)).geturl()


@contextmanager
def read_register(
    dsn: str, *, role: str | None, office: str, first_characters: Iterable[str]
) -> Iterator[pa.RecordBatchReader]:
    """Stream the register of an office as the registry has it: uscc, status, receipt_id, record (JSON text).

    Raises:
        Retryable: the database does not answer.
    """
    settings = {"uscc.office": office, "uscc.first_characters": ",".join(sorted(first_characters))}
    if role is not None:
        settings["role"] = role
    try:
        with (
            dbapi.connect(with_settings(dsn, settings)) as connection,
            connection.cursor() as cursor,
        ):
            cursor.adbc_statement.set_options(**{StatementOptions.BATCH_SIZE_HINT_BYTES.value: _BATCH_BYTES})
            cursor.execute(_SQL["register"])
            yield cursor.fetch_record_batch()
    except adbc_driver_manager.Error as error:
        raise Retryable(f"the database does not answer: {type(error).__name__}") from error
