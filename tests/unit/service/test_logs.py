"""Log lines are JSON, constant events with values, and never quote a payload."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from service import logs
from sync.errors import Fatal


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    logging.basicConfig(handlers=[], level=logging.WARNING, force=True)


def _lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_is_one_json_object_with_role_and_event(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json", role="ingest")

    structlog.get_logger("x").info("batch_applied", records=3)

    (line,) = _lines(capsys)
    assert (line["event"], line["records"], line["role"], line["level"]) == ("batch_applied", 3, "ingest", "info")


def test_a_foreign_error_is_shown_without_its_text(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json")
    try:
        int("21010219900101123X")
    except ValueError:
        structlog.get_logger("x").exception("role_failed")

    (line,) = _lines(capsys)
    assert "210102" not in json.dumps(line)
    assert "ValueError <- " in json.dumps(line)


def test_our_own_error_is_shown_with_its_text_and_cause(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json")
    try:
        try:
            int("secret")
        except ValueError as error:
            raise Fatal("the topic is missing") from error
    except Fatal:
        structlog.get_logger("x").exception("role_failed")

    (line,) = _lines(capsys)
    first, second = line["errors"]
    assert first.startswith("sync.errors.Fatal: the topic is missing <- ")
    assert second.startswith("ValueError <- ")


def test_libraries_log_the_same_way_from_warnings_on(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("json")

    logging.getLogger("aiokafka").info("quiet")
    logging.getLogger("aiokafka").warning("loud")

    assert [line["event"] for line in _lines(capsys)] == ["loud"]
