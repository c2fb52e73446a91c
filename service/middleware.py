"""What stands round every request: its id, its limits, one log line, its metrics, the headers of every answer.

One plain ASGI callable, because it is on the way of every look-up: nothing here awaits but the application itself.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any, TypeAlias

import structlog
from starlette.requests import ClientDisconnect

from service.access_log import AccessLog
from service.exchange_envelope import SIGNED_PREFIX, in_envelope
from service.metrics import Metrics
from service.problems import (
    MEDIA_TYPE,
    Fault,
    Language,
    Problem,
    negotiate_language,
    problem_of,
    retry_later,
    too_large,
)
from sync.errors import SyncError
from sync.store.clients import Bearer

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

CONTEXT = "uscc.context"
BODY_LIMIT_BYTES = 2 * 1024 * 1024
_HEADER_LIMIT_BYTES = 32 * 1024
_QUERY_LIMIT_BYTES = 8 * 1024
_GONE = 499
_HOSTS_KEPT = 100
# Unguessable is not asked of a request's id, only that no other request has it.
_PROCESS_ID = os.urandom(6).hex()
_REQUEST_NUMBERS = itertools.count(1)
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")
_HOST = re.compile(rb"([A-Za-z0-9.-]{1,253}|\[[0-9a-fA-F:.]{2,45}\])(:\d{1,5})?")
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)
CLOSED_PAGE = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_NOT_STORED = (b"cache-control", b"no-store")

log = structlog.get_logger("service.http")


class Context:
    """What is known of one request while it is answered. Header fields are those that the service reads."""

    __slots__ = (
        "accept_language",
        "authorization",
        "bearer",
        "content_length",
        "extra_headers",
        "host",
        "if_none_match",
        "last_event_id",
        "request_id",
        "route",
        "signed",
        "status",
    )

    def __init__(self, headers: list[tuple[bytes, bytes]]) -> None:
        self.bearer: Bearer | None = None
        self.route: str | None = None
        self.status = 0
        self.extra_headers: tuple[tuple[bytes, bytes], ...] = ()
        self.accept_language = self.if_none_match = b""
        self.authorization: bytes | None = None
        self.content_length: bytes | None = None
        self.last_event_id: bytes | None = None
        self.signed: dict[bytes, bytes] | None = None
        self.host: bytes | None = None
        self.request_id = ""
        for name, value in headers:
            if name == b"authorization":
                # A second Authorization header leaves none: nobody may choose which one is read.
                self.authorization = value if self.authorization is None else b""
            elif name == b"host":
                self.host = value
            elif name == b"accept-language":
                self.accept_language = value
            elif name == b"if-none-match":
                self.if_none_match = value
            elif name == b"content-length":
                self.content_length = value
            elif name == b"last-event-id":
                self.last_event_id = value
            elif name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
                self.request_id = value.decode("ascii")
            elif name.startswith(SIGNED_PREFIX):
                self.signed = {**(self.signed or {}), name: value}
        if not self.request_id:
            self.request_id = f"{_PROCESS_ID}{next(_REQUEST_NUMBERS):08x}"

    @property
    def language(self) -> Language:
        """The language of texts in the answer."""
        return negotiate_language(self.accept_language.decode("latin-1"))


@dataclass(frozen=True, slots=True)
class Quick:
    """A route that is answered without the framework, whose routing costs more than a look-up.

    It is that of GET requests for `prefix` and one further segment, which it is given.
    """

    prefix: str
    answer: Callable[[Scope, str], Awaitable[tuple[int, list[tuple[bytes, bytes]], bytes]]]


class Edge:
    """The outermost layer of the application.

    `allowed_hosts` are host names without port; "*" allows any well-formed one. `body_limits` gives paths (by prefix)
    that take larger bodies than others. More than `most_in_flight` requests at a time are refused as overload.
    """

    def __init__(
        self,
        app: Application,
        *,
        metrics: Metrics,
        access_log: AccessLog,
        allowed_hosts: frozenset[str],
        quick: Quick,
        body_limits: tuple[tuple[str, int], ...] = (),
        most_in_flight: int = 2_000,
    ) -> None:
        self.app = app
        self._metrics = metrics
        self._access_log = access_log
        self._met_hosts: set[bytes | None] = set()
        self._quick = quick
        self._prefix_length = len(quick.prefix)
        self._any_host = "*" in allowed_hosts
        self._hosts = frozenset(host.encode() for host in allowed_hosts)
        self._body_limits = body_limits
        self._most_in_flight = most_in_flight
        self.in_flight = 0
        metrics.in_flight.set_function(lambda: self.in_flight)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = perf_counter()
        context = Context(scope["headers"])
        scope[CONTEXT] = context
        if context.signed is not None and context.authorization is None:
            send = in_envelope(send)
        self.in_flight += 1
        try:
            await self._answer(scope, receive, send, context)
        except Problem as problem:
            if not context.status:
                await answer_problem(problem, context, send)
        except ClientDisconnect:
            context.status = context.status or _GONE
        except SyncError as error:
            log.warning("request_failed", request_id=context.request_id, error=type(error).__name__, reason=str(error))
            if not context.status:
                await answer_problem(problem_of(error), context, send)
        except Exception:  # The outermost loop of a request: whatever it is, the caller gets an answer and we a trace.
            log.exception("request_crashed", request_id=context.request_id, route=context.route or _route(scope))
            if not context.status:
                await answer_problem(Problem("internal-error"), context, send)
        finally:
            self.in_flight -= 1
            route = context.route or _route(scope)
            method = scope["method"] if scope["method"] in _METHODS else "OTHER"
            self.record(context, route, method, context.status or _GONE, perf_counter() - began)

    def is_plain(self, context: Context) -> bool:
        """Whether a request without body needs nothing of this layer but its headers and its line in the log."""
        return (
            context.host in self._met_hosts
            and context.signed is None
            and context.content_length is None
            and not context.if_none_match
            and self.in_flight < self._most_in_flight
        )

    def record(self, context: Context, route: str, method: str, status: int, seconds: float) -> None:
        """Count an answered request and write its line."""
        self._metrics.count_request(route, method, status, seconds)
        self._access_log.write(
            request_id=context.request_id,
            method=method,
            route=route,
            status=status,
            milliseconds=round(seconds * 1000, 2),
            client=context.bearer.name if context.bearer is not None else None,
        )

    async def _answer(self, scope: Scope, receive: Receive, send: Send, context: Context) -> None:
        if self.in_flight > self._most_in_flight:
            raise retry_later("overloaded", 1)
        if context.host not in self._met_hosts:
            self._check_host(context.host)
        if len(scope["query_string"]) > _QUERY_LIMIT_BYTES:
            raise Problem("header-fields-too-large")
        path = scope["path"]
        method = scope["method"]
        if method == "GET" and path.startswith(self._quick.prefix) and "/" not in path[self._prefix_length :]:
            status, headers, body = await self._quick.answer(scope, path[self._prefix_length :])
            await send_answer(status, headers, body, context, send)
            return
        if method not in _WITHOUT_BODY:
            receive = self._limited(path, receive, context)

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                context.status = message["status"]
                message["headers"] = complete_headers(message.get("headers", ()), context)
            await send(message)

        await self.app(scope, receive, send_on)

    def _check_host(self, host: bytes | None) -> None:
        match = _HOST.fullmatch(host) if host is not None else None
        if match is None or not (self._any_host or match.group(1).lower() in self._hosts):
            raise Problem("invalid-host")
        if len(self._met_hosts) < _HOSTS_KEPT:
            self._met_hosts.add(host)

    def _limited(self, path: str, receive: Receive, context: Context) -> Receive:
        """Return a receive that stops a body above its limit, declared or not."""
        limit = next((size for prefix, size in self._body_limits if path.startswith(prefix)), BODY_LIMIT_BYTES)
        declared = context.content_length
        if declared is not None and (not declared.isdigit() or int(declared) > limit):
            raise too_large(limit) if declared.isdigit() else Problem("invalid-request", errors=[Fault("invalid", "#")])
        taken = 0

        async def receive_limited() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > limit:
                raise too_large(limit)
            return message

        return receive_limited


_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"))
_WITHOUT_BODY = frozenset(("GET", "HEAD"))


def _route(scope: Scope) -> str:
    """Return the pattern of the route, never the path itself: a path may carry what somebody took for a code."""
    return str(getattr(scope.get("route"), "path", "unmatched"))


def complete_headers(headers: Any, context: Context) -> list[tuple[bytes, bytes]]:
    """Return the headers of an answer with those that every answer has."""
    complete = [*headers, *context.extra_headers, *HEADERS, (b"x-request-id", context.request_id.encode())]
    names = {name for name, _ in complete}
    if b"content-security-policy" not in names:
        complete.append(CLOSED_PAGE)
    if b"cache-control" not in names:
        complete.append(_NOT_STORED)
    return complete


async def send_answer(
    status: int, headers: list[tuple[bytes, bytes]], body: bytes, context: Context, send: Send
) -> None:
    """Send a whole answer."""
    context.status = status
    await send({"type": "http.response.start", "status": status, "headers": complete_headers(headers, context)})
    await send({"type": "http.response.body", "body": body})


async def answer_problem(problem: Problem, context: Context, send: Send) -> None:
    """Answer with a problem in the caller's language."""
    language = context.language
    body = problem.body(language, context.request_id)
    headers = [
        (b"content-type", MEDIA_TYPE),
        (b"content-language", language.encode()),
        (b"vary", b"Accept-Language"),
        (b"content-length", str(len(body)).encode()),
        *problem.headers,
    ]
    await send_answer(problem.type.status, headers, body, context, send)
