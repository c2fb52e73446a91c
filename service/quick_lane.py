"""The look-up that everybody makes, without ASGI between: a framework's frames cost more than the look-up itself.

Only what needs nothing else goes this way: GET /v1/registrations/{a normalized code} without parameters or conditions,
by a remembered key with the scope and without limits of its own, of a code that is registered and may be shown. All
else is handed to the application, which is the whole truth of the endpoint; a test holds the two answers together.
"""

from __future__ import annotations

from time import perf_counter
from typing import Protocol

from service.api.look_ups import Answer, entity_tag
from service.api.registrations import LOOK_UP_PATH
from service.middleware import CLOSED_PAGE, HEADERS, Context, Edge
from service.problems import Problem
from service.resources import Resources
from sync.errors import SyncError

_HEAD = (
    b"content-type: application/json\r\ncontent-length: %d\r\netag: %b\r\ncache-control: private, no-cache\r\n"
    b"x-watermark: %b\r\n"
    + b"".join(b"%b: %b\r\n" % header for header in (*HEADERS, CLOSED_PAGE)).replace(b"%", b"%%")
    + b"x-request-id: %b\r\n\r\n"
)


class Turn(Protocol):
    """One request on its connection."""

    def write(self, headers: bytes, body: bytes) -> None:
        """Answer 200 with these header fields, the empty line included, and this body."""
        ...

    def hand_over(self) -> None:
        """Let the application answer."""
        ...


class QuickLane:
    """Answers look-ups from the connection itself."""

    def __init__(self, resources: Resources, edge: Edge) -> None:
        self._resources = resources
        self._edge = edge

    def begin(self, code: str, headers: list[tuple[bytes, bytes]], turn: Turn) -> bool:
        """Take a look-up of `code`, and answer it later by `turn`; False where the application has to answer."""
        context = Context(headers)
        resources, edge = self._resources, self._edge
        if not edge.is_plain(context):
            return False
        bearer = resources.bearers.remembered(context.authorization)
        if bearer is None or "lookup" not in bearer.scopes or resources.limits.concern(bearer):
            return False
        began = perf_counter()
        context.bearer = bearer
        context.route = LOOK_UP_PATH

        def tell(answer: Answer | None, error: SyncError | None) -> None:
            edge.in_flight -= 1
            if (
                error is not None
                or answer is None
                or answer.body is None
                or not (answer.is_public or "restricted" in bearer.scopes)
            ):
                turn.hand_over()
                return
            body = answer.body
            request_id = context.request_id.encode()
            turn.write(_HEAD % (len(body), entity_tag(body), resources.watermarks.header, request_id), body)
            edge.record(context, LOOK_UP_PATH, "GET", 200, perf_counter() - began)

        try:
            resources.look_ups.ask(code, tell)
        except Problem:
            return False
        edge.in_flight += 1
        return True
