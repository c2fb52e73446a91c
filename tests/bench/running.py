"""The program as a whole: how soon it serves, how fast it takes files, how soon others see what was decided."""

from __future__ import annotations

import asyncio
import json
import signal
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import orjson

from sync.topics import submissions_topic
from tests.bench.feed import OFFICE, records
from tests.bench.figures import ROOT, Figure, Skipped, alone, paired, scaled, seconds
from tests.bench.looking_up import client, serving
from tests.bench.services import Process, services

_START_RECORDS = 2_000
_POSTED = 20_000
_LAGS = 60
_OFFICES = ("commerce", "civil-affairs", "establishment")


def start(_wanted: frozenset[str]) -> Iterator[Figure]:
    """start: seconds of `uscc up` on existing data, to the first /readyz that says yes."""
    with TemporaryDirectory(prefix="uscc-bench-up-") as name:
        folder = Path(name)
        up = [sys.executable, "-m", "service", "up", "--data-dir", str(folder / "data"), "--port", "0"]
        first = [*up, "--demo", str(_START_RECORDS), "--until-idle"]
        subprocess.run(first, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        took = [_until_ready(up, folder, number) for number in range(3)]
    yield alone("start", took, unit="s", records=_START_RECORDS, bar="<= 8")


def _until_ready(command: list[str], folder: Path, number: int) -> float:
    endpoints = folder / "data" / "endpoints.json"
    began = time.perf_counter()
    process = Process(command, folder / f"up-{number}.log", {})
    try:
        while True:
            process.check()
            # It is written when the API is ready; a start removes that of the one before.
            if endpoints.exists() and _answers(json.loads(endpoints.read_text("utf-8"))["http"]):
                return time.perf_counter() - began
            time.sleep(0.02)
    finally:
        process.stop(signal.SIGINT)
        endpoints.unlink(missing_ok=True)


def _answers(http: str) -> bool:
    try:
        with urllib.request.urlopen(f"{http}/readyz", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def posts(_wanted: frozenset[str]) -> Iterator[Figure]:
    """submissions.http: records a second to the 202, against COPY of the same lines into one table."""
    if find_spec("service.api.submissions") is None:
        raise Skipped("there is no POST /v1/submissions")
    here, size = services(), scaled(_POSTED)
    lines = [body for _, body in records(size, seed=5)]
    body = b"\n".join(lines) + b"\n"
    here.make_topics(map(submissions_topic, _OFFICES))
    with here.database() as dsn:
        key = asyncio.run(client(dsn))
        with serving(here, dsn) as http:
            numbers = iter(range(1_000))

            def ours() -> float:
                request = urllib.request.Request(
                    f"{http}/v1/submissions?office={OFFICE}",
                    data=body,
                    headers={
                        "Authorization": f"Bearer {key}",
                        "Content-Type": "application/x-ndjson",
                        "Idempotency-Key": f"bench-{next(numbers)}",
                    },
                )

                def send() -> None:
                    with urllib.request.urlopen(request, timeout=120) as answer:
                        assert answer.status == 202, answer.status

                return size / seconds(send)

            yield paired(
                "submissions.http",
                ours,
                lambda: size / asyncio.run(_copy(dsn, lines)),
                unit="records/s",
                records=size,
                bar="none set",
            )


async def _copy(dsn: str, lines: list[bytes]) -> float:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("create table if not exists copied (number integer primary key, body bytea)")
        await connection.execute("truncate copied")
        began = time.perf_counter()
        await connection.copy_records_to_table("copied", records=enumerate(lines), columns=["number", "body"])
        return time.perf_counter() - began
    finally:
        await connection.close()


def lag(_wanted: frozenset[str]) -> Iterator[Figure]:
    """feed.lag: milliseconds from a produced record to its change in GET /v1/changes; median, and the spread."""
    here = services()
    here.make_topics(map(submissions_topic, _OFFICES))
    with here.database() as dsn:
        key = asyncio.run(client(dsn))
        with here.role("ingest", dsn=dsn), serving(here, dsn) as http:
            seen, took = 0, []
            for number, record in enumerate(records(_LAGS + 10, seed=6)):
                began = time.perf_counter()
                here.produce(submissions_topic(OFFICE), [record])
                items = 0
                while not items:
                    request = urllib.request.Request(
                        f"{http}/v1/changes?after={seen}&wait=30", headers={"Authorization": f"Bearer {key}"}
                    )
                    with urllib.request.urlopen(request, timeout=60) as answer:
                        page = orjson.loads(answer.read())
                    items, seen = len(page["items"]), page["next"]
                if number >= 10:
                    took.append((time.perf_counter() - began) * 1e3)
    slowest = statistics.quantiles(took, n=20)[-1]
    yield alone("feed.lag", [statistics.median(took), slowest], unit="ms", records=_LAGS, bar="none set")
