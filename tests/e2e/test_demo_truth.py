"""What `uscc demo` says of its feed is what becomes of it: files pushed, decided, published and verified.

`python -m tests.demo_truth FOLDER --records 1000000 --seed 7` does the same at the size of a release.
"""

from __future__ import annotations

from pathlib import Path

from tests.demo_truth import compare, submit, wait, write_feed
from tests.faults.system import System

RECORDS = 3_000


def test_all_that_was_planted_is_found_and_nothing_else(tmp_path: Path) -> None:
    write_feed(tmp_path / "feed", RECORDS, 7)
    system = System(tmp_path / "data", {"USCC_INGEST_PROCESSES": "2"})
    system.start()
    try:
        submit(system, tmp_path / "feed")
        wait(system, RECORDS)
        found = compare(system.endpoints["database"], tmp_path / "feed")
        broken = system.verify()
    finally:
        system.stop()

    assert (RECORDS, [], []) == (found.records, found.disagreeing, found.unsatisfied)
    assert found.findings_planted == found.findings_found > 0
    assert broken == []
