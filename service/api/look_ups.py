"""Concurrent look-ups become one statement: the round trip to the database is what a look-up costs.

Look-ups that arrive while a statement is on its way wait for the next one. Each caller has its own answer, its own
error and its own deadline; one that goes away takes nobody with it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from hashlib import blake2b

import orjson

from service.metrics import Metrics
from service.problems import retry_later
from sync.encoding import registration_json
from sync.errors import Retryable, SyncError
from sync.outcome import View
from sync.store.connection import Pool, reading
from sync.store.registrations import Known, look_up

_LANES = 3
_CODES_PER_STATEMENT = 256
_MOST_WAITING = 4_000
DEADLINE_SECONDS = 3.0


class Answer:
    """What the registry says of a code: the body of registration/1 with its entity tag, or that it was withdrawn."""

    __slots__ = ("body", "etag", "is_public")

    def __init__(self, known: Known) -> None:
        self.is_public = known.is_public
        self.body = None if known.view is None else encode_registration(known.view)
        self.etag = b"" if self.body is None else entity_tag(self.body)


def registration_of(view: View) -> dict[str, object]:
    """Return registration/1 of what a statement read: it has masked what the caller may not see."""
    return registration_json(
        uscc=view.uscc,
        version=view.version,
        status=view.status,
        office=view.office,
        record=view.record,
        valid_from=view.valid_from,
        recorded_at=view.recorded_at,
        predecessor_uscc=view.predecessor_uscc,
        successor_uscc=view.successor_uscc,
        open_case=view.open_case,
        receipt_id=view.receipt_id,
        masked=False,
    )


def encode_registration(view: View) -> bytes:
    """Serialize registration/1."""
    return orjson.dumps(registration_of(view))


def entity_tag(body: bytes) -> bytes:
    """Return the strong entity tag of a body."""
    return b'"' + blake2b(body, digest_size=12).hexdigest().encode() + b'"'


class LookUps:
    """Answers look-ups by code, masked, several by one statement."""

    def __init__(self, pool: Pool, metrics: Metrics) -> None:
        self._pool = pool
        self._metrics = metrics
        self._waiting: deque[tuple[str, asyncio.Future[Answer | None]]] = deque()
        self._flying: set[asyncio.Task[None]] = set()
        self._starting = False

    async def find(self, code: str) -> Answer | None:
        """Return what the registry says of a normalized code; None when it never was registered.

        Raises:
            Problem: overloaded; too many wait already.
            SyncError: as the database has it; Retryable also when the deadline passed.
        """
        if len(self._waiting) >= _MOST_WAITING:
            raise retry_later("overloaded", 1)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer | None] = loop.create_future()
        self._waiting.append((code, future))
        if not self._starting and len(self._flying) < _LANES:
            # Requests that this turn of the loop has yet to read come along.
            self._starting = True
            loop.call_soon(self._start)
        deadline = loop.call_later(DEADLINE_SECONDS, _expire, future)
        try:
            return await future
        finally:
            deadline.cancel()

    def _start(self) -> None:
        self._starting = False
        if not self._waiting:
            return
        size = min(len(self._waiting), _CODES_PER_STATEMENT)
        callers = [self._waiting.popleft() for _ in range(size)]
        task = asyncio.ensure_future(self._fly(callers))
        self._flying.add(task)
        task.add_done_callback(self._land)

    def _land(self, task: asyncio.Task[None]) -> None:
        self._flying.discard(task)
        if self._waiting and not self._starting:
            self._start()

    async def _fly(self, callers: list[tuple[str, asyncio.Future[Answer | None]]]) -> None:
        codes = list({code for code, future in callers if not future.done()})
        self._metrics.codes_per_statement.observe(len(codes))
        try:
            async with reading(self._pool) as connection:
                found = await look_up(connection, codes)
        except SyncError as error:
            for _, future in callers:
                if not future.done():
                    future.set_exception(type(error)(*error.args))
            return
        answers = {code: Answer(known) for code, known in found.items()}
        for code, future in callers:
            if not future.done():
                future.set_result(answers.get(code))


def _expire(future: asyncio.Future[Answer | None]) -> None:
    if not future.done():
        future.set_exception(Retryable("a look-up did not end in time"))
