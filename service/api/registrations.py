"""The registry by code: the hot look-up, the past, the history, and look-ups by the thousand.

GET /v1/registrations/{uscc} is a plain ASGI endpoint: it is what most callers ask for, and a framework's routing costs
more than the look-up itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import parse_qsl

import orjson
from fastapi import FastAPI, Query, Request, Response
from pydantic import ValidationError
from starlette.routing import Route

from service.api.bodies import answer, is_text, read_json
from service.api.codes import Judge, askable, normalized, open_judge
from service.api.look_ups import Answer, encode_registration, entity_tag, look_up_many, registration_of
from service.api.models import Page
from service.api.parameters import Instant, Limit, Parameters, PlainText, instant_or_none
from service.api.registration_models import HistoricRegistration, Lookup, LookupRequest
from service.auth.policy import Policy, requires
from service.deps import BearerDep, ContextDep, ResourcesDep, admit, context_of, resources_of
from service.middleware import Context, Quick, Receive, Scope, Send
from service.problems import Fault, Problem, faults_of, invalid, pointer_to
from service.resources import Resources
from sync.outcome import View
from sync.past import Withdrawal, history_of, registration_at
from sync.store.audits import write_audit
from sync.store.clients import Bearer
from sync.store.connection import ReadConn, reading, writing
from sync.store.registrations import look_up, read_applied, read_present, read_withdrawals

_POLICY = Policy("lookup")
_REVALIDATE = (b"cache-control", b"private, no-cache")
_JSON = (b"content-type", b"application/json")


class RegistrationParameters(Parameters):
    """Of when, as known when, for which purpose, and how fresh at least."""

    as_of: Instant | None = None
    known_at: Instant | None = None
    purpose: PlainText | None = None
    min_watermark: Instant | None = None


class HistoryParameters(Parameters):
    """A page of a history."""

    limit: Limit = 100
    after: Annotated[str | None, Query(pattern=r"^[0-9]{1,9}$")] = None
    purpose: PlainText | None = None
    min_watermark: Instant | None = None


class LookupParameters(Parameters):
    """Parameters of a look-up by the thousand."""

    purpose: PlainText | None = None
    min_watermark: Instant | None = None


def add_routes(app: FastAPI) -> None:
    """Add the endpoints: the hot one first, and last the pattern that takes a code with slashes, which is malformed."""
    app.router.routes.append(Route(LOOK_UP_PATH, look_up_code, methods=["GET"]))
    app.add_api_route(
        "/v1/registrations/{uscc:path}/history",
        read_history,
        methods=["GET"],
        tags=["registrations"],
        response_model=Page[HistoricRegistration],
        summary="代码的历史 · History of a code",
    )
    app.add_api_route(
        "/v1/registrations/lookup",
        look_up_codes,
        methods=["POST"],
        tags=["registrations"],
        response_model=Lookup,
        summary="批量查询 · Look codes up by the thousand",
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": LookupRequest.model_json_schema()}},
            }
        },
    )
    app.router.routes.append(Route("/v1/registrations/{uscc:path}", look_up_code, methods=["GET"]))


LOOK_UP_PATH = "/v1/registrations/{uscc}"


class _LookUpCode:
    """GET /v1/registrations/{uscc}, as ASGI."""

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer one look-up that came by way of the framework."""
        status, headers, body = await self.answer(scope, scope["path_params"]["uscc"])
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def answer(self, scope: Scope, claimed: str) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        """Return status, headers and body of the answer to one look-up."""
        resources = resources_of(scope)
        context = context_of(scope)
        context.route = LOOK_UP_PATH
        await admit(scope, resources, _POLICY)
        bearer = _bearer_of(context)
        context.extra_headers += ((b"x-watermark", resources.watermarks.header),)
        resources.limits.demand_misses(bearer)
        if scope["query_string"]:
            body = await _look_up_with(resources, context, bearer, claimed, _parameters(scope["query_string"]))
            etag = entity_tag(body)
        else:
            code = claimed if askable(claimed) else normalized(claimed)
            found = await resources.look_ups.find(code) if askable(code) else None
            if found is None or not (found.is_public or "restricted" in bearer.scopes):
                raise await _absent(resources, bearer, claimed)
            if found.body is None:
                raise await _withdrawn_now(resources, code)
            body = found.body
            etag = entity_tag(body)
            if bearer.organizations_per_day is not None:
                await resources.limits.demand_budget(bearer, (code,))
        if context.if_none_match and _matches(context.if_none_match, etag):
            return 304, [(b"etag", etag), _REVALIDATE], b""
        return 200, [_JSON, (b"content-length", b"%d" % len(body)), (b"etag", etag), _REVALIDATE], body


look_up_code = requires("lookup")(_LookUpCode())
QUICK = Quick("/v1/registrations/", look_up_code.answer)


def _bearer_of(context: Context) -> Bearer:
    if context.bearer is None:
        raise Problem("not-permitted")
    return context.bearer


def _matches(if_none_match: bytes, etag: bytes) -> bool:
    """Compare weakly, as If-None-Match asks."""
    return any(each.strip().removeprefix(b"W/") in (etag, b"*") for each in if_none_match.split(b","))


def _parameters(query: bytes) -> RegistrationParameters:
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    given = dict(pairs)
    if len(given) != len(pairs):
        names = [name for name, _ in pairs]
        raise invalid(*(Fault("repeated", pointer_to([name])) for name in sorted(given) if names.count(name) > 1))
    try:
        return RegistrationParameters.model_validate(given)
    except ValidationError as error:
        raise invalid(*faults_of(error.errors(include_input=False, include_url=False))) from None


async def _look_up_with(
    resources: Resources, context: Context, bearer: Bearer, claimed: str, parameters: RegistrationParameters
) -> bytes:
    """Answer a look-up that has parameters: of an instant, with personal fields, or fresh enough."""
    resources.watermarks.demand(instant_or_none(parameters.min_watermark))
    code = normalized(claimed)
    if not askable(code):
        raise await _absent(resources, bearer, claimed)
    as_of, known_at = instant_or_none(parameters.as_of), instant_or_none(parameters.known_at)
    if as_of is None and known_at is not None:
        as_of = datetime.now(UTC)
    personal = await personal_permitted(resources, context, bearer, parameters.purpose, [code])
    found: View | Withdrawal | None
    async with reading(resources.pool if personal else resources.reads) as connection:
        if as_of is None:
            found = await _present(connection, code, personal=personal, restricted="restricted" in bearer.scopes)
        else:
            found = await _past(
                connection, code, as_of, known_at, personal=personal, restricted="restricted" in bearer.scopes
            )
    if found is None:
        raise await _absent(resources, bearer, claimed)
    if isinstance(found, Withdrawal):
        raise _withdrawn(found.successor_uscc)
    await resources.limits.demand_budget(bearer, (code,))
    return encode_registration(found)


async def _present(connection: ReadConn, code: str, *, personal: bool, restricted: bool) -> View | Withdrawal | None:
    known = (await look_up(connection, [code], personal=personal)).get(code)
    if known is None or not (known.is_public or restricted):
        return None
    if known.view is not None:
        return known.view
    withdrawals = await read_withdrawals(connection, code)
    return withdrawals[-1] if withdrawals else None


async def _past(
    connection: ReadConn, code: str, as_of: datetime, known_at: datetime | None, *, personal: bool, restricted: bool
) -> View | Withdrawal | None:
    """Return what held at one instant as known at another; who is hidden now, or was then, is hidden."""
    present = await read_present(connection, code)
    if present is None or not (present.is_public or restricted):
        return None
    applied = await read_applied(connection, code, known_at=known_at, personal=personal)
    withdrawals = await read_withdrawals(connection, code, known_at=known_at, as_of=as_of)
    found = registration_at(code, applied, withdrawals, as_of)
    if isinstance(found, View) and not (found.is_public or restricted):
        return None
    return found


async def personal_permitted(
    resources: Resources, context: Context, bearer: Bearer, purpose: str | None, codes: Sequence[str]
) -> bool:
    """Whether personal fields may be shown; if so, the audit has its line before any of them is read."""
    if purpose is None or "personal" not in bearer.scopes:
        return False
    async with writing(resources.pool) as connection:
        await write_audit(
            connection,
            actor=bearer.name,
            action="personal_fields_read",
            subject=codes[0] if len(codes) == 1 else None,
            purpose=purpose,
            request_id=context.request_id,
            detail={"codes": list(codes)} if len(codes) > 1 else {},
        )
    return True


async def _absent(resources: Resources, bearer: Bearer, claimed: str) -> Problem:
    """Return what to say of a code that the registry does not show: malformed, or not registered."""
    if not is_text(claimed):
        return Problem("malformed-code", members={"findings": []})
    judge = await open_judge(resources, [normalized(claimed)])
    findings, verdict = judge.judge(claimed)
    if verdict in ("repairable", "invalid"):
        return Problem("malformed-code", members={"findings": [finding.as_json() for finding in findings]})
    resources.limits.count_misses(bearer, 1)
    return Problem("code-not-registered")


async def _withdrawn_now(resources: Resources, code: str) -> Problem:
    async with reading(resources.reads) as connection:
        withdrawals = await read_withdrawals(connection, code)
    return _withdrawn(withdrawals[-1].successor_uscc if withdrawals else None)


def _withdrawn(successor_uscc: str | None) -> Problem:
    return Problem("code-withdrawn", members={"successor_uscc": successor_uscc})


@requires("lookup")
async def read_history(
    uscc: str,
    parameters: Annotated[HistoryParameters, Query()],
    resources: ResourcesDep,
    context: ContextDep,
    bearer: BearerDep,
) -> Response:
    """Return every version of a code, newest recorded first; `after` is a version."""
    context.extra_headers += ((b"x-watermark", resources.watermarks.header),)
    resources.limits.demand_misses(bearer)
    resources.watermarks.demand(instant_or_none(parameters.min_watermark))
    code = normalized(uscc)
    restricted = "restricted" in bearer.scopes
    personal = False
    present = None
    if askable(code):
        async with reading(resources.reads) as connection:
            present = await read_present(connection, code)
    if present is None or not (present.is_public or restricted):
        raise await _absent(resources, bearer, uscc)
    personal = await personal_permitted(resources, context, bearer, parameters.purpose, [code])
    await resources.limits.demand_budget(bearer, (code,))
    async with reading(resources.pool if personal else resources.reads) as connection:
        entries = history_of(code, await read_applied(connection, code, personal=personal))
    shown = [entry for entry in entries if entry.view.is_public or restricted]
    if parameters.after is not None:
        shown = [entry for entry in shown if entry.version < int(parameters.after)]
    page = shown[: parameters.limit]
    items = [registration_of(entry.view) | {"superseded": entry.superseded, "kind": entry.kind} for entry in page]
    return answer({"items": items, "next": str(page[-1].version) if len(shown) > len(page) else None})


@requires("lookup")
async def look_up_codes(
    request: Request,
    parameters: Annotated[LookupParameters, Query()],
    resources: ResourcesDep,
    context: ContextDep,
    bearer: BearerDep,
) -> Response:
    """Look up to 10,000 codes up, each by itself, in the order of the request."""
    wanted = await read_json(request, LookupRequest)
    context.extra_headers += ((b"x-watermark", resources.watermarks.header),)
    resources.limits.demand_misses(bearer)
    resources.watermarks.demand(instant_or_none(parameters.min_watermark))
    claimed = [code if is_text(code) else None for code in wanted.codes]
    codes = [None if code is None else code if askable(code) else normalized(code) for code in claimed]
    asked = list({code for code in codes if code is not None and askable(code)})
    personal = await personal_permitted(resources, context, bearer, parameters.purpose, asked)
    found = await look_up_many(resources.pool if personal else resources.reads, asked, personal=personal)
    if "restricted" not in bearer.scopes:
        found = {code: known for code, known in found.items() if known.is_public}
    await resources.limits.demand_budget(bearer, [code for code, known in found.items() if known.body is not None])
    rendered = {code: orjson.Fragment(known.body) for code, known in found.items() if known.body is not None}
    absent = [code for code in codes if code is not None and code not in found]
    judge = await open_judge(resources, absent) if absent else None
    items: list[dict[str, object]] = []
    misses = 0
    for given, code in zip(claimed, codes, strict=True):
        result = _result(given, code, found, judge)
        misses += result == "not_registered"
        registration = rendered.get(code) if code is not None else None
        items.append({"code": given, "normalized": code, "result": result, "registration": registration})
    resources.limits.count_misses(bearer, misses)
    return answer({"items": items})


def _result(claimed: str | None, code: str | None, found: dict[str, Answer], judge: Judge | None) -> str:
    if claimed is None or code is None:
        return "malformed"
    known = found.get(code)
    if known is not None:
        return "withdrawn" if known.body is None else "found"
    if judge is None or judge.is_malformed(claimed):
        return "malformed"
    return "not_registered"
