"""The schema that the migrations add up to, as text: `python -m tests.schema FILE` writes it."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from service.embedded.daemon import run
from service.embedded.postgres import EmbeddedPostgres, binary
from sync.store.migrate import migrate

_NOISE = re.compile(r"^(--.*|SET .*|SELECT pg_catalog.set_config.*|\\(un)?restrict .*)?\n", re.MULTILINE)


def dump(dsn: str) -> str:
    """Return the schema of a database, without what differs from run to run."""
    command = [binary("pg_dump"), "--schema-only", "--no-owner", "--dbname", dsn]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    statements = _NOISE.sub("", done.stdout)
    return "-- What the migrations add up to: written by `make schema`, compared by a test.\n" + statements


def write(file: Path) -> None:
    """Migrate an empty database and write its schema."""
    with tempfile.TemporaryDirectory() as folder:
        postgres = EmbeddedPostgres(Path(folder), shared_buffers_mib=128, durable=False)
        running = run(postgres)
        try:
            asyncio.run(migrate(postgres.dsn))
            file.write_text(dump(postgres.dsn), "utf-8")
        finally:
            running.stop()


if __name__ == "__main__":
    write(Path(sys.argv[1]))
