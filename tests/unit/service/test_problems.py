"""Problems: the table, the page, languages, and what is never in them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from service.metrics import HELP, Metrics
from service.problems import FAULTS, PROBLEMS, Fault, Problem, faults_of, negotiate_language, pointer_to, problem_of
from sync.errors import Fatal, Rejected, Retryable

_DOCS = Path(__file__).parents[3] / "docs"


def test_the_page_has_a_line_for_every_problem_type_and_fault() -> None:
    page = (_DOCS / "problems.md").read_text("utf-8")

    types = {
        (name, int(status)) for name, status in re.findall(r"^\| `/problems/([a-z-]+)` \| (\d+) \|", page, re.MULTILINE)
    }
    faults = set(re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE))

    assert {(entry.name, entry.status) for entry in PROBLEMS.values()} == types
    assert set(FAULTS) == faults


def test_the_page_of_metrics_has_a_line_for_every_metric_and_no_other() -> None:
    page = (_DOCS / "operations" / "metrics.md").read_text("utf-8")
    scraped = Metrics().render().decode()

    assert set(HELP) == set(re.findall(r"^\| `(uscc_[a-z_]+)` \|", page, re.MULTILINE))
    assert {name.removesuffix("_total") for name in HELP} == {
        name.removesuffix("_total")
        for name in re.findall(r"^# HELP (\w+) ", scraped, re.MULTILINE)
        if not name.endswith("_created")
    }


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_problem_speaks_both_languages(name: str) -> None:
    facts = {"limit": 1, "expected": "x"}

    zh = json.loads(Problem(name, facts=facts).body("zh", "r"))
    en = json.loads(Problem(name, facts=facts).body("en", "r"))

    assert zh["type"] == en["type"] == f"/problems/{name}"
    assert zh["title"] != en["title"]
    assert en["detail"].isascii()
    assert not zh["detail"].isascii()


def test_faults_say_what_was_expected_and_never_what_was_given() -> None:
    class Model(BaseModel):
        model_config = ConfigDict(extra="forbid")
        count: int
        name: str

    with pytest.raises(ValidationError) as caught:
        Model.model_validate({"count": "secret", "names": "secret"}, strict=True)
    faults = faults_of(caught.value.errors())

    assert [("#/count", "wrong-type"), ("#/name", "missing"), ("#/names", "unknown")] == sorted(
        (fault.pointer, fault.code) for fault in faults
    )
    assert "secret" not in str(faults)


def test_pointers_are_escaped_and_leave_out_what_is_too_long() -> None:
    assert "#/a~1b~0/0" == pointer_to(["body", "a/b~", 0])
    assert "#/…" == pointer_to(["query", "x" * 65])


@pytest.mark.parametrize(
    ("header", "language"),
    [("", "zh"), ("en", "en"), ("EN-us", "en"), ("zh-CN,en;q=0.9", "zh"), ("en;q=0.1,zh;q=0.2", "zh"), ("fr", "zh"),
     ("*", "zh"), ("en;q=0", "zh"), ("en;q=x", "zh"), (";;,,", "zh")],
)  # fmt: skip
def test_the_language_is_negotiated(header: str, language: str) -> None:
    assert language == negotiate_language(header)


def test_errors_of_the_registry_become_problems() -> None:
    names = [problem_of(error).name for error in (Retryable("x"), Rejected("x"), Fatal("x"))]

    assert ["overloaded", "invalid-request", "internal-error"] == names


@pytest.mark.parametrize("code", FAULTS)
def test_every_fault_renders(code: str) -> None:
    fault = Fault(code, "#/x", "7")

    assert {"code", "pointer", "detail"} == fault.as_json("zh").keys()
    assert "{" not in fault.as_json("en")["detail"]
