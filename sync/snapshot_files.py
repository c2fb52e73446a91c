"""The files of a snapshot: the same rows under the same columns as Parquet, NDJSON.gz and CSV.gz, piece by piece.

Every value but the version is a text; an absent one is null, in CSV empty. A hidden organization is its code and
version alone. Packed files carry no time, so the same rows are the same bytes.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import orjson
import pyarrow as pa
import pyarrow.parquet as parquet

from sync.encoding import view_json
from sync.outcome import View
from sync.store.snapshots import SnapshotFile
from validators.fields import FIELDS

HEAD: Final = ("uscc", "version", "status", "standing", "office")
COLUMNS: Final = (*HEAD, *(name for name in FIELDS if name not in HEAD))
_SCHEMA: Final = pa.schema([(name, pa.int32() if name == "version" else pa.string()) for name in COLUMNS])
_LEVEL: Final = 4
_BLOCK_BYTES: Final = 1024 * 1024

# The values of one row, in the order of COLUMNS.
SnapshotRow = list[Any]


class _Kind(NamedTuple):
    name: str
    format: str


PARQUET: Final = _Kind("registrations.parquet", "parquet")
NDJSON: Final = _Kind("registrations.ndjson.gz", "ndjson.gz")
CSV: Final = _Kind("registrations.csv.gz", "csv.gz")


def row_of(view: View) -> SnapshotRow:
    """Return the row of a registration, personal values masked; of a hidden one no more than code and version."""
    if not view.is_public:
        return [view.uscc, view.version, *(None for _ in COLUMNS[2:])]
    shown = view_json(view)
    record = shown["record"]
    assert isinstance(record, dict)
    return [*(shown[name] for name in HEAD), *(record.get(name) for name in COLUMNS[len(HEAD) :])]


class SnapshotWriter:
    """Writes the three files of a snapshot into a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._parquet = parquet.ParquetWriter(folder / PARQUET.name, _SCHEMA, compression="zstd")
        self._files = [(folder / each.name).open("wb") for each in (NDJSON, CSV)]
        self._lines, table = (
            gzip.GzipFile(filename="", mode="wb", fileobj=file, compresslevel=_LEVEL, mtime=0) for file in self._files
        )
        self._table = io.TextIOWrapper(table, "utf-8", newline="", write_through=False)
        self._csv = csv.writer(self._table)
        self._csv.writerow(COLUMNS)
        self.rows = 0

    def __enter__(self) -> Self:
        """Begin to write."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish every file."""
        self._parquet.close()
        self._lines.close()
        self._table.close()
        for file in self._files:
            file.close()

    def write(self, rows: Sequence[SnapshotRow]) -> None:
        """Append rows to every file."""
        if not rows:
            return
        arrays = [pa.array(values, field.type) for values, field in zip(zip(*rows, strict=True), _SCHEMA, strict=True)]
        self._parquet.write_table(pa.table(arrays, schema=_SCHEMA))
        self._lines.write(b"".join(orjson.dumps(dict(zip(COLUMNS, row, strict=True))) + b"\n" for row in rows))
        self._csv.writerows(rows)
        self.rows += len(rows)

    def describe(self) -> tuple[SnapshotFile, ...]:
        """Return what the finished files are, once they are safely on the disk."""
        return tuple(_describe(self._folder / each.name, each.format) for each in (PARQUET, NDJSON, CSV))


def _describe(path: Path, format: str) -> SnapshotFile:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
        os.fsync(file.fileno())
    return SnapshotFile(name=path.name, format=format, bytes=path.stat().st_size, sha256=digest.hexdigest())
