"""A production database: its owner migrates without being a superuser, and the program's login owns nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from service.embedded.daemon import checked
from service.embedded.postgres import binary
from sync.store.connection import API, INGEST, open_pool
from sync.store.migrate import migrate
from tests.services import database_of

ROLES = Path(__file__).resolve().parents[2] / "deploy" / "postgres" / "roles.sql"
PASSWORD = "of-a-test"


def _as(dsn: str, login: str) -> str:
    parts = urlsplit(dsn)
    return parts._replace(netloc=f"{login}:{PASSWORD}@{parts.hostname}:{parts.port}").geturl()


@pytest.fixture
async def production(cluster: str, suffix: str) -> AsyncIterator[str]:
    """The DSN of a database that roles.sql prepared, twice, as a superuser."""
    name = f"production_{suffix}"
    admin = await asyncpg.connect(cluster)
    await admin.execute(f"create database {name}")
    dsn = database_of(cluster, name)
    for _ in range(2):
        await asyncio.to_thread(
            checked, [binary("psql"), "--set=ON_ERROR_STOP=1", "--file", str(ROLES), dsn], "roles.sql"
        )
    for login in ("uscc_owner", "uscc_app"):
        await admin.execute(f"alter role {login} password '{PASSWORD}'")
    yield dsn
    await admin.execute(f"drop database {name} with (force)")
    await admin.close()


async def test_the_owner_migrates_without_being_a_superuser(production: str) -> None:
    applied = await migrate(_as(production, "uscc_owner"))

    assert applied[0].startswith("0001_pre_")


async def test_the_programs_login_takes_the_role_it_needs_and_has_no_right_of_its_own(production: str) -> None:
    await migrate(_as(production, "uscc_owner"))
    ingest = await open_pool(_as(production, "uscc_app"), role="uscc_ingest", limits=INGEST, size=1, name="test")
    api = await open_pool(_as(production, "uscc_app"), role="uscc_api", limits=API, size=1, name="test")
    bare = await asyncpg.connect(_as(production, "uscc_app"))

    await ingest.execute("insert into sequence_counter values ('changes', 0)")
    await ingest.fetchval("select ensure_month(now())")
    assert await api.fetchval("select value from sequence_counter") == 0
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await api.execute("insert into sequence_counter values ('x', 0)")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await bare.fetchval("select value from sequence_counter")

    await ingest.close()
    await api.close()
    await bare.close()


async def test_history_refuses_even_its_owner(production: str) -> None:
    owner = await asyncpg.connect(_as(production, "uscc_owner"))
    await migrate(_as(production, "uscc_owner"))
    await owner.execute("insert into message values ('office', 'id', 'receipt', '\\x00')")

    for statement in ("update message set receipt_id = 'other'", "delete from message", "truncate message"):
        with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
            await owner.execute(statement)

    await owner.close()
