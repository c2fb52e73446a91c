"""Reads JSON bodies strictly: UTF-8, no duplicate members, no NaN, no runaway nesting, no slow trickle.

A lone surrogate in a text is let through here, because one bad item must not fail its batch; the item says so.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, Never, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from service.problems import Fault, Problem, faults_of, invalid

_BODY_SECONDS = 30.0
_Model = TypeVar("_Model", bound=BaseModel)
JSON = "application/json"


class _DuplicateMember(ValueError):
    """An object has a member twice."""


async def read_json(request: Request, model: type[_Model]) -> _Model:
    """Return the body of a request as a `model`.

    Raises:
        Problem: unsupported-media-type, request-timeout, invalid-request (with a pointer to every member at fault).
    """
    media_type = request.headers.get("content-type", JSON).partition(";")[0].strip().lower()
    if media_type != JSON:
        raise Problem("unsupported-media-type", facts={"expected": JSON})
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            body = await request.body()
    except TimeoutError:
        raise Problem("request-timeout", headers=((b"connection", b"close"),)) from None
    try:
        return model.model_validate(parse_json(body), strict=True)
    except ValidationError as error:
        raise invalid(*faults_of(error.errors(include_input=False, include_url=False))) from None


def parse_json(body: bytes) -> Any:
    """Parse a JSON text strictly.

    Raises:
        Problem: invalid-request; says what is wrong and where, never what was there.
    """
    try:
        text = body.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
        return json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except UnicodeDecodeError as error:
        raise _not_json(f"UTF-8 (byte {error.start + 1})") from None
    except _DuplicateMember:
        raise _not_json("每个成员只能出现一次 · each member once") from None
    except RecursionError:
        raise _not_json("嵌套过深 · less nesting") from None
    except json.JSONDecodeError as error:
        raise _not_json(f"line {error.lineno}, column {error.colno}") from None
    except ValueError:
        raise _not_json("须为有限数 · finite numbers") from None


def _not_json(expected: str) -> Problem:
    return invalid(Fault("not-json", "#", expected))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _DuplicateMember
    return members


def _constant(_name: str) -> Never:
    raise ValueError("NaN and Infinity are not JSON")


def is_text(value: object) -> bool:
    """Whether a value is a text that has a UTF-8 form: no lone surrogate."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def answer(document: object, status: int = 200) -> Response:
    """Answer with a document as JSON."""
    return Response(orjson.dumps(document), status, media_type=JSON)


def answer_items(items: list[str], following: str | None) -> Response:
    """Answer with stored texts as they are, so that their bytes are those of the topic."""
    cursor = orjson.dumps(following)
    body = b"".join((b'{"items":[', ",".join(items).encode(), b'],"next":', cursor, b"}"))
    return Response(body, media_type=JSON)
