"""Compares an office's register with the registry on an Apache Spark cluster.

Four steps, each of many tasks: both sides are read and become hashes; hashes of the same codes meet in one task, which
compares them; what is not equal is looked at again, member by member; and comes to this process sorted by code. So
the rows themselves cross the network only where they differ.

Every session that reads the registry takes the snapshot of one that this process holds until the answer is read:
parts that are read later, or again after a worker died, are parts of the same registry.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
import structlog
from py4j.protocol import Py4JError
from pyspark import SparkContext, SparkFiles, StorageLevel
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from sync.errors import Fatal, Retryable
from sync.nightly import spark_tasks as tasks
from sync.nightly.engine import Answer, Check, Progress, Question
from sync.nightly.register_faults import UnusableRegister
from sync.nightly.registers import columns_of, cut_parquet
from sync.nightly.sides import Difference, Totals, check_register, difference_of
from sync.nightly.spark_tasks import FilePart, Work
from sync.store.nightly_export import cut_register, exported_snapshot

_ROWS_A_PART: Final = 250_000
_DIGESTS_A_TASK: Final = 500_000
_CHUNK_ROWS: Final = 5_000
_LOOPBACK: Final = ("127.", "localhost", "::1")
_PATIENCE_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.2

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SparkEngine:
    """A cluster. `dsn` and `role` reach the registry, from its workers too.

    `master` is spark://host:port, or local[n] for processes of this machine alone. `python` is this program's
    interpreter on the workers. `memory_mib` is what one task may use before it spills. `rows_a_part` is how much one
    task reads. `conf` are settings of Spark's own, beside those of its configuration files.
    """

    dsn: str
    role: str | None
    master: str
    python: str
    memory_mib: int
    rows_a_part: int = _ROWS_A_PART
    conf: Mapping[str, str] | None = None

    @contextmanager
    def compare(self, question: Question, *, check: Check, progress: Progress) -> Iterator[Answer]:
        """Compare on the cluster; see Engine."""
        stamps = _stamps(question.files)
        work = Work(
            form=question.form,
            force=question.force,
            alone=len(question.files) == 1,
            columns=columns_of(question.files, question.form, force=question.force),
            files=tuple(self._file_parts(question)),
            view=question.view(self.dsn, self.role),
            cutoff=question.cutoff,
            undecided=tuple(sorted(question.undecided)),
            memory_mib=self.memory_mib,
            folder=SparkFiles.getRootDirectory,
        )
        with _understood(self.master), self._session() as spark:
            register = _spread(spark, len(work.files)).mapInArrow(partial(tasks.digest_register, work), tasks.DIGESTS)
            register.persist(StorageLevel.MEMORY_AND_DISK)
            rows = _count(register)
            progress(rows)
            with exported_snapshot(work.view) as snapshot:
                view = replace(work.view, snapshot=snapshot)
                codes = cut_register(view, max(spark.sparkContext.defaultParallelism, rows // self.rows_a_part))
                work = replace(work, view=view, codes=tuple(codes))
                answer = _ClusterAnswer(spark, work, register, rows)
                answer.compare(check)
                progress(answer.totals.office_total + answer.totals.registry_total)
                if _stamps(question.files) != stamps:
                    raise UnusableRegister("damaged", error="it changed while it was read")
                yield answer

    def _file_parts(self, question: Question) -> Iterator[FilePart]:
        for file in question.files:
            resolved = file.resolve()
            if question.form == "parquet":
                for groups in cut_parquet(file, self.rows_a_part):
                    yield FilePart(file=resolved, row_groups=groups)
            else:
                yield FilePart(file=resolved)

    @contextmanager
    def _session(self) -> Iterator[SparkSession]:
        """Open a session whose workers run this program's interpreter.

        Raises:
            Fatal: this process has one open already; Spark knows only one.
            Retryable: no worker takes the work.
        """
        if SparkContext._active_spark_context is not None:
            raise Fatal("a comparison by Spark is under way in this process")
        builder = SparkSession.builder.master(self.master).appName("uscc nightly")
        for name, value in self._settings().items():
            builder = builder.config(name, value)
        spark = builder.getOrCreate()
        try:
            context = spark.sparkContext
            context.pythonExec = self.python
            _await_workers(context)
            yield spark
        finally:
            spark.stop()

    def _settings(self) -> dict[str, str]:
        settings = {
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.log.level": "ERROR",
            "spark.sql.execution.arrow.maxRecordsPerBatch": "50000",
        }
        if self.master.startswith("local") or (urlsplit(self.master).hostname or "").startswith(_LOOPBACK):
            settings |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
        return settings | dict(self.conf or {})


class _ClusterAnswer:
    """A comparison that the cluster has made, or is about to; what lies behind it lives as long as the session."""

    def __init__(self, spark: SparkSession, work: Work, register: DataFrame, rows: int) -> None:
        self._spark = spark
        self._work = work
        self._register = register
        self._rows = rows
        self._verdicts = register
        self._totals: Totals | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        return self._work.columns

    @property
    def totals(self) -> Totals:
        assert self._totals is not None, "it has been compared"
        return self._totals

    def compare(self, check: Check) -> None:
        """Let the hashes of the same codes meet, and count."""
        work, spark = self._work, self._spark
        digest = partial(tasks.digest_registry, work)
        registry = _spread(spark, len(work.codes)).mapInArrow(digest, tasks.DIGESTS)
        count = max(spark.sparkContext.defaultParallelism, math.ceil(2 * self._rows / _DIGESTS_A_TASK))
        spark.conf.set("spark.sql.shuffle.partitions", str(count))
        both = self._register.unionAll(registry).repartition(count, "uscc")
        self._verdicts = both.mapInArrow(partial(tasks.compare_digests, work), tasks.VERDICTS)
        self._verdicts.persist(StorageLevel.MEMORY_AND_DISK)
        found = self._verdicts.filter(self._verdicts.kind.isin(tasks.TOTALS, tasks.TWICE)).collect()
        counted = [sum(column) for column in zip(*(row.totals for row in found if row.totals), strict=True)]
        # Of all that is wrong with a register, every engine names the same first.
        total, without_code, repeated = counted[7:]
        check_register(total, without_code, repeated, lambda: [row.uscc for row in found if row.kind == tasks.TWICE])
        check(total)
        names = ("office_total", "registry_total", "different", "missing_here", "missing_there")
        pending = {"pending_office": counted[5], "pending_registry": counted[6]}
        self._totals = Totals(**dict(zip(names, counted[:5], strict=True)), **pending)
        assert self._totals.adds_up, "both sides have the same equal codes"

    def differences(self) -> Iterator[list[Difference]]:
        """Yield everything that is not equal, by code, some thousand at a time."""
        with _understood(str(self._spark.sparkContext.master)):
            rows = self._looked_at().toLocalIterator(prefetchPartitions=True)
            while chunk := list(islice(rows, _CHUNK_ROWS)):
                yield [difference_of(row, self.columns) for row in chunk]

    def _looked_at(self) -> DataFrame:
        """Return both sides of what is not equal, as the statement `differences` does on one machine."""
        work = self._work
        verdicts = self._verdicts.filter(~self._verdicts.kind.isin(tasks.TOTALS, tasks.TWICE))
        there = self._look(verdicts, "office_part", len(work.files), tasks.look_at_register, tasks.OFFICE_MEMBERS)
        here = self._look(verdicts, "registry_part", len(work.codes), tasks.look_at_registry, tasks.REGISTRY_MEMBERS)
        there = there.toDF("uscc", *(f"office_{name}" for name in there.columns[1:]))
        both = verdicts.join(there, "uscc", "left").join(here, "uscc", "left")
        return both.select(
            "uscc", "kind", "there", "here",
            "office_status", "office_standing", "office_is_public", "office_members",
            "status", "standing", "is_public", "members", "receipt_id",
        ).orderBy("uscc")  # fmt: skip

    def _look(
        self, verdicts: DataFrame, part: str, parts: int, look: Callable[..., Iterator[Any]], schema: str
    ) -> DataFrame:
        wanted = verdicts.filter(verdicts[part].isNotNull()).select("uscc", part).repartition(parts, part)
        return wanted.mapInArrow(partial(look, self._work), schema)


def _spread(spark: SparkSession, parts: int) -> DataFrame:
    """Return the numbers of parts, each in a task of its own."""
    return spark.range(0, parts, 1, numPartitions=max(1, parts))


def _count(register: DataFrame) -> int:
    """Return how many rows of the register were read.

    Raises:
        UnusableRegister: a file could not be read to its end; the first of them is told.
    """
    found = register.groupBy("part").agg({"fault": "max", "*": "count"}).collect()
    faults = sorted((row.part, row["max(fault)"]) for row in found if row["max(fault)"] is not None)
    if faults:
        code, facts = orjson.loads(faults[0][1])
        raise UnusableRegister(code, **facts)
    return sum(row["count(1)"] for row in found)


def _await_workers(context: SparkContext) -> None:
    """Wait until a worker has taken the program; processes of this machine have at once."""
    if str(context.master).startswith("local"):
        return
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while context._jsc.sc().getExecutorMemoryStatus().size() <= 1:
        if time.monotonic() >= deadline:
            raise Retryable(f"no worker of {context.master} took the work within {_PATIENCE_SECONDS:.0f} s")
        time.sleep(_POLL_SECONDS)


def _stamps(files: Sequence[Path]) -> list[tuple[int, int]]:
    """Return what tells whether files have changed."""
    return [(found.st_size, found.st_mtime_ns) for found in (file.stat() for file in files)]


@contextmanager
def _understood(master: str) -> Iterator[None]:
    """Turn what Spark raises into what we know."""
    try:
        yield
    except (PySparkException, Py4JError) as error:
        log.exception("spark_gave_up")
        raise Retryable(
            f"the cluster at {master} cannot be reached or gave up: {type(error).__name__}; its logs say more"
        ) from error
