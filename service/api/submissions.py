"""Submissions: what offices post instead of producing it to their topic, and its progress.

A post is stored before it is answered; from there it is produced to the same topic as everything else.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import IO, Annotated, NamedTuple

import orjson
from fastapi import FastAPI, Query, Request, Response
from pydantic import Field
from starlette.responses import StreamingResponse

from service.api.bodies import answer
from service.api.feed_models import DryRun, Submission, SubmissionProgress
from service.api.parameters import NO_PARAMETERS, Parameters, PlainText
from service.auth.bearers import one_office
from service.auth.policy import requires
from service.deps import BearerDep, ContextDep, ResourcesDep
from service.dry_run import judge_rows
from service.problems import Fault, Problem, invalid, pointer_to, retry_later
from service.resources import Resources
from service.submission_files.formats import (
    MAX_FILE_BYTES,
    MAX_RECORDS,
    MEDIA_TYPES,
    XLSX,
    Format,
    TooLargeFile,
    UnreadableFile,
    format_of,
)
from service.submission_files.reading import read_submission_file
from service.submission_files.spool import BodySpool, RowSpool
from sync.envelope import LONGEST_ID
from sync.instants import format_instant
from sync.mappings import OfficeMapping
from sync.messages import BATCH_HEADER, MAPPING_HEADER
from sync.records import Disposition
from sync.store import submissions as store
from sync.store.clients import Bearer
from sync.store.connection import INGEST, reading, writing
from sync.store.submissions import Known, NewSubmission, Progress
from sync.submissions import new_submission_id

PATH = "/v1/submissions"
BODY_LIMIT_BYTES = MAX_FILE_BYTES
MOST_AT_ONCE = 8
_PIECE_SECONDS = 30.0
_BODY_SECONDS = 600.0
_READ_BYTES = 256 * 1024
# It becomes part of message ids, which have at most 128 characters, with a row number of up to six.
_KEY = re.compile(r"[\x21-\x7e]{1,120}")
_ID = re.compile(r"[0-9A-Z]{26}")
_ROW = {"message_id": "COM-20261120-000001", "operation": "assign", "occurred_at": "2026-11-20T09:00:00+08:00"}
_RECORD = {"uscc": "91210100MA00004960", "name": "沈阳示例有限公司", "approved_on": "2026-11-20"}
_LINE = orjson.dumps({"schema": "submission/1", **_ROW, "record": _RECORD}).decode()
_TABLE = ",".join([*_ROW, *_RECORD]) + "\r\n" + ",".join([*_ROW.values(), *_RECORD.values()]) + "\r\n"
_BODY = {
    "requestBody": {
        "required": True,
        "description": "At most 100,000 records and 64 MiB, at least one record. The first row of CSV and XLSX names "
        "members of the envelope and of the record, side by side.",
        "content": {
            "application/x-ndjson": {"schema": {"type": "string", "description": f"One submission/1 a line: {_LINE}"}},
            "application/json": {
                "schema": {"type": "array", "items": {}, "maxItems": MAX_RECORDS},
                "example": [{"schema": "submission/1", **_ROW, "record": _RECORD}],
            },
            "text/csv": {"schema": {"type": "string"}, "example": _TABLE},
            XLSX: {"schema": {"type": "string", "format": "binary"}},
        },
    },
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "The same key with the same body has the same answer, with another body 409. Records "
            "without a message id go by it and their row.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 120, "pattern": "^[!-~]+$"},
        }
    ],
}


class SubmissionParameters(Parameters):
    """For which office, by which mapping, in which batch, and whether in earnest."""

    office: PlainText | None = None
    mapping: PlainText | None = None
    batch_id: Annotated[
        PlainText | None, Field(max_length=LONGEST_ID, description="The batch of the records that name none.")
    ] = None
    dry_run: bool = False


class _Reading(NamedTuple):
    """How a post is to be read."""

    office: str
    format: Format
    mapping_name: str | None
    mapping: OfficeMapping | None
    batch_id: str | None
    idempotency_key: str | None

    @property
    def headers(self) -> dict[str, bytes]:
        """What goes beside each record on the topic."""
        named = {MAPPING_HEADER: self.mapping_name, BATCH_HEADER: self.batch_id}
        return {header: name.encode() for header, name in named.items() if name is not None}

    def content_sha256(self, body_sha256: bytes) -> bytes:
        """Return the digest of the post: its bytes and how they are read."""
        how = f"{self.format.kind} {self.format.charset} {self.mapping_name or ''}"
        if self.batch_id is not None:
            how += f" {self.batch_id}"
        return hashlib.sha256(body_sha256 + how.encode()).digest()


def add_routes(app: FastAPI) -> None:
    """Add the endpoints."""
    app.add_api_route(
        PATH,
        post_submission,
        methods=["POST"],
        status_code=202,
        response_model=Submission,
        tags=["submissions"],
        summary="报送 · Submit records",
        responses={200: {"description": "dry_run: what production would decide", "model": DryRun}},
        openapi_extra=_BODY,
    )
    app.add_api_route(
        PATH + "/{submission_id}",
        show_submission,
        methods=["GET"],
        dependencies=[NO_PARAMETERS],
        response_model=SubmissionProgress,
        tags=["submissions"],
        summary="报送进度 · How far a submission is",
    )


# --- posting -----------------------------------------------------------------------------------------------------


@requires("submit")
async def post_submission(
    request: Request,
    parameters: Annotated[SubmissionParameters, Query()],
    resources: ResourcesDep,
    context: ContextDep,
    bearer: BearerDep,
) -> Response:
    """Store up to 100,000 records and 64 MiB, or say with `dry_run` what would become of them."""
    how = _reading_of(request, parameters, resources, bearer)
    with _turn(resources), BodySpool() as body, RowSpool() as rows:
        await _receive(request, body)
        earlier = None if parameters.dry_run else await _find_earlier(resources, how)
        if earlier is not None:
            return _answer_earlier(earlier, how.content_sha256(body.sha256))
        prefix = how.idempotency_key or body.sha256.hex()[:16]
        await _read_rows(body, rows, how, prefix)
        if parameters.dry_run:
            context.extra_headers += ((b"x-watermark", resources.watermarks.header),)
            async with resources.dry_run_turn:
                items = await judge_rows(resources.desk, resources.config.judging, how.office, how.headers, rows)
            return StreamingResponse(_items(items), media_type="application/json")
        return await _store(resources, bearer, how, rows, how.content_sha256(body.sha256))


def _reading_of(request: Request, parameters: SubmissionParameters, resources: Resources, bearer: Bearer) -> _Reading:
    """Decide by the head of the request alone how its body is to be read; refuse before any of it is."""
    office = one_office(bearer, parameters.office, resources.offices)
    mapping = None
    if parameters.mapping is not None:
        mapping = resources.config.judging.mappings.get((office, parameters.mapping))
        if mapping is None:
            raise invalid(Fault("no-mapping", "#/mapping"))
    found = format_of(request.headers.get("content-type"))
    encodings = request.headers.get("content-encoding", "identity").strip().lower()
    if found is None or encodings != "identity":
        raise Problem("unsupported-media-type", facts={"expected": ", ".join(MEDIA_TYPES) + " (UTF-8, GB18030)"})
    keys = request.headers.getlist("idempotency-key")
    if keys and (len(keys) > 1 or _KEY.fullmatch(keys[0]) is None):
        raise invalid(Fault("bad-text", "#/Idempotency-Key"))
    return _Reading(office, found, parameters.mapping, mapping, parameters.batch_id, keys[0] if keys else None)


@contextmanager
def _turn(resources: Resources) -> Iterator[None]:
    """Take one of the few places for posts: each costs disk, and a thread while it is read."""
    if resources.counted.get("submissions", 0) >= MOST_AT_ONCE:
        raise retry_later("overloaded", 5)
    resources.counted["submissions"] = resources.counted.get("submissions", 0) + 1
    try:
        yield
    finally:
        resources.counted["submissions"] -= 1


async def _receive(request: Request, body: BodySpool) -> None:
    """Take the body to disk; who stops sending is told so and nothing of it is kept."""
    stream = request.stream()
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            while (chunk := await asyncio.wait_for(anext(stream, None), _PIECE_SECONDS)) is not None:
                body.write(chunk)
    except TimeoutError:
        raise Problem("request-timeout", headers=((b"connection", b"close"),)) from None
    body.close_writing()


async def _read_rows(body: BodySpool, rows: RowSpool, how: _Reading, prefix: str) -> None:
    """Read the body into rows, beside the event loop."""
    try:
        await asyncio.to_thread(rows.fill, read_submission_file(body.path, how.format, how.mapping, prefix))
    except UnreadableFile as error:
        where = {name: value for name, value in (("line", error.line), ("byte", error.byte)) if value is not None}
        pointer = pointer_to([error.column]) if error.column is not None else "#"
        raise Problem("invalid-request", errors=[Fault(error.code, pointer, error.expected)], members=where) from None
    except TooLargeFile as error:
        raise Problem("payload-too-large", facts={"limit": error.limit}) from None


async def _find_earlier(resources: Resources, how: _Reading) -> Known | None:
    if how.idempotency_key is None:
        return None
    async with reading(resources.pool) as connection:
        return await store.find_by_key(connection, how.office, how.idempotency_key)


def _answer_earlier(earlier: Known, content_sha256: bytes) -> Response:
    if earlier.content_sha256 != content_sha256:
        raise Problem("conflict")
    return _accepted(earlier.submission_id, earlier.records)


async def _store(
    resources: Resources, bearer: Bearer, how: _Reading, rows: RowSpool, content_sha256: bytes
) -> Response:
    """Commit the rows; only then are they acknowledged."""
    now = datetime.now(UTC)
    new = NewSubmission(
        submission_id=new_submission_id(now),
        office=how.office,
        client=bearer.name,
        idempotency_key=how.idempotency_key,
        content_sha256=content_sha256,
        mapping=how.mapping_name,
        batch_id=how.batch_id,
        records=rows.records,
        accepted_at=now,
    )
    async with writing(resources.desk, INGEST) as connection:
        is_new = await store.insert_submission(connection, new)
        if is_new:
            for some in rows.slices():
                await store.insert_rows(connection, new.submission_id, some)
    if is_new:
        return _accepted(new.submission_id, new.records)
    # The same key came twice at the same time; the other was first.
    earlier = await _find_earlier(resources, how)
    if earlier is None:
        raise retry_later("overloaded", 1)
    return _answer_earlier(earlier, content_sha256)


def _accepted(submission_id: str, records: int) -> Response:
    response = answer({"submission_id": submission_id, "records": records}, 202)
    response.headers["location"] = f"{PATH}/{submission_id}"
    return response


async def _items(items: IO[bytes]) -> AsyncIterator[bytes]:
    with items:
        yield b'{"items":['
        while chunk := items.read(_READ_BYTES):
            yield chunk
        yield b"]}"


# --- progress ----------------------------------------------------------------------------------------------------


@requires("submit")
async def show_submission(submission_id: str, resources: ResourcesDep, bearer: BearerDep) -> Response:
    """Return how far a submission is; another office's is not found."""
    progress = None
    if _ID.fullmatch(submission_id):
        async with reading(resources.pool) as connection:
            progress = await store.find_submission(connection, submission_id)
    if progress is None or bearer.office not in (None, progress.office):
        raise Problem("not-found")
    return answer(
        {
            "submission_id": progress.submission_id,
            "office": progress.office,
            "state": _state(progress),
            "records": progress.records,
            "produced": progress.produced,
            "decided": progress.decided,
            "counts": {str(disposition): progress.counts.get(disposition, 0) for disposition in Disposition},
            "by_rule": dict(sorted(progress.by_rule.items())),
            "accepted_at": format_instant(progress.accepted_at),
            "done_at": None if progress.done_at is None else format_instant(progress.done_at),
        }
    )


def _state(progress: Progress) -> str:
    if progress.decided == progress.records:
        return "done"
    if progress.produced == progress.records:
        return "deciding"
    return "producing" if progress.produced else "accepted"
