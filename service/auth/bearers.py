"""Who calls: from the Authorization header to a bearer, remembered for a few seconds so that revocation works soon."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic

from service.auth.scopes import Scope
from service.problems import Fault, Problem, invalid, unauthenticated
from sync.store.clients import KEY_PREFIX, Bearer, find_bearer, key_sha256
from sync.store.connection import Pool, reading

REMEMBERED_SECONDS = 3.0
_REMEMBERED_KEYS = 10_000
_SCHEME = b"bearer "
_LONGEST_KEY = 128


@dataclass(frozen=True, slots=True)
class Remembered:
    """A key's bearer (None: there is none) and until when that is believed."""

    bearer: Bearer | None
    until: float


class Bearers:
    """Finds the bearer of a key: in memory for a few seconds, else in the database.

    Unknown keys are remembered too, and no more than a fixed number of keys at all, so that a flood of guesses costs
    neither memory nor a statement each time it repeats itself.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._remembered: dict[bytes, Remembered] = {}
        self._asking: dict[bytes, asyncio.Future[Bearer | None]] = {}

    async def authenticate(self, authorization: bytes | None) -> Bearer:
        """Return the bearer of the key in an Authorization header.

        Raises:
            Problem: unauthenticated; the header is missing or its key is unknown, ended or revoked.
        """
        key = _key_of(authorization)
        if key is None:
            raise unauthenticated()
        recalled = self._recall(key)
        bearer = await self._ask(key) if recalled is None else recalled.bearer
        if bearer is None or _has_ended(bearer):
            raise unauthenticated()
        return bearer

    def remembered(self, authorization: bytes | None) -> Bearer | None:
        """Return the bearer of a key that is remembered and may act now; None says nothing of the key."""
        key = _key_of(authorization)
        remembered = None if key is None else self._recall(key)
        if remembered is None or remembered.bearer is None or _has_ended(remembered.bearer):
            return None
        return remembered.bearer

    def _recall(self, key: bytes) -> Remembered | None:
        remembered = self._remembered.get(key)
        return None if remembered is None or remembered.until < monotonic() else remembered

    async def _ask(self, key: bytes) -> Bearer | None:
        """Ask the database once, however many requests with this key wait for the answer."""
        asking = self._asking.get(key)
        if asking is not None:
            return await asyncio.shield(asking)
        self._asking[key] = task = asyncio.ensure_future(self._find(key))
        task.add_done_callback(lambda _: self._asking.pop(key, None))
        return await asyncio.shield(task)

    async def _find(self, key: bytes) -> Bearer | None:
        text = key.decode("latin-1")
        bearer = None
        if text.startswith(KEY_PREFIX):
            async with reading(self._pool) as connection:
                bearer = await find_bearer(connection, key_sha256(text))
        if len(self._remembered) >= _REMEMBERED_KEYS:
            self._remembered.clear()
        self._remembered[key] = Remembered(bearer, monotonic() + REMEMBERED_SECONDS)
        return bearer


def _key_of(authorization: bytes | None) -> bytes | None:
    """Return the key in an Authorization header, None where there is none that could be ours."""
    if authorization is None or authorization[:7].lower() != _SCHEME or len(authorization) > _LONGEST_KEY:
        return None
    return authorization[7:].strip()


def _has_ended(bearer: Bearer) -> bool:
    return bearer.expires_at is not None and bearer.expires_at <= datetime.now(UTC)


def demand_scope(bearer: Bearer, scope: Scope) -> None:
    """Refuse a bearer without a scope.

    Raises:
        Problem: not-permitted.
    """
    if scope not in bearer.scopes:
        raise Problem("not-permitted", members={"scope": scope})


def agreed_office(bearer: Bearer, asked: str | None, known: frozenset[str]) -> str | None:
    """Return the office for which a bearer acts: its own, or the one that it names when it has none.

    Raises:
        Problem: not-permitted where the two differ; invalid-request where the office asked for does not exist.
    """
    if bearer.office is not None:
        if asked is not None and asked != bearer.office:
            raise Problem("not-permitted")
        return bearer.office
    demand_known_office(asked, known)
    return asked


def demand_known_office(asked: str | None, known: frozenset[str]) -> None:
    """Refuse an office that does not exist; None asks for none.

    Raises:
        Problem: invalid-request.
    """
    if asked is not None and asked not in known:
        raise invalid(Fault("unknown-office", "#/office"))


def one_office(bearer: Bearer, asked: str | None, known: frozenset[str]) -> str:
    """Return the one office for which a bearer acts; one without an office must name it.

    Raises:
        Problem: as `agreed_office`; invalid-request where no office is named.
    """
    office = agreed_office(bearer, asked, known)
    if office is None:
        raise invalid(Fault("missing", "#/office"))
    return office
