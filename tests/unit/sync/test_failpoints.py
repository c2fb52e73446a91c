"""The steps at which a process can be told to die: once, at the reach that was named."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sync.errors import Fatal
from sync.failpoints import FOLDER, STEPS, FailPoints, reach

_PROGRAM = """
import sys
from pathlib import Path
from sync.failpoints import FailPoints, reach
chosen = FailPoints.parse(sys.argv[1], Path(sys.argv[2]))
for number in range(5):
    print(number, flush=True)
    reach("before_commit", chosen)
"""


def _run(text: str, data_dir: Path) -> tuple[int, int]:
    """Return the status of a process that passes a step five times, and how often it began to."""
    done = subprocess.run([sys.executable, "-c", _PROGRAM, text, str(data_dir)], capture_output=True, text=True)
    return done.returncode, len(done.stdout.split())


def test_a_process_dies_at_the_reach_that_was_named_and_the_next_one_lives(tmp_path: Path) -> None:
    died = _run("after_decode,before_commit:3", tmp_path)
    lives = _run("after_decode,before_commit:3", tmp_path)

    assert (-signal.SIGKILL, 3) == died
    assert (0, 5) == lives


def test_a_step_kills_again_when_its_marker_is_removed(tmp_path: Path) -> None:
    _run("before_commit", tmp_path)
    (tmp_path / FOLDER / "before_commit").unlink()

    assert (-signal.SIGKILL, 1) == _run("before_commit", tmp_path)


def test_nothing_happens_where_no_step_is_named(tmp_path: Path) -> None:
    for step in STEPS:
        reach(step, FailPoints.parse(None, tmp_path))

    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "text", ["before", "before_commit:0", "before_commit:x", "before_commit:-1", ",", "after_decode,"]
)
def test_a_step_that_is_none_stops_the_start(tmp_path: Path, text: str) -> None:
    with pytest.raises(Fatal, match="no fail-point"):
        FailPoints.parse(text, tmp_path)
