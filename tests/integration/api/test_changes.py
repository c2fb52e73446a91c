"""The feed of changes: pages, tip, and the stream of events."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from service.api.feed_models import Change, ChangesTip
from service.app import serve
from service.auth.scopes import SCOPES
from service.resources import ServeConfig
from sync.store.clients import create_client
from sync.store.connection import Pool, writing
from tests.integration.api.conftest import Api, Registry, new_code, problem


async def test_changes_come_in_sequence_as_the_stored_bytes(api: Api, registry: Registry, pool: Pool) -> None:
    codes = [new_code() for _ in range(3)]
    for code in codes:
        await registry.register(code)

    first = await api.get("/v1/changes?limit=2", key="reader")
    second = await api.get(f"/v1/changes?after={first.json()['next']}", key="reader")
    stored = [row["body"].encode() for row in await pool.fetch("select body from change order by sequence")]

    for item in first.json()["items"]:
        Change.model_validate(item)
    assert b'{"items":[' + b",".join(stored[:2]) + b'],"next":"2"}' == first.content
    assert (codes[2:], "3") == ([item["uscc"] for item in second.json()["items"]], second.json()["next"])


async def test_a_hidden_organization_is_a_stub_in_the_feed(api: Api, registry: Registry) -> None:
    hidden = new_code()
    await registry.register(hidden, is_public="0")

    item = (await api.get("/v1/changes", key="admin")).json()["items"][0]

    assert {
        "schema": "change/1",
        "sequence": 1,
        "uscc": hidden,
        "version": 1,
        "kind": "assigned",
        "restricted": True,
    } == item


async def test_the_tip_is_the_last_change(api: Api, registry: Registry) -> None:
    before = (await api.get("/v1/changes/tip", key="reader")).json()
    await registry.register(new_code())
    after = (await api.get("/v1/changes/tip", key="reader")).json()

    ChangesTip.model_validate(after)
    assert before == {"sequence": 0, "recorded_at": None}
    assert (after["sequence"], after["recorded_at"] is not None) == (1, True)


async def test_a_long_poll_ends_as_soon_as_a_change_comes(api: Api, registry: Registry) -> None:
    waiting = asyncio.create_task(api.get("/v1/changes?wait=20", key="reader"))
    await asyncio.sleep(0.3)
    await registry.register(new_code())

    page = (await asyncio.wait_for(waiting, 20)).json()

    assert [item["sequence"] for item in page["items"]] == [1]


@pytest.fixture
async def address(config: ServeConfig, pool: Pool) -> AsyncIterator[tuple[str, str]]:
    """A real server with a client of all scopes: its address and the key. Streams need one."""
    async with writing(pool) as connection:
        key = await create_client(connection, name="streamer", scopes=SCOPES, actor="test")
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(replace(config, allowed_hosts=("127.0.0.1",)), stop, sockets=[listening]))
    yield f"http://127.0.0.1:{port}", key
    stop.set()
    await asyncio.wait_for(serving, 20)


async def read_events(lines: AsyncIterator[str], count: int) -> list[dict[str, str]]:
    """Read so many events that are no heartbeats."""
    events: list[dict[str, str]] = []
    event: dict[str, str] = {}
    async for line in lines:
        if line:
            name, _, value = line.partition(": ")
            event[name] = value
            continue
        if "id" in event:
            events.append(event)
        event = {}
        if len(events) == count:
            break
    return events


async def test_the_stream_goes_on_behind_the_last_event_id(address: tuple[str, str], registry: Registry) -> None:
    codes = [new_code() for _ in range(3)]
    await registry.register(codes[0])
    await registry.register(codes[1])
    url, key = address
    headers = {"authorization": f"Bearer {key}", "last-event-id": "0"}

    async with (
        httpx.AsyncClient(base_url=url, timeout=10) as client,
        client.stream("GET", "/v1/changes/stream", headers=headers) as response,
    ):
        lines = response.aiter_lines()
        old = await read_events(lines, 2)
        await registry.register(codes[2])
        new = await asyncio.wait_for(read_events(lines, 1), 20)

    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert [event["id"] for event in old + new] == ["1", "2", "3"]
    assert codes == [json.loads(event["data"])["uscc"] for event in old + new]


async def test_a_stream_without_a_beginning_starts_behind_the_tip(address: tuple[str, str], registry: Registry) -> None:
    await registry.register(new_code())
    url, key = address

    async with (
        httpx.AsyncClient(base_url=url, timeout=10) as client,
        client.stream("GET", "/v1/changes/stream", headers={"authorization": f"Bearer {key}"}) as response,
    ):
        lines = response.aiter_lines()
        beginning = await anext(lines)
        watermark = await anext(lines)
        await registry.register(new_code())
        events = await asyncio.wait_for(read_events(lines, 1), 20)

    assert beginning == "event: heartbeat"
    assert "watermark" in json.loads(watermark.removeprefix("data: "))
    assert [event["id"] for event in events] == ["2"]


async def test_a_stream_ends_when_the_service_drains(config: ServeConfig, pool: Pool) -> None:
    async with writing(pool) as connection:
        key = await create_client(connection, name="streamer", scopes=SCOPES, actor="test")
    listening = socket.create_server(("127.0.0.1", 0))
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(replace(config, allowed_hosts=("127.0.0.1",)), stop, sockets=[listening]))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"

    async with (
        httpx.AsyncClient(base_url=url, timeout=10) as client,
        client.stream("GET", "/v1/changes/stream", headers={"authorization": f"Bearer {key}"}) as response,
    ):
        lines = response.aiter_lines()
        await anext(lines)
        stop.set()
        rest = [line async for line in lines]
    await asyncio.wait_for(serving, 20)

    assert all(not line.startswith("id:") for line in rest)


async def test_a_last_event_id_that_is_none_is_refused(api: Api) -> None:
    response = await api.get("/v1/changes/stream", headers={"last-event-id": "x"})

    assert problem(response) == (422, "invalid-request")
