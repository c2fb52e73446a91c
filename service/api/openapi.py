"""The OpenAPI document and a page that shows it without any foreign script, font or address."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from importlib.resources import files
from typing import Any

from fastapi import FastAPI, Response
from fastapi.openapi.utils import get_openapi

from service.api.bodies import answer
from service.api.examples import add_examples
from service.api.models import ProblemDocument
from service.api.parameters import NO_PARAMETERS
from service.api.registration_models import Registration
from service.api.registrations import LOOK_UP_PATH, RegistrationParameters
from service.auth.policy import policy_of, public
from service.deps import ResourcesDep
from service.problems import PREFIX

_PAGE_POLICY = "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_METHODS = ("get", "post", "put", "delete", "patch")
_DESCRIPTION = (
    "统一社会信用代码登记库。错误一律为 RFC 9457 problem+json，文字随 Accept-Language（zh、en）。\n\n"
    "Registry of unified social credit codes. Every error is RFC 9457 problem+json; texts follow Accept-Language."
)


def add_routes(app: FastAPI) -> None:
    """Add the endpoints."""
    app.add_api_route(
        "/openapi.json", show_openapi, methods=["GET"], dependencies=[NO_PARAMETERS], include_in_schema=False
    )
    app.add_api_route("/docs", show_page, methods=["GET"], dependencies=[NO_PARAMETERS], include_in_schema=False)
    app.add_api_route("/docs.css", show_style, methods=["GET"], dependencies=[NO_PARAMETERS], include_in_schema=False)


@public
async def show_openapi(resources: ResourcesDep) -> Response:
    """Return the OpenAPI document."""
    return answer(resources.openapi_document)


@public
async def show_page(resources: ResourcesDep) -> Response:
    """Return the OpenAPI document as a page to read."""
    page = render_page(resources.openapi_document)
    return Response(page, media_type="text/html; charset=utf-8", headers={"content-security-policy": _PAGE_POLICY})


@public
async def show_style() -> Response:
    """Return the style sheet of the page."""
    style = files("service.api").joinpath("docs.css").read_text("utf-8")
    return Response(style, media_type="text/css; charset=utf-8", headers={"cache-control": "public, max-age=3600"})


def build_document(app: FastAPI, version: str) -> dict[str, Any]:
    """Return the OpenAPI document of an application: with keys, problems, and the one route that is not FastAPI's."""
    document = get_openapi(
        title="统一社会信用代码登记库 · Registry of unified social credit codes",
        version=version,
        description=_DESCRIPTION,
        routes=app.routes,
    )
    schemas: dict[str, Any] = document.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for model in (ProblemDocument, Registration):
        _add_schema(schemas, model.model_json_schema(ref_template="#/components/schemas/{model}"))
    document["paths"][LOOK_UP_PATH] = {"get": _look_up_operation()}
    document["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer", "bearerFormat": "uscc_…"}}
    scopes = _scopes(app.routes)
    paths = {_readable(path): item for path, item in document["paths"].items()}
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                _complete(item[method], scopes.get((method, path)))
    document["paths"] = dict(sorted(paths.items()))
    add_examples(document)
    return document


def _add_schema(schemas: dict[str, Any], schema: dict[str, Any]) -> None:
    schemas.update(schema.pop("$defs", {}))
    schemas[schema["title"]] = schema


def _readable(path: str) -> str:
    return path.replace(":path}", "}")


def _scopes(routes: Iterable[object]) -> Mapping[tuple[str, str], str | None]:
    scopes: dict[tuple[str, str], str | None] = {}
    for route in routes:
        policy = policy_of(route.endpoint) if hasattr(route, "endpoint") else None
        path = str(getattr(route, "path_format", getattr(route, "path", "")))
        for method in getattr(route, "methods", None) or ():
            scopes[str(method).lower(), path] = None if policy is None else policy.scope
    return scopes


def _complete(operation: dict[str, Any], scope: str | None) -> None:
    """Add to an operation the key that it needs and the problems that it answers with."""
    responses: dict[str, Any] = operation["responses"]
    responses.pop("422", None)
    problem = {"$ref": "#/components/schemas/ProblemDocument"}
    responses["default"] = {
        "description": f"RFC 9457 problem; `type` is one of {PREFIX}…",
        "content": {"application/problem+json": {"schema": problem}},
    }
    for response in responses.values():
        content = response.get("content", {})
        if len(content) > 1 and content.get("application/json", {}).get("schema") == {}:
            del content["application/json"]  # The framework's guess, where the endpoint says what it answers.
        response.setdefault("headers", {})["X-Request-Id"] = {
            "description": "The request's id, as the service's logs have it",
            "schema": {"type": "string"},
        }
    if scope is not None:
        operation["security"] = [{"key": []}]
        operation["x-scope"] = scope


def _look_up_operation() -> dict[str, Any]:
    """Describe GET /v1/registrations/{uscc}, which is a plain ASGI endpoint."""
    properties = RegistrationParameters.model_json_schema()["properties"]
    parameters = [{"name": "uscc", "in": "path", "required": True, "schema": {"type": "string"}}]
    parameters += [
        {"name": name, "in": "query", "required": False, "schema": schema} for name, schema in properties.items()
    ]
    registration = {"$ref": "#/components/schemas/Registration"}
    return {
        "tags": ["registrations"],
        "summary": "按代码查询 · Look one code up",
        "description": "The registration as it is, or as it was at `as_of` and known at `known_at`. Answers 304 to a "
        "matching If-None-Match, 404 for a code that is not registered, 410 for one that was withdrawn, and 422 for "
        "what is no code.",
        "operationId": "look_up_code",
        "parameters": parameters,
        "responses": {
            "200": {
                "description": "registration/1",
                "headers": {"ETag": {"schema": {"type": "string"}}, "X-Watermark": {"schema": {"type": "string"}}},
                "content": {"application/json": {"schema": registration}},
            },
            "304": {"description": "Not modified"},
        },
    }


def render_page(document: Mapping[str, Any]) -> str:
    """Return the document as one HTML page."""
    info = document["info"]
    operations = [
        (path, method, item[method])
        for path, item in document["paths"].items()
        for method in _METHODS
        if method in item
    ]
    listed = "".join(
        f'<li><a href="#{_anchor(path, method)}"><b>{method.upper()}</b> <code>{escape(path)}</code></a></li>'
        for path, method, _ in operations
    )
    shown = "".join(_operation(path, method, operation) for path, method, operation in operations)
    schemas = document["components"]["schemas"]
    models = "".join(_schema(name, schema) for name, schema in sorted(schemas.items()))
    description = "".join(f"<p>{escape(text)}</p>" for text in str(info["description"]).split("\n\n"))
    return (
        f'<!doctype html><html lang="zh"><head><meta charset="utf-8"><title>{escape(info["title"])}</title>'
        '<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/docs.css"></head><body>'
        f"<header><h1>{escape(info['title'])}</h1><p>{escape(info['version'])} · "
        f'<a href="/openapi.json">openapi.json</a></p>{description}</header>'
        f"<nav><ul>{listed}</ul></nav><main>{shown}<h2>Schemas</h2>{models}</main></body></html>"
    )


def _anchor(path: str, method: str) -> str:
    return escape(method + path.replace("/", "-").replace("{", "").replace("}", ""))


def _operation(path: str, method: str, operation: Mapping[str, Any]) -> str:
    parameters = "".join(
        f"<tr><td><code>{escape(each['name'])}</code></td><td>{escape(each['in'])}</td>"
        f"<td>{escape(_type(each.get('schema', {})))}</td><td>{'✓' if each.get('required') else ''}</td></tr>"
        for each in operation.get("parameters", ())
    )
    table = f"<table><tr><th>parameter</th><th>in</th><th>type</th><th>required</th></tr>{parameters}</table>"
    responses = "".join(
        f"<tr><td>{escape(status)}</td><td>{escape(response.get('description', ''))}</td>"
        f"<td>{_content(response)}</td></tr>"
        for status, response in operation["responses"].items()
    )
    body = operation.get("requestBody")
    scope = operation.get("x-scope")
    return (
        f'<section id="{_anchor(path, method)}"><h2><b>{method.upper()}</b> <code>{escape(path)}</code></h2>'
        f"<p>{escape(operation.get('summary', ''))}</p><p>{escape(operation.get('description', ''))}</p>"
        f"<p>scope: {escape(scope) if scope else '—'}</p>{table if parameters else ''}"
        f"{'<h3>body</h3>' + _content(body) if body else ''}<h3>answers</h3><table>{responses}</table></section>"
    )


def _content(holder: Mapping[str, Any]) -> str:
    return " ".join(
        f"{escape(media)}: {_link(content.get('schema', {}))}" for media, content in holder.get("content", {}).items()
    )


def _link(schema: Mapping[str, Any]) -> str:
    reference = schema.get("$ref")
    if isinstance(reference, str):
        name = reference.rsplit("/", 1)[-1]
        return f'<a href="#schema-{escape(name)}">{escape(name)}</a>'
    return escape(_type(schema))


def _type(schema: Mapping[str, Any]) -> str:
    """Say in a few words what a schema takes."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if "anyOf" in schema:
        return " | ".join(_type(each) for each in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(str(each) for each in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    if schema.get("type") == "array":
        return f"[{_type(schema.get('items', {}))}]"
    limits = [f"{word} {schema[key]}" for key, word in (("minimum", "≥"), ("maximum", "≤")) if key in schema]
    return " ".join([str(schema.get("format") or schema.get("type") or schema.get("title") or "any"), *limits])


def _schema(name: str, schema: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(member)}</code></td><td>{_link(each)}</td></tr>"
        for member, each in schema.get("properties", {}).items()
    )
    return (
        f'<section id="schema-{escape(name)}"><h3>{escape(name)}</h3><p>{escape(schema.get("description", ""))}</p>'
        f"<table>{rows}</table></section>"
    )
