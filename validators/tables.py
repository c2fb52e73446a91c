"""The tables that ship with the package: data/*.csv, whose sources are in data/SOURCES.md."""

from __future__ import annotations

import csv
from importlib.resources import files


def rows(name: str) -> list[dict[str, str]]:
    """Return the rows of data/<name>.csv, each a mapping from column to text."""
    text = files("validators").joinpath("data", f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
