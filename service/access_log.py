"""The line of each request, written cheaply: it is on the way of every look-up.

Where logs are JSON, lines are serialized at once and written together a few times a second; where a person reads, or
another form was configured, each goes through structlog as any other event. Both say the same.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from typing import Final

import orjson
import structlog

_FLUSH_SECONDS: Final = 0.2
_LINES_PER_WRITE: Final = 200
_EVENT: Final = "request_served"

log = structlog.get_logger("service.http")


class AccessLog:
    """Writes one line a request."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        renderer = structlog.get_config()["processors"][-1]
        self._bound = structlog.contextvars.get_contextvars()
        self._direct = isinstance(renderer, structlog.processors.JSONRenderer)

    def write(
        self, *, request_id: str, method: str, route: str, status: int, milliseconds: float, client: str | None
    ) -> None:
        """Write the line of one request; never a path, a code or a key."""
        if not self._direct:
            log.info(
                _EVENT,
                request_id=request_id,
                method=method,
                route=route,
                status=status,
                milliseconds=milliseconds,
                client=client,
            )
            return
        line = {
            "request_id": request_id,
            "method": method,
            "route": route,
            "status": status,
            "milliseconds": milliseconds,
            "client": client,
            "event": _EVENT,
            **self._bound,
            "level": "info",
            "timestamp": datetime.now(UTC),
        }
        self._lines.append(orjson.dumps(line, option=orjson.OPT_UTC_Z))
        if len(self._lines) >= _LINES_PER_WRITE:
            self.flush()

    def flush(self) -> None:
        """Write the lines that wait."""
        if self._lines:
            lines, self._lines = self._lines, []
            sys.stderr.write(b"\n".join([*lines, b""]).decode())
            sys.stderr.flush()

    async def flush_for_ever(self) -> None:
        """Write waiting lines a few times a second, until cancelled."""
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            self.flush()
