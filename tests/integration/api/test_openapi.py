"""The OpenAPI document is complete: every operation says what it is, what it takes and answers, with true examples."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from tests.integration.api.conftest import Api

_UNTYPED = {"/livez"}


@pytest.fixture
async def document(api: Api) -> dict[str, Any]:
    """The document as everybody gets it."""
    found: dict[str, Any] = (await api.get("/openapi.json", key=None)).json()
    return found


async def test_every_operation_is_described(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    for path, item in document["paths"].items():
        for method, operation in item.items():
            told = {name: bool(operation.get(name)) for name in ("summary", "description", "tags", "operationId")}
            assert (method, path, dict.fromkeys(told, True)) == (method, path, told)
            assert "·" in operation["summary"]
            assert "X-Request-Id" in operation["responses"]["default"]["headers"]


async def test_every_json_body_has_an_example_of_its_schema(document: dict[str, Any]) -> None:
    checked = 0
    for path, item in document["paths"].items():
        for operation in item.values():
            for holder in (operation.get("requestBody", {}), *operation["responses"].values()):
                for media_type, content in holder.get("content", {}).items():
                    if media_type not in ("application/json", "application/problem+json") or path in _UNTYPED:
                        continue
                    schema = content["schema"] | {"components": document["components"]}
                    jsonschema.Draft202012Validator(schema).validate(content["example"])
                    checked += 1
    assert checked > 60


async def test_parameters_have_examples_of_their_schemas(document: dict[str, Any]) -> None:
    for item in document["paths"].values():
        for operation in item.values():
            for parameter in operation.get("parameters", ()):
                if "example" in parameter:
                    jsonschema.Draft202012Validator(parameter["schema"]).validate(parameter["example"])
                elif parameter["required"]:
                    pytest.fail(f"{operation['operationId']}: {parameter['name']} has no example")
