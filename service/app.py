"""The application: every route with its policy, and the server that runs it."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import Sequence

import structlog
import uvicorn
from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from starlette.exceptions import HTTPException
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.routing import Match

from service.api import (
    batches,
    cases,
    changes,
    comparisons,
    health,
    openapi,
    quality,
    reference,
    registrations,
    resolutions,
    returns,
    search,
    snapshots,
    statements,
    submissions,
    validations,
)
from service.auth.policy import check_closed
from service.deps import enforce
from service.middleware import Edge, Receive, Scope, Send
from service.problems import Problem, faults_of
from service.protocol import LimitedProtocol
from service.quick_lane import QuickLane
from service.resources import Resources, ServeConfig, open_resources

_DRAIN_SECONDS = 15
_KEEP_ALIVE_SECONDS = 30
_BACKLOG = 2048
_NAMES = {404: "not-found", 405: "method-not-allowed", 413: "payload-too-large", 415: "unsupported-media-type"}

log = structlog.get_logger("service.app")


class Application(FastAPI):
    """FastAPI behind our own edge: nothing else stands between a request and its route.

    What FastAPI would put round every request (answers to crashes, telemetry, a limit on bodies) the edge does, in
    this service's own form.
    """

    edge: Edge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        scope["app"] = self
        await self.edge(scope, receive, send)


def create_app(resources: Resources, config: ServeConfig) -> Application:
    """Make the application.

    Raises:
        UnguardedRoute: a route has no policy, or is public without standing in the written list.
    """
    app = Application(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(enforce)],
        exception_handlers={HTTPException: _refuse, RequestValidationError: _refuse_members},
    )
    app.state.resources = resources
    # First the look-up: routes are tried in order.
    for module in (
        registrations,
        search,
        validations,
        submissions,
        batches,
        returns,
        changes,
        snapshots,
        cases,
        resolutions,
        statements,
        comparisons,
        quality,
        reference,
        health,
        openapi,
    ):
        module.add_routes(app)
    app.edge = Edge(
        ExceptionMiddleware(AsyncExitStackMiddleware(app.router), handlers=dict(app.exception_handlers)),
        metrics=resources.metrics,
        access_log=resources.access_log,
        allowed_hosts=config.host_names(),
        quick=registrations.QUICK,
        body_limits=(
            (submissions.PATH, submissions.BODY_LIMIT_BYTES),
            (comparisons.PATH, comparisons.BODY_LIMIT_BYTES),
        ),
        most_in_flight=config.most_in_flight,
    )
    check_closed(app.routes)
    resources.openapi_document.update(openapi.build_document(app, config.version))
    return app


async def _refuse(request: Request, error: Exception) -> Response:
    """Turn what the framework refuses into a problem of ours, which the outermost layer answers with."""
    assert isinstance(error, HTTPException)
    name = _NAMES.get(error.status_code, "invalid-request" if error.status_code < 500 else "internal-error")
    headers = [(key.lower().encode(), value.encode()) for key, value in (error.headers or {}).items()]
    if error.status_code == 405:
        headers = [(b"allow", ", ".join(_methods_of(request)).encode())]
    raise Problem(name, headers=headers)


def _methods_of(request: Request) -> list[str]:
    """Return every method that some route of this path takes; the framework knows those of the first alone."""
    found: set[str] = set()
    for route in request.app.routes:
        if route.matches(request.scope)[0] is not Match.NONE:
            found.update(getattr(route, "methods", None) or ())
    return sorted(found)


async def _refuse_members(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    raise Problem("invalid-request", errors=faults_of(error.errors()))


async def serve(config: ServeConfig, stop: asyncio.Event, *, sockets: Sequence[socket.socket] | None = None) -> None:
    """Serve until `stop` is set, then drain: streams and long polls end at once, requests have some seconds.

    Raises:
        Retryable: the database does not answer.
        SystemExit: the address is taken.
    """
    async with open_resources(config) as resources:
        app = create_app(resources, config)
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                host=config.host,
                port=config.port,
                http=_with_lane(QuickLane(resources, app.edge)),
                ws="none",
                loop="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                date_header=True,
                backlog=_BACKLOG,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=_DRAIN_SECONDS,
            )
        )
        draining = asyncio.create_task(_drain(stop, resources, server))
        log.info("serve_started", host=config.host, port=config.port)
        # What was made by now stays: the collector need not look at it again and again.
        gc.collect()
        gc.freeze()
        try:
            # Signals belong to the program that called us: it sets `stop`.
            await server._serve(list(sockets) if sockets is not None else None)
        finally:
            draining.cancel()
            log.info("serve_ended")


def _with_lane(lane: QuickLane) -> type[LimitedProtocol]:
    return type("LaneProtocol", (LimitedProtocol,), {"lane": lane})


async def _drain(stop: asyncio.Event, resources: Resources, server: uvicorn.Server) -> None:
    await stop.wait()
    resources.closing.set()
    server.should_exit = True
