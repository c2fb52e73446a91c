"""Named steps of the work at which a process can be told to die, so that every step is proven to survive it.

`USCC_FAIL_POINT` names them, separated by commas, each with the reach that kills: `before_commit:3` dies when
that step is reached for the third time. A marker in the data directory keeps the process that is started in its
place alive: the step kills again when the marker is gone. Nothing happens where none is named. For tests/faults.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args

from sync.errors import Fatal

Step = Literal[
    "after_decode",
    "after_stage",
    "before_commit",
    "after_commit",
    "after_publish",
    "after_produce",
]
STEPS: tuple[Step, ...] = get_args(Step)
FOLDER = "fail-points"


class FailPoints:
    """The steps at which this process dies, each at its n-th reach and once until its marker is removed."""

    def __init__(self, reaches: Mapping[Step, int], folder: Path) -> None:
        self._left = dict(reaches)
        self._folder = folder

    @classmethod
    def parse(cls, text: str | None, data_dir: Path) -> FailPoints | None:
        """Read `step[:reach],…`; None where no step is named.

        Raises:
            Fatal: there is no such step, or its reach is no number from 1.
        """
        if not text:
            return None
        reaches: dict[Step, int] = {}
        for part in text.split(","):
            name, _, reach = part.strip().partition(":")
            step = next((each for each in STEPS if each == name), None)
            if step is None or not (reach or "1").isdecimal() or int(reach or "1") < 1:
                raise Fatal(f"no fail-point {part.strip()!r}: write STEP[:REACH], a step of {', '.join(STEPS)}")
            reaches[step] = int(reach or "1")
        return cls(reaches, data_dir / FOLDER)

    def marker(self, step: Step) -> Path:
        """Return the file that says that a step has killed."""
        return self._folder / step

    def pass_by(self, step: Step) -> None:
        """Count one reach of a step and die at the last of them by SIGKILL: nothing is flushed, nothing is said."""
        if step not in self._left or self.marker(step).exists():
            return
        self._left[step] -= 1
        if self._left[step] > 0:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            os.close(os.open(self.marker(step), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            return  # Another process of ours died here a moment ago: one death is asked for.
        os.kill(os.getpid(), signal.SIGKILL)


def reach(step: Step, chosen: FailPoints | None) -> None:
    """Pass a step of the work; the process dies here when it is told to."""
    if chosen is not None:
        chosen.pass_by(step)
