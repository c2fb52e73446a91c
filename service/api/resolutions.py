"""Resolutions of cases: proposed, approved or refused by another person, and whole correction files.

Four eyes: what takes a code from its holder, keeps a non-conforming code, allows a conflict or transfers a code waits
for another person; whoever proposes it is a person too.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated, Literal

from fastapi import FastAPI, Query, Request, Response
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from service.api.bodies import answer, read_json
from service.api.models import Body, Case
from service.api.parameters import NO_PARAMETERS, Parameters, PlainText
from service.auth.policy import requires
from service.case_texts import case_json
from service.correction_files import read_form
from service.deps import BearerDep, ResourcesDep
from service.problems import FAULTS, Fault, Problem, invalid, too_large
from service.resources import Resources
from service.submission_files.formats import MAX_UNPACKED_BYTES, XLSX, format_of
from service.tables import UnreadableTable
from sync import cases
from sync.cases import NoSuchCase, NotAwaiting, Order, SamePerson
from sync.corrections import Answer, Clerk, Correction, carry_out
from sync.four_eyes import Hindrance, NotPossible
from sync.store.case_lists import CaseRow, find_case
from sync.store.clients import Bearer
from sync.store.connection import reading
from validators.findings import Operation
from validators.uscc import normalize

FILE_PATH = "/v1/cases/resolutions"
MOST_ROWS = 5_000
_POINTERS: dict[Hindrance, str] = {
    "not-a-member": "#/receipt_id",
    "new-code-missing": "#/new_uscc",
    "new-code-malformed": "#/new_uscc",
    "new-code-foreign": "#/new_uscc",
}


def _readable(value: str) -> str:
    if not value.replace("\n", "").isprintable():
        raise PydanticCustomError("bad_text", "holds characters that are not allowed")
    return value


_Reason = Annotated[str, Field(min_length=1, max_length=2_000), AfterValidator(_readable)]
_FORM = {
    "requestBody": {
        "required": True,
        "description": "The correction form: 统一社会信用代码, 机构名称, 数据操作标识位 (0 assign, 1 withdraw, "
        f"2 keep), 新统一社会信用代码, 原因; or uscc, name, flag, new_uscc, reason. At most {MOST_ROWS:,} rows.",
        "content": {
            "text/csv": {
                "schema": {"type": "string"},
                "example": "uscc,name,flag,new_uscc,reason\r\n91210100MA00004960,沈阳示例有限公司,2,,核对无误\r\n",
            },
            XLSX: {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


class ResolutionRequest(Body):
    """What is to be done about a case; `receipt_id` names the member that it is done to."""

    operation: Literal["keep", "withdraw", "assign"]
    receipt_id: PlainText
    new_uscc: PlainText | None = None
    successor_uscc: PlainText | None = None
    reason: _Reason


class ApprovalRequest(Body):
    """The word of another person; `approve` false refuses what was proposed."""

    approve: bool = True
    reason: _Reason | None = None


class RowProblem(Body):
    """Why a row was refused."""

    code: str
    zh: str
    en: str


class CorrectionAnswer(Body):
    """What became of one row; `row` is its line in the file, the header being 1."""

    row: int
    uscc: str
    name: str
    flag: str
    result: Literal["done", "awaiting_approval", "unchanged", "skipped", "refused", "not_carried_out"]
    case_id: str | None
    problem: RowProblem | None


class CorrectionAnswers(Body):
    """What became of a file; in mode `all` a refused row leaves every other not carried out."""

    mode: Literal["rows", "all"]
    rows: int
    counts: dict[str, int]
    items: list[CorrectionAnswer]


class FileParameters(Parameters):
    """Whether each row stands for itself, or all of them together."""

    mode: Literal["rows", "all"] = "rows"


def add_routes(app: FastAPI) -> None:
    """Add the endpoints."""
    app.add_api_route(
        FILE_PATH,
        post_file,
        methods=["POST"],
        response_model=CorrectionAnswers,
        openapi_extra=_FORM,
        tags=["cases"],
        summary="纠错文件 · A correction file",
    )
    app.add_api_route(
        "/v1/cases/{case_id}/resolutions",
        post_resolution,
        methods=["POST"],
        dependencies=[NO_PARAMETERS],
        response_model=Case,
        responses={202: {"model": Case, "description": "It waits for another person (awaiting_approval)"}},
        openapi_extra={
            "requestBody": {"content": {"application/json": {"schema": ResolutionRequest.model_json_schema()}}}
        },
        tags=["cases"],
        summary="处理案件 · Resolve a case",
    )
    app.add_api_route(
        "/v1/cases/{case_id}/approvals",
        post_approval,
        methods=["POST"],
        dependencies=[NO_PARAMETERS],
        response_model=Case,
        openapi_extra={
            "requestBody": {"content": {"application/json": {"schema": ApprovalRequest.model_json_schema()}}}
        },
        tags=["cases"],
        summary="复核 · Approve a resolution",
    )


@requires("cases")
async def post_resolution(case_id: str, request: Request, resources: ResourcesDep, bearer: BearerDep) -> Response:
    """Resolve a case: 200 with the case, or 202 where another person must approve."""
    wanted = await read_json(request, ResolutionRequest)
    case = await _case(resources, case_id, bearer)
    _check_own(case, wanted.receipt_id, bearer)
    order = Order(
        case_id=case_id,
        operation=Operation(wanted.operation),
        receipt_id=wanted.receipt_id,
        new_uscc=_code(wanted.new_uscc),
        successor_uscc=_code(wanted.successor_uscc),
        reason=wanted.reason,
        actor=bearer.name,
        via="api",
        is_person=bearer.person,
    )
    try:
        is_done = await cases.propose(await resources.case_desk.applier(), order)
    except NoSuchCase:
        raise Problem("conflict", errors=[Fault("no-open-case", "#")]) from None
    except NotPossible as error:
        raise _hindered(error.hindrance) from None
    return answer(case_json(await _case(resources, case_id, bearer)), 200 if is_done else 202)


@requires("cases")
async def post_approval(case_id: str, request: Request, resources: ResourcesDep, bearer: BearerDep) -> Response:
    """Approve, as another person, what was proposed; or refuse it."""
    word = await read_json(request, ApprovalRequest) if await request.body() else ApprovalRequest()
    await _case(resources, case_id, bearer)
    if not bearer.person:
        raise Problem("not-permitted", members={"needs": "person"})
    applier = await resources.case_desk.applier()
    settle = cases.approve if word.approve else cases.refuse
    try:
        await settle(applier, case_id, actor=bearer.name, reason=word.reason)
    except SamePerson:
        raise Problem("not-permitted", members={"needs": "another person"}) from None
    except (NoSuchCase, NotAwaiting):
        raise Problem("conflict", errors=[Fault("nothing-awaits", "#")]) from None
    except NotPossible as error:
        raise _hindered(error.hindrance) from None
    return answer(case_json(await _case(resources, case_id, bearer)))


@requires("cases")
async def post_file(
    parameters: Annotated[FileParameters, Query()], request: Request, resources: ResourcesDep, bearer: BearerDep
) -> Response:
    """Carry out a correction file: an answer for each row; in mode `all` every row or none (409)."""
    rows = await _read_rows(request)
    clerk = Clerk(name=bearer.name, office=bearer.office, is_person=bearer.person)
    answers = await carry_out(await resources.case_desk.applier(), rows, clerk, mode=parameters.mode)
    document = {
        "mode": parameters.mode,
        "rows": len(answers),
        "counts": {
            result: sum(each.result == result for each in answers)
            for result in sorted({each.result for each in answers})
        },
        "items": [answer_json(each) for each in answers],
    }
    if parameters.mode == "all" and any(each.result == "refused" for each in answers):
        raise Problem("conflict", members=document)
    return answer(document)


def answer_json(row: Answer) -> dict[str, object]:
    """Return the answer to one row."""
    text = FAULTS[row.hindrance] if row.hindrance is not None else None
    return {
        "row": row.line,
        "uscc": row.uscc,
        "name": row.name,
        "flag": row.flag,
        "result": row.result,
        "case_id": row.case_id,
        "problem": None if text is None else {"code": row.hindrance, "zh": text.zh, "en": text.en},
    }


async def _case(resources: Resources, case_id: str, bearer: Bearer) -> CaseRow:
    """Return a case that concerns the bearer's office, from the database itself: a replica may be behind."""
    case = None
    if case_id.isprintable():
        async with reading(resources.pool) as connection:
            case = await find_case(connection, case_id, bearer.office)
    if case is None:
        raise Problem("not-found")
    return case


def _check_own(case: CaseRow, receipt_id: str, bearer: Bearer) -> None:
    """Let an office speak of its own records only; the centre speaks of all."""
    if bearer.office is None:
        return
    if any(member.receipt_id == receipt_id and member.office != bearer.office for member in case.members):
        raise Problem("not-permitted")


def _code(claimed: str | None) -> str | None:
    return None if claimed is None else normalize(claimed)


def _hindered(hindrance: Hindrance) -> Problem:
    if hindrance == "person-needed":
        return Problem("not-permitted", members={"needs": "person"})
    pointer = _POINTERS.get(hindrance)
    fault = Fault(hindrance, pointer or "#")
    return invalid(fault) if pointer is not None else Problem("conflict", errors=[fault])


async def _read_rows(request: Request) -> list[Correction]:
    """Return the rows of a posted form.

    Raises:
        Problem: another media type, no table, a missing column, or too many rows.
    """
    form = format_of(request.headers.get("content-type"))
    if form is None or form.kind not in ("csv", "xlsx"):
        raise Problem("unsupported-media-type", facts={"expected": f"text/csv, {XLSX}"})
    body = await request.body()
    given = "charset" in request.headers.get("content-type", "").lower()
    with tempfile.TemporaryDirectory(prefix="uscc-corrections-") as folder:
        path = Path(folder) / f"form.{form.kind}"
        path.write_bytes(body)
        try:
            rows = await asyncio.to_thread(read_form, path, form.charset if given else None)
        except UnreadableTable as error:
            if error.code == "payload-too-large":
                raise too_large(MAX_UNPACKED_BYTES) from None
            raise invalid(Fault(error.code, "#", error.expected)) from None
    if not rows:
        raise invalid(Fault("no-records", "#"))
    if len(rows) > MOST_ROWS:
        raise invalid(Fault("too-long", "#", f"{MOST_ROWS:,} rows"))
    return rows
