"""The wall to PostgreSQL: pools, transactions, and one translation of foreign errors.

Store functions take a connection and never open, commit or close: a `ReadConn` reads, a `WriteConn` is inside a
transaction. Sessions are never altered after they were opened, so that a pool need not reset them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, Protocol, TypeAlias

import asyncpg

from sync.errors import Fatal, Rejected, Retryable, SyncError

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Prepare: TypeAlias = Callable[[Any], Coroutine[Any, Any, None]]


class ReadConn(Protocol):
    """A connection that a store function may read with."""

    async def fetch(self, query: str, *args: Any) -> list[asyncpg.Record]:
        """Return every row."""
        ...

    async def fetchrow(self, query: str, *args: Any) -> asyncpg.Record | None:
        """Return the first row, or None."""
        ...

    async def fetchval(self, query: str, *args: Any) -> Any:
        """Return the first value of the first row, or None."""
        ...


class WriteConn(ReadConn, Protocol):
    """A connection inside a transaction, that a store function may write with."""

    async def execute(self, query: str, *args: Any) -> str:
        """Run a statement; return what the server says it did."""
        ...

    async def executemany(self, command: str, args: Iterable[Sequence[Any]]) -> None:
        """Run a statement once for each of `args`."""
        ...

    async def copy_records_to_table(
        self, table_name: str, *, records: Iterable[Sequence[Any]], columns: Sequence[str]
    ) -> str:
        """Copy rows into a table."""
        ...

    async def copy_to_table(
        self, table_name: str, *, source: AsyncIterator[bytes], columns: Sequence[str], format: Literal["binary"]
    ) -> str:
        """Copy what is in a format of COPY into a table."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long a session may take: a statement, a wait for a lock, an idle transaction, a free connection."""

    statement: timedelta
    lock: timedelta = timedelta(seconds=2)
    idle_in_transaction: timedelta = timedelta(seconds=15)
    acquire: timedelta = timedelta(seconds=5)


API = Limits(statement=timedelta(seconds=2))
INGEST = Limits(statement=timedelta(seconds=15), lock=timedelta(seconds=10))
_GRACE = timedelta(seconds=10)
JOB = Limits(statement=timedelta(minutes=10), lock=timedelta(seconds=10), idle_in_transaction=timedelta(minutes=10))


async def _keep_session(_connection: Any) -> None:
    """Reset nothing: no session of ours is ever altered, and the reset would cost a round trip a release."""


async def open_pool(
    dsn: str, *, role: str | None, limits: Limits, size: int, name: str, prepare: Prepare | None = None
) -> Pool:
    """Open a pool of at most `size` connections that act as the database role `role` (None: as the login itself).

    `prepare` is run once on every new connection, before anybody has it.

    Raises:
        Retryable: the database does not answer.
    """
    settings = {
        "application_name": name,
        "statement_timeout": _milliseconds(limits.statement),
        "lock_timeout": _milliseconds(limits.lock),
        "idle_in_transaction_session_timeout": _milliseconds(limits.idle_in_transaction),
        "timezone": "UTC",
        # The server learns within half a minute that a client's machine is gone, and gives up what its session held.
        "tcp_keepalives_idle": "10",
        "tcp_keepalives_interval": "5",
        "tcp_keepalives_count": "3",
    }
    if role is not None:
        settings["role"] = role
    async with translated():
        return await asyncpg.create_pool(
            dsn,
            min_size=1,
            max_size=size,
            server_settings=settings,
            reset=_keep_session,
            init=prepare,
            timeout=10,
            # The server ends a statement by its own limits; this ends one whose server is gone without a word.
            command_timeout=(limits.statement + _GRACE).total_seconds(),
        )


def _milliseconds(duration: timedelta) -> str:
    return str(int(duration / timedelta(milliseconds=1)))


@asynccontextmanager
async def reading(pool: Pool, limits: Limits = API) -> AsyncIterator[ReadConn]:
    """Lend a connection for reading; an empty pool is waited for no longer than `limits.acquire`."""
    async with translated(), pool.acquire(timeout=limits.acquire.total_seconds()) as connection:
        yield connection


@asynccontextmanager
async def session(pool: Pool, limits: Limits) -> AsyncIterator[WriteConn]:
    """Lend a connection whose statements each commit by themselves, for as long as its session is wanted.

    The session ends with the block, and whatever it holds goes with it: a lock that stayed with the pool would keep
    its next leader, this very process, from leading. After an orderly end that is so at once; otherwise the server has
    to learn of it first.
    """
    async with translated(), pool.acquire(timeout=limits.acquire.total_seconds()) as connection:
        try:
            yield connection
            await connection.execute("select pg_advisory_unlock_all()")
        finally:
            connection.terminate()


@asynccontextmanager
async def writing(pool: Pool, limits: Limits = INGEST) -> AsyncIterator[WriteConn]:
    """Lend a connection inside a transaction that commits when the block ends and rolls back when it raises."""
    async with (
        translated(),
        pool.acquire(timeout=limits.acquire.total_seconds()) as connection,
        connection.transaction(),
    ):
        yield connection


@asynccontextmanager
async def frozen(pool: Pool, limits: Limits) -> AsyncIterator[ReadConn]:
    """Lend a connection that sees the registry as it stands at one instant, however many statements it runs."""
    async with (
        translated(),
        pool.acquire(timeout=limits.acquire.total_seconds()) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        yield connection


@asynccontextmanager
async def meanwhile(statement: Coroutine[Any, Any, object]) -> AsyncIterator[None]:
    """Let the database work on a statement while the block works without it; the block may not use the connection.

    The statement has no arguments: it is sent whole, where one with arguments is a conversation that needs the loop.
    An error of the statement is raised at the end of the block.
    """
    running = asyncio.ensure_future(statement)
    # One turn of the loop lets the statement be written, the next lets it be sent.
    for _ in range(2):
        await asyncio.sleep(0)
    try:
        yield
    finally:
        await running


@asynccontextmanager
async def translated() -> AsyncIterator[None]:
    """Turn errors of the driver into Rejected, Retryable or Fatal; everything else passes."""
    try:
        yield
    except SyncError:
        raise
    except asyncpg.PostgresError as error:
        raise translate(error) from error
    except (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError) as error:
        if isinstance(error, OSError) and error.filename is not None:
            # A file that the block reads or writes has a name, a connection has none.
            raise Retryable(f"{error.filename}: {error.strerror}") from error
        # A connection whose server died in the middle of an answer confuses the driver's own state.
        raise Retryable(f"the database does not answer: {error!r}") from error


def translate(error: asyncpg.PostgresError) -> SyncError:
    """Say which of the three a server error is, by its SQLSTATE.

    Only what a record itself causes is Rejected: class 22 (data exceptions), check and not-null violations, and
    values past a limit of the program. Unique and cardinality violations mean that we are wrong or unlucky: the
    whole batch is tried again.
    """
    state = error.sqlstate or ""
    text = f"{state} {type(error).__name__}"
    if state.startswith("22") or state in ("23514", "23502", "54000"):
        return Rejected(text)
    if state.startswith(("08", "40", "53", "57", "58")) or state in ("55P03", "55006", "23505", "21000", "25P03"):
        return Retryable(text)
    return Fatal(f"{text}: {error}")
