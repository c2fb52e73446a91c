"""What the documents tell a stranger to type works, and what they list is what there is."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = ("README.md", "README.zh-CN.md")
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


def _lines(document: str) -> list[str]:
    """Return the commands of a document, without those that .ci/run and `make run`'s own test run."""
    blocks = _BLOCK.findall((ROOT / document).read_text("utf-8"))
    lines = [line.split("  #")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith(("make ", "#"))]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """`make run`, as README.md has it, on a data directory of its own; ended with Ctrl-C."""
    folder = tmp_path_factory.mktemp("run")
    environment = {**os.environ, "USCC_DATA_DIR": str(folder), "USCC_HTTP_PORT": "0"}
    output = (folder / "output").open("w")
    process = subprocess.Popen(["make", "run"], cwd=ROOT, env=environment, stdout=output, start_new_session=True)
    deadline = time.monotonic() + 300
    while "curl" not in (folder / "output").read_text("utf-8"):
        assert process.poll() is None, (folder / "output").read_text("utf-8")
        assert time.monotonic() < deadline
        time.sleep(0.5)
    yield folder
    os.killpg(process.pid, signal.SIGINT)
    process.wait(30)
    output.close()


@pytest.mark.timeout(400)
def test_make_run_prints_a_table_that_balances_and_lines_that_work(running: Path) -> None:
    printed = (running / "output").read_text("utf-8")
    curls = [line.strip() for line in printed.splitlines() if line.strip().startswith("curl")]

    assert "20,000" in printed
    assert len(curls) == 3
    for line in curls:
        done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=20, check=True)
        answer = json.loads(done.stdout)
        assert answer.get("status", "normal") in ("normal", "cancelled", "revoked"), line


@pytest.mark.timeout(200)
@pytest.mark.parametrize("document", [*DOCUMENTS, "docs/operations/nightly.md"])
def test_the_commands_of_a_document_work(document: str, running: Path) -> None:
    endpoints = json.loads((running / "endpoints.json").read_text("utf-8"))
    environment = {**os.environ, "USCC_DATA_DIR": str(running)}
    for line in _lines(document):
        command = line.replace("http://127.0.0.1:8080", endpoints["http"]).replace(".uscc/", f"{running}/")
        done = subprocess.run(
            ["bash", "-c", command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=180
        )

        assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"
        assert "/problems/" not in done.stdout, f"{line}: {done.stdout}"


def test_every_setting_has_its_line_in_the_readme() -> None:
    listed = set(re.findall(r"^\| `(USCC_\w+)` \|", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE))

    assert {f"USCC_{name.upper()}" for name in Settings.model_fields} == listed


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_links_of_a_document_lead_somewhere(document: str) -> None:
    missing = [link for link in _LINK.findall((ROOT / document).read_text("utf-8")) if not (ROOT / link).exists()]

    assert [] == missing
