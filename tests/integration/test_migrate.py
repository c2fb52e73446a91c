"""Migrations bring any database to the schema of this version, once, and never twice."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from importlib.resources import files

import asyncpg
import pytest

from sync.errors import Fatal
from sync.store.connection import Pool, writing
from sync.store.migrate import (
    Migration,
    ShippedCode,
    ensure_months,
    enter_nonconforming,
    enter_ruleset,
    migrate,
    shipped_migrations,
)
from tests.schema import dump
from tests.services import database_of

HISTORY = (
    "disposition",
    "raw_message",
    "registration_version",
    "registration_mark",
    "change",
    "message",
    "withdrawn_code",
)


async def test_a_second_run_applies_nothing(database: str) -> None:
    assert await migrate(database) == []


async def test_migrations_add_up_to_schema_sql(database: str) -> None:
    written = files("sync.store").joinpath("schema.sql").read_text("utf-8")

    assert dump(database) == written, "run `make schema` and read what changed"


async def test_two_migrations_at_once_apply_each_file_once(cluster: str, suffix: str) -> None:
    admin = await asyncpg.connect(cluster)
    await admin.execute(f"create database twice_{suffix}")
    dsn = database_of(cluster, f"twice_{suffix}")

    applied = await asyncio.gather(migrate(dsn), migrate(dsn))

    assert sorted(applied[0] + applied[1]) == [migration.name for migration in shipped_migrations()]
    await admin.execute(f"drop database twice_{suffix} with (force)")
    await admin.close()


async def test_an_altered_migration_is_refused_by_name(database: str) -> None:
    first, *others = shipped_migrations()

    with pytest.raises(Fatal, match=f"altered after they had been applied: {first.name}"):
        await migrate(database, [Migration(first.name, first.text + " "), *others])


async def test_a_newer_database_is_refused(database: str) -> None:
    *known, last = shipped_migrations()

    with pytest.raises(Fatal, match=f"newer than this program: it has the migrations {last.name}"):
        await migrate(database, known)


async def test_a_failing_migration_leaves_nothing_behind(database: str, pool: Pool) -> None:
    broken = Migration("9999_pre_broken", "create table half (a integer); select 1 / 0;")

    with pytest.raises(Exception, match="22012"):
        await migrate(database, [*shipped_migrations(), broken])

    assert await pool.fetchval("select to_regclass('half')") is None


async def test_a_ruleset_keeps_what_its_version_said(pool: Pool) -> None:
    async with writing(pool) as connection:
        await enter_ruleset(connection, version="2026.1", digest=b"one", body="{}")
        await enter_ruleset(connection, version="2026.1", digest=b"one", body="{}")

        with pytest.raises(Fatal, match=r"2026\.1 has changed"):
            await enter_ruleset(connection, version="2026.1", digest=b"two", body="{}")


async def test_entering_a_nonconforming_code_again_changes_nothing(pool: Pool) -> None:
    code = "91350100M000100Y43"
    for evidence in ("first", "second"):
        async with writing(pool) as connection:
            await enter_nonconforming(connection, [ShippedCode(code, evidence, "test")], entered_by="test")

    rows = await pool.fetch("select uscc, evidence from nonconforming_code")
    assert [tuple(row) for row in rows] == [(code, "first")]


async def test_months_are_made_once(pool: Pool) -> None:
    instants = [datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 30, 23, 59, tzinfo=UTC)]

    for _ in range(2):
        async with writing(pool) as connection:
            await ensure_months(connection, instants)

    assert await pool.fetchval("select to_regclass('disposition_202611')::text") == "disposition_202611"


@pytest.mark.parametrize("role", ["uscc_ingest", "uscc_relay", "uscc_api", "uscc_console", "uscc_job"])
@pytest.mark.parametrize("table", HISTORY)
async def test_no_role_may_rewrite_history(pool: Pool, role: str, table: str) -> None:
    granted = await pool.fetchval(
        """select has_table_privilege($1, $2, 'update') or has_table_privilege($1, $2, 'delete')
                  or has_table_privilege($1, $2, 'truncate')""",
        role,
        table,
    )

    assert granted is False


@pytest.mark.parametrize("role", ["uscc_ingest", "uscc_relay", "uscc_api", "uscc_console", "uscc_job"])
async def test_no_role_owns_anything(pool: Pool, role: str) -> None:
    owned = "select count(*) from pg_class where relowner = $1::regrole"

    assert await pool.fetchval(owned, role) == 0


@pytest.mark.parametrize("role", ["uscc_ingest", "uscc_relay", "uscc_job"])
async def test_keys_are_read_by_the_api_alone(pool: Pool, role: str) -> None:
    assert not await pool.fetchval("select has_table_privilege($1, 'client_key', 'select')", role)
