"""Ingest: from the topic to the committed registry, against COPY of the same rows and against Debezium's sink."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from random import Random

import asyncpg
import orjson

from service.demo.feed import today
from sync.topics import submissions_topic
from tests.bench import floor
from tests.bench.feed import OFFICE, records
from tests.bench.figures import Figure, Skipped, alone, of_pairs, scaled
from tests.bench.peers import debezium
from tests.bench.registry import apply, fill
from tests.bench.services import Process, Services, services

_RECORDS = 120_000
_MEMORY_RECORDS = 1_000_000
_SLOPE_LARGE, _SLOPE_SMALL = 8_000_000, 80_000
_SLOPE_BATCH = 5_000
_SLOPE_ROUNDS = 4
_CHOSEN = """select v.uscc, v.record::text as record
             from registration r
             join registration_version v
               on v.uscc = r.uscc and v.version = r.particulars_version and v.recorded_at = r.particulars_recorded_at
             where r.uscc = any($1)"""
_ROUNDS = 3
# More processes decode in parallel and apply in turn; the machine has two cores.
_PROCESSES = int(os.environ.get("BENCH_INGEST_PROCESSES", "2"))
_PATIENCE_SECONDS = 1_200.0
_OFFICES = ("commerce", "civil-affairs", "establishment")


def rates(wanted: frozenset[str]) -> Iterator[Figure]:
    """ingest.floor and ingest.peer: records a second, from the first committed ones to the last."""
    here, size = services(), scaled(_RECORDS, least=5_000)
    sink, missing = None, None
    if "ingest.peer" in wanted:
        try:
            sink = debezium.Sink(here)
        except Skipped as reason:
            missing = reason
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
    if missing is not None:
        raise missing


def memory(_wanted: frozenset[str]) -> Iterator[Figure]:
    """ingest.memory: the peak of one process over a long feed."""
    here, size = services(), scaled(_MEMORY_RECORDS, least=20_000)
    _fill(here, size, seed=2)
    with here.database() as dsn, here.role("ingest", dsn=dsn) as process:
        _until(lambda: _decided(here, dsn) >= size, process)
        peak = process.peak_mib()
    yield alone("ingest.memory", [peak], unit="MiB", records=size, bar="<= 300")


def slope(_wanted: frozenset[str]) -> Iterator[Figure]:
    """ingest.slope: microseconds a record under the lock, in a large registry and in a small one.

    Each round applies the same sizes to both: new organizations, and changes of registered ones chosen at random.
    `BENCH_SLOPE_RECORDS` sets the size of the large one.
    """
    here = services()
    large = scaled(int(os.environ.get("BENCH_SLOPE_RECORDS", _SLOPE_LARGE)), least=10_000)
    small = min(_SLOPE_SMALL, large // 10)
    with here.database() as large_dsn, here.database() as small_dsn:
        held = {dsn: fill(dsn, size, hashed=False) for dsn, size in ((small_dsn, small), (large_dsn, large))}
        pairs = []
        for number in range(_SLOPE_ROUNDS):
            turn = (large_dsn, small_dsn) if number % 2 else (small_dsn, large_dsn)
            cost = {dsn: _cost(here, dsn, held[dsn], number) for dsn in turn}
            pairs.append((cost[large_dsn], cost[small_dsn]))
    yield of_pairs("ingest.slope", pairs, unit="us/record", records=large, bar="<= 1.5")


def _cost(here: Services, dsn: str, held: list[str], number: int) -> float:
    """Apply three batches, the first to warm up; return what a record of the others costs."""
    half = _SLOPE_BATCH // 2
    new = [body for _, body in records(3 * half, seed=100 + number)]
    chosen = Random(number).sample(held, min(len(held), 3 * half))
    changes = [_change(row, number) for row in here.fetch(_CHOSEN, chosen, dsn=dsn)]
    bodies = [
        body for start in range(0, 3 * half, half) for part in (new, changes) for body in part[start : start + half]
    ]
    here.settle()
    took = asyncio.run(apply(dsn, bodies, partition=number + 1, batch=_SLOPE_BATCH))
    return sum(took[1:]) / (len(bodies) - _SLOPE_BATCH) * 1e6


def _change(row: asyncpg.Record, number: int) -> bytes:
    """Return the change of a registered organization: it has moved."""
    record = orjson.loads(row["record"])
    record |= {"registered_address": f"沈阳市和平区{number}号", "approved_on": today().isoformat()}
    at = datetime.combine(today(), time_of_day(0, number), UTC) - timedelta(hours=12)
    return orjson.dumps(
        {
            "schema": "submission/1",
            "message_id": f"S{number}-{row['uscc']}",
            "operation": "change",
            "occurred_at": at.isoformat(),
            "record": record,
        }
    )


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

    with ExitStack() as stack:
        processes = [stack.enter_context(here.role("ingest", dsn=dsn)) for _ in range(_PROCESSES)]
        _until(done, *processes)
    return steady(seen)


def steady(seen: list[tuple[float, int]]) -> float:
    """Return the rate between the first and the last of some counts that were seen."""
    (began, first), (ended, last) = seen[0], seen[-1]
    if first == last:
        raise RuntimeError("everything was committed at once: take more records")
    return (last - first) / (ended - began)


def _decided(here: Services, dsn: str) -> int:
    return int(here.fetch("select coalesce(sum(decided_records), 0)::bigint from partition_progress", dsn=dsn)[0][0])


def _until(done: Callable[[], bool], *processes: Process) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not done():
        for process in processes:
            process.check()
        if time.monotonic() > deadline:
            raise RuntimeError(f"not done after {_PATIENCE_SECONDS:g} s")
        time.sleep(0.1)
