"""The national data exchange platform's signed call, accepted beside the bearer key.

A call carries `gjgxjhpt_rid` (who asks), `gjgxjhpt_sid` (for which service), `gjgxjhpt_rtime` (milliseconds since 1970)
and `gjgxjhpt_sign` = Base64(HMAC-SHA256(secret, sid + rid + rtime)). The signature covers neither path nor body, so it
is believed for a few minutes only, and the connection has to be trusted like one that carries a key.

Source: domain.md §8.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from time import monotonic, time

from service.auth.bearers import REMEMBERED_SECONDS
from service.problems import unauthenticated
from sync.store.clients import Bearer, find_exchange_caller
from sync.store.connection import Pool, reading

BELIEVED_SECONDS = 300
_MOST_REMEMBERED = 1_000
_NAME = re.compile(rb"[\x21-\x7e]{1,128}")
_MILLISECONDS = re.compile(rb"\d{13}")


class ExchangeCallers:
    """Finds whom a signed call stands for: in memory for a few seconds, else in the database."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._remembered: dict[tuple[bytes, bytes], tuple[float, tuple[str, Bearer] | None]] = {}

    async def authenticate(self, headers: Mapping[bytes, bytes]) -> Bearer:
        """Return the bearer of a call with these header fields.

        Raises:
            Problem: unauthenticated; a field is missing, the call too old or of the future, unknown or wrongly signed.
        """
        rid, sid, rtime = (headers.get(b"gjgxjhpt_" + name, b"") for name in (b"rid", b"sid", b"rtime"))
        if not (_NAME.fullmatch(rid) and _NAME.fullmatch(sid) and _MILLISECONDS.fullmatch(rtime)):
            raise unauthenticated()
        if abs(time() - int(rtime) / 1000) > BELIEVED_SECONDS:
            raise unauthenticated()
        caller = await self._find(rid, sid)
        if caller is None or not is_signed(caller[0], sid + rid + rtime, headers.get(b"gjgxjhpt_sign", b"")):
            raise unauthenticated()
        return caller[1]

    async def _find(self, rid: bytes, sid: bytes) -> tuple[str, Bearer] | None:
        until, caller = self._remembered.get((rid, sid), (0.0, None))
        if until > monotonic():
            return caller
        async with reading(self._pool) as connection:
            caller = await find_exchange_caller(connection, rid.decode("ascii"), sid.decode("ascii"))
        if len(self._remembered) >= _MOST_REMEMBERED:
            self._remembered.clear()
        self._remembered[rid, sid] = (monotonic() + REMEMBERED_SECONDS, caller)
        return caller


def is_signed(secret: str, text: bytes, signature: bytes) -> bool:
    """Whether `signature` is that of `text` under `secret`; takes as long for a wrong one."""
    expected = hmac.new(secret.encode(), text, hashlib.sha256).digest()
    try:
        given = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(expected, given)
