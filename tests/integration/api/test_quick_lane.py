"""The look-up that is answered from the connection says what the application would say, header for header."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from service.app import serve
from service.quick_lane import QuickLane
from service.resources import ServeConfig
from sync.store.clients import create_client
from sync.store.connection import Pool, writing
from tests.integration.api.conftest import Registry, new_code

_OWN = ("date", "x-request-id", "connection", "x-watermark")


class Said(NamedTuple):
    """One answer as it came."""

    status: int
    headers: dict[str, str]
    body: bytes

    def comparable(self) -> tuple[int, dict[str, str], bytes]:
        """Return the answer without what no two answers share; a problem names its request."""
        headers = {name: value for name, value in self.headers.items() if name not in _OWN}
        return self.status, headers, self.body.replace(self.headers["x-request-id"].encode(), b"")


class Line:
    """A connection of a caller who keeps it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, key: str) -> None:
        self._reader, self._writer, self._key = reader, writer, key

    def ask(self, path: str, **headers: str) -> None:
        """Send one request and do not wait."""
        fields = {"host": "127.0.0.1", "authorization": f"Bearer {self._key}"} | headers
        head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
        self._writer.write(f"GET {path} HTTP/1.1\r\n{head}\r\n".encode())

    async def hear(self) -> Said:
        """Read one answer."""
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in head[1:] if line)
        return Said(
            int(head[0].split()[1]), headers, await self._reader.readexactly(int(headers.get("content-length", 0)))
        )

    async def get(self, path: str, **headers: str) -> Said:
        """Ask and hear."""
        self.ask(path, **headers)
        return await asyncio.wait_for(self.hear(), 10)

    async def is_closed(self) -> bool:
        """Whether the other side has closed."""
        return await asyncio.wait_for(self._reader.read(1), 10) == b""

    async def close(self) -> None:
        """Go."""
        self._writer.close()
        await self._writer.wait_closed()


@pytest.fixture
async def port(config: ServeConfig) -> AsyncIterator[int]:
    """The port of a real server."""
    listening = socket.create_server(("127.0.0.1", 0))
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(replace(config, allowed_hosts=("127.0.0.1",)), stop, sockets=[listening]))
    yield listening.getsockname()[1]
    stop.set()
    await asyncio.wait_for(serving, 20)


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The codes that the lane took."""
    codes: list[str] = []
    begin = QuickLane.begin

    def watched(lane: QuickLane, code: str, *rest: object) -> bool:
        took = begin(lane, code, *rest)  # type: ignore[arg-type]  # handed on as they came
        codes.extend([code] if took else [])
        return took

    monkeypatch.setattr(QuickLane, "begin", watched)
    return codes


async def line(port: int, pool: Pool, name: str = "caller", **limits: Any) -> Line:
    async with writing(pool) as connection:
        key = await create_client(connection, name=name, scopes=["lookup"], office=None, actor="test", **limits)
    return Line(*await asyncio.open_connection("127.0.0.1", port), key)


async def test_both_ways_give_the_same_answer(port: int, pool: Pool, registry: Registry, taken: list[str]) -> None:
    code, hidden, withdrawn, absent = (new_code() for _ in range(4))
    await registry.register(code)
    await registry.register(hidden, is_public="0")
    gone = await registry.register(withdrawn)
    await registry.push(
        registry.message("withdraw", {**gone, "approved_on": "2026-11-19"}, at="2026-11-19T09:00:00+08:00")
    )
    caller = await line(port, pool)
    paths = [f"/v1/registrations/{each}" for each in (code, hidden, withdrawn, absent, code)]
    await caller.get(paths[0])  # The key is remembered and the host met only from here on.

    by_lane = [await caller.get(path) for path in paths]
    took = list(taken)
    conditional = await caller.get(paths[0], if_none_match=by_lane[0].headers["etag"])
    ordinary = [await caller.get(path, if_none_match='"other"') for path in paths]

    assert [200, 404, 410, 404, 200] == [said.status for said in by_lane]
    assert [code, hidden, withdrawn, absent, code] == took == taken[:5]
    assert 5 == len(taken)
    for one, other in zip(by_lane, ordinary, strict=True):
        assert other.comparable() == one.comparable()
        assert one.headers.keys() == other.headers.keys()
        assert one.headers["x-request-id"] != other.headers["x-request-id"]
    assert (304, by_lane[0].headers["etag"]) == (conditional.status, conditional.headers["etag"])
    await caller.close()


async def test_what_is_not_plain_goes_to_the_application(
    port: int, pool: Pool, registry: Registry, taken: list[str]
) -> None:
    code = new_code()
    await registry.register(code)
    path = f"/v1/registrations/{code}"
    limited, caller = await line(port, pool, "limited", requests_per_minute=3), await line(port, pool)
    await caller.get(path)
    await limited.get(path)

    asked = [
        await caller.get(f"{path}?min_watermark=2026-01-01T00:00:00Z"),
        await caller.get(f"{path}%20"),
        await caller.get(f"{path}/history"),
        await caller.get(path, host="elsewhere"),
        await caller.get(path, authorization="Bearer nobody"),
    ]
    slowly = [await limited.get(path) for _ in range(3)]

    assert [503, 200, 200, 400, 401] == [said.status for said in asked]
    assert [200, 200, 429] == [said.status for said in slowly]
    assert "ratelimit" in slowly[0].headers
    assert [] == taken
    await caller.close()
    await limited.close()


async def test_requests_one_behind_the_other_are_answered_in_order(
    port: int, pool: Pool, registry: Registry, taken: list[str]
) -> None:
    codes = [new_code() for _ in range(4)]
    for code in codes[:3]:
        await registry.register(code)
    caller = await line(port, pool)
    await caller.get("/livez")
    await caller.get(f"/v1/registrations/{codes[0]}")
    taken.clear()

    for code in codes:
        caller.ask(f"/v1/registrations/{code}")
    caller.ask(f"/v1/registrations/{codes[0]}", connection="close")
    said = [await asyncio.wait_for(caller.hear(), 10) for _ in range(5)]

    assert [*codes[:3], None, codes[0]] == [json.loads(each.body).get("uscc") for each in said]
    assert codes[0] == taken[0]
    assert await caller.is_closed()
    await caller.close()


async def test_a_caller_that_goes_leaves_nothing_behind(
    port: int, pool: Pool, registry: Registry, taken: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    code = new_code()
    await registry.register(code)
    caller, other = await line(port, pool), await line(port, pool, "other")
    for each in (caller, other):
        await each.get(f"/v1/registrations/{code}")
    taken.clear()

    with caplog.at_level(logging.WARNING):
        caller.ask(f"/v1/registrations/{code}")
        await asyncio.sleep(0)
        await caller.close()
        said = await other.get(f"/v1/registrations/{code}")
        metrics = await other.get("/metrics")

    assert 200 == said.status
    assert code in taken
    assert b"uscc_http_requests_in_flight 1.0" in metrics.body
    assert [] == caplog.records
    await other.close()
