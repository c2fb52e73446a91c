"""Conflicts and their corrections, by message, API and file, with two consumers that are killed: the promise holds."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from random import Random

import pytest

from sync.failpoints import STEPS
from tests.faults.disputing import Clerks, Dispute
from tests.faults.system import RECOVERY_SECONDS, System

RECORDS = 240
SECONDS = 8.0
KILLS = 4
_ROUNDS_OF_A_RUN = 10


def _kill_now_and_then(system: System, random: Random) -> list[str]:
    """Kill ingest processes, some of them in the middle of a batch, and once the API."""
    killed = []
    for number in range(KILLS):
        time.sleep(SECONDS / (KILLS + 1) * random.uniform(0.6, 1.4))
        victim = "serve" if number == KILLS // 2 else random.choice(("ingest", *STEPS))
        killed.append(victim)
        if victim in ("ingest", "serve"):
            os.kill(random.choice(system.roles(victim) or [system.role(victim)]), signal.SIGKILL)
        else:
            system.arm(next(step for step in STEPS if step == victim))
    return killed


def _dispute(system: System, seed: int, say: Callable[[str], None]) -> None:
    dispute = Dispute(system, records=RECORDS, seed=seed, seconds=SECONDS)
    system.settle(RECOVERY_SECONDS)
    clerks = Clerks(system, dispute)
    with dispute.under_way(), clerks.under_way():
        killed = _kill_now_and_then(system, Random(seed))
    system.settle(RECOVERY_SECONDS)
    system.disarm_all()
    settled = len(clerks.acknowledged)
    clerks.settle_all()
    system.settle(RECOVERY_SECONDS)
    dispositions = dispute.dispositions()
    say(
        f"seed {seed}, {RECORDS} records {dict(dispositions)}; killed {', '.join(killed)}; "
        f"{settled} resolutions acknowledged under way, {len(clerks.acknowledged) - settled} after; "
        f"answers {dict(clerks.answers)}"
    )

    assert RECORDS == dispositions.total()
    assert dispositions["held"] > RECORDS / 10
    assert settled > 0
    assert [] == dispute.claims()
    assert [] == dispute.unanswered()
    assert [] == clerks.lost()
    assert [] == system.verify()


@pytest.mark.timeout(0)
def test_whatever_is_claimed_and_settled_while_consumers_die_the_promise_holds(
    system: System, fault_seed: int, say: Callable[[str], None]
) -> None:
    """`FAULT_ROUNDS` of the long run count ten to a dispute."""
    for number in range(max(1, int(os.environ.get("FAULT_ROUNDS", "1")) // _ROUNDS_OF_A_RUN)):
        _dispute(system, 100 * fault_seed + number, say)
