"""The comparison of a full register with the registry, as `uscc nightly --against` runs it.

The baseline is what nobody can avoid: unpacking the same file with igzip. Its time is `ours` with the start of the
program taken off, which is measured on the same command with nothing to do.
"""

from __future__ import annotations

import asyncio
import csv
import gzip
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from isal import igzip_threaded

from sync.offices import load_offices
from sync.topics import submissions_topic
from tests.bench.feed import OFFICE
from tests.bench.figures import ROOT, Figure, alone, of_pairs, scaled, seconds
from tests.bench.looking_up import client, serving
from tests.bench.registry import fill
from tests.bench.services import Services, services

_LARGE = 6_000_000
_SMALL = 600_000
_ROUNDS = 3
_PLANTED_EVERY = 1_009
_FETCH_ROWS = 50_000
_ASKED = 5_000
_ALONE_SECONDS = 10
_PAUSE_SECONDS = 0.005
_EXPORT = """
    select r.uscc, v.record::text as record
    from registration r
    join registration_version v
      on v.uscc = r.uscc and v.version = r.particulars_version and v.recorded_at = r.particulars_recorded_at
    where r.registered and left(r.uscc, 1) = '9' and r.uscc > $1
    order by r.uscc
    limit $2"""


class _Night(NamedTuple):
    """One run of the program: how long it took, how much memory it had, what it found."""

    seconds: float
    peak_mib: float
    answer: dict[str, Any]


def comparisons(wanted: frozenset[str]) -> Iterator[Figure]:
    """nightly.local, nightly.memory and nightly.slope."""
    here = services()
    large, small = scaled(_LARGE, least=20_000), scaled(_SMALL, least=2_000)
    topics = [submissions_topic(office) for office in load_offices()]
    here.make_topics(topics)
    costs: dict[int, list[float]] = {large: [], small: []}
    for size in (small, large) if "nightly.slope" in wanted else (large,):
        with here.database() as dsn:
            fill(dsn, size)
            file = here.folder / f"register-{size}.csv.gz"
            planted = write_register(here, dsn, file)
            here.settle()
            pairs, peaks = [], []
            idle = min(night(here, dsn, None).seconds for _ in range(2))
            for _ in range(_ROUNDS):
                ran = night(here, dsn, file)
                check(ran, planted)
                costs[size].append(max(0.001, ran.seconds - idle))
                pairs.append((costs[size][-1], seconds(partial(_unpack, file))))
                peaks.append(ran.peak_mib)
            if size == large:
                yield of_pairs("nightly.local", pairs, unit="s", records=size, bar="<= 4")
                yield alone("nightly.memory", peaks, unit="MiB", records=size, bar="constant")
            file.unlink()
    if "nightly.slope" in wanted:
        pairs = list(zip(costs[large], costs[small], strict=True))
        yield of_pairs("nightly.slope", pairs, unit="s", records=large, bar="<= 11")


def beside(_wanted: frozenset[str]) -> Iterator[Figure]:
    """api.beside: milliseconds of the slowest twentieth of look-ups while a register is compared, against without."""
    here, size = services(), scaled(_SMALL, least=20_000)
    here.make_topics([submissions_topic(office) for office in load_offices()])
    with here.database() as dsn:
        codes = Random(5).sample(fill(dsn, size), _ASKED)
        file = here.folder / f"beside-{size}.csv.gz"
        planted = write_register(here, dsn, file)
        key = asyncio.run(client(dsn))
        here.settle()
        with serving(here, dsn) as http:
            ask = partial(_look_up, http, key, codes)
            ask(lambda: time.sleep(2))
            pairs = []
            for _ in range(_ROUNDS):
                alone_ms = ask(lambda: time.sleep(_ALONE_SECONDS))
                pairs.append((ask(lambda: check(night(here, dsn, file), planted)), alone_ms))
        file.unlink()
    yield of_pairs("api.beside", pairs, unit="ms", records=size, bar="stated")


def _look_up(http: str, key: str, codes: Sequence[str], meanwhile: Callable[[], object]) -> float:
    """Look one code up after another until `meanwhile` is over; return the milliseconds of the slowest twentieth."""
    took: list[float] = []
    with (
        ThreadPoolExecutor(1) as other,
        closing(HTTPConnection(http.removeprefix("http://"), timeout=30)) as connection,
    ):
        over = other.submit(meanwhile)
        while not over.done():
            began = time.perf_counter()
            path = f"/v1/registrations/{codes[len(took) % len(codes)]}"
            connection.request("GET", path, headers={"Authorization": f"Bearer {key}"})
            answered = connection.getresponse()
            answered.read()
            assert answered.status in (200, 404), answered.status
            took.append((time.perf_counter() - began) * 1e3)
            time.sleep(_PAUSE_SECONDS)
        over.result()
    return statistics.quantiles(took, n=20)[-1]


def write_register(here: Services, dsn: str, *files: Path) -> int:
    """Write what the registry holds as the office's register, with differences planted; return how many.

    Several files get turns of rows.
    """
    planted = number = turn = 0
    after = ""
    with ExitStack() as stack:
        opened = [
            stack.enter_context(gzip.open(file, "wt", encoding="utf-8", newline="", compresslevel=6)) for file in files
        ]
        writers: list[csv.DictWriter[str]] = []
        while rows := here.fetch(_EXPORT, after, _FETCH_ROWS, dsn=dsn):
            after = rows[-1]["uscc"]
            turn += 1
            records = [json.loads(row["record"]) for row in rows]
            for record in records:
                if not writers:
                    # The first 50,000 have every member that any has.
                    names = sorted({name for each in records for name in each})
                    writers = [csv.DictWriter(each, names, restval="", extrasaction="ignore") for each in opened]
                    for each in writers:
                        each.writeheader()
                number += 1
                if number % _PLANTED_EVERY == 0:
                    record["name"] += "改"
                    planted += 1
                writers[turn % len(writers)].writerow(record)
    return planted


def night(here: Services, dsn: str, file: Path | None, *options: str) -> _Night:
    """Run `uscc nightly` as a process, against a register or with nothing to do."""
    arguments = ["nightly", "--json", "--data-dir", str(here.folder / "night")]
    if file is not None:
        arguments += ["--office", OFFICE, "--against", str(file), "--force", *options]
        here.execute("truncate comparison cascade", dsn=dsn)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("USCC_")}
    settings = {"USCC_DATABASE_DSN": dsn, "USCC_KAFKA_BOOTSTRAP": here.bootstrap, "USCC_FAIL_POINT": ""}
    output = here.folder / "night.json"
    with output.open("wb") as out:
        child = subprocess.Popen(
            [sys.executable, "-m", "service", *arguments],
            cwd=ROOT, env=clean | settings, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        usages: list[tuple[int, float]] = []

        def wait() -> None:
            _, status, usage = os.wait4(child.pid, 0)
            usages.append((status, usage.ru_maxrss / 1024))

        took = seconds(wait)
        child.returncode = usages[0][0]
    return _Night(took, usages[0][1], json.loads(output.read_bytes()))


def check(ran: _Night, planted: int) -> None:
    (compared,) = ran.answer["comparisons"]
    assert compared["state"] == "done", compared
    assert (compared["different"], compared["missing_here"], compared["missing_there"]) == (planted, 0, 0), compared


def _unpack(file: Path) -> None:
    with igzip_threaded.open(file, "rb", threads=1) as stream:  # type: ignore[no-untyped-call]
        while stream.read(1024 * 1024):
            pass
