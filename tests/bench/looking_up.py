"""Look-ups over HTTP, against pgbench's plainest select of the same server and against a plain FastAPI application."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from random import Random

from service.embedded.ports import Ports
from sync.store.clients import create_client
from sync.store.connection import JOB, open_pool, writing
from tests.bench.figures import Figure, Skipped, alone, of_pairs, scaled
from tests.bench.registry import fill
from tests.bench.services import Process, Services, pgbench, services

_REGISTERED = 200_000
_SEARCHED = 1_000_000
_SECONDS = 5
_CONNECTIONS = 32
_BATCH_CODES = 1_000
_ROUNDS = 5
_ASKED = 20_000
_COMPARED = (
    ("lookup.single", "floor", "requests/s", ">= 0.30"),
    ("lookup.peer", "lookup.peer", "requests/s", ">= 4"),
    ("lookup.batch", "floor", "codes/s", ">= 1"),
)
_RATE = re.compile(r"Requests/sec:\s+([0-9.]+)")
_OTHERS = re.compile(r"Non-2xx or 3xx responses: (\d+)")
_TPS = re.compile(r"tps = ([0-9.]+)")
_LUA = """
local requests = {{}}
local count = 0
for line in io.lines("{file}") do
  count = count + 1
  requests[count] = line
end
local at = 0
{prelude}
request = function()
  at = at % count + 1
  {request}
end
"""


def look_ups(wanted: frozenset[str]) -> Iterator[Figure]:
    """lookup.single, lookup.peer and lookup.batch: all the duties of `uscc serve`, one worker."""
    if shutil.which("wrk") is None:
        raise Skipped("wrk is not installed (Debian: wrk)")
    lacking = [name for name in ("sqlalchemy", "greenlet") if find_spec(name) is None]
    missing = f"{', '.join(lacking)} is not installed" if lacking else None
    here, size = services(), scaled(_REGISTERED, least=5_000)
    with here.database() as dsn:
        fill(dsn, size)
        query = "select uscc from registration where is_public order by reverse(uscc) limit $1"
        asked = [row["uscc"] for row in here.fetch(query, _ASKED, dsn=dsn)]
        key = asyncio.run(client(dsn))
        here.execute("vacuum analyze", dsn=dsn)
        pgbench(dsn, "-q", "-i", "-s", "10")
        with serving(here, dsn) as http, ExitStack() as stack:
            measures = {"lookup.single": _wrk(here, http, "/v1/registrations/", asked, key)}
            if "lookup.peer" in wanted and missing is None:
                peer = stack.enter_context(_peer(here, dsn, key))
                measures["lookup.peer"] = _wrk(here, peer, "/registrations/", asked, key)
            if "lookup.batch" in wanted:
                measures["lookup.batch"] = _wrk_batches(here, http, asked, key)
            for warm in measures.values():
                warm()
            measures["floor"] = lambda: _select_only(dsn)
            rounds = [{name: measure() for name, measure in measures.items()} for _ in range(_ROUNDS)]
    for name, baseline, unit, bar in _COMPARED:
        if name in wanted and name in rounds[0]:
            measured = "lookup.single" if name == "lookup.peer" else name
            pairs = [(each[measured], each[baseline]) for each in rounds]
            yield of_pairs(name, pairs, unit=unit, records=size, bar=bar)
    if "lookup.peer" in wanted and missing is not None:
        raise Skipped(missing)


def searches(_wanted: frozenset[str]) -> Iterator[Figure]:
    """search.name: milliseconds of the slowest twentieth, over pieces of names of 2, 3 and 4 characters and typos."""
    here, size = services(), scaled(_SEARCHED, least=5_000)
    with here.database() as dsn:
        fill(dsn, size)
        key = asyncio.run(client(dsn))
        names = [
            row["name"] for row in here.fetch("select name from holder tablesample system (1) limit 2000", dsn=dsn)
        ]
        if not names:
            names = [row["name"] for row in here.fetch("select name from holder limit 2000", dsn=dsn)]
        with serving(here, dsn) as http:
            slowest = []
            for kind in ("2", "3", "4", "typo"):
                pieces = _pieces(Random(4), names, kind)
                took = [_search(http, key, piece) for piece in pieces]
                slowest.append(statistics.quantiles(took[20:], n=20)[-1])
    yield alone("search.name", slowest, unit="ms", records=size, bar="<= 30")


def _pieces(random: Random, names: list[str], kind: str) -> list[str]:
    pieces = []
    for _ in range(220):
        name = random.choice(names)
        if kind == "typo":
            at = random.randrange(len(name))
            pieces.append(name[:at] + random.choice("福禄寿喜财") + name[at + 1 :])
        else:
            at = random.randrange(len(name) - int(kind) + 1)
            pieces.append(name[at : at + int(kind)])
    return pieces


def _search(http: str, key: str, name: str) -> float:
    query = urllib.parse.urlencode({"name": name, "limit": 20})
    request = urllib.request.Request(f"{http}/v1/registrations?{query}", headers={"Authorization": f"Bearer {key}"})
    began = time.perf_counter()
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            answer.read()
    except urllib.error.HTTPError as error:
        if error.code in (404, 405):
            raise Skipped(f"there is no search: {error.code}") from None
        raise
    return (time.perf_counter() - began) * 1e3


async def client(dsn: str) -> str:
    pool = await open_pool(dsn, role=None, limits=JOB, size=1, name="bench")
    try:
        async with writing(pool, JOB) as connection:
            scopes = ("lookup", "search", "submit", "changes")
            return await create_client(connection, name="bench", scopes=scopes, office=None, actor="bench")
    finally:
        await pool.close()


@contextmanager
def serving(here: Services, dsn: str) -> Iterator[str]:
    """Run `uscc serve`; yields its address."""
    port = Ports(here.folder / f"serve-{time.monotonic_ns()}").take("http")
    with here.role("serve", dsn=dsn, settings={"USCC_HTTP_PORT": str(port), "USCC_LOG_FORMAT": "json"}) as process:
        http = f"http://127.0.0.1:{port}"
        _until_answers(f"{http}/readyz", process)
        yield http


@contextmanager
def _peer(here: Services, dsn: str, key: str) -> Iterator[str]:
    """Run the plain application; yields its address."""
    port = Ports(here.folder / f"peer-{time.monotonic_ns()}").take("http")
    command = [sys.executable, "-m", "tests.bench.peers.plain_api", str(port)]
    process = Process(command, here.folder / f"peer-{port}.log", {"BENCH_DSN": dsn, "BENCH_KEY": key})
    try:
        http = f"http://127.0.0.1:{port}"
        _until_answers(f"{http}/ready", process)
        yield http
    finally:
        process.stop()


def _until_answers(url: str, process: Process) -> None:
    deadline = time.monotonic() + 60
    while True:
        process.check()
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.1)


def _wrk(here: Services, http: str, path: str, codes: list[str], key: str) -> Callable[[], float]:
    """Return what measures requests a second, one code each."""
    headers = f'local headers = {{["Authorization"] = "Bearer {key}"}}'
    request = f'return wrk.format("GET", "{path}" .. requests[at], headers)'
    script = _script(here.folder, codes, headers, request)
    return lambda: _run(script, http, _CONNECTIONS)


def _wrk_batches(here: Services, http: str, codes: list[str], key: str) -> Callable[[], float]:
    """Return what measures codes a second, a thousand a call."""
    parts = [codes[start : start + _BATCH_CODES] for start in range(0, len(codes), _BATCH_CODES)]
    bodies = [json.dumps({"codes": part}) for part in parts if len(part) == _BATCH_CODES]
    headers = f'local headers = {{["Authorization"] = "Bearer {key}", ["Content-Type"] = "application/json"}}'
    request = 'return wrk.format("POST", "/v1/registrations/lookup", headers, requests[at])'
    script = _script(here.folder, bodies, headers, request)
    return lambda: _run(script, http, 4) * _BATCH_CODES


def _script(folder: Path, lines: list[str], prelude: str, request: str) -> Path:
    name = f"wrk-{time.monotonic_ns()}"
    data = folder / f"{name}.txt"
    data.write_text("\n".join(lines) + "\n", "utf-8")
    script = folder / f"{name}.lua"
    script.write_text(_LUA.format(file=data, prelude=prelude, request=request), "utf-8")
    return script


def _run(script: Path, http: str, connections: int) -> float:
    command = ["wrk", "-t1", f"-c{connections}", f"-d{_SECONDS}s", "-s", str(script), http]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    failed = _OTHERS.search(said)
    if failed is not None:
        raise RuntimeError(f"{failed.group(1)} requests failed:\n{said}")
    found = _RATE.search(said)
    assert found is not None, said
    return float(found.group(1))


def _select_only(dsn: str) -> float:
    """Return the transactions a second of pgbench -S, prepared, with as many connections."""
    said = pgbench(dsn, "-n", "-S", "-M", "prepared", "-c", str(_CONNECTIONS), "-j", "1", "-T", str(_SECONDS))
    found = _TPS.search(said)
    assert found is not None, said
    return float(found.group(1))
