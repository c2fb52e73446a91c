"""Ingest: from the topic to the committed registry, against COPY of the same rows and against Debezium's sink."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from sync.topics import submissions_topic
from tests.bench import floor
from tests.bench.feed import OFFICE, records
from tests.bench.figures import Figure, alone, of_pairs, scaled
from tests.bench.peers import debezium
from tests.bench.services import Process, Services, services

_RECORDS = 120_000
_MEMORY_RECORDS = 1_000_000
_ROUNDS = 3
_PATIENCE_SECONDS = 1_200.0
_OFFICES = ("commerce", "civil-affairs", "establishment")


def rates(wanted: frozenset[str]) -> Iterator[Figure]:
    """ingest.floor and ingest.peer: records a second, from the first committed ones to the last."""
    here, size = services(), scaled(_RECORDS, least=5_000)
    sink = debezium.Sink(here) if "ingest.peer" in wanted else None
    _fill(here, size, seed=1)
    if sink is not None:
        sink.fill(records(size, seed=1, flat=True))
    with_floor: list[tuple[float, float]] = []
    with_peer: list[tuple[float, float]] = []
    for _ in range(_ROUNDS):
        with here.database() as dsn:
            mine = _ours(here, dsn, size)
            if "ingest.floor" in wanted:
                rows = floor.read_back(dsn)
        if "ingest.floor" in wanted:
            with here.database() as dsn:
                here.settle()
                with_floor.append((mine, floor.write(dsn, rows)))
            del rows
        if sink is not None:
            here.settle()
            with_peer.append((mine, sink.run(size)))
    if with_floor:
        yield of_pairs("ingest.floor", with_floor, unit="records/s", records=size, bar=">= 0.5")
    if with_peer:
        yield of_pairs("ingest.peer", with_peer, unit="records/s", records=size, bar=">= 1")


def memory(_wanted: frozenset[str]) -> Iterator[Figure]:
    """ingest.memory: the peak of one process over a long feed."""
    here, size = services(), scaled(_MEMORY_RECORDS, least=20_000)
    _fill(here, size, seed=2)
    with here.database() as dsn, here.role("ingest", dsn=dsn) as process:
        _until(lambda: _decided(here, dsn) >= size, process)
        peak = process.peak_mib()
    yield alone("ingest.memory", [peak], unit="MiB", records=size, bar="<= 300")


def _fill(here: Services, size: int, *, seed: int) -> None:
    here.make_topics(map(submissions_topic, _OFFICES))
    here.produce(submissions_topic(OFFICE), records(size, seed=seed))


def _ours(here: Services, dsn: str, size: int) -> float:
    """Run `uscc ingest` over the topic; return its steady rate, as the peer's is taken: the start does not count."""
    here.settle()
    seen: list[tuple[float, int]] = []

    def done() -> bool:
        decided = _decided(here, dsn)
        if decided and (not seen or seen[-1][1] != decided):
            seen.append((time.perf_counter(), decided))
        return decided >= size

    with here.role("ingest", dsn=dsn) as process:
        _until(done, process)
    return steady(seen)


def steady(seen: list[tuple[float, int]]) -> float:
    """Return the rate between the first and the last of some counts that were seen."""
    (began, first), (ended, last) = seen[0], seen[-1]
    if first == last:
        raise RuntimeError("everything was committed at once: take more records")
    return (last - first) / (ended - began)


def _decided(here: Services, dsn: str) -> int:
    return int(here.fetch("select coalesce(sum(decided_records), 0)::bigint from partition_progress", dsn=dsn)[0][0])


def _until(done: Callable[[], bool], process: Process) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not done():
        process.check()
        if time.monotonic() > deadline:
            raise RuntimeError(f"not done after {_PATIENCE_SECONDS:g} s")
        time.sleep(0.1)
