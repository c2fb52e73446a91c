"""The form in which the national data exchange platform wants answers: `{"code": 0, "message": …, "data": …}`.

What is JSON goes in whole, byte for byte; a problem has its HTTP status as code and its title as message. Files and
streams go as they are.

Source: domain.md §8.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

import orjson

Message: TypeAlias = MutableMapping[str, Any]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

SIGNED_PREFIX = b"gjgxjhpt_"
_JSON = b"application/json"
_PROBLEM = b"application/problem+json"
_BEFORE = b'{"code":0,"message":"success","data":'
_BEHIND = b"}"


def in_envelope(send: Send) -> Send:
    """Return a send that puts a JSON answer into the platform's form on its way."""
    kind = b""
    started: Message | None = None

    async def send_on(message: Message) -> None:
        nonlocal kind, started
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))
            kind = next((value for name, value in headers if name == b"content-type"), b"").partition(b";")[0]
            if kind == _PROBLEM:
                started = message
                return
            if kind == _JSON:
                message["headers"] = _lengthened(headers, len(_BEFORE) + len(_BEHIND))
                await send(message)
                await send({"type": "http.response.body", "body": _BEFORE, "more_body": True})
                return
        elif kind == _PROBLEM and started is not None:
            await _send_problem(send, started, message)
            return
        elif kind == _JSON and not message.get("more_body", False):
            message["body"] = message.get("body", b"") + _BEHIND
        await send(message)

    return send_on


def _lengthened(headers: list[tuple[bytes, bytes]], more: int) -> list[tuple[bytes, bytes]]:
    return [(name, b"%d" % (int(value) + more) if name == b"content-length" else value) for name, value in headers]


async def _send_problem(send: Send, started: Message, message: Message) -> None:
    """Send a problem, whose body comes in one piece."""
    problem = orjson.loads(message["body"])
    body = orjson.dumps({"code": problem["status"], "message": problem["title"], "data": problem})
    replaced = {b"content-type": _JSON, b"content-length": b"%d" % len(body)}
    started["headers"] = [(name, replaced.get(name, value)) for name, value in started["headers"]]
    await send(started)
    await send({"type": "http.response.body", "body": body})
