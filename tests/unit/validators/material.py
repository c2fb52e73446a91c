"""What the tests of codes share: a small ruleset of E01–E10, a context, and the real material where it is present."""

from __future__ import annotations

import csv
import gzip
import io
from functools import cache
from pathlib import Path

import pytest

from validators.check_character import mod11, mod31, mod31_without_complement
from validators.findings import Finding, Occasion, Severity
from validators.rulebook import Rule, Ruleset, SeverityRow, Text
from validators.uscc import CodeContext, inspect

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
CONTEXT = CodeContext()
BARE = Occasion()

GOOD = "91210100MA00004960"
"""A generated code of commerce in Shenyang that passes both checks."""


def issue(prefix: str, body: str, complement: bool = True) -> str:
    """Return the code with both check characters behind 8 characters of prefix and 8 of the subject code."""
    first = prefix + body + mod11(body)
    return first + (mod31 if complement else mod31_without_complement)(first)


def _rule(number: int) -> Rule:
    text = Text(zh="规则", en="rule")
    return Rule(
        id=f"E{number:02}",
        problem_class=1,
        title=text,
        explanation=text,
        advice=text,
        fields=("uscc",),
        source="domain.md",
        example="",
        messages={"": Text(zh="{actual}", en="{actual}")},
    )


def _rows() -> list[SeverityRow]:
    warnings, errors = (4, 6, 7, 9), (1, 2, 3, 5, 8, 10)
    rows = [SeverityRow(f"E{number:02}", "", "", "", "", Severity.WARNING) for number in warnings]
    rows += [SeverityRow(f"E{number:02}", "", "", "", "", Severity.ERROR) for number in errors]
    for rule, circumstance in (("E03", "listed"), ("E05", "registered"), ("E10", "passes")):
        rows.append(SeverityRow(rule, circumstance, "", "", "", Severity.WARNING))
    rows.append(SeverityRow("E05", "complement", "", "", "", Severity.HOLD))
    return rows


RULESET = Ruleset(version="test", rules={f"E{n:02}": _rule(n) for n in range(1, 11)}, severities=_rows())


def find(claimed: str, context: CodeContext = CONTEXT) -> list[Finding]:
    """Return every finding on a code."""
    return inspect(claimed, RULESET, BARE, context)


def rules(claimed: str, context: CodeContext = CONTEXT) -> list[str]:
    """Return the rules that fire on a code, in their order."""
    return [finding.rule for finding in find(claimed, context)]


@cache
def shared(name: str) -> list[dict[str, str]]:
    """Return the rows of a shared table; skips the test, saying so, where it is absent."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{path} is absent: real codes are not part of the project")
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if name.endswith(".gz") else raw).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))
