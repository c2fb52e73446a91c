"""Trouble on the way to the database is told from trouble with a file that is read or written meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync.errors import Retryable
from sync.store.connection import translated


async def test_a_file_that_cannot_be_opened_is_named_and_the_database_is_not_blamed(tmp_path: Path) -> None:
    missing = tmp_path / "no" / "report.csv"

    with pytest.raises(Retryable, match=r"report\.csv: No such file or directory"):
        async with translated():
            missing.open("wb")


async def test_a_connection_that_breaks_is_the_databases_silence() -> None:
    with pytest.raises(Retryable, match="the database does not answer"):
        async with translated():
            raise ConnectionResetError(104, "Connection reset by peer")
