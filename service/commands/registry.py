"""One transaction in the registry that the settings name, for commands that do one thing and end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from service.settings import dsn, load, locate
from sync.store.connection import JOB, WriteConn, open_pool, writing

_T = TypeVar("_T")


def in_registry(data_dir: Path | None, work: Callable[[WriteConn], Awaitable[_T]]) -> _T:
    """Run `work` in a transaction, as the login itself, and return what it returns.

    Raises:
        UnusableSettings: no registry is named and none runs on the data directory.
        Retryable: the database does not answer.
    """
    address = dsn(locate(load(data_dir=data_dir)))

    async def run() -> _T:
        pool = await open_pool(address, role=None, limits=JOB, size=1, name="uscc-command")
        try:
            async with writing(pool, JOB) as connection:
                return await work(connection)
        finally:
            await pool.close()

    return asyncio.run(run())
