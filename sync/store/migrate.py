"""Migrations: forward only, each in a transaction of its own, one process at a time, never altered once applied.

`NNNN_pre_what.sql` runs before the new code, `NNNN_post_what.sql` when no old code runs any more. The files add up to
`schema.sql`, which a test compares.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from importlib.resources import files
from typing import NamedTuple

import asyncpg

from sync.errors import Fatal
from sync.store.connection import ReadConn, WriteConn, translated
from sync.store.statements import statements

_SQL = statements("migrate")
_LOCKS = statements("locks")
_CJK_NAME = "腾讯科技"


class Migration(NamedTuple):
    """One file of migrations/."""

    name: str
    text: str

    @property
    def digest(self) -> bytes:
        """Return the SHA-256 of the file."""
        return hashlib.sha256(self.text.encode()).digest()


class ShippedCode(NamedTuple):
    """A non-conforming code that the service knows from the start."""

    uscc: str
    evidence: str
    source: str


def shipped_migrations() -> list[Migration]:
    """Return the migrations of this version in the order in which they are applied."""
    folder = files("sync.store.migrations")
    found = [entry for entry in folder.iterdir() if entry.name.endswith(".sql")]
    return [
        Migration(entry.name.removesuffix(".sql"), entry.read_text("utf-8"))
        for entry in sorted(found, key=lambda entry: entry.name)
    ]


async def migrate(dsn: str, migrations: Iterable[Migration] | None = None) -> list[str]:
    """Bring the database to the schema of this version; return the names of the migrations that were applied now.

    Raises:
        Fatal: the database is not fit for the registry, knows a migration that this version does not, or a migration
            was altered after it had been applied.
        Retryable: the database does not answer, or a lock could not be had in time.
    """
    wanted = list(shipped_migrations() if migrations is None else migrations)
    async with _session(dsn) as connection:
        await _check_settings(connection)
        await connection.fetchval(_LOCKS["take_migration"])
        await connection.execute(_SQL["lock_timeout"])
        await connection.execute(_SQL["statement_timeout"])
        await connection.execute(_SQL["make_schema_migration"])
        done = {row["name"]: bytes(row["digest"]) for row in await connection.fetch(_SQL["applied"])}
        _compare(done, wanted)
        missing = [migration for migration in wanted if migration.name not in done]
        for migration in missing:
            async with connection.transaction():
                await connection.execute(migration.text)
                await connection.execute(_SQL["note"], migration.name, migration.digest)
        await _check_trigrams(connection)
    return [migration.name for migration in missing]


def _compare(done: Mapping[str, bytes], wanted: Iterable[Migration]) -> None:
    digests = {migration.name: migration.digest for migration in wanted}
    unknown = sorted(done.keys() - digests.keys())
    if unknown:
        raise Fatal(f"the database is newer than this program: it has the migrations {', '.join(unknown)}")
    altered = sorted(name for name in done if done[name] != digests[name])
    if altered:
        raise Fatal(f"altered after they had been applied: {', '.join(altered)}; write a new migration instead")


async def _check_settings(connection: ReadConn) -> None:
    """Refuse a database that may lose what it acknowledged."""
    rows = await connection.fetch(_SQL["database_settings"])
    wrong = sorted(row["name"] for row in rows if row["setting"] not in ("on", "remote_apply", "remote_write"))
    if wrong:
        raise Fatal(f"the database may lose what it acknowledged: set {', '.join(f'{name}=on' for name in wrong)}")


async def _check_trigrams(connection: ReadConn) -> None:
    """Refuse a locale in which Chinese names have no trigrams, because every search would answer with nothing."""
    if not await connection.fetchval(_SQL["trigrams_of"], _CJK_NAME):
        raise Fatal("the database's locale does not know Chinese letters: make it with C.UTF-8 or zh_CN.UTF-8")


async def enter_ruleset(connection: WriteConn, *, version: str, digest: bytes, body: str) -> None:
    """Enter the ruleset that judges from now on; `body` is its JSON.

    Raises:
        Fatal: that version was entered with other rules, so its number would say two things.
    """
    await connection.execute(_SQL["enter_ruleset"], version, digest, body)
    if await connection.fetchval(_SQL["ruleset_digest"], version) != digest:
        raise Fatal(f"the ruleset {version} has changed since it was entered: give it a new version")


async def enter_nonconforming(connection: WriteConn, codes: Iterable[ShippedCode], *, entered_by: str) -> None:
    """Enter non-conforming codes that are in use into the exceptions register; what is there stays as it is."""
    columns = [list(column) for column in zip(*codes, strict=True)] or [[], [], []]
    await connection.execute(_SQL["enter_nonconforming"], *columns, entered_by)


async def ensure_months(connection: WriteConn, instants: Iterable[datetime]) -> None:
    """Make the partitions of the months of `instants`."""
    for instant in instants:
        await connection.fetchval(_SQL["ensure_month"], instant)


@asynccontextmanager
async def _session(dsn: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    async with translated():
        connection = await asyncpg.connect(
            dsn, timeout=10, server_settings={"application_name": "uscc-migrate", "timezone": "UTC"}
        )
        try:
            yield connection
        finally:
            await connection.close()
