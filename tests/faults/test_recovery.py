"""Whatever dies, freezes or is cut in the middle of a feed: 30 s later everything is decided once and returned once."""

from __future__ import annotations

import os
import time
from random import Random

import pytest

from tests.faults.feeding import Feed
from tests.faults.injections import FAULTS
from tests.faults.system import RECOVERY_SECONDS, System

RECORDS = 1_200
FEED_SECONDS = 3.0


def _endure(system: System, name: str, seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Do a fault in the middle of a feed and see that the system comes back by itself and owes nothing."""
    random = Random(seed)
    feed = Feed(system, records=RECORDS, seed=seed, seconds=FEED_SECONDS)
    system.settle(RECOVERY_SECONDS)
    before = system.decided()
    with feed.under_way():
        time.sleep(random.uniform(0.2, 0.6) * FEED_SECONDS)
        FAULTS[name](system, random)
    seconds = system.settle(RECOVERY_SECONDS)
    with capsys.disabled():
        print(f"\n  {name}: seed {seed}, n {RECORDS}, well again {seconds:.1f} s after fault and feed", end=" ")

    assert before + RECORDS == system.decided()
    assert [] == feed.misjudged()
    assert [] == system.verify()


@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", FAULTS)
def test_the_system_recovers_by_itself_and_keeps_its_promise(
    system: System, fault_seed: int, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _endure(system, name, 1000 * fault_seed + list(FAULTS).index(name), capsys)


@pytest.mark.timeout(0)
def test_it_endures_faults_in_any_order(system: System, fault_seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    rounds = int(os.environ.get("FAULT_ROUNDS", "1"))
    random = Random(fault_seed)
    for number in range(rounds):
        _endure(system, random.choice(list(FAULTS)), 1_000_000 * fault_seed + number, capsys)
