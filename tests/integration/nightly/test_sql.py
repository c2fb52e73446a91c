"""The statements of the nightly run against the migrated schema, as the role that runs them."""

from __future__ import annotations

import pytest

from sync.nightly.run import open_days
from sync.store.connection import JOB, open_pool
from sync.store.statements import statements
from tests.integration.nightly.conftest import Town

_OF_THE_API = ("begin", "add_chunk", "hand_in", "stop_receiving")


@pytest.mark.parametrize(
    "module", ["nightly", "nightly_quality", "nightly_comparisons", "nightly_export", "nightly_numbers"]
)
async def test_every_statement_prepares_as_the_role_that_runs_it(database: str, module: str) -> None:
    prepared = []
    for role in ("uscc_job", "uscc_api"):
        pool = await open_pool(database, role=role, limits=JOB, size=1, name="test")
        async with pool.acquire() as connection:
            for name, statement in statements(module).items():
                if (role == "uscc_api") == (name in _OF_THE_API):
                    await connection.prepare(statement)
                    prepared.append(name)
        await pool.close()

    assert sorted(statements(module)) == sorted(prepared)


async def test_an_empty_registry_has_no_day_to_close(town: Town) -> None:
    assert [] == await open_days(town.config())
