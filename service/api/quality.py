"""The figures that a province reports (数据质量): by office, division and day, as they were stored."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from pydantic import Field

from service.api.bodies import answer
from service.api.models import Page
from service.api.night_files import RESPONSES, Cell, Table, answer_table, form_of
from service.api.night_models import QualityBody
from service.api.parameters import Limit, Parameters, PlainText
from service.auth.bearers import agreed_office
from service.auth.policy import requires
from service.deps import BearerDep, ResourcesDep
from service.problems import Fault, invalid
from sync.nightly.quality import figures
from sync.store.connection import reading
from sync.store.nightly_quality import read_quality

_USUAL_DAYS = 30
_Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class QualityParameters(Parameters):
    """Of which office, division and days; the last 30 days where none are named."""

    office: PlainText | None = None
    division: Annotated[str | None, Field(pattern=r"^(\d{6}|unknown|all)$", description="all: the whole office")] = None
    from_: Annotated[_Day | None, Field(alias="from")] = None
    to: _Day | None = None
    limit: Limit = 100
    after: Annotated[str | None, Field(max_length=90)] = None


def add_routes(app: FastAPI) -> None:
    """Add the endpoint."""
    app.add_api_route(
        "/v1/quality",
        show_quality,
        methods=["GET"],
        response_model=Page[QualityBody],
        responses=RESPONSES,
        tags=["statements"],
        summary="数据质量 · Quality of what the offices send",
    )


@requires("statements")
async def show_quality(
    request: Request, parameters: Annotated[QualityParameters, Query()], resources: ResourcesDep, bearer: BearerDep
) -> Response:
    """Return stored figures, newest day first; a share of nothing is null."""
    office = agreed_office(bearer, parameters.office, resources.offices)
    last = _day(parameters.to, "#/to") or datetime.now(UTC).date() + timedelta(days=1)
    first = _day(parameters.from_, "#/from") or last - timedelta(days=_USUAL_DAYS)
    async with reading(resources.reads) as connection:
        rows = await read_quality(
            connection,
            office=office,
            division="" if parameters.division == "all" else parameters.division,
            first=first,
            last=last,
            after=_place(parameters.after),
            limit=parameters.limit + 1,
        )
    page = rows[: parameters.limit]
    form = form_of(request)
    items = [figures(row) for row in page]
    following = f"{page[-1].date.isoformat()} {page[-1].office} {page[-1].division}" if len(rows) > len(page) else None
    if form != "json":
        flat = [dict(_flat(item)) for item in items]
        table = Table(name="quality", header=_HEADER, rows=[[row.get(name) for name in _HEADER] for row in flat])
        return answer_table(request, form, table, following=following)
    return answer({"items": items, "next": following})


def _day(text: str | None, pointer: str) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        raise invalid(Fault("not-an-instant", pointer)) from None


def _place(cursor: str | None) -> tuple[date, str, str] | None:
    if cursor is None:
        return None
    parts = cursor.split(" ")
    day = _day(parts[0], "#/after")
    if len(parts) != 3 or day is None:
        raise invalid(Fault("bad-cursor", "#/after"))
    return day, parts[1], parts[2]


_HEADER = (
    "date", "office", "division", "received", "accepted", "unchanged", "superseded", "rejected", "held", "quarantined",
    "completeness.fields_required", "completeness.fields_missing", "completeness.share", "timeliness.records",
    "timeliness.late", "timeliness.within_limit", "timeliness.days.p50", "timeliness.days.p90", "timeliness.days.p99",
    "accuracy.unqualified", "accuracy.unqualified_rate", "accuracy.wrong_codes", "accuracy.wrong_code_rate",
    "conversion.stock", "conversion.converted", "conversion.share", "cases.open", "cases.overdue",
)  # fmt: skip


def _flat(item: dict[str, Any], prefix: str = "") -> list[tuple[str, Cell]]:
    """Return the members of a figure side by side."""
    cells: list[tuple[str, Cell]] = []
    for name, value in item.items():
        cells += _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else [(prefix + name, value)]
    return cells
