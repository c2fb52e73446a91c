"""What several commands print alike."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Final

import click

from sync.instants import format_instant

UNWRITTEN: Final = "（试办，未写入 · dry run: nothing was written）"


def show_json(document: object) -> None:
    """Print what --json asks for: a document, instants as the API gives them."""
    click.echo(json.dumps(document, default=as_text, ensure_ascii=False, indent=2))


def as_text(value: object) -> str:
    """Return as JSON shows it what JSON has no kind for: an instant as the API does, else its own text."""
    return format_instant(value) if isinstance(value, datetime) else str(value)
