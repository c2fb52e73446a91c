"""Log lines: JSON on stderr, readable on a terminal; constant snake_case events with keyword values, never a payload.

What libraries log goes the same way, from warnings on. A traceback is logged as places and types: texts of foreign
errors can quote a row or a message, so only those of our own errors and of programming errors are shown.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator
from typing import Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from sync.errors import SyncError

_TEXT_IS_SAFE = (SyncError, AttributeError, NameError, TypeError, ImportError, OSError)


def configure(
    form: Literal["auto", "json", "console"] = "auto", level: str = "info", *, role: str | None = None
) -> None:
    """Send every log line to stderr; `role` names the process in each of them."""
    readable = form == "console" or (form == "auto" and sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _describe_exception,
    ]
    renderer: Processor = (
        structlog.dev.ConsoleRenderer() if readable else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.clear_contextvars()
    if role is not None:
        structlog.contextvars.bind_contextvars(role=role)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def _describe_exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace `exc_info` by the chain of errors, innermost last: type, text where it is safe, and the places."""
    given = event.pop("exc_info", None)
    error = given if isinstance(given, BaseException) else given[1] if isinstance(given, tuple) else None
    if given is True:
        error = sys.exc_info()[1]
    if error is not None:
        event["errors"] = list(describe(error))
    return event


def describe(error: BaseException) -> Iterator[str]:
    """Yield one line for each error of a chain: what it is, and where it came from."""
    seen: BaseException | None = error
    while seen is not None:
        kind = f"{type(seen).__module__}.{type(seen).__qualname__}".removeprefix("builtins.")
        text = f": {seen}" if isinstance(seen, _TEXT_IS_SAFE) else ""
        state = getattr(seen, "sqlstate", None)
        places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(seen.__traceback__)]
        yield f"{kind}{f' {state}' if state else ''}{text} <- {' <- '.join(reversed(places[-8:]))}"
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
