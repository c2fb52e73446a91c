"""Clients of the API and their keys: 256 random bits, shown once, stored as a hash, two valid for rotation."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sync.errors import SyncError
from sync.store.audits import write_audit
from sync.store.connection import ReadConn, WriteConn
from sync.store.statements import statements

_SQL = statements("clients")
# Secret scanners find keys by this prefix.
KEY_PREFIX = "uscc_"


class ClientExists(SyncError):
    """A client of this name exists, or existed."""

    def __init__(self, name: str) -> None:
        super().__init__(f"已有调用方 · there is a client {name} already")
        self.name = name


class ClientUnknown(SyncError):
    """No client of this name, or it was revoked."""

    def __init__(self, name: str) -> None:
        super().__init__(f"没有调用方，或已停用 · there is no client {name}, or it was revoked")
        self.name = name


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientRow:
    """One client as `uscc clients list` shows it; `keys` counts its valid keys."""

    name: str
    office: str | None
    scopes: tuple[str, ...]
    person: bool
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    requests_per_minute: int | None
    organizations_per_day: int | None
    keys: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """Whom a valid key stands for, until when, and within which limits."""

    name: str
    office: str | None
    scopes: frozenset[str]
    person: bool
    expires_at: datetime | None
    requests_per_minute: int | None
    organizations_per_day: int | None


def mint_key() -> str:
    """Return a new key: the prefix and 52 characters of base 32, 256 random bits."""
    return KEY_PREFIX + base64.b32encode(secrets.token_bytes(32)).decode().rstrip("=").lower()


def key_sha256(key: str) -> bytes:
    """Return what is stored of a key."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


async def create_client(
    conn: WriteConn,
    *,
    name: str,
    scopes: Sequence[str],
    office: str | None = None,
    person: bool = False,
    expires_at: datetime | None = None,
    requests_per_minute: int | None = None,
    organizations_per_day: int | None = None,
    actor: str,
) -> str:
    """Make a client with one key and return the key, which is shown nowhere else.

    Raises:
        ClientExists: the name is taken.
    """
    made = await conn.fetchval(
        _SQL["insert_client"],
        name,
        office,
        list(scopes),
        person,
        expires_at,
        requests_per_minute,
        organizations_per_day,
    )
    if made is None:
        raise ClientExists(name)
    key = mint_key()
    await conn.execute(_SQL["insert_key"], key_sha256(key), name, None)
    detail = {"scopes": list(scopes), "office": office, "person": person}
    await write_audit(conn, actor=actor, action="client_created", subject=name, detail=detail)
    return key


async def rotate_key(conn: WriteConn, *, name: str, overlap: timedelta = timedelta(hours=24), actor: str) -> str:
    """Give a client a new key; the present one stays valid for `overlap`, older ones end now.

    Raises:
        ClientUnknown: there is no such client.
    """
    if await conn.fetchval(_SQL["lock_client"], name) is None:
        raise ClientUnknown(name)
    await conn.execute(_SQL["retire_keys"], name, datetime.now(UTC) + overlap)
    key = mint_key()
    await conn.execute(_SQL["insert_key"], key_sha256(key), name, None)
    await write_audit(conn, actor=actor, action="key_rotated", subject=name)
    return key


async def revoke_client(conn: WriteConn, *, name: str, actor: str) -> None:
    """End a client and all its keys.

    Raises:
        ClientUnknown: there is no such client.
    """
    if await conn.fetchval(_SQL["revoke_client"], name) is None:
        raise ClientUnknown(name)
    await conn.execute(_SQL["revoke_keys"], name)
    await write_audit(conn, actor=actor, action="client_revoked", subject=name)


async def list_clients(conn: ReadConn) -> list[ClientRow]:
    """Return every client, by name."""
    rows = await conn.fetch(_SQL["list_clients"])
    return [ClientRow(**(dict(row) | {"scopes": tuple(row["scopes"])})) for row in rows]


async def find_bearer(conn: ReadConn, sha256: bytes) -> Bearer | None:
    """Return whom a key stands for, None when it is unknown, ended or revoked."""
    row = await conn.fetchrow(_SQL["client_of_key"], sha256)
    return None if row is None else Bearer(**(dict(row) | {"scopes": frozenset(row["scopes"])}))


async def add_exchange_caller(conn: WriteConn, *, name: str, rid: str, sid: str, actor: str) -> str:
    """Let a requester of the national platform call as a client; return the secret that both sides sign with.

    A former secret of the same requester and service ends now.

    Raises:
        ClientUnknown: there is no such client.
    """
    if await conn.fetchval(_SQL["lock_client"], name) is None:
        raise ClientUnknown(name)
    secret = secrets.token_urlsafe(32)
    await conn.execute(_SQL["end_exchange_caller"], rid, sid)
    await conn.execute(_SQL["insert_exchange_caller"], rid, sid, name, secret)
    await write_audit(conn, actor=actor, action="exchange_caller_added", subject=name, detail={"rid": rid, "sid": sid})
    return secret


async def find_exchange_caller(conn: ReadConn, rid: str, sid: str) -> tuple[str, Bearer] | None:
    """Return the secret of a requester for a service and whom it stands for, None where there is none."""
    row = await conn.fetchrow(_SQL["exchange_caller"], rid, sid)
    if row is None:
        return None
    members = dict(row)
    secret: str = members.pop("secret")
    return secret, Bearer(**(members | {"scopes": frozenset(row["scopes"])}))


async def organizations_seen(conn: ReadConn, client: str, day: date) -> set[str]:
    """Return the codes that a client was shown on a day."""
    return {row["uscc"] for row in await conn.fetch(_SQL["organizations_seen"], client, day)}


async def record_organizations(conn: WriteConn, client: str, day: date, codes: Iterable[str]) -> None:
    """Remember codes that a client was shown, and forget those of earlier days."""
    await conn.execute(_SQL["forget_organizations"], client, day)
    await conn.execute(_SQL["record_organizations"], client, day, list(codes))


async def is_client(connection: ReadConn, name: str) -> bool:
    """Whether there is a client of this name, or was one."""
    return bool(await connection.fetchval(_SQL["is_client"], name))
