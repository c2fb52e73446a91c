"""Statements (日终对账单): one for every office and business day, sealed or as it stands, and the records behind it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

import orjson
from fastapi import FastAPI, Query, Request, Response
from pydantic import Field

from service.api.bodies import answer_items
from service.api.feed_models import Return
from service.api.models import Page
from service.api.night_files import RESPONSES, Cell, Form, Table, answer_table, form_of
from service.api.night_models import StatementBody
from service.api.parameters import NO_PARAMETERS, Cursor, Limit, Parameters, PlainText
from service.auth.bearers import agreed_office
from service.auth.policy import requires
from service.deps import BearerDep, ContextDep, ResourcesDep
from service.problems import Fault, Problem, invalid
from service.resources import Resources
from sync.nightly.opening import Hold, read_holds, read_records
from sync.nightly.run import first_day, summary
from sync.nightly.sealing import preview
from sync.records import Disposition
from sync.store import nightly
from sync.store.clients import Bearer
from sync.store.connection import INGEST, ReadConn, reading
from sync.store.nightly_comparisons import comparison_on

_HEADER = (
    "date", "office", "received", *(each.value for each in Disposition), "holds_opening", "holds_new", "holds_resolved",
    "holds_closing", "batches", "not_received", "silent", "equal", "different", "missing_here", "missing_there",
    "balanced", "sealed_at", "digest", "extra", "altered", "office_total", "registry_total", "pending_office",
    "pending_registry",
)  # fmt: skip
_BATCH = (
    "batch_id", "declared", "received", "not_received", "received_to_date", "extra", "altered", "state",
)  # fmt: skip


class StatementsParameters(Parameters):
    """Of which day and office, and which page of them."""

    date: Annotated[str | None, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] = None
    office: PlainText | None = None
    limit: Limit = 100
    after: Annotated[str | None, Field(max_length=80)] = None


class ItemsParameters(Parameters):
    """Which records of the day: of a disposition, of a batch, altered ones; or those behind its holds."""

    disposition: Disposition | None = None
    batch_id: PlainText | None = None
    altered: bool = False
    hold: Hold | None = None
    limit: Limit = 100
    after: Cursor = "0"


def add_routes(app: FastAPI) -> None:
    """Add the endpoints."""
    app.add_api_route(
        "/v1/statements",
        list_statements,
        methods=["GET"],
        response_model=Page[StatementBody],
        responses=RESPONSES,
        tags=["statements"],
        summary="日终对账单 · Statements, newest day first",
    )
    app.add_api_route(
        "/v1/statements/{day}/{office}",
        show_statement,
        methods=["GET"],
        dependencies=[NO_PARAMETERS],
        response_model=StatementBody,
        responses=RESPONSES,
        tags=["statements"],
        summary="一份对账单 · One statement",
    )
    app.add_api_route(
        "/v1/statements/{day}/{office}/items",
        list_items,
        methods=["GET"],
        response_model=Page[Return],
        tags=["statements"],
        summary="对账单的记录 · The records behind a number",
    )


@requires("statements")
async def list_statements(
    request: Request,
    parameters: Annotated[StatementsParameters, Query()],
    resources: ResourcesDep,
    context: ContextDep,
    bearer: BearerDep,
) -> Response:
    """Return statements, sealed ones as they were sealed, the others as they stand."""
    context.extra_headers += ((b"x-watermark", resources.watermarks.header),)
    only = agreed_office(bearer, parameters.office, resources.offices)
    running = resources.config.nights.closing.days.day_of(datetime.now(UTC))
    asked = None if parameters.date is None else _day(parameters.date, "#/date")
    async with reading(resources.desk, INGEST) as connection:
        first = await first_day(connection, resources.config.nights.closing) or running
        days = _days(first, running) if asked is None else iter([asked] if first <= asked <= running else [])
        offices = [each for each in sorted(resources.config.offices) if only in (None, each)]
        places = _after(((day, each) for day in days for each in offices), parameters.after)
        page = [place for place, _ in zip(places, range(parameters.limit + 1), strict=False)]
        shown = page[: parameters.limit]
        sealed = await nightly.read_statements(connection, sorted({day for day, _ in shown}), only)
        bodies = [sealed.get(place) or await _preview(resources, connection, *place) for place in shown]
    following = f"{shown[-1][0].isoformat()} {shown[-1][1]}" if len(page) > len(shown) else None
    form = form_of(request)
    if form != "json":
        return _table(request, form, "statements", [orjson.loads(body) for body in bodies], following)
    return answer_items(bodies, following)


@requires("statements")
async def show_statement(
    day: str, office: str, request: Request, resources: ResourcesDep, context: ContextDep, bearer: BearerDep
) -> Response:
    """Return one statement; a day that has not begun, or was before the registry, is not found."""
    context.extra_headers += ((b"x-watermark", resources.watermarks.header),)
    on = _path_day(day)
    _check_office(resources, bearer, office)
    async with reading(resources.desk, INGEST) as connection:
        sealed = await nightly.read_statement(connection, on, office)
        if sealed is None:
            await _check_day(resources, connection, on)
        body = await _preview(resources, connection, on, office) if sealed is None else sealed.body
    form = form_of(request)
    if form != "json":
        return _table(request, form, f"statement-{on.isoformat()}-{office}", [orjson.loads(body)])
    return Response(body, media_type="application/json")


@requires("statements")
async def list_items(
    day: str,
    office: str,
    parameters: Annotated[ItemsParameters, Query()],
    resources: ResourcesDep,
    bearer: BearerDep,
) -> Response:
    """Return the first returns of the records that arrived that day, or the returns behind its holds, in sequence."""
    if parameters.hold is not None and (parameters.disposition or parameters.batch_id or parameters.altered):
        raise invalid(Fault("stands-alone", "#/hold"))
    on = _path_day(day)
    _check_office(resources, bearer, office)
    closing = resources.config.nights.closing
    after, limit = int(parameters.after), parameters.limit + 1
    async with reading(resources.desk, INGEST) as connection:
        if await nightly.read_statement(connection, on, office) is None:
            await _check_day(resources, connection, on)
        if parameters.hold is not None:
            items = await read_holds(connection, closing, office, on, parameters.hold, after=after, limit=limit)
        else:
            items = await read_records(
                connection,
                closing,
                office,
                on,
                disposition=parameters.disposition,
                batch_id=parameters.batch_id,
                altered=parameters.altered,
                after=after,
                limit=limit,
            )
    page = items[: parameters.limit]
    return answer_items([text for _, text in page], str(page[-1][0]) if len(items) > len(page) else None)


async def _check_day(resources: Resources, connection: ReadConn, on: date) -> None:
    """Refuse a day that has no statement: it has not begun, or there was no registry.

    Raises:
        Problem: not-found.
    """
    running = resources.config.nights.closing.days.day_of(datetime.now(UTC))
    first = await first_day(connection, resources.config.nights.closing) or running
    if not first <= on <= running:
        raise Problem("not-found")


async def _preview(resources: Resources, connection: ReadConn, on: date, office: str) -> str:
    nights = resources.config.nights
    known = nights.offices.get(office)
    if known is None:
        raise Problem("not-found")
    comparison = summary(await comparison_on(connection, office, on))
    return orjson.dumps(await preview(connection, nights.closing, known, on, comparison)).decode()


def _check_office(resources: Resources, bearer: Bearer, office: str) -> None:
    if bearer.office is not None and bearer.office != office:
        raise Problem("not-permitted")
    if office not in resources.offices:
        raise Problem("not-found")


def _path_day(text: str) -> date:
    try:
        return date.fromisoformat(text) if len(text) == 10 else _no_day()
    except ValueError:
        return _no_day()


def _no_day() -> date:
    raise Problem("not-found")


def _day(text: str, pointer: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise invalid(Fault("not-an-instant", pointer)) from None


def _days(first: date, last: date) -> Iterator[date]:
    """Yield the days from `last` back to `first`."""
    for number in range((last - first).days + 1):
        yield last - timedelta(days=number)


def _after(places: Iterator[tuple[date, str]], cursor: str | None) -> Iterator[tuple[date, str]]:
    if cursor is None:
        return places
    text, _, office = cursor.partition(" ")
    behind = (_day(text, "#/after"), office)
    return (place for place in places if (-place[0].toordinal(), place[1]) > (-behind[0].toordinal(), behind[1]))


def _table(
    request: Request, form: Form, name: str, statements: list[dict[str, Any]], following: str | None = None
) -> Response:
    table = Table(name=name, header=_HEADER, rows=[_row(statement) for statement in statements])
    lines = [
        [statement["date"], statement["office"], *(batch.get(name) for name in _BATCH)]
        for statement in statements
        for batch in statement["batches"]
    ]
    batches = Table(name="batches", header=("date", "office", *_BATCH), rows=lines)
    return answer_table(request, form, table, following=following, beside=[batches])


def _row(statement: dict[str, Any]) -> list[Cell]:
    holds, batches = statement["holds"], statement["batches"]
    compared = statement["comparison"] or {}
    return [
        statement["date"],
        statement["office"],
        statement["received"],
        *(statement[each.value] for each in Disposition),
        *(holds[name] for name in ("opening", "new", "resolved", "closing")),
        len(batches),
        sum(batch["not_received"] or 0 for batch in batches),
        statement["silent"],
        *(compared.get(name) for name in ("equal", "different", "missing_here", "missing_there")),
        statement["balanced"],
        statement["sealed_at"],
        statement["digest"],
        sum(batch["extra"] or 0 for batch in batches),
        sum(batch["altered"] for batch in batches),
        *(compared.get(name) for name in ("office_total", "registry_total")),
        *(compared.get("pending", {}).get(name) for name in ("office", "registry")),
    ]
