"""A file of any format as messages: NDJSON, a JSON list, CSV, XLSX, Parquet, plain or gzipped, in constant memory.

Lines of JSON go on as they stand. A row of a table becomes one submission/1, or under a mapping one object of the
office's own fields. A record without a message id goes by `<first 16 hex digits of the file's SHA-256>/<row>`, so that
a file that is pushed twice is known the second time.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from service.submission_files.flat_records import read_flat
from service.submission_files.formats import Charset, Kind, TooLargeFile, UnreadableFile
from service.submission_files.json_records import read_lines, read_list
from service.submission_files.reading import claimed_code
from service.tables import UnreadableTable, detect_charset, open_table
from sync.mappings import OfficeMapping

_KINDS: dict[str, Kind] = {".ndjson": "ndjson", ".jsonl": "ndjson", ".json": "json", ".csv": "csv", ".xlsx": "xlsx"}
_ID_DIGITS = 16


class OutgoingRow(NamedTuple):
    """One message: its number in the file from 1, key, the id that it has if it names none, its batch, and its body."""

    number: int
    key: str
    fallback_id: str
    batch_id: str | None
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingFile:
    """A file to push. `unpacked` is where its records are read from; `charset` None where the format has its own."""

    path: Path
    unpacked: Path
    kind: Kind
    charset: Charset | None
    sha256: str
    mapping: OfficeMapping | None = None
    batch_id: str | None = None

    @property
    def prefix(self) -> str:
        """What the ids of its records begin with, where they have none of their own."""
        return self.sha256[:_ID_DIGITS]

    @property
    def is_table(self) -> bool:
        """Whether its records are made of rows, rather than taken as they stand."""
        return self.kind in ("csv", "xlsx")

    def rows(self) -> Iterator[OutgoingRow]:
        """Yield the messages in order.

        Raises:
            UnreadableTable: the file as a whole cannot be read; says where.
        """
        try:
            for number, body in enumerate(self._bodies(), start=1):
                yield self._row(number, body)
        except UnreadableFile as error:
            raise UnreadableTable(f"{self.path.name}: {error}") from None
        except TooLargeFile as error:
            raise UnreadableTable(f"{self.path.name} is too large: the limit is {error.limit}") from None

    def _bodies(self) -> Iterator[bytes]:
        if self.kind == "ndjson":
            # Under a mapping a line is in the office's own encoding, and stays so.
            return read_lines(self.unpacked, self.charset or "utf-8" if self.mapping is None else "utf-8")
        if self.kind == "json":
            return read_list(self.unpacked)
        return read_flat(self.unpacked, self.kind, self.charset or "utf-8", self.mapping)

    def _row(self, number: int, body: bytes) -> OutgoingRow:
        fallback_id = f"{self.prefix}/{number}"
        if self.mapping is not None:
            return OutgoingRow(number, claimed_code(body, self.mapping) or fallback_id, fallback_id, None, body)
        message = _object(body)
        if message is None:
            return OutgoingRow(number, fallback_id, fallback_id, None, body)
        if self.batch_id is not None and "batch_id" not in message:
            message["batch_id"] = self.batch_id
            body = orjson.dumps(message)
        batch_id = message.get("batch_id")
        key = claimed_code(body, None) or fallback_id
        return OutgoingRow(number, key, fallback_id, batch_id if isinstance(batch_id, str) else None, body)


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        message = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return message if isinstance(message, dict) else None


@contextmanager
def opened(path: Path, mapping: OfficeMapping | None, batch_id: str | None) -> Iterator[OutgoingFile]:
    """Open a file: digest, format, encoding; unpacked for as long as the block lasts where it is packed.

    A table without a mapping has its records in one batch, named by the file's digest, unless `batch_id` names it: what
    was sent is declared. Lines of JSON go on as they stand.

    Raises:
        UnreadableTable: the file is not there, empty, damaged or of an unknown format.
    """
    name = path.name.lower().removesuffix(".gz")
    suffix = next((each for each in (*_KINDS, ".parquet", ".pq") if name.endswith(each)), None)
    if suffix is None:
        known = ", ".join((*_KINDS, ".parquet"))
        raise UnreadableTable(f"{path.name}: the suffix says nothing; known are {known}, also with .gz")
    try:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        with tempfile.TemporaryDirectory(prefix="uscc-submit-") as folder:
            unpacked = _unpacked(path, Path(folder), suffix)
            kind = _KINDS.get(suffix, "csv")
            charset: Charset | None = None
            if kind in ("csv", "ndjson") and suffix in _KINDS:
                charset = detect_charset(unpacked)
            named = batch_id
            if named is None and mapping is None and kind in ("csv", "xlsx"):
                named = sha256[:_ID_DIGITS]
            yield OutgoingFile(
                path=path,
                unpacked=unpacked,
                kind=kind,
                charset=charset,
                sha256=sha256,
                mapping=mapping,
                batch_id=named,
            )
    except (OSError, EOFError) as error:
        raise UnreadableTable(f"{path.name}: {error}") from error


def _unpacked(path: Path, folder: Path, suffix: str) -> Path:
    """Return where the records can be read: a gzipped file is unpacked, Parquet written out as CSV."""
    if suffix in (".parquet", ".pq"):
        table = open_table(path)
        target = folder / "rows.csv"
        with target.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(table.columns)
            for row in table.rows():
                writer.writerow([row.cells.get(column, "") for column in table.columns])
        return target
    if not path.name.lower().endswith(".gz"):
        return path
    target = folder / f"rows{suffix}"
    with gzip.open(path) as packed, target.open("wb") as file:
        shutil.copyfileobj(packed, file, 1024 * 1024)
    return target
