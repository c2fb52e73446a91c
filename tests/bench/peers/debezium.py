"""Debezium's JDBC sink in Kafka Connect, in the configuration that measured best: the peer of ingest.

One task upserts flat records into one table with the indexes that `registration` and `holder` have, 5,000 a statement.
Maven fetches it into `build/bench`, once.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import orjson

from service.embedded.ports import Ports
from tests.bench.figures import ROOT, Skipped
from tests.bench.services import Process, Services

_HERE = Path(__file__).resolve().parent
_FETCHED = ROOT / "build" / "bench"
_TOPIC = "bench.peer"
_TABLE = "peer_registration"
_PATIENCE_SECONDS = 900.0
_POLL_SECONDS = 0.5
# What the worker has itself, and the drivers of other databases.
_NOT_THE_PLUGINS = (
    *("jackson-core", "jackson-databind", "jackson-annotations", "connect-api", "kafka-clients", "slf4j-api"),
    *("lz4-java", "snappy-java", "zstd-jni", "mariadb", "mssql", "mysql", "ojdbc"),
)
_LOGGING = "org.slf4j.simpleLogger.defaultLogLevel=warn\n"
_WORKER = """\
bootstrap.servers={bootstrap}
listeners=http://127.0.0.1:{port}
key.converter=org.apache.kafka.connect.storage.StringConverter
value.converter=org.apache.kafka.connect.json.JsonConverter
plugin.path={plugins}
plugin.discovery=only_scan
offset.storage.file.filename={folder}/offsets
consumer.max.poll.records=5000
consumer.max.partition.fetch.bytes=8388608
"""


class Sink:
    """The sink, fetched, and the topic that it reads."""

    def __init__(self, here: Services) -> None:
        for program in ("mvn", "java"):
            if shutil.which(program) is None:
                raise Skipped(f"{program} is not installed")
        self._here = here
        self._columns: list[str] = []
        self._runs = 0
        _fetch()

    def fill(self, records: Iterable[tuple[bytes, bytes]]) -> None:
        """Produce flat records to the topic of the sink."""
        columns: dict[str, None] = {}

        def seen() -> Iterator[tuple[bytes, bytes]]:
            for number, (key, value) in enumerate(records):
                if number < 10_000:
                    columns.update(dict.fromkeys(orjson.loads(value)))
                yield key, value

        self._here.make_topics([_TOPIC])
        self._here.produce(_TOPIC, seen())
        self._columns = list(columns)

    def run(self, size: int) -> float:
        """Let the sink read the topic into an empty table; return records a second, first committed rows to last."""
        from tests.bench.ingesting import steady

        self._runs += 1
        folder = self._here.folder / f"connect-{self._runs}"
        folder.mkdir()
        with self._here.database() as dsn:
            asyncio.run(self._make_table(dsn))
            self._here.settle()
            process = Process(self._command(folder, dsn), folder / "connect.log", {})
            try:
                return steady(asyncio.run(self._watch(dsn, size, process)))
            finally:
                process.stop()

    async def _make_table(self, dsn: str) -> None:
        connection = await asyncpg.connect(dsn)
        try:
            columns = ", ".join(f"{name} text" for name in self._columns if name != "uscc")
            await connection.execute(f"create table {_TABLE} (uscc text primary key, {columns})")
            indexes = await connection.fetch(
                "select indexdef from pg_indexes where tablename in ('registration', 'holder') and indexname !~ 'pkey'"
            )
            for number, (definition,) in enumerate(indexes):
                words = definition.replace("public.registration ", f"{_TABLE} ").replace("public.holder ", f"{_TABLE} ")
                before, _, behind = words.partition(" ON ")
                try:
                    await connection.execute(f"{before.rpartition(' ')[0]} peer_{number} on {behind}")
                except asyncpg.PostgresError:
                    continue  # An index of a column that only our tables have.
        finally:
            await connection.close()

    async def _watch(self, dsn: str, size: int, process: Process) -> list[tuple[float, int]]:
        """Return when how many records were seen: every assign is a row, every change marks one."""
        connection = await asyncpg.connect(dsn)
        seen: list[tuple[float, int]] = []
        deadline = time.monotonic() + _PATIENCE_SECONDS
        try:
            while not seen or seen[-1][1] < size:
                await asyncio.sleep(_POLL_SECONDS)
                process.check()
                if time.monotonic() > deadline:
                    raise RuntimeError(f"the sink has {seen[-1:]} of {size} after {_PATIENCE_SECONDS:g} s")
                count = await connection.fetchval(
                    f"select count(*) + count(*) filter (where business_type = '2') from {_TABLE}"
                )
                if count and (not seen or seen[-1][1] != count):
                    seen.append((time.perf_counter(), count))
            return seen
        finally:
            await connection.close()

    def _command(self, folder: Path, dsn: str) -> list[str]:
        worker = _WORKER.format(
            bootstrap=self._here.bootstrap,
            port=Ports(folder).take("connect"),
            plugins=_FETCHED / "plugins",
            folder=folder,
        )
        (folder / "worker.properties").write_text(worker, "utf-8")
        (folder / "sink.json").write_text(json.dumps(self._sink(dsn)), "utf-8")
        (folder / "simplelogger.properties").write_text(_LOGGING, "utf-8")
        path = f"{folder}:{_FETCHED / 'connect'}/*"
        main = "org.apache.kafka.connect.cli.ConnectStandalone"
        return ["java", "-Xmx1g", "-cp", path, main, str(folder / "worker.properties"), str(folder / "sink.json")]

    def _sink(self, dsn: str) -> dict[str, object]:
        address = urlsplit(dsn)
        fields = [{"field": name, "type": "string", "optional": name != "uscc"} for name in self._columns]
        schema = {"type": "struct", "name": "record", "optional": False, "fields": fields}
        return {
            "name": f"peer-{self._runs}-{address.path.lstrip('/')}",
            "config": {
                "connector.class": "io.debezium.connector.jdbc.JdbcSinkConnector",
                "tasks.max": "1",
                "topics": _TOPIC,
                "connection.url": f"jdbc:postgresql://{address.hostname}:{address.port}{address.path}",
                "connection.username": address.username,
                "connection.password": address.password,
                "insert.mode": "upsert",
                "primary.key.mode": "record_value",
                "primary.key.fields": "uscc",
                "schema.evolution": "none",
                "collection.name.format": _TABLE,
                "batch.size": "5000",
                "dialect.postgres.unnest.insert.enabled": "true",
                "use.reduction.buffer": "true",
                "consumer.override.auto.offset.reset": "earliest",
                "value.converter": "org.apache.kafka.connect.json.JsonConverter",
                "value.converter.schemas.enable": "true",
                "value.converter.schema.content": json.dumps(schema),
            },
        }


def _fetch() -> None:
    """Let Maven copy worker and sink into their folders, unless they are there."""
    want = hashlib.sha256(b"".join((_HERE / name).read_bytes() for name in ("connect.xml", "sink.xml"))).hexdigest()
    stamp = _FETCHED / "stamp"
    if stamp.exists() and stamp.read_text("utf-8") == want:
        return
    shutil.rmtree(_FETCHED, ignore_errors=True)
    for pom, folder in (("connect.xml", _FETCHED / "connect"), ("sink.xml", _FETCHED / "plugins" / "sink")):
        done = subprocess.run(
            [
                *("mvn", "-q", "-B", "-f", str(_HERE / pom), "dependency:copy-dependencies"),
                *("-DincludeScope=runtime", f"-DoutputDirectory={folder}"),
            ],
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise Skipped(f"Maven cannot fetch {pom}: {(done.stdout + done.stderr).strip()[-300:]}")
    for jar in (_FETCHED / "plugins" / "sink").glob("*.jar"):
        if jar.name.startswith(_NOT_THE_PLUGINS):
            jar.unlink()
    stamp.write_text(want, "utf-8")
