"""Writes docs/rules.md from the rulebook and its severities: `python -m tests.rules_page docs/rules.md`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from validators.fields import FIELDS
from validators.rulebook import PROBLEM_CLASSES, Rule, Ruleset, default_ruleset

_HEAD = """\
# 规则 · Rules

本页由规则库生成（`make rules`），勿手改。每条规则：编号、名称、说明、依据、示例、登记机关应如何处理；
默认严重程度可由站点自己的 severities.csv 覆盖，规则集版本随每条回执返回。

Generated from the rulebook (`make rules`); not written by hand. Each rule: id, title, explanation, source, example,
and what the office should do. A site's own severities.csv may replace the default severities; every return names its
ruleset.

严重程度 · severities: **error** 退回 rejects · **hold** 转入重错码，暂不入库 opens or joins a case ·
**warning** 入库并提示 accepted and returned · **info** 仅说明 only explains · **off** 不判 not judged. M03、M04
的记录被隔离 · records under M03 and M04 are quarantined.

规则集 · ruleset: {version}

| 编号 · id | 大类 · class | 名称 · title | 默认 · default |
|---|---|---|---|
"""


def render(ruleset: Ruleset | None = None) -> str:
    """Return the page."""
    rules = ruleset or default_ruleset()
    return _HEAD.format(version=rules.version) + "\n".join((*_index(rules), "", *_sections(rules))) + "\n"


def _index(ruleset: Ruleset) -> Iterator[str]:
    for rule in ruleset.rules.values():
        title = f"{rule.title.zh} · {rule.title.en}"
        yield f"| [{rule.id}](#{rule.id.lower()}) | {rule.problem_class} | {title} | {_default(ruleset, rule)} |"


def _default(ruleset: Ruleset, rule: Rule) -> str:
    """Return the severity where no circumstance, operation, office or load says otherwise, then the exceptions."""
    rows = [row for row in ruleset.rows if row.rule == rule.id]
    plain = [row for row in rows if not (row.circumstance or row.operation or row.office or row.load)]
    shown = [str(row.severity or "off") for row in plain[-1:]] or ["—"]
    for row in rows:
        where = ", ".join(
            f"{name} {value}"
            for name, value in (
                ("", row.circumstance), ("operation", row.operation), ("office", row.office), ("load", row.load),
            )
            if value
        ).strip()  # fmt: skip
        if where:
            shown.append(f"{where}: {row.severity or 'off'}")
    return "; ".join(shown)


def _sections(ruleset: Ruleset) -> Iterator[str]:
    for number, (zh, en) in PROBLEM_CLASSES.items():
        yield f"## {number} {zh} · {en}"
        yield ""
        for rule in ruleset.rules.values():
            if rule.problem_class == number:
                yield from _section(ruleset, rule)


def _section(ruleset: Ruleset, rule: Rule) -> Iterator[str]:
    yield f'<a id="{rule.id.lower()}"></a>'
    yield f"### {rule.id} {rule.title.zh} · {rule.title.en}"
    yield ""
    yield f"{rule.explanation.zh}"
    yield ""
    yield f"{rule.explanation.en}"
    yield ""
    fields = ", ".join(f"`{name}` {FIELDS[name].title.zh}" if name in FIELDS else f"`{name}`" for name in rule.fields)
    yield f"- 默认 · default: {_default(ruleset, rule)}"
    yield f"- 字段 · fields: {fields or '—'}"
    yield f"- 依据 · source: {rule.source}"
    yield f"- 示例 · example: {_code(rule.example)}"
    yield f"- 登记机关应 · what the office should do: {rule.advice.zh} {rule.advice.en}"
    yield ""


def _code(text: str) -> str:
    return f"`{text}`" if text and "`" not in text else text or "—"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(), "utf-8")
