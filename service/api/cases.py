"""Cases (重错码): the list and one case, for the offices that they concern."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Annotated, Literal

from fastapi import FastAPI, Query, Response
from pydantic import Field

from service.api.bodies import answer
from service.api.models import Case, Page
from service.api.parameters import NO_PARAMETERS, Limit, Parameters, PlainText
from service.auth.bearers import agreed_office
from service.auth.policy import requires
from service.case_texts import case_json
from service.deps import BearerDep, ResourcesDep
from service.problems import Fault, Problem, invalid
from sync.store.case_lists import CaseFilters, CaseRow, find_case, list_cases
from sync.store.connection import reading


class CasesParameters(Parameters):
    """Which cases, and which page of them."""

    status: Literal["open", "awaiting_approval", "resolved"] | None = None
    rule: PlainText | None = None
    office: PlainText | None = None
    overdue: bool | None = None
    limit: Limit = 100
    after: Annotated[str | None, Field(max_length=200)] = None


def add_routes(app: FastAPI) -> None:
    """Add the endpoints."""
    app.add_api_route(
        "/v1/cases",
        show_cases,
        methods=["GET"],
        response_model=Page[Case],
        tags=["cases"],
        summary="重错码案件 · Cases",
    )
    app.add_api_route(
        "/v1/cases/{case_id}",
        show_case,
        methods=["GET"],
        dependencies=[NO_PARAMETERS],
        response_model=Case,
        tags=["cases"],
        summary="一个案件 · One case",
    )


@requires("cases")
async def show_cases(
    parameters: Annotated[CasesParameters, Query()], resources: ResourcesDep, bearer: BearerDep
) -> Response:
    """Return cases that concern the office, oldest first."""
    filters = CaseFilters(
        office=agreed_office(bearer, parameters.office, resources.offices),
        status=parameters.status,
        rule=parameters.rule,
        overdue=parameters.overdue,
    )
    after = None if parameters.after is None else _place(parameters.after)
    async with reading(resources.reads) as connection:
        cases = await list_cases(connection, filters, after, parameters.limit + 1)
    page = cases[: parameters.limit]
    following = _cursor(page[-1]) if len(cases) > len(page) else None
    return answer({"items": [case_json(case) for case in page], "next": following})


@requires("cases")
async def show_case(case_id: str, resources: ResourcesDep, bearer: BearerDep) -> Response:
    """Return one case; one that does not concern the office is not found."""
    case = None
    if case_id.isprintable():
        async with reading(resources.reads) as connection:
            case = await find_case(connection, case_id, bearer.office)
    if case is None:
        raise Problem("not-found")
    return answer(case_json(case))


def _cursor(case: CaseRow) -> str:
    place = f"{case.opened_at.isoformat()} {case.case_id}"
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def _place(cursor: str) -> tuple[datetime, str]:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
        instant, _, case_id = text.partition(" ")
        opened_at = datetime.fromisoformat(instant)
    except (binascii.Error, ValueError):
        raise invalid(Fault("bad-cursor", "#/after")) from None
    if opened_at.tzinfo is None or not case_id.isprintable():
        raise invalid(Fault("bad-cursor", "#/after"))
    return opened_at, case_id
