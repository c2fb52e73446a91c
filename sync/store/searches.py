"""Finds registered organizations by name, old number, subject code, division, office and status."""

from __future__ import annotations

from typing import Any

from sync.store.statements import statements

_SQL = statements("searches")


async def prepare_session(connection: Any) -> None:
    """Prepare a new connection of the search; given to `open_pool`."""
    await connection.execute(_SQL["prepare_session"])
