"""The clients that embedded defaults begin with: `admin`, and one for each office, their keys in files."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from service.auth.scopes import OFFICE_SCOPES, SCOPES
from sync.store.clients import create_client, list_clients, rotate_key
from sync.store.connection import JOB, Pool, writing

ADMIN = "admin"
_ACTOR = "uscc up"


async def ensure_clients(pool: Pool, folder: Path, offices: Iterable[str]) -> dict[str, Path]:
    """Make the clients that are missing and return the file of each key, 0600, the key only.

    A client whose file is gone gets a new key: the old one cannot be shown again.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    wanted = {ADMIN: (SCOPES, None)} | {office: (OFFICE_SCOPES, office) for office in offices}
    files: dict[str, Path] = {}
    async with writing(pool, JOB) as connection:
        present = {client.name: client for client in await list_clients(connection)}
        for name, (scopes, office) in wanted.items():
            files[name] = folder / f"{name}.key"
            if name not in present:
                _write(
                    files[name], await create_client(connection, name=name, scopes=scopes, office=office, actor=_ACTOR)
                )
            elif not files[name].exists() and present[name].revoked_at is None:
                _write(files[name], await rotate_key(connection, name=name, overlap=timedelta(0), actor=_ACTOR))
    return files


def _write(file: Path, key: str) -> None:
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as opened:
        opened.write(key)
