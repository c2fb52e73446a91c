"""The comparison on Apache Spark gives the answer of one machine, whatever dies meanwhile."""

from __future__ import annotations

import asyncio
import gzip
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pa_parquet
import pytest
from pyspark import SparkContext

from sync.nightly.engine import Engine
from sync.nightly.registers import files_of
from sync.nightly.run import Register
from sync.nightly.spark_engine import SparkEngine
from tests.integration.nightly.conftest import DAY, NOON, Town, message, new_code, record_of
from tests.integration.nightly.spark_cluster import CONF, ROOT, Cluster, page_lines

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ROWS = 3_000
_LATE = NOON + timedelta(days=1)
_ANSWER = """
    select (to_jsonb(c) - 'handed_in_at' - 'finished_at' - 'comparison_id' - 'number' - 'sha256' - 'forced')::text
               as comparison,
           (select coalesce(jsonb_agg(to_jsonb(i) - 'comparison_id' order by i.uscc), '[]')::text
            from comparison_item i where i.comparison_id = c.comparison_id) as items
    from comparison c order by handed_in_at desc limit 1"""


@pytest.fixture(scope="module")
def gateway() -> Iterator[None]:
    """Spark's driver is a JVM beside this process; it goes with the last test."""
    yield
    if SparkContext._gateway is not None:
        process = SparkContext._gateway.proc
        SparkContext._gateway.shutdown()
        process.stdin.close()
        process.wait(20)
        SparkContext._gateway = SparkContext._jvm = None


@pytest.fixture(scope="module")
def spark_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A master and two workers."""
    cluster = Cluster(tmp_path_factory.mktemp("spark"))
    yield cluster
    cluster.stop()


def _engine(town: Town, master: str = "local[2]") -> SparkEngine:
    return SparkEngine(
        dsn=town.dsn,
        role="uscc_job",
        master=master,
        python=sys.executable,
        memory_mib=256,
        rows_a_part=1_000,
        conf=CONF,
    )


async def _answer(town: Town, register: Register, engine: Engine | None = None, **changes: Any) -> list[bytes]:
    """Return all that a comparison leaves, as bytes."""
    await town.night(replace(register, engine=engine), **changes)
    (row,) = await town.fetch(_ANSWER)
    return [row["comparison"], row["items"]]


def _write(town: Town, rows: list[dict[str, str]], form: str, *, files: int = 3) -> Register:
    """Write a register as several files of one form."""
    whole = town.write_register(rows)
    folder = town.folder / "registers"
    folder.mkdir(exist_ok=True)
    for number in range(files):
        own, file = rows[number::files], folder / f"part-{number}.{form}"
        if form == "parquet":
            pa_parquet.write_table(pa.Table.from_pylist(own), file, row_group_size=400)
        elif form == "ndjson.gz":
            file.write_bytes(gzip.compress(b"".join(orjson.dumps(row) + b"\n" for row in own)))
        else:
            lines = [",".join(own[0]), *(",".join(row.values()) for row in own)]
            file.write_bytes(gzip.compress("\n".join(lines).encode()))
    return replace(whole, form=form, parts=files_of(folder / f"*.{form}"))  # type: ignore[arg-type]


async def _plant(town: Town) -> list[dict[str, str]]:
    """Fill the registry; return a register with differences of every kind."""
    hidden = {"is_public": "0", "contact_phone": "13812345678"}
    await town.push([message(n, record_of(n, **(hidden if n % 5 == 0 else {}))) for n in range(ROWS)])
    short = {"uscc": new_code(21), "name": record_of(21)["name"], "approved_on": "2026-11-20"}
    await town.push([message(f"{ROWS}-c", short, "cancel", occurred_at="2026-11-20T10:00:00+08:00")])
    await town.push([message(n, record_of(n)) for n in range(ROWS, ROWS + 20)], at=_LATE)
    rows = []
    for n in range(ROWS + 40):
        row = {"status": "1", "is_public": "", "contact_phone": ""} | record_of(n)
        row |= hidden if n % 5 == 0 else {}
        if n % 97 == 3:
            row["name"] = f"改名第{n}号有限公司"
        if n % 89 == 4:
            row["contact_phone"] = "13912345678"
        if n % 83 == 5:
            row["uscc"] = "".join(chr(ord(each) + 0xFEE0) for each in row["uscc"])
        if n % 101 != 6 and not ROWS <= n < ROWS + 10:
            rows.append(row)
    return rows


async def _by_the_page(town: Town, cluster: Cluster, register: Register) -> str:
    """Compare by the page's command, as an operator types it, in this test's place; return what it printed."""
    (line,) = [line for line in page_lines() if "uscc nightly" in line]
    line = line.replace("7077", str(cluster.port)).replace("commerce", town.commerce)
    line = line.replace("registers/", f"{register.files[0].parent}/") + f" --date {DAY}"
    offices = (ROOT / "service" / "config" / "offices.toml").read_text("utf-8")
    offices = offices.replace('mapping = "registration"', "")
    for name in ("commerce", "civil-affairs"):
        offices = offices.replace(f"[{name}", f"[{name}-{town.commerce.split('-')[-1]}")
    (town.folder / "config" / "mappings").mkdir(parents=True)
    (town.folder / "config" / "offices.toml").write_text(offices, "utf-8")
    lines = [f"{name} {value}" for name, value in CONF.items()]
    (town.folder / "config" / "spark-defaults.conf").write_text("\n".join(lines), "utf-8")
    settings = {
        "SPARK_CONF_DIR": str(town.folder / "config"),
        "USCC_DATABASE_DSN": town.dsn, "USCC_KAFKA_BOOTSTRAP": town.kafka.bootstrap,
        "USCC_CONFIG_DIR": str(town.folder / "config"), "USCC_DATA_DIR": str(town.folder),
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", line, cwd=ROOT, env=os.environ | settings,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    printed, _ = await process.communicate()
    return printed.decode()


async def test_a_cluster_gives_the_answer_of_one_machine_also_when_an_executor_dies_in_every_step(
    town: Town, spark_cluster: Cluster, gateway: None
) -> None:
    register = _write(town, await _plant(town), "csv.gz")
    killed: list[int] = []

    one = await _answer(town, replace(register, parts=()))
    printed = await _by_the_page(town, spark_cluster, register)
    assert f"different {orjson.loads(one[0])['different']}" in printed, printed
    (row,) = await town.fetch(_ANSWER)
    means = replace(town.config().means, progress=lambda _rows, _of: killed.append(spark_cluster.kill_one()))
    deadly = await _answer(town, replace(register, force=True), _engine(town, spark_cluster.master), means=means)
    figures = orjson.loads(one[0])
    names = ("different", "missing_here", "missing_there", "pending_registry", "pending_office")
    assert all(figures[name] > 0 for name in names[:4]), figures
    assert one == [row["comparison"], row["items"]]
    assert one == deadly
    assert len(set(killed)) == 2
    assert [{"count": 3}] == await town.fetch("select count(*) from comparison where state = 'done'")


@pytest.mark.parametrize("form", ["ndjson.gz", "parquet"])
async def test_files_of_any_form_and_pieces_of_them_give_the_answer_of_one_machine(
    town: Town, gateway: None, form: str
) -> None:
    register = _write(town, await _plant(town), form)

    one = await _answer(town, register)
    spark = await _answer(town, replace(register, force=True), _engine(town))
    assert one == spark


def _truncate(file: Path) -> None:
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])


def _repeat(file: Path) -> None:
    file.write_bytes((file.parent / "part-0.csv.gz").read_bytes())


def _rename(file: Path) -> None:
    file.write_bytes(gzip.compress(gzip.decompress(file.read_bytes()).replace(b"name", b"the_name", 1)))


def _forget(file: Path) -> None:
    header, *lines = gzip.decompress(file.read_bytes()).split(b"\n")
    blank = [b",".join([b"", *line.split(b",")[1:]]) for line in lines[:7]]
    file.write_bytes(gzip.compress(b"\n".join([header, *blank, *lines[7:]])))


def _shorten(file: Path) -> None:
    file.write_bytes(gzip.compress(b"\n".join(gzip.decompress(file.read_bytes()).split(b"\n")[:5])))


_SPOILT: dict[str, Callable[[Path], None]] = {
    "truncated": _truncate,
    "duplicate-codes": _repeat,
    "unknown-columns": _rename,
    "missing-codes": _forget,
    "too-few-rows": _shorten,
}


async def test_a_bad_register_has_the_problem_that_one_machine_finds(town: Town, gateway: None) -> None:
    rows = [record_of(n) for n in range(3_000)]
    await _answer(town, _write(town, rows, "csv.gz"))
    problems = {}
    for code, spoil in _SPOILT.items():
        register = _write(town, rows, "csv.gz")
        spoil(register.files[1])
        own: list[Any] = []
        for engine in (None, _engine(town)):
            await town.night(replace(register, engine=engine))
            own += await town.fetch("select state, problem::text from comparison order by number desc limit 1")
        problems[code] = own

    for code, (here, there) in problems.items():
        assert here == there
        assert ("failed", code) == (here["state"], orjson.loads(here["problem"])["code"])
