"""GET /v1/validations/{code}, POST /v1/validations: what the rules say of bare codes. Public."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request, Response

from service.api.bodies import answer, is_text, read_json
from service.api.codes import normalized, open_judge, publicly_registered
from service.api.parameters import NO_PARAMETERS
from service.api.registration_models import Validation, ValidationRequest, Validations
from service.auth.policy import public
from service.deps import ResourcesDep
from service.resources import Resources
from validators.fields import FIELDS
from validators.findings import Occasion
from validators.rulebook import Ruleset

_CODES_PER_TURN = 200
_LONGEST_CODE = 1_000
_COMPONENTS = (
    "registration_authority_code",
    "organization_category_code",
    "division_code",
    "subject_identification_code",
    "check_character",
)


def add_routes(app: FastAPI) -> None:
    """Add the endpoints."""
    app.add_api_route(
        "/v1/validations/{code:path}",
        validate_code,
        methods=["GET"],
        dependencies=[NO_PARAMETERS],
        response_model=Validation,
        tags=["validations"],
        summary="校验一个代码 · Validate one code",
    )
    app.add_api_route(
        "/v1/validations",
        validate_codes,
        methods=["POST"],
        dependencies=[NO_PARAMETERS],
        response_model=Validations,
        tags=["validations"],
        summary="批量校验代码 · Validate codes",
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": ValidationRequest.model_json_schema()}},
            }
        },
    )


@public
async def validate_code(code: str, resources: ResourcesDep) -> Response:
    """Judge one code: its parts, every finding, ranked suggestions."""
    return answer((await _validate(resources, [code], explain=False))[0])


@public
async def validate_codes(request: Request, resources: ResourcesDep) -> Response:
    """Judge up to 10,000 codes, each by itself: one bad item never fails the batch."""
    wanted = await read_json(request, ValidationRequest)
    return answer({"items": await _validate(resources, wanted.codes, explain=wanted.explain)})


async def _validate(resources: Resources, codes: Sequence[object], *, explain: bool) -> list[dict[str, Any]]:
    """Judge codes in order; lets other requests have the loop every few hundred codes."""
    texts = [code if isinstance(code, str) and code and _readable(code) else None for code in codes]
    judge = await open_judge(resources, list({normalized(text) for text in texts if text is not None}))
    suggested: set[str] = set()
    for place, text in enumerate(texts):
        if text is not None:
            suggested.update(each for finding in judge.judge(text)[0] for each in finding.suggestions)
        await _give_way(place)
    held = await publicly_registered(resources, list(suggested))
    ruleset = resources.config.ruleset
    items = []
    for place, (code, text) in enumerate(zip(codes, texts, strict=True)):
        item = _unreadable(code, ruleset) if text is None else judge.validation(text, held.__contains__)
        items.append(_explained(item, ruleset) if explain else item)
        await _give_way(place)
    return items


async def _give_way(place: int) -> None:
    if place % _CODES_PER_TURN == _CODES_PER_TURN - 1:
        await asyncio.sleep(0)


def _readable(code: object) -> bool:
    return isinstance(code, str) and len(code) <= _LONGEST_CODE and is_text(code)


def _explained(item: dict[str, Any], ruleset: Ruleset) -> dict[str, Any]:
    """Add to each finding what its rule is about."""
    for finding in item["findings"]:
        explanation = ruleset.rules[finding["rule"]].explanation
        finding["explanation"] = {"zh": explanation.zh, "en": explanation.en}
    return item


def _unreadable(claimed: object, ruleset: Ruleset) -> dict[str, Any]:
    """Judge what is no code at all: not a text, empty, endless, or without a UTF-8 form."""
    occasion = Occasion()
    if claimed is None or claimed == "":
        title = FIELDS["uscc"].title
        found = ruleset.find("Q01", occasion, "essential", field="uscc", field_zh=title.zh, field_en=title.en)
    elif isinstance(claimed, str) and len(claimed) <= _LONGEST_CODE:
        found = ruleset.find("M06", occasion, "surrogate", field="uscc")
    else:
        found = ruleset.find("M06", occasion, field="uscc", expected="string", actual=_kind(claimed))
    shown = claimed if _readable(claimed) else None
    return {
        "claimed": shown,
        "normalized": shown,
        "verdict": "invalid",
        "components": {name: {"value": None, "title": None, "known": False} for name in _COMPONENTS},
        "findings": [] if found is None else [found.as_json()],
        "suggestions": [],
    }


def _kind(value: object) -> str:
    """Say what a JSON value is, without the value."""
    if isinstance(value, str):
        return f"string of {len(value)} characters"
    if isinstance(value, bool):
        return "boolean"
    return {int: "number", float: "number", list: "array"}.get(type(value), "object")
