"""Declared batches: what an office says it sent, so that a batch that came short shows as not received."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import FastAPI, Query, Request, Response

from service.api.bodies import answer, read_json
from service.api.feed_models import BatchDeclaration, BatchDeclarationRequest
from service.api.parameters import Parameters, PlainText
from service.auth.bearers import one_office
from service.auth.policy import requires
from service.deps import BearerDep, ContextDep, ResourcesDep
from service.problems import Fault, invalid
from sync.envelope import LONGEST_ID
from sync.instants import format_instant
from sync.store.audits import write_audit
from sync.store.connection import writing
from sync.store.submissions import declare_batch as store_declaration


class BatchParameters(Parameters):
    """For which office."""

    office: PlainText | None = None


def add_routes(app: FastAPI) -> None:
    """Add the endpoint."""
    app.add_api_route(
        "/v1/batches/{batch_id:path}",
        declare_batch,
        methods=["PUT"],
        response_model=BatchDeclaration,
        tags=["submissions"],
        summary="申报批次 · Declare what a batch holds",
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {
                        "schema": BatchDeclarationRequest.model_json_schema(),
                        "example": {"records": 1042, "date": "2026-11-20"},
                    }
                },
            }
        },
    )


@requires("submit")
async def declare_batch(
    batch_id: str,
    request: Request,
    parameters: Annotated[BatchParameters, Query()],
    resources: ResourcesDep,
    context: ContextDep,
    bearer: BearerDep,
) -> Response:
    """Declare a batch, or declare it anew: the last word counts."""
    office = one_office(bearer, parameters.office, resources.offices)
    if not (1 <= len(batch_id) <= LONGEST_ID and batch_id.isprintable()):
        raise invalid(Fault("bad-text", "#/batch_id"))
    wanted = await read_json(request, BatchDeclarationRequest)
    now = datetime.now(UTC)
    async with writing(resources.pool) as connection:
        declared = await store_declaration(
            connection,
            office=office,
            batch_id=batch_id,
            records=wanted.records,
            date=date.fromisoformat(wanted.date),
            client=bearer.name,
            now=now,
        )
        await write_audit(
            connection,
            actor=bearer.name,
            action="batch_declared",
            subject=f"{office}/{batch_id}",
            request_id=context.request_id,
            detail={"records": declared.records, "date": declared.date.isoformat()},
        )
    return answer(
        {
            "office": declared.office,
            "batch_id": declared.batch_id,
            "records": declared.records,
            "date": declared.date.isoformat(),
            "declared_at": format_instant(declared.declared_at),
        }
    )
