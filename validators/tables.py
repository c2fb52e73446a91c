"""The tables that ship with the package, data/*.csv (sources: data/SOURCES.md), and what is wrong with a line."""

from __future__ import annotations

import csv
from importlib.resources import files


class UnreadableLine(ValueError):
    """A line of a table is wrong; carries the file, the line (from 1, the header is 1) and what is wrong."""

    def __init__(self, *, file: str, line: int, problem: str) -> None:
        super().__init__(f"{file}, line {line}: {problem}")
        self.file = file
        self.line = line
        self.problem = problem


def rows(name: str) -> list[dict[str, str]]:
    """Return the rows of data/<name>.csv, each a mapping from column to text."""
    text = files("validators").joinpath("data", f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
