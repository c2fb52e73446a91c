"""The returns of an office (回传结果): in sequence, replayable from the beginning, byte for byte as on the topic."""

from __future__ import annotations

from asyncio import get_running_loop
from typing import Annotated

from fastapi import FastAPI, Query, Request, Response
from pydantic import Field

from service.api.bodies import answer, answer_items, read_json
from service.api.feed_models import Acknowledgement, AcknowledgementRequest, Return
from service.api.models import FeedPage, Page
from service.api.parameters import Cursor, Limit, Parameters, PlainText, Wait
from service.auth.bearers import agreed_office, one_office
from service.auth.policy import requires
from service.deps import BearerDep, ResourcesDep
from service.problems import Fault, Problem, invalid
from service.resources import Resources
from sync.records import Disposition, Source
from sync.store.connection import reading, writing
from sync.store.returns import (
    Filters,
    acknowledge,
    read_by_receipt,
    read_by_source,
    read_page,
    read_tip,
)


class ReturnsParameters(Parameters):
    """A page of the feed, or, by topic, partition and offset, every attempt of one record."""

    office: PlainText | None = None
    after: Cursor = "0"
    limit: Limit = 100
    disposition: Disposition | None = None
    rule: PlainText | None = None
    batch_id: PlainText | None = None
    wait: Wait = 0
    topic: PlainText | None = None
    partition: Annotated[int | None, Field(ge=0, le=2**31 - 1)] = None
    offset: Annotated[int | None, Field(ge=0, le=2**63 - 1)] = None


class OfficeParameters(Parameters):
    """For which office a client without one asks."""

    office: PlainText | None = None


def add_routes(app: FastAPI) -> None:
    """Add the endpoints."""
    app.add_api_route(
        "/v1/returns",
        list_returns,
        methods=["GET"],
        response_model=FeedPage[Return],
        tags=["returns"],
        summary="回传结果 · Returns of an office, in sequence",
    )
    app.add_api_route(
        "/v1/returns/acknowledgements",
        acknowledge_returns,
        methods=["POST"],
        response_model=Acknowledgement,
        tags=["returns"],
        summary="确认已读 · Say how far the returns were read",
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": AcknowledgementRequest.model_json_schema()}},
            }
        },
    )
    app.add_api_route(
        "/v1/returns/{receipt_id}",
        read_returns,
        methods=["GET"],
        response_model=Page[Return],
        tags=["returns"],
        summary="一条记录的全部结果 · Every attempt of one record",
    )


@requires("returns")
async def list_returns(
    parameters: Annotated[ReturnsParameters, Query()], resources: ResourcesDep, bearer: BearerDep
) -> Response:
    """Return a page behind `after`; with `wait`, hold the answer until something matches or the time is up.

    With topic, partition and offset: every attempt of the record at that place.
    """
    place = (parameters.topic, parameters.partition, parameters.offset)
    if any(part is not None for part in place):
        return await _of_source(parameters, resources, agreed_office(bearer, parameters.office, resources.offices))
    office = one_office(bearer, parameters.office, resources.offices)
    filters = Filters(
        disposition=None if parameters.disposition is None else parameters.disposition.value,
        rule=parameters.rule,
        batch_id=parameters.batch_id,
    )
    after = int(parameters.after)
    until = get_running_loop().time() + parameters.wait
    while True:
        async with reading(resources.reads) as connection:
            page = await read_page(connection, office, after, parameters.limit, filters)
        left = until - get_running_loop().time()
        if page.items or left <= 0:
            return answer_items(page.items, str(page.examined))
        moved = page.examined > after
        after = page.examined
        if not moved and not await resources.tips.wait_beyond(f"returns:{office}", after, left):
            return answer_items([], str(after))


async def _of_source(parameters: ReturnsParameters, resources: Resources, office: str | None) -> Response:
    topic, partition, offset = parameters.topic, parameters.partition, parameters.offset
    if topic is None or partition is None or offset is None:
        missing = [name for name in ("topic", "partition", "offset") if getattr(parameters, name) is None]
        raise invalid(*(Fault("incomplete", f"#/{name}", "topic, partition, offset") for name in missing))
    async with reading(resources.reads) as connection:
        items = await read_by_source(connection, Source(topic, partition, offset), office)
    if not items:
        raise Problem("not-found")
    return answer_items(items, None)


@requires("returns")
async def read_returns(
    receipt_id: str, parameters: Annotated[OfficeParameters, Query()], resources: ResourcesDep, bearer: BearerDep
) -> Response:
    """Return every attempt of one record; another office's is not found."""
    office = agreed_office(bearer, parameters.office, resources.offices)
    items: list[str] = []
    if receipt_id.isascii() and receipt_id.isalnum():
        async with reading(resources.reads) as connection:
            items = await read_by_receipt(connection, receipt_id, office)
    if not items:
        raise Problem("not-found")
    return answer_items(items, None)


@requires("returns")
async def acknowledge_returns(
    request: Request, parameters: Annotated[OfficeParameters, Query()], resources: ResourcesDep, bearer: BearerDep
) -> Response:
    """Remember how far an office has read: idempotent, never backwards."""
    office = one_office(bearer, parameters.office, resources.offices)
    wanted = (await read_json(request, AcknowledgementRequest)).through
    if not (wanted.isascii() and wanted.isdigit()):
        raise invalid(Fault("bad-cursor", "#/through"))
    async with writing(resources.pool) as connection:
        tip = await read_tip(connection, office)
        if int(wanted) > tip:
            raise invalid(Fault("beyond-tip", "#/through"))
        through = await acknowledge(connection, office, int(wanted))
    return answer({"through": str(through), "tip": str(tip), "lag": tip - through})
