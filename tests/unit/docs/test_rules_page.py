"""docs/rules.md says what the rulebook says."""

from __future__ import annotations

from pathlib import Path

from tests.rules_page import render
from validators.rulebook import RULES

PAGE = Path(__file__).parents[3] / "docs" / "rules.md"


def test_the_page_is_what_the_rulebook_generates() -> None:
    assert render() == PAGE.read_text("utf-8"), "write it anew: make rules"


def test_every_rule_says_in_both_languages_what_the_office_should_do() -> None:
    page = PAGE.read_text("utf-8")

    assert [] == [
        rule.id
        for rule in RULES.values()
        if not all(text in page for text in (rule.title.zh, rule.title.en, rule.advice.zh, rule.advice.en, rule.source))
    ]
