"""Cases (重错码): the list and one case, for the offices that they concern."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Literal

from fastapi import FastAPI, Query, Response
from pydantic import Field

from service.api.bodies import answer
from service.api.models import Case, Page
from service.api.parameters import NO_PARAMETERS, Limit, Parameters, PlainText
from service.auth.bearers import agreed_office
from service.auth.limits import SHANGHAI
from service.auth.policy import requires
from service.deps import BearerDep, ResourcesDep
from service.problems import Fault, Problem, invalid
from sync.instants import format_instant
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


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else format_instant(instant)


def case_json(case: CaseRow) -> dict[str, object]:
    """Return a case as the contract gives it."""
    due_at = datetime.combine(case.due_on + timedelta(days=1), time(), SHANGHAI)
    return {
        "case_id": case.case_id,
        "rule": case.rule,
        "uscc": case.uscc,
        "status": case.status,
        "opened_at": format_instant(case.opened_at),
        "due_at": format_instant(due_at),
        "due_on": case.due_on,
        "overdue": case.status != "resolved" and due_at <= datetime.now(UTC),
        "resolved_at": _instant(case.resolved_at),
        "offices": list(case.offices),
        "suggested_operation": case.suggested_operation,
        "reason": case.reason,
        "members": [
            {
                "receipt_id": member.receipt_id,
                "office": member.office,
                "uscc": member.uscc,
                "name": member.name,
                "role": member.role,
                "joined_at": format_instant(member.joined_at),
                "ended_at": _instant(member.ended_at),
            }
            for member in case.members
        ],
        "resolutions": [
            {
                "resolution_id": each.resolution_id,
                "operation": each.operation,
                "receipt_id": each.member_receipt,
                "new_uscc": each.new_uscc,
                "successor_uscc": each.successor_uscc,
                "reason": each.reason,
                "via": each.via,
                "status": each.status,
                "proposed_by": each.proposed_by,
                "proposed_at": format_instant(each.proposed_at),
                "approved_by": each.approved_by,
                "approved_at": _instant(each.approved_at),
                "approval_reason": each.approval_reason,
            }
            for each in case.resolutions
        ],
    }
