"""Keeps what arrives on disk: the body of a request as it came, and its rows until they are stored."""

from __future__ import annotations

import hashlib
import struct
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from sync.store.submissions import Row

_HEAD = struct.Struct(">IHHI")
_SLICE_ROWS = 2_000
_SLICE_BYTES = 2 * 1024 * 1024


class BodySpool:
    """A request's body in a temporary file, with the SHA-256 of its bytes."""

    def __init__(self) -> None:
        self._file = tempfile.NamedTemporaryFile(prefix="uscc-submission-")  # noqa: SIM115 — it lives as this object does
        self._digest = hashlib.sha256()
        self.bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()

    @property
    def path(self) -> Path:
        """Where the file is, for as long as this object lives."""
        return Path(self._file.name)

    @property
    def sha256(self) -> bytes:
        """The digest of what was written."""
        return self._digest.digest()

    def write(self, chunk: bytes) -> None:
        """Append a piece of the body."""
        self._file.write(chunk)
        self._digest.update(chunk)
        self.bytes += len(chunk)

    def close_writing(self) -> None:
        """Make everything written visible to readers of the file."""
        self._file.flush()


class RowSpool:
    """Rows in a temporary file, read again in slices."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="uscc-rows-")  # noqa: SIM115 — it lives as this object does
        self.records = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()

    def fill(self, rows: Iterable[Row]) -> None:
        """Take every row; blocks for as long as reading them takes."""
        for row in rows:
            key, ce_id = row.key.encode("utf-8", "replace"), row.ce_id.encode()
            self._file.write(_HEAD.pack(row.number, len(key), len(ce_id), len(row.body)) + key + ce_id + row.body)
            self.records += 1
        self._file.flush()

    def slices(self) -> Iterator[list[Row]]:
        """Yield the rows in order, some thousand or some MiB at a time."""
        self._file.seek(0)
        rows: list[Row] = []
        taken = 0
        while head := self._file.read(_HEAD.size):
            number, key_bytes, id_bytes, body_bytes = _HEAD.unpack(head)
            key, ce_id = self._file.read(key_bytes).decode(), self._file.read(id_bytes).decode()
            rows.append(Row(number, key, ce_id, self._file.read(body_bytes)))
            taken += body_bytes
            if len(rows) >= _SLICE_ROWS or taken >= _SLICE_BYTES:
                yield rows
                rows, taken = [], 0
        if rows:
            yield rows
