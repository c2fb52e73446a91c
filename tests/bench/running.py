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
from dataclasses import replace
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

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
    """submissions.http: records a second from the POST until all lie on the topic, against producing them there."""
    if find_spec("service.api.submissions") is None:
        raise Skipped("there is no POST /v1/submissions")
    here, size = services(), scaled(_POSTED)
    produced = list(records(size, seed=5))
    body = b"\n".join(value for _, value in produced) + b"\n"
    topic = submissions_topic(OFFICE)
    here.make_topics(map(submissions_topic, _OFFICES))
    with here.database() as dsn:
        key = asyncio.run(client(dsn))
        with here.role("relay", dsn=dsn), serving(here, dsn) as http:
            numbers = iter(range(1_000))
            yield paired(
                "submissions.http",
                lambda: size / seconds(lambda: _post(http, key, body, f"bench-{next(numbers)}")),
                lambda: size / seconds(lambda: here.produce(topic, produced)),
                unit="records/s",
                records=size,
                bar="none set",
            )


def _post(http: str, key: str, body: bytes, idempotency_key: str) -> None:
    """Post a file, and wait until all of it is on the topic."""
    headers = {"Authorization": f"Bearer {key}"}
    more = {"Content-Type": "application/x-ndjson", "Idempotency-Key": idempotency_key}
    request = urllib.request.Request(
        f"{http}/v1/submissions?office={OFFICE}", data=body, headers=headers | more, method="POST"
    )
    with urllib.request.urlopen(request, timeout=120) as answer:
        accepted = orjson.loads(answer.read())
    progress = urllib.request.Request(f"{http}/v1/submissions/{accepted['submission_id']}", headers=headers)
    while True:
        with urllib.request.urlopen(progress, timeout=30) as answer:
            if orjson.loads(answer.read())["produced"] == accepted["records"]:
                return
        time.sleep(0.01)


def lag(_wanted: frozenset[str]) -> Iterator[Figure]:
    """feed.lag: the slowest twentieth of the milliseconds from a change's transaction to its event in the stream.

    The transaction's instant is taken under the ledger's lock, so that the rest of the transaction counts too.
    """
    here = services()
    here.make_topics(map(submissions_topic, _OFFICES))
    with here.database() as dsn:
        key = asyncio.run(client(dsn))
        with here.role("ingest", dsn=dsn), serving(here, dsn) as http:
            headers = {"Authorization": f"Bearer {key}", "Last-Event-ID": "0"}
            request = urllib.request.Request(f"{http}/v1/changes/stream", headers=headers)
            with urllib.request.urlopen(request, timeout=60) as stream:
                took = []
                for number, record in enumerate(records(_LAGS + 10, seed=6)):
                    here.produce(submissions_topic(OFFICE), [record])
                    delay = _next_change(stream)
                    if number >= 10:
                        took.append(delay * 1e3)
    slowest = statistics.quantiles(took, n=20)[-1]
    yield replace(alone("feed.lag", took, unit="ms", records=_LAGS, bar="none set"), ours=slowest)


def _next_change(stream: IO[bytes]) -> float:
    """Return how many seconds before its arrival the next change of a stream was recorded."""
    while True:
        name, _, value = stream.readline().partition(b": ")
        if name == b"data" and b'"change/1"' in value:
            recorded_at = datetime.fromisoformat(orjson.loads(value)["recorded_at"])
            return (datetime.now(UTC) - recorded_at).total_seconds()
