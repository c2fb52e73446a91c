"""A night killed at every step ends, when it is run again, with the same answer."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any, Literal

import orjson
import pytest

from sync.nightly.run import NightStep, Register
from sync.snapshots import make_snapshot
from sync.store.connection import Pool
from tests.integration.nightly.conftest import Town, message, record_of

_DEATHS: tuple[tuple[NightStep | Literal["snapshotting"], int], ...] = (
    ("filled", 1), ("compared", 1), ("waited", 1), ("sealed", 1), ("measured", 1), ("sealed", 3), ("reported", 1),
    ("digested", 1), ("counted", 1), ("snapshotting", 1), ("snapshot", 1),
)  # fmt: skip


async def _die(town: Town, register: Register, step: str, reach: int) -> int:
    arguments = (
        step, str(reach), town.dsn, town.kafka.bootstrap, str(town.folder), ",".join(town.site.offices),
        str(register.file),
    )  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.integration.nightly.dying_night", *arguments
    )
    return await process.wait()


_COMPARISON = "select to_jsonb(c) - 'handed_in_at' - 'finished_at' as row from comparison c order by comparison_id"


async def _outcome(town: Town) -> dict[str, Any]:
    """Return all that a night leaves, without the instants at which it did so."""
    statements = [
        orjson.loads(row["body"]) for row in await town.fetch("select body from statement order by date, office")
    ]
    for statement in statements:
        statement.pop("sealed_at")
    tables = {
        "comparison": _COMPARISON,
        "comparison_item": "select to_jsonb(i) as row from comparison_item i order by comparison_id, uscc",
        "quality": "select to_jsonb(q) as row from quality q order by date, office, division",
        "batch_count": "select to_jsonb(b) as row from batch_count b order by office, batch_id, date",
        "register_digest": "select to_jsonb(d) - 'recorded_at' as row from register_digest d order by prefix",
        "nightly_step": "select to_jsonb(s) - 'done_at' as row from nightly_step s order by date, office, step",
    }
    return {"statement": statements} | {name: await town.fetch(query) for name, query in tables.items()}


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_night_killed_at_every_step_ends_with_the_same_answer(town: Town, pool: Pool) -> None:
    claim = record_of(2) | {"name": "另一家有限公司", "registration_number": "R999"}
    await town.push([*(message(n, record_of(n), batch_id="B") for n in range(300)), message(900, claim)])
    register = town.write_register(
        [record_of(n) | {"name": "改" if n == 5 else record_of(n)["name"]} for n in range(1, 301)]
    )

    async def snapshot() -> dict[str, Any]:
        made = await make_snapshot(town.pool, town.folder / "snapshots", kept=2)
        return {"snapshot_id": made.snapshot_id, "rows": made.rows}

    async with pool.acquire() as connection:
        await connection.execute(
            "update registration set row_hash = null; insert into backlog (name) values ('row_hash')"
        )
    died = [await _die(town, register, step, reach) for step, reach in _DEATHS]
    await town.night(register, snapshot=snapshot)
    after_deaths = await _outcome(town) | {"files": _files(town.folder / "snapshots")}
    await _forget_the_night(pool)
    await town.night(register, snapshot=snapshot)
    undisturbed = await _outcome(town) | {"files": _files(town.folder / "snapshots")}
    assert [-signal.SIGKILL] * len(_DEATHS) == died
    assert undisturbed == after_deaths


def _files(folder: Path) -> list[str]:
    """Return what lies in a folder; what was begun and not ended too."""
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*"))


async def _forget_the_night(pool: Pool) -> None:
    """Bring the registry back to before its first night, by its owner's right, which no role of the service has."""
    async with pool.acquire() as connection:
        await connection.execute("alter table statement disable trigger append_only")
        for table in (
            "statement",
            "comparison_item",
            "comparison",
            "quality",
            "batch_count",
            "register_digest",
            "nightly_step",
        ):
            await connection.execute(f"delete from {table}")
        await connection.execute("alter table statement enable trigger append_only")
