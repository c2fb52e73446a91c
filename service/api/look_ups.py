"""Concurrent look-ups become one statement: the round trip to the database is what a look-up costs.

Look-ups that arrive while a statement is on its way wait for the next one. Each caller has its own answer, its own
error and its own deadline; one that goes away takes nobody with it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import NamedTuple, TypeAlias

import asyncpg
import orjson

from service.metrics import Metrics
from service.problems import retry_later
from sync.encoding import registration_json, view_json
from sync.errors import Retryable, SyncError
from sync.outcome import View
from sync.store.connection import Pool, reading
from sync.store.registrations import fetch_present

_LANES = 2
_CODES_PER_STATEMENT = 256
_CODES_PER_CHUNK = 250
_MOST_WAITING = 4_000
DEADLINE_SECONDS = 3.0


class Answer(NamedTuple):
    """What the registry says of a code: registration/1; `body` None: it was withdrawn."""

    is_public: bool
    body: bytes | None


Tell: TypeAlias = Callable[[Answer | None, SyncError | None], None]


class _Caller:
    """Somebody who waits until `deadline`, an instant of the loop's clock; once told, `tell` is None."""

    __slots__ = ("code", "deadline", "tell")

    def __init__(self, code: str, tell: Tell, deadline: float) -> None:
        self.code = code
        self.tell: Tell | None = tell
        self.deadline = deadline

    def settle(self, answer: Answer | None, error: SyncError | None = None) -> None:
        """Tell the answer, or what went wrong; a second time nobody listens."""
        tell, self.tell = self.tell, None
        if tell is not None:
            tell(answer, error)


def registration_of(view: View) -> dict[str, object]:
    """Return registration/1 of what a statement read: it has masked what the caller may not see."""
    return view_json(view, masked=False)


def encode_registration(view: View) -> bytes:
    """Serialize registration/1."""
    return orjson.dumps(registration_of(view))


def entity_tag(body: bytes) -> bytes:
    """Return the strong entity tag of a body."""
    return b'"' + blake2b(body, digest_size=12).hexdigest().encode() + b'"'


def _answer(row: asyncpg.Record) -> Answer:
    """Render a row of statement look_up; as `encode_registration` would, without the value between."""
    (
        uscc,
        registered,
        version,
        status,
        office,
        receipt_id,
        valid_from,
        recorded_at,
        is_public,
        case,
        predecessor,
        record,
    ) = row
    if not registered:
        return Answer(is_public, None)
    document = registration_json(
        uscc=uscc,
        version=version,
        status=status,
        office=office,
        record=orjson.loads(record),
        valid_from=valid_from,
        recorded_at=recorded_at,
        predecessor_uscc=predecessor,
        successor_uscc=None,
        open_case=case,
        receipt_id=receipt_id,
        masked=False,
    )
    return Answer(is_public, orjson.dumps(document))


async def look_up_many(pool: Pool, codes: Sequence[str], *, personal: bool = False) -> dict[str, Answer]:
    """Return what the registry says of each of `codes`; a code never registered is not in the answer.

    Several statements are on their way at a time, so that one answer is rendered while the database reads the next.
    `personal` shows personal fields, which is only for callers whose purpose the audit has.
    """
    answers: dict[str, Answer] = {}
    chunks = iter([codes[place : place + _CODES_PER_CHUNK] for place in range(0, len(codes), _CODES_PER_CHUNK)])

    async def work() -> None:
        async with reading(pool) as connection:
            for chunk in chunks:
                for row in await fetch_present(connection, chunk, personal=personal):
                    answers[row["uscc"]] = _answer(row)

    lanes = min(_LANES, -(-len(codes) // _CODES_PER_CHUNK))
    await asyncio.gather(*(work() for _ in range(lanes)))
    return answers


class LookUps:
    """Answers look-ups by code, masked, several by one statement."""

    def __init__(self, pool: Pool, metrics: Metrics) -> None:
        self._pool = pool
        self._metrics = metrics
        self._waiting: deque[_Caller] = deque()
        self._asked: deque[_Caller] = deque()
        self._flying: set[asyncio.Task[None]] = set()
        self._starting = False
        self._watch: asyncio.TimerHandle | None = None

    def find(self, code: str) -> asyncio.Future[Answer | None]:
        """Ask what the registry says of a normalized code; the answer is None when it never was registered.

        The future fails with a SyncError as the database has it, with Retryable also when the deadline passed.

        Raises:
            Problem: overloaded; too many wait already.
        """
        future: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()

        def tell(answer: Answer | None, error: SyncError | None) -> None:
            if future.done():
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(answer)

        self.ask(code, tell)
        return future

    def ask(self, code: str, tell: Tell) -> None:
        """Ask what the registry says of a normalized code; `tell` is called once, never before this returns.

        Raises:
            Problem: overloaded; too many wait already.
        """
        if len(self._waiting) >= _MOST_WAITING:
            raise retry_later("overloaded", 1)
        loop = asyncio.get_running_loop()
        caller = _Caller(code, tell, loop.time() + DEADLINE_SECONDS)
        self._waiting.append(caller)
        while self._asked and self._asked[0].tell is None:
            self._asked.popleft()
        self._asked.append(caller)
        if self._watch is None:
            self._watch = loop.call_later(DEADLINE_SECONDS, self._expire)
        if not self._starting and len(self._flying) < _LANES:
            # Requests that this turn of the loop has yet to read come along.
            self._starting = True
            loop.call_soon(self._start)

    def _start(self) -> None:
        self._starting = False
        if not self._waiting:
            return
        task = asyncio.ensure_future(self._fly())
        self._flying.add(task)
        task.add_done_callback(self._land)

    def _land(self, task: asyncio.Task[None]) -> None:
        self._flying.discard(task)
        if self._waiting and not self._starting:
            self._start()

    async def _fly(self) -> None:
        """Answer those who wait, one statement after the other over one connection, until nobody does."""
        callers = self._board()
        try:
            async with reading(self._pool) as connection:
                while callers:
                    codes = list({caller.code for caller in callers if caller.tell is not None})
                    self._metrics.codes_per_statement.observe(len(codes))
                    answers = {row["uscc"]: _answer(row) for row in await fetch_present(connection, codes)}
                    for caller in callers:
                        caller.settle(answers.get(caller.code))
                    callers = self._board()
        except SyncError as error:
            for caller in callers:
                caller.settle(None, type(error)(*error.args))

    def _board(self) -> list[_Caller]:
        """Return the next who are answered together."""
        return [self._waiting.popleft() for _ in range(min(len(self._waiting), _CODES_PER_STATEMENT))]

    def _expire(self) -> None:
        """Fail everybody whose deadline has passed: all have the same patience, so the oldest stand in front."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self._asked and (self._asked[0].tell is None or self._asked[0].deadline <= now):
            self._asked.popleft().settle(None, Retryable("a look-up did not end in time"))
        self._watch = loop.call_at(self._asked[0].deadline, self._expire) if self._asked else None
