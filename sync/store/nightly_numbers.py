"""The registry as numbers: what each code and its whole record come to, streamed over ADBC (sync/row_hash.py)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import orjson
import pyarrow as pa

from sync.row_hash import row_hash
from sync.store import nightly
from sync.store.connection import ReadConn, WriteConn
from sync.store.nightly_export import Session, View, opened
from sync.store.statements import statements

_SQL = statements("nightly_numbers")
# A value of PostgreSQL ends at 1 GiB.
_CODES_A_PART = 64_000_000


class Numbers:
    """The registry as it stands at one instant, for one office; one stream is read at a time, to its end.

    `with_status` says whether the status is mixed into the numbers; null is a code without a number.
    """

    def __init__(self, session: Session, *, with_status: bool) -> None:
        self._session = session
        self.with_status = with_status

    def all(self) -> Iterator[tuple[bytes, int]]:
        """Yield the numbers of all codes by parts, as bytes (eight each, big-endian), and how many codes have none."""
        ((size,),) = self._session.run(_SQL["size"])
        mask = (1 << (size // _CODES_A_PART).bit_length()) - 1
        self._choose("uscc.mask", [str(mask)])
        for part in range(mask + 1):
            self._choose("uscc.part", [str(part)])
            for batch in self._session.stream(_SQL["part"]):
                for row in batch.to_pylist():
                    yield row["numbers"] or b"", row["unnumbered"]

    def of(self, codes: Sequence[str]) -> pa.RecordBatchReader:
        """Stream uscc and number of some thousand codes."""
        self._choose("uscc.codes", codes)
        return self._session.stream(_SQL["of"])

    def rows_of(self, codes: Sequence[str]) -> pa.RecordBatchReader:
        """Stream uscc, status, receipt_id, record (JSON text) and number of some thousand codes."""
        self._choose("uscc.codes", codes)
        return self._session.stream(_SQL["rows_of"])

    def codes_of(self, numbers: Sequence[int]) -> pa.RecordBatchReader:
        """Stream the uscc of some numbers, and of every code without one."""
        self._choose("uscc.numbers", map(str, numbers))
        return self._session.stream(_SQL["codes_of"])

    def _choose(self, setting: str, values: Iterable[str]) -> None:
        self._session.run(_SQL["choose"], [setting, ",".join(values)])


@contextmanager
def open_numbers(view: View, *, with_status: bool) -> Iterator[Numbers]:
    """Open what the registry has of the codes that an office is at home with, as it stands now.

    Raises:
        Retryable: the database does not answer.
    """
    with opened(view, {"uscc.with_status": str(int(with_status))}) as session:
        session.run(_SQL["freeze"])
        yield Numbers(session, with_status=with_status)


async def read_backlog(connection: ReadConn) -> str | None:
    """Return the code up to which the numbers of an older registry are filled in, None when all are."""
    place: str | None = await connection.fetchval(_SQL["backlog"])
    return place


async def fill_some(connection: WriteConn, after: str, count: int) -> str | None:
    """Fill in the numbers of the next codes; return the last of them, None when there were none and all is done."""
    await nightly.pass_writers(connection)
    rows = await connection.fetch(_SQL["unnumbered"], after, count)
    if not rows:
        await connection.execute(_SQL["end_backlog"])
        return None
    numbers = {row["uscc"]: row_hash(row["uscc"], orjson.loads(row["record"])) for row in rows if row["record"]}
    await connection.execute(_SQL["fill"], list(numbers), list(numbers.values()))
    last: str = rows[-1]["uscc"]
    await connection.execute(_SQL["move_backlog"], last)
    return last
