"""Comparisons (登记簿比对): an office hands its full register in and reads what differs, since when, what settles it.

The register is stored before it is answered; the nightly role compares it. A reader's copy checks itself against
digests without sending its rows.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

import orjson
from fastapi import FastAPI, Query, Request, Response
from pydantic import Field
from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse

from service.api.bodies import answer
from service.api.models import Page
from service.api.night_files import RESPONSES, Table, answer_table, form_of
from service.api.night_models import ComparisonAccepted, ComparisonBody, ComparisonItem, DigestsBody
from service.api.parameters import NO_PARAMETERS, Limit, Parameters, PlainText
from service.auth.bearers import agreed_office, one_office
from service.auth.policy import requires
from service.deps import BearerDep, ContextDep, ResourcesDep
from service.problems import PREFIX, Fault, Problem, invalid, negotiate_language
from service.register_problems import PROBLEMS
from service.resources import Resources
from sync.nightly.comparisons import settlement
from sync.store import nightly_comparisons as store
from sync.store.audits import write_audit
from sync.store.clients import Bearer
from sync.store.connection import INGEST, reading, writing
from sync.store.nightly_comparisons import ComparisonRow

PATH = "/v1/comparisons"
BODY_LIMIT_BYTES = 4 * 1024**3
_CHUNK_BYTES = 4 * 1024 * 1024
_PIECE_SECONDS = 30.0
_HASH = "the first 8 bytes of the SHA-256 of `<uscc>/<version>` in UTF-8, big-endian"


class HandInParameters(Parameters):
    """Whose register it is, of which day, in which form."""

    office: PlainText | None = None
    date: Annotated[str | None, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] = None
    format: Literal["csv.gz", "ndjson.gz", "parquet"]
    force: bool = False


class ListParameters(Parameters):
    """Which comparisons."""

    office: PlainText | None = None
    date: Annotated[str | None, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] = None
    limit: Limit = 100
    after: Annotated[str | None, Field(max_length=120)] = None


class ItemsParameters(Parameters):
    """Which differences."""

    kind: Literal["different", "missing_here", "missing_there", "pending"] | None = None
    limit: Limit = 100
    after: PlainText | None = None


class SettlementParameters(Parameters):
    """For which purpose personal values are read."""

    purpose: PlainText | None = None


class DigestParameters(Parameters):
    """Below which prefix; without it those of the last night, by eight characters."""

    prefix: Annotated[str | None, Field(pattern=r"^[0-9A-HJ-NP-RTUW-Y]{8,17}$")] = None


def add_routes(app: FastAPI) -> None:
    """Add the endpoints."""
    binary = {"schema": {"type": "string", "format": "binary"}}
    app.add_api_route(
        PATH,
        hand_in,
        methods=["POST"],
        status_code=202,
        response_model=ComparisonAccepted,
        tags=["statements"],
        summary="报送登记簿 · Hand a full register in",
        openapi_extra={"requestBody": {"required": True, "content": {"application/octet-stream": binary}}},
    )
    app.add_api_route(
        PATH,
        list_comparisons,
        methods=["GET"],
        response_model=Page[ComparisonBody],
        tags=["statements"],
        summary="比对列表 · Comparisons, newest first",
    )
    app.add_api_route(
        PATH + "/digests",
        show_digests,
        methods=["GET"],
        response_model=DigestsBody,
        tags=["changes"],
        summary="副本自查 · Digests that a copy checks itself with",
    )
    app.add_api_route(
        PATH + "/{comparison_id}",
        show_comparison,
        methods=["GET"],
        dependencies=[NO_PARAMETERS],
        response_model=ComparisonBody,
        tags=["statements"],
        summary="一次比对 · One comparison",
    )
    app.add_api_route(
        PATH + "/{comparison_id}/items",
        list_items,
        methods=["GET"],
        response_model=Page[ComparisonItem],
        responses=RESPONSES,
        tags=["statements"],
        summary="差异明细 · What is not equal",
    )
    app.add_api_route(
        PATH + "/{comparison_id}/settlement",
        show_settlement,
        methods=["GET"],
        response_model=None,
        responses={200: {"content": {"application/x-ndjson": {"schema": {"type": "string"}}}}},
        tags=["statements"],
        summary="补正文件 · The submissions that would settle it",
    )


@requires("statements")
async def hand_in(
    request: Request, parameters: Annotated[HandInParameters, Query()], resources: ResourcesDep, bearer: BearerDep
) -> Response:
    """Store the register, whose bytes are the body, and answer; it is compared as soon as it is its turn."""
    office = one_office(bearer, parameters.office, resources.offices)
    running = resources.config.nights.closing.days.day_of(datetime.now(UTC))
    day = _day(parameters.date, "#/date") or running
    if day > running:
        raise invalid(Fault("too-large", "#/date", running.isoformat()))
    async with writing(resources.desk, INGEST) as connection:
        comparison_id = await store.begin(
            connection, office=office, day=day, form=parameters.format, forced=parameters.force, by=bearer.name
        )
    try:
        size = await _receive(request, resources, comparison_id)
    except (Problem, ClientDisconnect, TimeoutError, asyncio.CancelledError) as error:
        async with writing(resources.desk, INGEST) as connection:
            await store.stop_receiving(connection, comparison_id)
        if isinstance(error, TimeoutError):
            raise Problem("request-timeout", headers=((b"connection", b"close"),)) from None
        raise
    async with writing(resources.desk, INGEST) as connection:
        await store.hand_in(connection, comparison_id, size)
    response = answer({"comparison_id": comparison_id, "state": "running"}, 202)
    response.headers["location"] = f"{PATH}/{comparison_id}"
    return response


async def _receive(request: Request, resources: Resources, comparison_id: str) -> int:
    """Store the body piece by piece; return how many bytes."""
    stream = request.stream()
    size = number = 0
    buffer = bytearray()
    while (piece := await asyncio.wait_for(anext(stream, None), _PIECE_SECONDS)) is not None:
        buffer += piece
        size += len(piece)
        if len(buffer) >= _CHUNK_BYTES:
            await _store(resources, comparison_id, number, bytes(buffer))
            buffer.clear()
            number += 1
    if buffer:
        await _store(resources, comparison_id, number, bytes(buffer))
    return size


async def _store(resources: Resources, comparison_id: str, number: int, body: bytes) -> None:
    async with writing(resources.desk, INGEST) as connection:
        await store.add_chunk(connection, comparison_id, number, body)


@requires("statements")
async def list_comparisons(
    request: Request, parameters: Annotated[ListParameters, Query()], resources: ResourcesDep, bearer: BearerDep
) -> Response:
    """Return comparisons, newest date first."""
    office = agreed_office(bearer, parameters.office, resources.offices)
    after = None
    if parameters.after is not None:
        text, _, comparison_id = parameters.after.partition(" ")
        after = (_day(text, "#/after") or date.min, comparison_id)
    async with reading(resources.reads) as connection:
        rows = await store.list_comparisons(
            connection, office, _day(parameters.date, "#/date"), after, parameters.limit + 1
        )
    page = rows[: parameters.limit]
    following = f"{page[-1].date.isoformat()} {page[-1].comparison_id}" if len(rows) > len(page) else None
    return answer({"items": [_comparison(row, request) for row in page], "next": following})


@requires("statements")
async def show_comparison(comparison_id: str, request: Request, resources: ResourcesDep, bearer: BearerDep) -> Response:
    """Return one comparison; another office's is not found."""
    return answer(_comparison(await _find(resources, bearer, comparison_id), request))


@requires("statements")
async def list_items(
    comparison_id: str,
    request: Request,
    parameters: Annotated[ItemsParameters, Query()],
    resources: ResourcesDep,
    bearer: BearerDep,
) -> Response:
    """Return what is not equal, by code; personal values are masked."""
    found = await _find(resources, bearer, comparison_id)
    async with reading(resources.reads) as connection:
        rows = await store.list_items(
            connection, found.comparison_id, parameters.kind, parameters.after, parameters.limit + 1
        )
    page = rows[: parameters.limit]
    following = page[-1].uscc if len(rows) > len(page) else None
    form = form_of(request)
    if form != "json":
        header = ("kind", "uscc", "field", "office", "registry", "receipt_id", "nights", "since")
        lines = [
            (row.kind, row.uscc, name, sides["office"], sides["registry"], row.receipt_id, row.nights, str(row.since))
            for row in page
            for name, sides in (row.fields or {"": {"office": None, "registry": None}}).items()
        ]
        table = Table(name=found.comparison_id, header=header, rows=lines)
        return answer_table(request, form, table, following=following)
    return answer({"items": [row._asdict() for row in page], "next": following})


@requires("statements")
async def show_settlement(
    comparison_id: str,
    parameters: Annotated[SettlementParameters, Query()],
    resources: ResourcesDep,
    context: ContextDep,
    bearer: BearerDep,
) -> Response:
    """Return submission/1 lines that would make both registers agree, the office's taken as right.

    They carry whole records, personal values included: only for keys with `personal`, for a purpose, and audited.
    """
    if parameters.purpose is None:
        raise invalid(Fault("missing", "#/purpose"))
    if "personal" not in bearer.scopes:
        raise Problem("not-permitted", members={"scope": "personal"})
    found = await _find(resources, bearer, comparison_id)
    if found.state != "done":
        raise Problem("conflict")
    async with writing(resources.pool) as connection:
        await write_audit(
            connection,
            actor=bearer.name,
            action="settlement_read",
            subject=comparison_id,
            purpose=parameters.purpose,
            request_id=context.request_id,
        )

    async def lines() -> AsyncIterator[bytes]:
        async with reading(resources.desk, INGEST) as connection:
            async for part in settlement(connection, await store.read_order(connection, comparison_id)):
                yield part

    return StreamingResponse(lines(), media_type="application/x-ndjson")


@requires("changes")
async def show_digests(parameters: Annotated[DigestParameters, Query()], resources: ResourcesDep) -> Response:
    """Return count, sum and xor of the hashes of codes and versions: equal ones say that a copy is whole.

    Without `prefix` as of the last night, by eight characters; with it as of now, by four characters more.
    """
    async with reading(resources.desk, INGEST) as connection:
        if parameters.prefix is None:
            found = await store.read_digests(connection)
        else:
            found = await store.digests_below(connection, parameters.prefix)
    items = [
        {"prefix": each.prefix, "count": each.records, "sum": f"{each.sum:016x}", "xor": f"{each.xor:016x}"}
        for each in found.items
    ]
    return answer({"sequence": found.sequence, "recorded_at": found.recorded_at, "hash": _HASH, "items": items})


async def _find(resources: Resources, bearer: Bearer, comparison_id: str) -> ComparisonRow:
    found = None
    if comparison_id.isascii() and comparison_id.isprintable():
        async with reading(resources.pool) as connection:
            found = await store.find_comparison(connection, comparison_id, bearer.office)
    if found is None:
        raise Problem("not-found")
    return found


def _comparison(row: ComparisonRow, request: Request) -> dict[str, Any]:
    return {
        "comparison_id": row.comparison_id,
        "office": row.office,
        "date": row.date,
        "state": "running" if row.state == "receiving" else row.state,
        "problem": None if row.problem is None else _problem(orjson.loads(row.problem), request),
        **row.totals(),
        "format": row.format,
        "forced": row.forced,
        "columns": None if row.columns is None else list(row.columns),
        "handed_in_at": row.handed_in_at,
        "finished_at": row.finished_at,
    }


def _problem(stored: Mapping[str, Any], request: Request) -> dict[str, Any]:
    language = negotiate_language(request.headers.get("accept-language", ""))
    text = PROBLEMS[stored["code"]]
    title = "登记簿不可用" if language == "zh" else "Unusable register"
    return {
        "type": PREFIX + "unusable-register",
        "title": title,
        "status": 422,
        "detail": text.zh if language == "zh" else text.en,
        "code": stored["code"],
        "facts": stored["facts"],
    }


def _day(text: str | None, pointer: str) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise invalid(Fault("not-an-instant", pointer)) from None
