"""Every rule of the service, and the ruleset that gives a rule its severity on an occasion.

A rule's texts are data (data/rulebook.toml), and so are its severities (data/severities.csv), overridable by a
site's own table. Rulebook and table together are the *ruleset*: versioned, and named in every return.

Source: domain.md §5; the five problem classes are those that provinces report.
"""

from __future__ import annotations

import csv
import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

from validators.findings import Finding, Occasion, Operation, Severity
from validators.tables import UnreadableLine

VERSION = "2026.11.3"

PROBLEM_CLASSES: Mapping[int, tuple[str, str]] = {
    1: ("错码", "wrong code"),
    2: ("一码多赋", "one code, several organizations"),
    3: ("重复赋码（一主体多码）", "one organization, several codes"),
    4: ("码段问题", "code segment"),
    5: ("回传信息质量问题", "quality of the returned record"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One text in both languages; `{name}` in it is filled with the facts of a finding."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule: what it says, what it reads, where it stands, and what the office should do.

    `messages` maps a circumstance ("" is the usual one) to the text of a finding.
    """

    id: str
    problem_class: int
    title: Text
    explanation: Text
    advice: Text
    fields: tuple[str, ...]
    source: str
    example: str
    messages: Mapping[str, Text]


class UnreadableSeverities(UnreadableLine):
    """A line of a severity table is wrong."""


class _Facts(dict[str, object]):
    """The facts of a finding; one that is not known reads as a dash, because a text must never cost a record.

    A member whose titles are not given goes by its name; what was expected and what came, where they are words of a
    format, read in Chinese as the Chinese text has them.
    """

    def __missing__(self, key: str) -> object:
        if key in ("field_zh", "field_en"):
            return self["field"]
        if key in ("expected_zh", "actual_zh"):
            value = self[key.removesuffix("_zh")]
            return format_zh(str(value))
        if key in ("home_zh", "home_en"):
            return self.get("expected") or ("其他登记管理部门" if key == "home_zh" else "another authority")
        if key in ("sender_zh", "sender_en"):
            return self["actual"]
        return "—"


_FORMATS_ZH = {
    "string": "文本",
    "integer": "整数",
    "number": "数字",
    "object": "对象",
    "array": "数组",
    "boolean": "布尔值",
    "1–128 characters": "1–128 个字符",
    "null": "空值",
    "integer of 64 bits": "64 位整数",
    "RFC 3339 with offset": "带时区偏移的 RFC 3339 时刻",
    "submission/1": "submission/1",
}


def format_zh(word: str) -> str:
    """Return a word of a format as a Chinese text has it; any other text as it is."""
    return _FORMATS_ZH.get(word, word)


@dataclass(frozen=True, slots=True)
class SeverityRow:
    """One line of the severity table; an empty cell matches everything. `severity` None switches the rule off."""

    rule: str
    circumstance: str
    operation: str
    office: str
    load: str
    severity: Severity | None


class Ruleset:
    """The rulebook with one table of severities.

    A more exact line beats a less exact one: first by office, then load, then circumstance, then operation. Later
    lines beat earlier ones of the same exactness, so that a site's own lines come after the defaults. `workdays` is the
    site's own table of working days, None where it has none.
    """

    def __init__(
        self,
        *,
        version: str,
        rules: Mapping[str, Rule],
        severities: Iterable[SeverityRow],
        workdays: str | None = None,
    ) -> None:
        self.version = version
        self.workdays = workdays
        self.rules = rules
        self._rows = tuple(severities)
        self._resolved: dict[tuple[str, str, str, str, str], Severity | None] = {}

    @property
    def rows(self) -> tuple[SeverityRow, ...]:
        """The lines of the severity table, defaults first."""
        return self._rows

    def severity(self, rule: str, occasion: Occasion, circumstance: str = "") -> Severity | None:
        """Return the severity of a rule on an occasion, or None where it is switched off."""
        key = (rule, circumstance, occasion.operation or "", occasion.office or "", occasion.load or "")
        if key not in self._resolved:
            self._resolved[key] = self._resolve(*key)
        return self._resolved[key]

    def _resolve(self, rule: str, circumstance: str, operation: str, office: str, load: str) -> Severity | None:
        best: tuple[tuple[bool, bool, bool, bool], SeverityRow] | None = None
        for row in self._rows:
            cells = (
                (row.office, office),
                (row.load, load),
                (row.circumstance, circumstance),
                (row.operation, operation),
            )
            if row.rule == rule and all(cell in ("", value) for cell, value in cells):
                exactness = (row.office != "", row.load != "", row.circumstance != "", row.operation != "")
                if best is None or exactness >= best[0]:
                    best = (exactness, row)
        if best is None:
            raise KeyError(f"no severity for rule {rule}")
        return best[1].severity

    def find(
        self,
        rule: str,
        occasion: Occasion,
        circumstance: str = "",
        *,
        field: str | None = None,
        position: int | None = None,
        expected: str | None = None,
        actual: str | None = None,
        suggestions: tuple[str, ...] = (),
        **facts: object,
    ) -> Finding | None:
        """Make the finding of a rule on an occasion; None where the rule is switched off there.

        `circumstance` names the case of a rule that has several (E05 "complement", Q02 "unreadable"); `facts` fill
        the text beside field, position, expected and actual.
        """
        severity = self.severity(rule, occasion, circumstance)
        if severity is None:
            return None
        entry = self.rules[rule]
        text = entry.messages.get(circumstance) or entry.messages[""]
        values = _Facts(facts)
        for name, value in (("field", field), ("position", position), ("expected", expected), ("actual", actual)):
            if value is not None:
                values[name] = value
        return Finding(
            rule=rule,
            problem_class=entry.problem_class,
            severity=severity,
            field=field,
            position=position,
            expected=expected,
            actual=actual,
            suggestions=suggestions,
            zh=text.zh.format_map(values),
            en=text.en.format_map(values),
        )


def _text(entry: Mapping[str, Any]) -> Text:
    return Text(zh=entry["zh"], en=entry["en"])


def _load_rules() -> Mapping[str, Rule]:
    document = tomllib.loads(files("validators").joinpath("data/rulebook.toml").read_text("utf-8"))
    rules = {
        rule: Rule(
            id=rule,
            problem_class=entry["class"],
            title=_text(entry["title"]),
            explanation=_text(entry["explanation"]),
            advice=_text(entry["advice"]),
            fields=tuple(entry["fields"]),
            source=entry["source"],
            example=entry["example"],
            messages={name: _text(text) for name, text in entry["messages"].items()},
        )
        for rule, entry in document.items()
    }
    return MappingProxyType(rules)


RULES: Mapping[str, Rule] = _load_rules()
"""Every rule by its id, in the order of domain.md §5: the order decides which of two holds names a case."""

_COLUMNS = ["rule", "circumstance", "operation", "office", "load", "severity"]


def read_severities(text: str, file: str) -> list[SeverityRow]:
    """Read a table of severities: rule, circumstance, operation, office, load, severity (`off` switches off).

    `file` is only named in errors.

    Raises:
        UnreadableSeverities: a header, rule, operation or severity that there is not.
    """
    lines = csv.reader(text.splitlines())
    header = next(lines, [])
    if header != _COLUMNS:
        raise UnreadableSeverities(file=file, line=1, problem=f"the header must be {','.join(_COLUMNS)}")
    rows = []
    for cells in lines:
        if not cells:
            continue
        problem = _problem_of(cells)
        if problem:
            raise UnreadableSeverities(file=file, line=lines.line_num, problem=problem)
        rule, circumstance, operation, office, load, severity = cells
        rows.append(
            SeverityRow(rule, circumstance, operation, office, load, None if severity == "off" else Severity(severity))
        )
    return rows


def _problem_of(cells: list[str]) -> str | None:
    if len(cells) != len(_COLUMNS):
        return f"{len(cells)} cells, expected {len(_COLUMNS)}"
    rule, _, operation, _, _, severity = cells
    if rule not in RULES:
        return f"there is no rule {rule}"
    if operation and operation not in set(Operation):
        return f"there is no operation {operation}"
    if severity != "off" and severity not in set(Severity):
        return f"there is no severity {severity}"
    return None


def default_ruleset(extra_rows_path: Path | None = None, workdays_path: Path | None = None) -> Ruleset:
    """Return the shipped ruleset, with a site's own severities behind the defaults and its own working days.

    The version of a site's ruleset ends in `+` and 8 hexadecimal characters of the SHA-256 of its tables.

    Raises:
        UnreadableSeverities: the site's table has a wrong line.
        OSError: a table of the site cannot be read.
    """
    shipped = files("validators").joinpath("data/severities.csv").read_text("utf-8")
    rows = read_severities(shipped, "severities.csv")
    own = hashlib.sha256()
    workdays = None
    if extra_rows_path is not None:
        table = extra_rows_path.read_bytes()
        rows += read_severities(table.decode("utf-8-sig"), str(extra_rows_path))
        own.update(table)
    if workdays_path is not None:
        table = workdays_path.read_bytes()
        workdays = table.decode("utf-8-sig")
        own.update(b"\0" + table)
    is_own = extra_rows_path is not None or workdays_path is not None
    version = f"{VERSION}+{own.hexdigest()[:8]}" if is_own else VERSION
    return Ruleset(version=version, rules=RULES, severities=rows, workdays=workdays)
