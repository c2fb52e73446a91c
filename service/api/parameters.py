"""Parameters as the contract has them: cursors, limits, instants, codes. A parameter nobody knows is at fault."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

from fastapi import Depends, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from service.auth.limits import SHANGHAI
from service.problems import Fault, invalid, pointer_to
from sync import instants

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LARGEST_SEQUENCE = 2**63 - 1


class Parameters(BaseModel):
    """The base of every endpoint's query parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _refuse_parameters(request: Request) -> None:
    if request.query_params:
        raise invalid(*(Fault("unknown", pointer_to([name])) for name in request.query_params))


# For endpoints without query parameters.
NO_PARAMETERS = Depends(_refuse_parameters)


def _plain(value: str) -> str:
    if not value.isprintable():
        raise PydanticCustomError("bad_text", "holds characters that are not allowed")
    return value


def _cursor(value: str) -> str:
    if not (value.isascii() and value.isdigit() and int(value) <= _LARGEST_SEQUENCE):
        raise PydanticCustomError("bad_cursor", "not a cursor of this endpoint")
    return value


def parse_instant(value: str) -> datetime:
    """Return an instant; of a date the end of that day in Asia/Shanghai, which is the last microsecond of it.

    Raises:
        ValueError: neither RFC 3339 with offset nor an ISO date.
    """
    if _DATE.fullmatch(value):
        midnight = datetime.combine(date.fromisoformat(value), time(), SHANGHAI) + timedelta(days=1)
        return (midnight - timedelta(microseconds=1)).astimezone(UTC)
    # In a query "+" is a blank; an offset that lost its sign on the way is still an offset.
    instant = instants.parse_instant(value.replace(" ", "+"))
    if instant is None:
        raise ValueError("neither an instant nor a date")
    return instant


def _instant(value: str) -> str:
    try:
        parse_instant(value)
    except (ValueError, OverflowError):
        raise PydanticCustomError("not_an_instant", "neither an instant nor a date") from None
    return value


PlainText = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_plain)]
Cursor = Annotated[str, Field(max_length=19), AfterValidator(_cursor)]
Instant = Annotated[
    str, Field(max_length=40, description="RFC 3339, or a date: its end in Asia/Shanghai"), AfterValidator(_instant)
]
Limit = Annotated[int, Field(ge=1, le=1000)]
Wait = Annotated[int, Field(ge=0, le=30, description="seconds to wait for something new")]


def instant_or_none(value: str | None) -> datetime | None:
    """Return the instant of a parameter that was checked before."""
    return None if value is None else parse_instant(value)
