"""Opens the numbers of a statement: which records stand behind each, as their returns, in sequence.

Of holds they are the returns by which a record came to wait (opening, new, closing) or no longer did (resolved).
"""

from __future__ import annotations

from datetime import date
from typing import Final, Literal, TypeAlias, get_args

from sync.nightly.sealing import Closing, window_of
from sync.records import Disposition
from sync.store import nightly
from sync.store.connection import ReadConn

Hold: TypeAlias = Literal["opening", "new", "resolved", "closing"]
HOLDS: Final[tuple[Hold, ...]] = get_args(Hold)


async def read_records(
    connection: ReadConn,
    closing: Closing,
    office: str,
    day: date,
    *,
    disposition: Disposition | None = None,
    batch_id: str | None = None,
    altered: bool = False,
    after: int = 0,
    limit: int,
) -> list[tuple[int, str]]:
    """Return the first returns of the records that arrived on a day, behind a sequence, each with its own.

    `altered` are those whose message id was known with other content.
    """
    window = await window_of(connection, closing.days, office, day)
    sealed = await nightly.read_statement(connection, day, office)
    if sealed is not None and sealed.first_sequence is not None:
        after = max(after, sealed.first_sequence - 1)
    return await nightly.read_items(
        connection,
        office=office,
        begins=window.begins,
        ends=window.ends,
        after=after,
        through=None if sealed is None else sealed.last_sequence or 0,
        disposition=None if disposition is None else disposition.value,
        batch_id=batch_id,
        altered=altered,
        limit=limit,
    )


async def read_holds(
    connection: ReadConn, closing: Closing, office: str, day: date, hold: Hold, *, after: int = 0, limit: int
) -> list[tuple[int, str]]:
    """Return the returns behind the holds of a day, behind a sequence, each with its own."""
    window = await window_of(connection, closing.days, office, day)
    return await nightly.read_hold_items(
        connection, office=office, begins=window.begins, ends=window.ends, hold=hold, after=after, limit=limit
    )
