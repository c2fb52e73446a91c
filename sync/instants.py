"""Instants as the contract writes them: RFC 3339 with an offset."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final

SHANGHAI: Final = timezone(timedelta(hours=8))
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_MICROSECOND: Final = timedelta(microseconds=1)
_RFC_3339: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,32})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def parse_instant(text: str) -> datetime | None:
    """Return the instant that RFC 3339 says, in UTC; None for another form, no offset or an impossible instant.

    What is finer than a microsecond is cut off.
    """
    if _RFC_3339.fullmatch(text) is None:
        return None
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=16_384)
def format_instant(instant: datetime) -> str:
    """Return an aware instant as texts carry it: Shanghai's offset, milliseconds, or microseconds where it has them."""
    unit = "microseconds" if instant.microsecond % 1000 else "milliseconds"
    return instant.astimezone(SHANGHAI).isoformat(timespec=unit)


def microseconds(instant: datetime) -> int:
    """Return the microseconds from 1970 to an aware instant, exactly."""
    return (instant - EPOCH) // _MICROSECOND
