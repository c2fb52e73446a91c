"""Named places where a process can be told to die, so that every step of a batch is proven to survive it.

`USCC_FAIL_POINT` names one; nothing happens elsewhere, or when it is not set. Used by tests/faults only.
"""

from __future__ import annotations

import os
import signal
from typing import Literal, get_args

FailPoint = Literal[
    "after_decode",
    "after_stage",
    "before_commit",
    "after_commit",
    "after_publish",
]
FAIL_POINTS: tuple[str, ...] = get_args(FailPoint)


def reach(point: FailPoint, chosen: str | None) -> None:
    """Die by SIGKILL where `point` is the chosen one: nothing is flushed, nothing is said."""
    if point == chosen:
        os.kill(os.getpid(), signal.SIGKILL)
