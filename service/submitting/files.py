"""A file of any format as messages: NDJSON, a JSON list, CSV, XLSX, Parquet, plain or gzipped, in constant memory.

Lines of JSON go on as they stand. A row of a table becomes one submission/1, or under a mapping one object of the
office's own fields. Nothing is added to a record: the batch of those that name none goes beside them, as their ids do,
so that a file is the same records by whichever door. A record without a message id goes by `<first 16 hex digits of the
file's SHA-256>/<row>`, so that a file that is pushed twice is known the second time.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from service.submission_files.flat_records import read_flat
from service.submission_files.formats import Charset, Kind, TooLargeFile, UnreadableFile
from service.submission_files.json_records import read_lines, read_list
from service.submission_files.reading import read_head
from service.tables import UnreadableTable, detect_charset, open_table, told
from sync.envelope import LONGEST_ID
from sync.mappings import OfficeMapping
from sync.messages import BATCH_HEADER, ID_HEADER, MAPPING_HEADER

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
    """A file to push. `unpacked` is where its records are read from; `charset` None where the format has its own.

    `batch_id` is the batch of the records that name none.
    """

    path: Path
    unpacked: Path
    kind: Kind
    charset: Charset | None
    sha256: str
    mapping: OfficeMapping | None
    batch_id: str

    @property
    def prefix(self) -> str:
        """What the ids of its records begin with, where they have none of their own."""
        return self.sha256[:_ID_DIGITS]

    def headers_of(self, row: OutgoingRow) -> dict[str, bytes]:
        """Return what goes beside a record: the batch is its own where it names one, as the declaration counts it."""
        mapping = None if self.mapping is None else self.mapping.name
        named = {ID_HEADER: row.fallback_id, MAPPING_HEADER: mapping, BATCH_HEADER: row.batch_id}
        return {header: name.encode() for header, name in named.items() if name is not None}

    def rows(self) -> Iterator[OutgoingRow]:
        """Yield the messages in order.

        Raises:
            UnreadableTable: the file as a whole cannot be read; says where.
        """
        try:
            number = 0
            for number, body in enumerate(self._bodies(), start=1):
                yield self._row(number, body)
            if number == 0:
                raise UnreadableFile("no-records")
        except UnreadableFile as error:
            where = "" if error.column is None else f" {error.column}:"
            raise UnreadableTable(f"{self.path.name}:{where} {told_fault(error)}", code=error.code) from None
        except TooLargeFile as error:
            raise UnreadableTable(f"{self.path.name}: 过大，上限 · is too large, the limit is {error.limit}") from None

    def _bodies(self) -> Iterator[bytes]:
        if self.kind == "ndjson":
            # Under a mapping a line is in the office's own encoding, and stays so.
            return read_lines(self.unpacked, self.charset or "utf-8" if self.mapping is None else "utf-8")
        if self.kind == "json":
            return read_list(self.unpacked)
        return read_flat(self.unpacked, self.kind, self.charset or "utf-8", self.mapping)

    def _row(self, number: int, body: bytes) -> OutgoingRow:
        fallback_id = f"{self.prefix}/{number}"
        head = read_head(body, self.mapping)
        batch_id = self.batch_id if head.batch_id is None else head.batch_id
        is_named = isinstance(batch_id, str) and len(batch_id) <= LONGEST_ID
        return OutgoingRow(number, head.code or fallback_id, fallback_id, batch_id if is_named else None, body)


def told_fault(error: UnreadableFile) -> str:
    """Return what is wrong in both languages."""
    # Loaded for a file at fault alone: it knows every problem of the API.
    from service.problems import FAULTS

    text = FAULTS[error.code]
    return f"{text.zh} · {text.en}".format(expected=error.expected)


@contextmanager
def opened(path: Path, mapping: OfficeMapping | None, batch_id: str | None) -> Iterator[OutgoingFile]:
    """Open a file: digest, format, encoding; unpacked for as long as the block lasts where it is packed.

    Records that name no batch are of `batch_id`, by default of one that the file's digest names: what was sent is
    declared.

    Raises:
        UnreadableTable: the file is not there, empty, damaged or of an unknown format.
    """
    name = path.name.lower().removesuffix(".gz")
    suffix = next((each for each in (*_KINDS, ".parquet", ".pq") if name.endswith(each)), None)
    if suffix is None:
        known = ", ".join((*_KINDS, ".parquet"))
        raise UnreadableTable(
            f"{path.name}: 无法识别的后缀 · the suffix says nothing; known are {known}, also with .gz"
        )
    with tempfile.TemporaryDirectory(prefix="uscc-submit-") as folder:
        charset: Charset | None = None
        try:
            with path.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            unpacked = _unpacked(path, Path(folder), suffix)
            kind = _KINDS.get(suffix, "csv")
            if kind in ("csv", "ndjson") and suffix in _KINDS:
                charset = detect_charset(unpacked)
        except (OSError, EOFError, zlib.error) as error:
            raise UnreadableTable(f"{path.name}: {told(error)}") from error
        yield OutgoingFile(
            path=path,
            unpacked=unpacked,
            kind=kind,
            charset=charset,
            sha256=sha256,
            mapping=mapping,
            batch_id=batch_id or sha256[:_ID_DIGITS],
        )


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
