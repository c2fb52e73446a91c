"""The feed of changes: page by page, as a stream of server-sent events, and its tip."""

from __future__ import annotations

from asyncio import get_running_loop
from collections.abc import AsyncIterator, Sequence
from typing import Annotated

import orjson
from fastapi import FastAPI, Query, Response
from starlette.responses import StreamingResponse

from service.api.bodies import answer, answer_items
from service.api.feed_models import Change, ChangesTip
from service.api.models import FeedPage
from service.api.parameters import NO_PARAMETERS, Cursor, Limit, Parameters, Wait
from service.auth.policy import requires
from service.deps import ContextDep, ResourcesDep
from service.problems import Fault, Problem, invalid, retry_later
from service.resources import Resources
from sync.errors import Retryable
from sync.instants import format_instant
from sync.store.connection import reading
from sync.store.feed import CHANGES, read_changes, read_tip

HEARTBEAT_SECONDS = 15.0
_CHANGES_PER_READ = 500
_MOST_STREAMS = 500


class ChangesParameters(Parameters):
    """A page of the feed."""

    after: Cursor = "0"
    limit: Limit = 100
    wait: Wait = 0


class StreamParameters(Parameters):
    """Where a stream begins when no Last-Event-ID says so; without either, behind the tip."""

    after: Cursor | None = None


def add_routes(app: FastAPI) -> None:
    """Add the endpoints."""
    app.add_api_route(
        "/v1/changes",
        list_changes,
        methods=["GET"],
        response_model=FeedPage[Change],
        tags=["changes"],
        summary="变更流 · Changes in sequence",
    )
    app.add_api_route(
        "/v1/changes/tip",
        show_tip,
        methods=["GET"],
        dependencies=[NO_PARAMETERS],
        response_model=ChangesTip,
        tags=["changes"],
        summary="变更流末端 · End of the feed",
    )
    app.add_api_route(
        "/v1/changes/stream",
        stream_changes,
        methods=["GET"],
        response_class=StreamingResponse,
        tags=["changes"],
        summary="变更事件流 · Changes as server-sent events",
        responses={
            200: {
                "description": "`id:` is the sequence, `data:` change/1; `event: heartbeat` carries the watermark",
                "content": {"text/event-stream": {}},
            }
        },
    )


@requires("changes")
async def list_changes(
    parameters: Annotated[ChangesParameters, Query()], resources: ResourcesDep, context: ContextDep
) -> Response:
    """Return a page behind `after`; with `wait`, hold the answer until there is a change or the time is up."""
    after = int(parameters.after)
    until = get_running_loop().time() + parameters.wait
    while True:
        async with reading(resources.reads) as connection:
            changes = await read_changes(connection, after, parameters.limit)
        _demand_unbroken(changes, after)
        left = until - get_running_loop().time()
        if changes or left <= 0 or not await resources.tips.wait_beyond(CHANGES, after, left):
            break
    context.extra_headers += ((b"x-watermark", resources.watermarks.header),)
    return answer_items([body for _, body in changes], str(changes[-1][0] if changes else after))


@requires("changes")
async def show_tip(resources: ResourcesDep, context: ContextDep) -> Response:
    """Return the end of the feed."""
    context.extra_headers += ((b"x-watermark", resources.watermarks.header),)
    async with reading(resources.reads) as connection:
        tip = await read_tip(connection)
    recorded_at = None if tip.recorded_at is None else format_instant(tip.recorded_at)
    return answer({"sequence": tip.sequence, "recorded_at": recorded_at})


@requires("changes")
async def stream_changes(
    parameters: Annotated[StreamParameters, Query()], resources: ResourcesDep, context: ContextDep
) -> Response:
    """Stream the changes behind Last-Event-ID (0 starts at 1), with heartbeats that carry the watermark."""
    begin = await _beginning(parameters, resources, context.last_event_id)
    async with reading(resources.reads) as connection:
        _demand_unbroken(await read_changes(connection, begin, 1), begin)
    if resources.counted.get("streams", 0) >= _MOST_STREAMS:
        raise retry_later("overloaded", 5)
    context.extra_headers += ((b"x-watermark", resources.watermarks.header),)
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(_events(resources, begin), media_type="text/event-stream", headers=headers)


def _demand_unbroken(changes: Sequence[tuple[int, str]], after: int) -> None:
    """Refuse to leave out changes that are no longer kept: the sequence has no gaps, so a gap is where they were.

    Raises:
        Problem: changes-dropped.
    """
    if changes and changes[0][0] != after + 1:
        raise Problem("changes-dropped", members={"first_sequence": changes[0][0]})


async def _beginning(parameters: StreamParameters, resources: Resources, last_event_id: bytes | None) -> int:
    if last_event_id is not None:
        if not last_event_id.isdigit() or len(last_event_id) > 18:
            raise invalid(Fault("bad-cursor", "#/Last-Event-ID"))
        return int(last_event_id)
    if parameters.after is not None:
        return int(parameters.after)
    async with reading(resources.reads) as connection:
        return (await read_tip(connection)).sequence


async def _events(resources: Resources, after: int) -> AsyncIterator[bytes]:
    """Yield events for as long as the reader stays; a reader who is slow is waited for, never buffered for."""
    resources.counted["streams"] = resources.counted.get("streams", 0) + 1
    try:
        yield _heartbeat(resources)
        while not resources.tips.closing:
            try:
                async with reading(resources.reads) as connection:
                    changes = await read_changes(connection, after, _CHANGES_PER_READ)
            except Retryable:
                # The reader comes back with its last sequence; the end of the stream tells it that something is wrong.
                return
            if changes and changes[0][0] != after + 1:
                # It fell behind what is kept; when it comes back it is told.
                return
            if changes:
                after = changes[-1][0]
                yield b"".join(b"id: %d\ndata: %s\n\n" % (sequence, body.encode()) for sequence, body in changes)
            elif not await resources.tips.wait_beyond(CHANGES, after, HEARTBEAT_SECONDS):
                yield _heartbeat(resources)
    finally:
        resources.counted["streams"] -= 1


def _heartbeat(resources: Resources) -> bytes:
    watermark = resources.watermarks.header.decode()
    return b"event: heartbeat\ndata: %s\n\n" % orjson.dumps({"watermark": watermark})
