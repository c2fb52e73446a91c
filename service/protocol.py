"""HTTP/1.1 with limits that the server does not have: how long a request's head may take, and how large it may be.

Without them a head that is sent byte by byte holds a connection for as long as the sender likes. And with a lane of its
own for the look-up by code, which is answered from here without the application.
"""

from __future__ import annotations

import asyncio
import re
from asyncio.events import TimerHandle
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from service.quick_lane import QuickLane

HEAD_SECONDS = 10.0
HEAD_BYTES = 32 * 1024
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_LOOK_UP = re.compile(rb"/v1/registrations/([0-9A-Z]{18})")
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class _NobodyWaits:
    """What a turn has in place of the event by which a cycle tells its application of a body."""

    def set(self) -> None:
        """Tell nobody."""


_NOBODY_WAITS = _NobodyWaits()


class _Turn:
    """A request that the lane answers; to the protocol it is what a RequestResponseCycle is."""

    __slots__ = (
        "_protocol",
        "_scope",
        "body",
        "disconnected",
        "keep_alive",
        "message_event",
        "more_body",
        "response_complete",
    )

    def __init__(self, protocol: LimitedProtocol, scope: Any) -> None:
        self._protocol = protocol
        self._scope = scope
        self.body = bytearray()
        self.disconnected = self.response_complete = False
        self.keep_alive = self.more_body = True
        self.message_event = _NOBODY_WAITS

    def write(self, headers: bytes, body: bytes) -> None:
        """Answer 200; a caller that has gone is not answered."""
        self.response_complete = True
        if not self.disconnected:
            self._protocol.write_whole(headers, body, keep_alive=self.keep_alive)

    def hand_over(self) -> None:
        """Let the application answer."""
        self._protocol.hand_over(self, self._scope)


class LimitedProtocol(HttpToolsProtocol):
    """Uvicorn's protocol with a deadline and a limit on a request's head.

    `_head_bytes` counts what came since the last complete head; the deadline runs from the connection, or from the
    first bytes of a further head that did not come whole.
    """

    lane: QuickLane | None = None
    _deadline: TimerHandle | None = None
    _head_bytes = 0
    _in_head = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the class above
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse as ever, and look at how far a head has come that is not complete."""
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes:
            if self._head_bytes > HEAD_BYTES:
                self._refuse(_TOO_LARGE)
            elif self._deadline is None:
                self._expect_head()

    def on_headers_complete(self) -> None:
        """The head is complete: what follows is its body, which has limits of its own."""
        self._in_head = False
        self._head_bytes = 0
        self._stop_waiting()
        if self.lane is None or not self._begin_quickly(self.lane):
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is complete; what follows is the next head."""
        super().on_message_complete()
        self._in_head = True

    def _begin_quickly(self, lane: QuickLane) -> bool:
        """Give a look-up to the lane; False where it is none, or does not stand alone on its connection."""
        match = _LOOK_UP.fullmatch(self.url)
        before: Any = self.cycle
        parser = self.parser
        if (
            match is None
            or parser.get_method() != b"GET"
            or not (before is None or before.response_complete)
            or self.expect_100_continue
            or self.flow.write_paused
            or not parser.should_keep_alive()
            or parser.get_http_version() != "1.1"
            or parser.should_upgrade()
        ):
            return False
        scope = self.scope
        turn = _Turn(self, scope)
        self.cycle = turn  # type: ignore[assignment]  # it is one in all that the protocol asks of it
        if lane.begin(match.group(1).decode("ascii"), self.headers, turn):
            path = self.url
            scope["method"], scope["path"], scope["raw_path"], scope["query_string"] = "GET", path.decode(), path, b""
            return True
        self.cycle = before
        return False

    def write_whole(self, headers: bytes, body: bytes, *, keep_alive: bool) -> None:
        """Write a whole answer of status 200 and turn to the next request."""
        parts = [b"HTTP/1.1 200 OK\r\n"]
        for name, value in self.server_state.default_headers:
            parts += (name, b": ", value, b"\r\n")
        if not keep_alive:
            parts.append(b"connection: close\r\n")
        self.transport.write(b"".join((*parts, headers, body)))
        if not keep_alive:
            self.transport.close()
        self.on_response_complete()

    def hand_over(self, turn: _Turn, scope: Any) -> None:
        """Let the application answer a request that the lane had begun; its body, if any, is of no concern."""
        if turn.disconnected:
            return
        cycle = RequestResponseCycle(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=turn.keep_alive,
            on_response=self.on_response_complete,
        )
        cycle.more_body = False
        present: Any = self.cycle
        if present is turn:
            self.cycle = cycle
        self._start_asgi_task(cycle, self.app)

    def _expect_head(self) -> None:
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._refuse, _TOO_SLOW)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, answer: bytes) -> None:
        self._stop_waiting()
        if not self.transport.is_closing():
            # Before the first request there is no cycle; while one is being answered nothing else may be written.
            if getattr(self.cycle, "response_complete", True):
                self.transport.write(answer)
            self.transport.close()
