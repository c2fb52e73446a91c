"""A department that follows the feed while records are ingested and processes die ends with the registry's copy.

`FOLLOWED_RECORDS` makes it longer: `FOLLOWED_RECORDS=200000 pytest --timeout 0 tests/e2e/test_follower.py`.
"""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from tests.faults.feeding import Feed
from tests.faults.system import System

RECORDS = int(os.environ.get("FOLLOWED_RECORDS", "3000"))
SECONDS = max(8.0, RECORDS / 2_000)
COMPARED = ("uscc", "version", "status", "standing", "office")


class Follower(threading.Thread):
    """Reads the stream of changes into a copy, and comes back with its last sequence whenever the stream ends."""

    def __init__(self, http: str, key: str) -> None:
        super().__init__(daemon=True)
        self._client = httpx.Client(base_url=http, headers={"authorization": f"Bearer {key}"}, timeout=20)
        self._enough = threading.Event()
        self.copy: dict[str, dict[str, Any]] = {}
        self.sequence = 0
        self.returns = 0
        self.wrong: list[tuple[int, int]] = []

    def run(self) -> None:
        while not self._enough.is_set():
            with suppress(httpx.TransportError):
                self._follow()
            self.returns += 1
            time.sleep(0.1)

    def _follow(self) -> None:
        headers = {"last-event-id": str(self.sequence)}
        with self._client.stream("GET", "/v1/changes/stream", headers=headers) as stream:
            if stream.status_code != 200:
                return
            event = ""
            for line in stream.iter_lines():
                if line.startswith("event:"):
                    event = line
                elif line.startswith("data:") and not event:
                    self._take(json.loads(line.removeprefix("data:")))
                elif not line:
                    event = ""
                if self._enough.is_set():
                    return

    def _take(self, change: dict[str, Any]) -> None:
        if change["sequence"] != self.sequence + 1:
            self.wrong.append((self.sequence, change["sequence"]))
        self.sequence = change["sequence"]
        if change["kind"] == "withdrawn":
            self.copy.pop(change["uscc"], None)
        elif "restricted" in change:
            self.copy[change["uscc"]] = {"uscc": change["uscc"], "version": change["version"]}
        else:
            registration = change["registration"]
            self.copy[change["uscc"]] = {name: registration[name] for name in COMPARED} | registration["record"]

    def finish(self, tip: int) -> None:
        """Wait until the copy stands at `tip`."""
        deadline = time.monotonic() + 30
        while self.sequence < tip:
            assert time.monotonic() < deadline, f"the copy stands at {self.sequence} of {tip}"
            time.sleep(0.1)
        self._enough.set()


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    """A system with two consumers."""
    running = System(tmp_path, {"USCC_INGEST_PROCESSES": "2", "USCC_BATCH_RECORDS": "500"})
    running.start()
    yield running
    running.stop()


@pytest.mark.slow
def test_a_copy_kept_by_the_feed_is_the_registry_whatever_dies(system: System) -> None:
    key = Path(system.endpoints["keys"]["admin"]).read_text("utf-8").strip()
    follower = Follower(system.endpoints["http"], key)
    follower.start()
    feed = Feed(system, records=RECORDS, seed=11, seconds=SECONDS)
    dice = Random(11)

    with feed.under_way():
        for word in ("ingest", "serve", "ingest", "relay"):
            time.sleep(SECONDS / 6)
            os.kill(dice.choice(system.roles(word) or [system.role(word)]), signal.SIGKILL)
    system.settle(max(60.0, RECORDS / 400))

    with httpx.Client(base_url=system.endpoints["http"], headers={"authorization": f"Bearer {key}"}) as client:
        tip = client.get("/v1/changes/tip").json()["sequence"]
        follower.finish(tip)
        snapshot = _snapshot(system)
        rows = client.get(f"/v1/snapshots/{snapshot['snapshot_id']}/registrations.ndjson.gz").content
    registry = {
        row["uscc"]: {name: value for name, value in row.items() if value is not None}
        for row in map(json.loads, gzip.decompress(rows).splitlines())
    }
    assert [] == follower.wrong
    assert follower.returns >= 1
    assert (tip, tip) == (snapshot["sequence"], follower.sequence)
    assert len(registry) > RECORDS / 4
    assert registry == follower.copy
    assert RECORDS == sum(
        row["decided_records"] for row in system.query("select decided_records from partition_progress")
    )


def _snapshot(system: System) -> dict[str, Any]:
    command = [sys.executable, "-m", "service", "snapshot", "--json", "--data-dir", str(system.data_dir)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stderr
    made: dict[str, Any] = json.loads(done.stdout)
    return made
