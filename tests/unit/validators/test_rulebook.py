from __future__ import annotations

import hashlib
import re
import string
from pathlib import Path

import pytest

from validators import rulebook
from validators.fields import FIELDS
from validators.findings import Finding, Occasion, Operation, Severity
from validators.rulebook import (
    PROBLEM_CLASSES,
    RULES,
    Ruleset,
    SeverityRow,
    UnreadableSeverities,
    default_ruleset,
    read_severities,
)

ORDER = (
    "E01 E02 E03 E04 E05 E06 E07 E08 E09 E10 D01 D02 D03 S01 S02 Q01 Q02 Q03 Q04 Q05 Q06 T01 "
    "L01 L02 L03 L04 L05 L06 L07 L08 L09 X01 M01 M02 M03 M04 M05 M06"
)
CLASSES = {"D01": 2, "D02": 3, "D03": 3, "S01": 4, "S02": 1, "L01": 2, "L04": 2, "X01": 3}
RULESET = default_ruleset()
DATA = Path(rulebook.__file__).parent / "data"
STOCK = Occasion(load="stock")


def test_the_rules_stand_in_the_order_of_the_table_that_names_cases() -> None:
    assert " ".join(RULES) == ORDER


def test_every_rule_has_its_problem_class() -> None:
    expected = {rule: CLASSES.get(rule, 1 if rule.startswith("E") else 5) for rule in RULES}

    assert {rule: entry.problem_class for rule, entry in RULES.items()} == expected
    assert set(expected.values()) == set(PROBLEM_CLASSES)


@pytest.mark.parametrize("rule", list(RULES))
def test_every_rule_is_explained_in_both_languages(rule: str) -> None:
    entry = RULES[rule]

    for text in (entry.title, entry.explanation, entry.advice, *entry.messages.values()):
        assert re.search(r"[\u4e00-\u9fff]", text.zh)
        assert re.search(r"[a-z]", text.en)
        assert not re.search(r"[\u4e00-\u9fff]", text.en)
    assert entry.source
    assert entry.example
    assert "" in entry.messages


@pytest.mark.parametrize("rule", list(RULES))
def test_the_fields_of_a_rule_are_members_of_a_message(rule: str) -> None:
    envelope = {"schema", "message_id", "batch_id", "operation", "occurred_at", "office_version", "load", "transfer"}

    assert set(RULES[rule].fields) <= set(FIELDS) | envelope | {"record", "receipt_id", "*"}


@pytest.mark.parametrize("rule", list(RULES))
def test_both_languages_of_a_message_tell_facts_that_the_other_could_tell(rule: str) -> None:
    for text in RULES[rule].messages.values():
        zh, en = (
            {re.sub("_(zh|en)$", "", name) for _, name, _, _ in string.Formatter().parse(side) if name}
            for side in (text.zh, text.en)
        )

        assert zh == en


@pytest.mark.parametrize(
    ("rule", "circumstance", "occasion", "severity"),
    [
        ("E03", "", Occasion(), "error"),
        ("E03", "listed", Occasion(), "warning"),
        ("E05", "", Occasion(operation=Operation.ASSIGN), "error"),
        ("E05", "", Occasion(operation=Operation.KEEP), "hold"),
        ("E05", "complement", Occasion(operation=Operation.ASSIGN), "hold"),
        ("E05", "registered", Occasion(operation=Operation.KEEP), "warning"),
        ("E06", "", Occasion(), "warning"),
        ("E10", "", Occasion(), "error"),
        ("E10", "passes", Occasion(), "warning"),
        ("D02", "", Occasion(), "hold"),
        ("D02", "name_only", Occasion(), "warning"),
        ("S01", "", Occasion(), "hold"),
        ("S01", "private", STOCK, None),
        ("S02", "", Occasion(operation=Operation.CHANGE), "hold"),
        ("S02", "foreign_assign", Occasion(operation=Operation.ASSIGN), "error"),
        ("Q01", "essential", Occasion(), "error"),
        ("Q01", "", Occasion(), "warning"),
        ("Q02", "unreadable", Occasion(), "error"),
        ("Q03", "future", Occasion(), "error"),
        ("Q03", "", Occasion(), "warning"),
        ("T01", "", Occasion(), "warning"),
        ("T01", "", STOCK, None),
        ("L02", "after_rejection", Occasion(), "hold"),
        ("L02", "", Occasion(), "warning"),
        ("L03", "", Occasion(), "info"),
        ("L09", "", Occasion(), "error"),
        ("X01", "", STOCK, "hold"),
        ("X01", "missing", Occasion(), "warning"),
        ("X01", "missing", STOCK, None),
        ("M03", "syntax", Occasion(), "error"),
        ("M02", "", Occasion(), "warning"),
    ],
)
def test_the_severity_of_a_rule_on_an_occasion(
    rule: str, circumstance: str, occasion: Occasion, severity: str | None
) -> None:
    assert RULESET.severity(rule, occasion, circumstance) == severity


@pytest.mark.parametrize("rule", list(RULES))
def test_every_rule_has_a_severity_on_every_occasion(rule: str) -> None:
    for operation in (None, *Operation):
        assert RULESET.severity(rule, Occasion(operation=operation, office="commerce")) in set(Severity)


def test_a_fact_that_is_not_known_reads_as_a_dash() -> None:
    finding = RULESET.find("D02", Occasion(), field="uscc", expected="X")

    assert isinstance(finding, Finding)
    assert finding.zh == "同一机构“—”已有代码 X"
    assert finding.en == "the same organization “—” has the code X"


def test_a_site_makes_a_rule_milder_for_one_office_and_switches_one_off(tmp_path: Path) -> None:
    table = tmp_path / "severities.csv"
    header = "rule,circumstance,operation,office,load,severity\n"
    table.write_text(f"{header}E05,,,commerce,,warning\nT01,,,,,off\n", "utf-8")

    ruleset = default_ruleset(table)

    assert ruleset.severity("E05", Occasion(office="commerce"), "complement") == "warning"
    assert ruleset.severity("E05", Occasion(office="civil-affairs"), "complement") == "hold"
    assert ruleset.severity("T01", Occasion()) is None
    assert ruleset.find("T01", Occasion()) is None


def test_a_less_exact_line_beats_none_that_is_more_exact_however_late_it_stands(tmp_path: Path) -> None:
    table = tmp_path / "severities.csv"
    table.write_text("rule,circumstance,operation,office,load,severity\nE05,,,,,info\n", "utf-8")

    ruleset = default_ruleset(table)

    assert ruleset.severity("E05", Occasion()) == "info"
    assert ruleset.severity("E05", Occasion(), "complement") == "hold"


def test_a_rule_without_any_severity_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError, match="no severity for rule E01"):
        Ruleset(version="x", rules=RULES, severities=[]).severity("E01", Occasion())


def test_a_ruleset_tells_its_lines() -> None:
    assert RULESET.rows[0] == SeverityRow("E01", "", "", "", "", Severity.ERROR)


def test_a_change_of_the_published_tables_is_a_new_version() -> None:
    """Every return names its ruleset, so what stands under a version never changes: a new digest, a new VERSION."""
    tables = b"".join((DATA / file).read_bytes() for file in ("rulebook.toml", "severities.csv"))

    assert (
        "2026.11.3",
        "b431e71a6fdccf3728a968b554487e681c27c5892c675632df1db2681941f3a2",
    ) == (RULESET.version, hashlib.sha256(tables).hexdigest())


def test_the_version_of_a_site_s_ruleset_names_its_table(tmp_path: Path) -> None:
    table = tmp_path / "severities.csv"
    table.write_text("rule,circumstance,operation,office,load,severity\nT01,,,,,off\n", "utf-8")

    first = default_ruleset(table).version
    table.write_text("rule,circumstance,operation,office,load,severity\nT01,,,,,info\n", "utf-8")

    assert re.fullmatch(re.escape(RULESET.version) + r"\+[0-9a-f]{8}", first)
    assert default_ruleset(table).version != first


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("E99,,,,,error", "there is no rule E99"),
        ("E01,,delete,,,error", "there is no operation delete"),
        ("E01,,,,,fatal", "there is no severity fatal"),
        ("E01,error", "2 cells, expected 6"),
    ],
)
def test_a_wrong_line_of_severities_is_named(line: str, problem: str) -> None:
    text = f"rule,circumstance,operation,office,load,severity\n\nE01,,,,,error\n{line}\n"

    with pytest.raises(UnreadableSeverities) as raised:
        read_severities(text, "site.csv")

    assert str(raised.value) == f"site.csv, line 4: {problem}"


def test_a_table_of_severities_without_its_header_is_refused() -> None:
    with pytest.raises(UnreadableSeverities, match="line 1: the header must be rule,circumstance"):
        read_severities("E01,,,,,error\n", "site.csv")
