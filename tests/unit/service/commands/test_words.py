"""What is written down for ever says something, and what a list is narrowed by exists: else it is wrong use."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from service.__main__ import cli
from service.commands import output

CODE, OTHER = "91210100MA0000496X", "91210100MA00004960"


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Services that nobody runs: what is refused is refused before anybody is asked."""
    monkeypatch.setenv("USCC_DATABASE_DSN", "postgresql://nobody@127.0.0.1:1/none")
    monkeypatch.setenv("USCC_KAFKA_BOOTSTRAP", "127.0.0.1:1")


@pytest.mark.parametrize("words", ["", "  ", "\t", "a\nb", "x" * 1_001])
@pytest.mark.parametrize(
    "arguments",
    [
        ["exceptions", "add", CODE, "--evidence"],
        ["exceptions", "add", CODE, "--evidence", "x", "--source"],
        ["exceptions", "allow", "D02", CODE, OTHER, "--evidence"],
        ["exceptions", "end", "D02", CODE, OTHER, "--reason"],
        ["segments", "withdraw", "MA0A0000", "--reason"],
        ["segments", "recheck", "--by"],
        ["report", "x.csv", "--personal", "--purpose"],
        ["cases", "approve", "case-1", "--reason"],
        ["clients", "create", "--scopes", "lookup"],
    ],
)
def test_words_that_say_nothing_are_wrong_use(arguments: list[str], words: str) -> None:
    result = CliRunner().invoke(cli, [*arguments, words])

    assert result.exit_code == 2
    assert "个可显示字符 · 1–1000 printable characters" in result.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["cases", "list", "--office", "nope"], "没有部门 nope · there is no office nope"),
        (["cases", "list", "--rule", "D99"], "没有规则 D99 · there is no rule D99"),
        (["cases", "export", "nope", "x.csv"], "没有部门 nope · there is no office nope"),
        (["legacy", "report", "--office", "nope"], "没有部门 nope · there is no office nope"),
        (["segments", "list", "--office", "nope"], "没有部门 nope · there is no office nope"),
        (["replay", "--quarantined", "--office", "nope"], "没有部门 nope · there is no office nope"),
        (["exceptions", "add", "nothing.csv"], "没有这个文件 · there is no file nothing.csv"),
        (["clients", "create", "x", "--scopes", "lookup", "--expires", "2020-01-01"], "该日已过 · this day is over"),
    ],
)
def test_what_does_not_exist_is_not_an_empty_answer(arguments: list[str], words: str) -> None:
    result = CliRunner().invoke(cli, arguments)

    assert result.exit_code == 2
    assert words in result.output


def test_a_key_file_that_is_no_text_is_no_crash(tmp_path: Path) -> None:
    file = tmp_path / "li.key"
    file.write_bytes(b"\xff\xfe\x00")

    result = CliRunner().invoke(cli, ["cases", "approve", "case-1", "--key-file", str(file)])

    assert result.exit_code == 1
    assert not isinstance(result.exception, UnicodeDecodeError)


def test_an_instant_in_json_is_as_the_api_gives_it() -> None:
    at = datetime(2026, 11, 20, 1, 2, 3, tzinfo=UTC)

    assert '"2026-11-20T09:02:03.000+08:00"' == json.dumps(at, default=output.as_text)
    assert '"2026-11-20"' == json.dumps(at.date(), default=output.as_text)
