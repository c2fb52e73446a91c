"""`uscc up`, as a person runs it: from nothing to a balanced table, again on the same data, and through kills."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.embedded.daemon import left_behind

RECORDS = 1000


def _uscc(*arguments: str, **how: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "service", *arguments], capture_output=True, text=True, timeout=110, **how
    )


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory on which `uscc up` has run once, with a demonstration feed."""
    folder = tmp_path_factory.mktemp("up")
    done = _uscc(
        "up", "--data-dir", str(folder), "--port", "0", "--demo", str(RECORDS), "--until-idle", "--timeout", "90"
    )
    assert done.returncode == 0, done.stderr
    assert f"{RECORDS:,}" in done.stdout
    return folder


class Up:
    """A running `uscc up`."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        (data_dir / "endpoints.json").unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "service", "up", "--data-dir", str(data_dir), "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.endpoints = self._wait_for_endpoints()

    def _wait_for_endpoints(self) -> dict[str, Any]:
        file = self._data_dir / "endpoints.json"
        deadline = time.monotonic() + 60
        while not file.exists():
            assert self.process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        endpoints: dict[str, Any] = json.loads(file.read_text())
        return endpoints

    def answers(self, path: str) -> bool:
        try:
            with urllib.request.urlopen(self.endpoints["http"] + path, timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


def _child(data_dir: Path, word: str) -> int:
    (pid,) = left_behind(data_dir / "run", Path(sys.executable).resolve().name, word)
    return pid


def test_the_second_run_pushes_nothing_again(data_dir: Path) -> None:
    done = _uscc("up", "--data-dir", str(data_dir), "--port", "0", "--demo", str(RECORDS), "--until-idle")

    assert done.returncode == 0, done.stderr
    assert "are there already" in done.stderr


def test_the_pasteable_lines_work(data_dir: Path) -> None:
    running = Up(data_dir)
    try:
        lines: list[str] = []
        assert running.process.stdout is not None
        while len(lines) < 3:
            line = running.process.stdout.readline()
            assert line, "the output ended before three lines to paste"
            lines += [line.strip()] if line.strip().startswith("curl ") else []
        answers = [subprocess.run(["bash", "-c", line], capture_output=True, text=True) for line in lines]
    finally:
        running.process.send_signal(signal.SIGINT)
        running.process.communicate(timeout=40)

    bodies = [json.loads(answer.stdout) for answer in answers]
    assert bodies[0]["verdict"] == "valid"
    assert bodies[1]["schema"] == "registration/1"
    assert len(bodies[2]["items"]) == 2


def test_ctrl_c_ends_everything_in_order(data_dir: Path) -> None:
    running = Up(data_dir)

    running.process.send_signal(signal.SIGINT)
    running.process.communicate(timeout=40)

    assert running.process.returncode == 0
    assert not (data_dir / "endpoints.json").exists()
    assert left_behind(data_dir / "run", Path(sys.executable).resolve().name, "service") == []
    assert left_behind(data_dir / "pg", "postgres") == []


@pytest.fixture(scope="module")
def up(data_dir: Path) -> Iterator[Up]:
    """One that the tests below share; those above have the data directory to themselves, one after the other."""
    running = Up(data_dir)
    yield running
    running.process.terminate()
    running.process.communicate(timeout=40)


def test_keys_and_addresses_are_for_the_owner_alone(up: Up, data_dir: Path) -> None:
    files = [data_dir / "endpoints.json", *map(Path, up.endpoints["keys"].values())]

    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600] * len(files)
    assert {"admin", "commerce"} <= up.endpoints["keys"].keys()


@pytest.mark.parametrize("word", ["serve", "ingest", "relay"])
def test_a_killed_role_comes_back(up: Up, data_dir: Path, word: str) -> None:
    first = _child(data_dir, word)

    os.kill(first, signal.SIGKILL)

    deadline = time.monotonic() + 30
    while left_behind(data_dir / "run", Path(sys.executable).resolve().name, word) in ([], [first]) or not up.answers(
        "/readyz"
    ):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_the_night_gives_way_to_the_other_roles(up: Up, data_dir: Path) -> None:
    def niceness(word: str) -> int:
        return os.getpriority(os.PRIO_PROCESS, _child(data_dir, word))

    deadline = time.monotonic() + 30
    while niceness("nightly") <= niceness("relay"):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_second_one_on_the_same_data_is_refused(up: Up, data_dir: Path) -> None:
    second = _uscc("up", "--data-dir", str(data_dir), "--port", "0")

    assert second.returncode == 2
    assert f"process {up.process.pid}" in second.stderr


def test_clients_are_managed_from_the_command_line(up: Up, data_dir: Path) -> None:
    where = ("--data-dir", str(data_dir))
    key = _uscc("clients", "create", "tax", "--scopes", "lookup", *where).stdout

    assert key.startswith("uscc_")
    assert key.count("\n") == 1
    assert "tax" in _uscc("clients", "list", *where).stdout
    assert _uscc("clients", "rotate", "tax", *where).stdout not in ("", key)
    assert _uscc("clients", "revoke", "tax", *where).returncode == 0
    assert _uscc("clients", "create", "tax", "--scopes", "lookup", *where).returncode == 1
    assert _uscc("clients", "create", "x", "--scopes", "everything", *where).returncode == 2


def test_partitions_are_listed_and_none_is_halted(up: Up, data_dir: Path) -> None:
    listed = _uscc("partitions", "list", "--data-dir", str(data_dir), "--json")

    rows = json.loads(listed.stdout)
    assert listed.returncode == 0
    assert sum(row["decided_records"] for row in rows) == RECORDS
    assert _uscc("partitions", "resume", f"{rows[0]['topic']}/0", "--data-dir", str(data_dir)).returncode == 1


def test_a_taken_port_is_said(up: Up, tmp_path: Path) -> None:
    port = up.endpoints["http"].rsplit(":", 1)[1]

    done = _uscc("up", "--data-dir", str(tmp_path), "--port", port)

    assert (done.returncode, f"port {port} is taken" in done.stderr) == (2, True)
