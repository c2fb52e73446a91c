"""The program: its help teaches, its exit status is 0, 1 or 2, and it starts at once."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from service.__main__ import COMMANDS, cli


def _existing() -> list[str]:
    return cli.list_commands(click.Context(cli))


def test_help_lists_what_exists_in_both_languages() -> None:
    result = CliRunner().invoke(cli, ["--help"])

    assert result.exit_code == 0
    for name in _existing():
        assert f"{COMMANDS[name].zh} · " in result.output


def test_a_command_that_is_not_there_is_not_listed() -> None:
    missing = [
        name for name, entry in COMMANDS.items() if find_spec("service.commands." + entry.target.split(":")[0]) is None
    ]

    assert set(missing).isdisjoint(_existing())


@pytest.mark.parametrize("name", _existing())
def test_every_command_loads_and_explains_itself(name: str) -> None:
    result = CliRunner().invoke(cli, [name, "--help"])

    assert result.exit_code == 0
    assert len(result.output.split("\n\n")) >= 3, "usage, what it does, options"


def test_wrong_use_is_status_2() -> None:
    assert CliRunner().invoke(cli, ["no-such-command"]).exit_code == 2


def test_an_unknown_setting_is_status_2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USCC_NO_SUCH", "1")

    result = CliRunner().invoke(cli, ["settings"])

    assert (result.exit_code, "unknown setting USCC_NO_SUCH" in result.output) == (2, True)


def test_help_loads_neither_web_framework_nor_clients() -> None:
    script = (
        "import sys; from service.__main__ import cli; cli(['--help'], standalone_mode=False);"
        "heavy = {'fastapi', 'asyncpg', 'aiokafka', 'pydantic', 'numpy', 'rich'} & set(sys.modules);"
        "sys.exit(repr(heavy) if heavy else 0)"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert done.stderr == ""


def test_the_packages_are_ours_and_not_those_of_the_registry() -> None:
    import service
    import sync
    import validators

    folders = {package.__file__.rsplit("/", 2)[0] for package in (service, sync, validators) if package.__file__}

    assert len(folders) == 1


def test_a_terminal_that_cannot_show_chinese_still_gets_its_answer() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "service", "validate", "91210100MA0000496X"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
    )

    assert (1, "") == (done.returncode, done.stderr)
    assert "check character is X, expected 0" in done.stdout


def test_an_output_that_is_full_is_one_line_and_no_traceback() -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-m", "service", "validate", "91210100MA00004960"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )

    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert "No space left on device" in done.stderr
