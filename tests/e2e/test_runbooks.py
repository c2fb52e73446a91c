"""What the runbooks tell an operator to type works, in the order in which they tell it."""

from __future__ import annotations

import csv
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from service.demo import generate, push
from service.demo.feed import today
from tests.faults.system import System, send

ROOT = Path(__file__).resolve().parents[2]
RUNBOOKS = ROOT / "deploy" / "runbooks"
RECORDS = 1_500
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!https?:)([^)#]+)\)")
_HALT = (
    "update partition_progress set halted_at = now(), halted_reason = 'for the runbook' "
    "where topic = 'uscc.submissions.commerce' and partition = 3"
)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system with a demonstration feed, and so with cases and quarantined records."""
    system = System(tmp_path_factory.mktemp("runbooks"), {})
    system.start()
    push(system.kafka, generate(RECORDS, 11, today()), lambda _: None)
    system.settle(60)
    yield system
    system.stop()


def _blocks(page: str) -> list[str]:
    return _BLOCK.findall((RUNBOOKS / page).read_text("utf-8"))


def _type(system: System, block: str, folder: Path) -> str:
    """Run a block as an operator would, who stops at the first command that fails; return what it printed."""
    if not (folder / "service").exists():
        (folder / "service").symlink_to(ROOT / "service")
    typed = block.replace("http://127.0.0.1:8080", system.endpoints["http"]).replace(".uscc/", f"{system.data_dir}/")
    environment = os.environ | {
        "USCC_DATA_DIR": str(system.data_dir),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", typed],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}"
    return done.stdout


def _halt(system: System, _folder: Path) -> None:
    """Halt a partition and let ingest learn of it as it does of every halt that is not its own: when it starts."""
    system.query(_HALT)
    former = system.role("ingest")
    send([former], signal.SIGKILL)
    deadline = time.monotonic() + 30
    while former in system.roles("ingest"):
        assert time.monotonic() < deadline, "ingest does not end"
        time.sleep(0.05)
    system.role("ingest")


def _fill_in(_system: System, folder: Path) -> None:
    """What the office does: it lets the two codes of a conflict stand, and says why."""
    form = folder / "纠错-工商.csv"
    with form.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    line = next(row for row in rows if row[4].startswith("D03") and "（待定" in row[4])
    line[2] = "2"
    with form.open("w", encoding="gb18030", newline="") as file:
        csv.writer(file).writerows(rows)


_BEFORE: dict[tuple[str, int], Callable[[System, Path], None]] = {
    ("halted-partition.md", 0): _halt,
    ("halted-partition.md", 2): _halt,
    ("case.md", 3): _fill_in,
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", ["halted-partition.md", "quarantine.md", "case.md", "segments.md"])
def test_the_commands_of_a_runbook_work(page: str, running: System, tmp_path: Path) -> None:
    for place, block in enumerate(_blocks(page)):
        if before := _BEFORE.get((page, place)):
            before(running, tmp_path)
        printed = _type(running, block, tmp_path)
        assert "/problems/" not in printed, printed
    running.settle(60)

    assert [] == running.query("select topic from partition_progress where halted_at is not null")
    assert [] == running.verify()


@pytest.mark.timeout(300)
def test_a_backup_is_restored_as_the_runbook_says(running: System, tmp_path: Path) -> None:
    before = running.decided()
    back_up, restore, check = _blocks("restore.md")
    running.stop()
    _type(running, back_up, tmp_path)
    _type(running, restore, tmp_path)
    running.start()
    running.settle(60)
    _type(running, check, tmp_path)

    assert before == running.decided() > RECORDS - 1


@pytest.mark.timeout(300)
def test_a_further_office_joins_as_the_runbook_says(tmp_path: Path) -> None:
    configure, translate, begin = _blocks("office.md")
    folder = tmp_path / "typed"
    folder.mkdir()
    before = System(tmp_path / "data", {})
    before.start()
    try:
        _type(before, configure, folder)
        checked = _type(before, translate, folder)
    finally:
        before.stop()
    after = System(tmp_path / "data", {"USCC_CONFIG_DIR": str(folder / "uscc-config")})
    after.start()
    try:
        shown = _type(after, begin, folder)
        broken = after.verify()
    finally:
        after.stop()

    assert "31210000MD0000008D" in checked
    assert re.search(r"judicial +1 +1 ", shown), shown
    assert [] == broken


def test_every_runbook_is_listed_and_every_link_leads_somewhere() -> None:
    pages = {page.name for page in RUNBOOKS.glob("*.md")} - {"README.md"}

    assert pages == set(_LINK.findall((RUNBOOKS / "README.md").read_text("utf-8")))
