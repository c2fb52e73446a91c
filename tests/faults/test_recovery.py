"""Whatever dies, freezes or is cut in the middle of a feed: 30 s later everything is decided once and returned once."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.faults.feeding import Feed, Posts
from tests.faults.injections import FAULTS, LONG_FAULTS, Fault
from tests.faults.system import RECOVERY_SECONDS, System

RECORDS = 900
FEED_SECONDS = 2.5


def _endure(system: System, name: str, fault: Fault, seed: int, say: Callable[[str], None]) -> None:
    """Do a fault in the middle of a feed and see that the system comes back by itself and owes nothing."""
    random = Random(seed)
    feed = Feed(system, records=RECORDS, seed=seed, seconds=FEED_SECONDS)
    system.settle(RECOVERY_SECONDS)
    posts = Posts(system, seed=seed)
    before = system.decided()
    with feed.under_way(), posts.under_way():
        time.sleep(random.uniform(0.2, 0.6) * FEED_SECONDS)
        fault(system, random)
    seconds = system.settle(RECOVERY_SECONDS)
    sent = f"n {RECORDS} + {posts.records} by HTTP"
    say(f"{name}: seed {seed}, {sent}, well again {seconds:.1f} s after fault and feed")

    assert [] == posts.undone()
    assert before + RECORDS + posts.records == system.decided()
    assert [] == feed.misjudged()
    assert [] == system.verify()


@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", FAULTS)
def test_the_system_recovers_by_itself_and_keeps_its_promise(
    system: System, fault_seed: int, name: str, say: Callable[[str], None]
) -> None:
    _endure(system, name, FAULTS[name], 1000 * fault_seed + list(FAULTS).index(name), say)


@pytest.mark.timeout(0)
def test_it_endures_faults_in_any_order(system: System, fault_seed: int, say: Callable[[str], None]) -> None:
    """`FAULT_ROUNDS` sets how many, `FAULT_NAMES` which (separated by commas), `FAULT_SEED` their order."""
    rounds = int(os.environ.get("FAULT_ROUNDS", "1"))
    faults = {**FAULTS, **LONG_FAULTS} if rounds > 1 else FAULTS
    names = [name for name in os.environ.get("FAULT_NAMES", ",".join(faults)).split(",") if name]
    random = Random(fault_seed)
    for number in range(rounds):
        name = random.choice(names)
        _endure(system, name, faults[name], 1_000_000 * fault_seed + number, say)


def test_no_log_tells_a_key_or_what_a_record_holds(system: System, fault_seed: int) -> None:
    keys = [Path(file).read_text("utf-8").strip() for file in system.endpoints["keys"].values()]
    feed = Feed(system, records=RECORDS, seed=1000 * fault_seed, seconds=FEED_SECONDS)
    secrets = {*keys, (system.data_dir / "pg.password").read_text("utf-8").strip(), *feed.personal()}
    logs = {file.name: file.read_text("utf-8", "replace") for file in (system.data_dir / "logs").iterdir()}

    assert len(secrets) > RECORDS / 4
    assert {"postgres.log", "kafka.log", "serve.log", "relay.log", "ingest-1.log"} <= logs.keys()
    assert [] == [(name, secret) for name, text in logs.items() for secret in secrets if secret in text]
