"""The published tables: rules, registration authorities, divisions, problem types. Public, in both languages."""

from __future__ import annotations

from datetime import datetime

from fastapi import FastAPI, Response

from service.api.bodies import answer
from service.api.codes import normalized
from service.api.models import AuthorityTable, Division, ProblemTypeDocument, Rules
from service.api.parameters import NO_PARAMETERS
from service.auth.limits import SHANGHAI
from service.auth.policy import public
from service.deps import ResourcesDep
from service.problems import PREFIX, PROBLEMS, Fault, Problem, invalid
from validators.division import Divisions
from validators.rulebook import PROBLEM_CLASSES, Text
from validators.tables import rows

AUTHORITIES_EDITION = "GB 32100-2015/XG1-2016"
DIVISIONS_EDITION = "GB/T 2260"


def add_routes(app: FastAPI) -> None:
    """Add the endpoints."""
    app.add_api_route(
        "/v1/rules",
        list_rules,
        methods=["GET"],
        dependencies=[NO_PARAMETERS],
        response_model=Rules,
        tags=["reference"],
        summary="规则表 · The rulebook",
    )
    app.add_api_route(
        "/v1/authorities",
        list_authorities,
        methods=["GET"],
        dependencies=[NO_PARAMETERS],
        response_model=AuthorityTable,
        tags=["reference"],
        summary="登记管理部门与机构类别 · Registration authorities and categories",
    )
    app.add_api_route(
        "/v1/divisions/{code}",
        show_division,
        methods=["GET"],
        dependencies=[NO_PARAMETERS],
        response_model=Division,
        tags=["reference"],
        summary="行政区划 · One division",
    )
    app.add_api_route(
        "/problems/{name}",
        show_problem,
        methods=["GET"],
        dependencies=[NO_PARAMETERS],
        response_model=ProblemTypeDocument,
        tags=["reference"],
        summary="问题类型 · One type of problem",
    )


def _text(text: Text) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}


@public
async def list_rules(resources: ResourcesDep) -> Response:
    """Return every rule with what it says, reads and advises."""
    ruleset = resources.config.ruleset
    items = [
        {
            "rule": rule.id,
            "class": rule.problem_class,
            "title": _text(rule.title),
            "explanation": _text(rule.explanation),
            "advice": _text(rule.advice),
            "fields": list(rule.fields),
            "source": rule.source,
            "example": rule.example,
        }
        for rule in ruleset.rules.values()
    ]
    classes = [{"class": number, "title": {"zh": zh, "en": en}} for number, (zh, en) in PROBLEM_CLASSES.items()]
    return answer({"edition": ruleset.version, "classes": classes, "items": items})


@public
async def list_authorities() -> Response:
    """Return every registration authority with its categories."""
    items: dict[str, dict[str, object]] = {}
    categories: dict[str, list[dict[str, object]]] = {}
    for row in rows("authorities"):
        code = row["registration_authority_code"]
        categories.setdefault(code, []).append(
            {
                "organization_category_code": row["organization_category_code"],
                "title": {"zh": row["category_zh"], "en": row["category_en"]},
                "listed": row["status"] == "listed",
            }
        )
        items[code] = {
            "registration_authority_code": code,
            "title": {"zh": row["authority_zh"], "en": row["authority_en"]},
            "categories": categories[code],
        }
    return answer({"edition": AUTHORITIES_EDITION, "items": list(items.values())})


@public
async def show_division(code: str) -> Response:
    """Return one division, and whether it is in force today."""
    division = normalized(code)
    if not (len(division) == 6 and division.isascii() and division.isdigit()):
        raise invalid(Fault("wrong-type", "#/code", "GB/T 2260: 6 digits"))
    divisions = Divisions.load()
    title = divisions.title(division)
    if title is None or not divisions.known(division):
        raise Problem("not-found")
    in_force = divisions.in_force(division, datetime.now(SHANGHAI).date())
    document = {"code": division, "title": _text(title), "in_force": in_force, "edition": DIVISIONS_EDITION}
    return answer(document)


@public
async def show_problem(name: str) -> Response:
    """Return what a type of problem means."""
    entry = PROBLEMS.get(name)
    if entry is None:
        raise Problem("not-found")
    document = {
        "type": PREFIX + name,
        "status": entry.status,
        "title": _text(entry.title),
        "detail": _text(entry.detail),
    }
    return answer(document)
