"""One running system that the fault tests share: each fault meets what the faults before it have left."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from sync.failpoints import STEPS
from tests.faults.system import System

# An ingest that is told to die at a step does so when it has passed it once, in the middle of its work.
_SETTINGS = {
    "USCC_BATCH_RECORDS": "60",
    "USCC_INGEST_PROCESSES": "2",
    "USCC_FAIL_POINT": ",".join(f"{step}:2" for step in STEPS),
}


@pytest.fixture(scope="session")
def fault_seed() -> int:
    """The seed of everything random here; `FAULT_SEED` sets another."""
    return int(os.environ.get("FAULT_SEED", "1"))


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A running `uscc up` with two ingest processes."""
    started = System(tmp_path_factory.mktemp("faults"), _SETTINGS)
    started.disarm_all()
    started.start()
    yield started
    started.stop()
