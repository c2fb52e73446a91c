"""How far long work is, where nobody sits at a terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from service.commands import progress
from service.commands.progress import Meter


def test_a_total_that_nobody_knows_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_SECONDS_BETWEEN_LINES", 0.0)
    said = io.StringIO()

    with Meter(Console(file=said), "push", None) as meter:
        meter.advance_to(1_500)
        meter.advance_to(2_000, 2_000)
    assert ["push: 1,500", "push: 2,000 of 2,000, about 0 s left"] == said.getvalue().splitlines()
