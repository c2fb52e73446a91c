"""Sealed snapshots: the list, and their files whole or in part."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path
from typing import IO, Annotated

from fastapi import FastAPI, Query, Request, Response
from pydantic import Field
from starlette.responses import StreamingResponse

from service.api.bodies import answer
from service.api.feed_models import Snapshot
from service.api.models import Page
from service.api.parameters import NO_PARAMETERS, Limit, Parameters
from service.auth.policy import requires
from service.deps import ContextDep, ResourcesDep
from service.problems import Problem
from sync.instants import format_instant
from sync.store import snapshots as store
from sync.store.connection import reading

MEDIA_TYPES = {
    "parquet": "application/vnd.apache.parquet",
    "ndjson.gz": "application/gzip",
    "csv.gz": "application/gzip",
}
_BLOCK_BYTES = 256 * 1024
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_ID = re.compile(r"\d{15}")


class SnapshotsParameters(Parameters):
    """A page of the list."""

    limit: Limit = 100
    after: Annotated[str | None, Field(pattern=r"^\d{15}$")] = None


def add_routes(app: FastAPI) -> None:
    """Add the endpoints."""
    app.add_api_route(
        "/v1/snapshots",
        show_snapshots,
        methods=["GET"],
        response_model=Page[Snapshot],
        tags=["changes"],
        summary="全量快照 · Sealed snapshots, newest first",
    )
    app.add_api_route(
        "/v1/snapshots/{snapshot_id}",
        show_snapshot,
        methods=["GET"],
        dependencies=[NO_PARAMETERS],
        response_model=Snapshot,
        tags=["changes"],
        summary="一个快照 · One snapshot",
    )
    content = {media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in MEDIA_TYPES.values()}
    app.add_api_route(
        "/v1/snapshots/{snapshot_id}/{file}",
        send_file,
        methods=["GET"],
        dependencies=[NO_PARAMETERS],
        response_class=StreamingResponse,
        tags=["changes"],
        summary="快照文件 · A file of a snapshot, whole or by Range",
        responses={
            200: {"description": "The file; `ETag` is its SHA-256", "content": content},
            206: {"description": "The part asked for", "content": content},
            304: {"description": "Not modified"},
        },
    )


@requires("changes")
async def show_snapshots(parameters: Annotated[SnapshotsParameters, Query()], resources: ResourcesDep) -> Response:
    """Return the snapshots whose files are there, newest first."""
    async with reading(resources.reads) as connection:
        found = await store.list_snapshots(connection, parameters.after, parameters.limit + 1)
    page = found[: parameters.limit]
    following = page[-1].snapshot_id if len(found) > len(page) else None
    return answer({"items": [_snapshot(each) for each in page], "next": following})


@requires("changes")
async def show_snapshot(snapshot_id: str, resources: ResourcesDep) -> Response:
    """Return one snapshot."""
    return answer(_snapshot(await _find(resources, snapshot_id)))


@requires("changes")
async def send_file(
    snapshot_id: str, file: str, request: Request, resources: ResourcesDep, context: ContextDep
) -> Response:
    """Send a file; one range of it where the request asks for one, and the whole where it asks for several."""
    snapshot = await _find(resources, snapshot_id)
    described = next((each for each in snapshot.files if each.name == file), None)
    path = resources.config.snapshot_folder / snapshot_id / file
    if described is None or not path.is_file():
        raise Problem("not-found")
    etag = f'"{described.sha256}"'
    headers = {
        "etag": etag,
        "accept-ranges": "bytes",
        "cache-control": "private, no-cache",
        "content-disposition": f'attachment; filename="{snapshot_id}-{file}"',
    }
    if any(
        each.strip().removeprefix("W/") in (etag, "*") for each in context.if_none_match.decode("latin-1").split(",")
    ):
        return Response(status_code=304, headers=headers)
    start, end = 0, described.bytes
    wanted = _range_of(request, etag, described.bytes)
    if wanted is not None:
        start, end = wanted
        headers["content-range"] = f"bytes {start}-{end - 1}/{described.bytes}"
    headers["content-length"] = str(end - start)
    return StreamingResponse(
        _pieces(path, start, end),
        200 if wanted is None else 206,
        headers=headers,
        media_type=MEDIA_TYPES[described.format],
    )


async def _find(resources: ResourcesDep, snapshot_id: str) -> store.Snapshot:
    found = None
    if _ID.fullmatch(snapshot_id):
        async with reading(resources.reads) as connection:
            found = await store.find_snapshot(connection, snapshot_id)
    if found is None:
        raise Problem("not-found")
    return found


def _range_of(request: Request, etag: str, size: int) -> tuple[int, int] | None:
    """Return begin and end of the one range that is asked for, None where the whole file is to be sent.

    Raises:
        Problem: range-not-satisfiable; it lies behind the end of the file.
    """
    given = request.headers.getlist("range")
    match = _RANGE.fullmatch(given[0].strip()) if len(given) == 1 else None
    if match is None or request.headers.get("if-range", etag) != etag:
        return None
    first, last = match.groups()
    if not first and not last:
        return None
    if not first:
        begin, end = max(0, size - int(last)), size
    else:
        begin, end = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < begin:
            return None
    if begin >= size or begin >= end:
        raise Problem("range-not-satisfiable", headers=((b"content-range", b"bytes */%d" % size),))
    return begin, end


async def _pieces(path: Path, start: int, end: int) -> AsyncIterator[bytes]:
    file: IO[bytes] = await asyncio.to_thread(path.open, "rb")
    with file:
        file.seek(start)
        left = end - start
        while left > 0:
            piece = await asyncio.to_thread(file.read, min(left, _BLOCK_BYTES))
            if not piece:
                return
            left -= len(piece)
            yield piece


def _snapshot(snapshot: store.Snapshot) -> dict[str, object]:
    return {
        "snapshot_id": snapshot.snapshot_id,
        "sequence": snapshot.sequence,
        "recorded_at": None if snapshot.recorded_at is None else format_instant(snapshot.recorded_at),
        "rows": snapshot.rows,
        "files": [asdict(file) for file in snapshot.files],
        "sealed_at": format_instant(snapshot.sealed_at),
    }
