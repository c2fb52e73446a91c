"""docs/connect.md: every block of it runs as it stands, in its order, and does what the page says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from service.demo import generate, push
from service.demo.feed import today
from tests.faults.system import System

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "connect.md").read_text("utf-8")
_BLOCK = re.compile(r"^```(sh|python|java)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    language: str
    text: str


def blocks(page: str) -> list[Block]:
    return [Block(*found) for found in _BLOCK.findall(page)]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """What `make run` is, with fewer records."""
    running = System(tmp_path_factory.mktemp("connect") / ".uscc", {})
    running.start()
    push(running.kafka, generate(300, 5, today()), lambda _: None)
    running.settle(60)
    command = [sys.executable, "-m", "service", "snapshot", "--data-dir", str(running.data_dir)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    yield running
    running.stop()


def run(system: System, command: list[str], **environment: str) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=100, cwd=system.data_dir.parent, env=os.environ | environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def environment_of(system: System) -> dict[str, str]:
    key = Path(system.endpoints["keys"]["commerce"]).read_text("utf-8").strip()
    return {"REGISTRY": system.endpoints["http"], "KEY": key}


def test_both_languages_have_the_same_blocks() -> None:
    assert blocks(PAGE) == blocks((DOCS / "connect.zh-CN.md").read_text("utf-8"))


def test_the_shell_does_what_the_page_says(system: System) -> None:
    lines = "\n".join(block.text for block in blocks(PAGE) if block.language == "sh")

    said = run(system, ["bash", "-euc", lines.replace("http://127.0.0.1:8080", system.endpoints["http"])])

    dispositions = re.findall(r'"message_id":"(MY-\d)".*?"disposition":"(\w+)"', said)
    assert [("MY-1", "accepted"), ("MY-2", "rejected")] * 2 == dispositions
    for expected in (
        '"verdict":"repairable"',
        '"suggestions":["91210100MA00004960"',
        '"records":2}',
        '"state":"done"',
        '"date":"2026-11-20"',
        '"lag":',
        '"status":"normal"',
        '"matched":{"name":"substring"}',
    ):
        assert expected in said


def test_the_python_program_ends_with_a_copy(system: System) -> None:
    (program,) = (block.text for block in blocks(PAGE) if block.language == "python")
    (system.data_dir.parent / "follow.py").write_text(program, "utf-8")

    said = run(system, [sys.executable, "follow.py"], **environment_of(system))

    registered = system.query("select count(*) as n from registration where registered")[0]["n"]
    tip = system.query("select max(sequence) as n from change")[0]["n"]
    assert f"{registered} organizations at change {tip} of {tip}\n0 parts of the copy are wrong []\n" == said


def test_a_copy_that_missed_a_change_finds_which_part_of_it_is_wrong(system: System) -> None:
    (program,) = (block.text for block in blocks(PAGE) if block.language == "python")
    missed = 'missed = max(copy)\ncopy[missed] = copy[missed] | {"version": 0}\ntip = '
    (system.data_dir.parent / "stale.py").write_text(program.replace("tip = ", missed, 1), "utf-8")

    said = run(system, [sys.executable, "stale.py"], **environment_of(system))

    (last,) = system.query("select max(uscc) as uscc from registration where registered")
    assert said.endswith(f"1 parts of the copy are wrong ['{last['uscc'][:12]}']\n")


def test_the_java_program_reads_every_change(system: System) -> None:
    (program,) = (block.text for block in blocks(PAGE) if block.language == "java")
    if "jdk.compiler" not in run(system, ["java", "--list-modules"]):
        pytest.skip("this Java runtime cannot run a source file: jdk.compiler is missing")
    (system.data_dir.parent / "Follow.java").write_text(program, "utf-8")

    said = run(system, ["java", "Follow.java"], **environment_of(system))

    tip = system.query("select max(sequence) as n from change")[0]["n"]
    assert '"uscc":"91210100MA00004960"' in said
    assert said.endswith(f"{tip} changes, the last is {tip}\n")
