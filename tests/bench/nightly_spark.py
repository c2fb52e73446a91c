"""The comparison on a Spark cluster of a master and two workers on this machine, against that of one process.

Both run the same command over the same files, with the start of the program taken off; Spark's own start (its driver,
two executors, their interpreters) is in its time, and is what the smaller sizes show.
"""

from __future__ import annotations

from collections.abc import Iterator

from sync.offices import load_offices
from sync.topics import submissions_topic
from tests.bench.figures import Figure, alone, of_pairs, scaled
from tests.bench.nightly import check, night, write_register
from tests.bench.registry import fill
from tests.bench.services import services
from tests.integration.nightly.spark_cluster import Cluster

_SIZE = 2_000_000
_FILES = 8
_ROUNDS = 3


def cluster(_wanted: frozenset[str]) -> Iterator[Figure]:
    """nightly.spark and nightly.spark.rate."""
    here = services()
    size = scaled(_SIZE, least=20_000)
    here.make_topics([submissions_topic(office) for office in load_offices()])
    folder = here.folder / "registers"
    folder.mkdir()
    (here.folder / "spark").mkdir()
    with here.database() as dsn:
        fill(dsn, size)
        planted = write_register(here, dsn, *(folder / f"part-{number}.csv.gz" for number in range(_FILES)))
        here.settle()
        spark = Cluster(here.folder / "spark")
        try:
            idle = min(night(here, dsn, None).seconds for _ in range(2))
            pairs = []
            for _ in range(_ROUNDS):
                took = []
                for options in (("--engine", "spark", "--master", spark.master), ()):
                    ran = night(here, dsn, folder, *options)
                    check(ran, planted)
                    took.append(max(0.001, ran.seconds - idle))
                pairs.append((took[0], took[1]))
        finally:
            spark.stop()
    yield of_pairs("nightly.spark", pairs, unit="s", records=size, bar="measured")
    rates = [2 * size / mine for mine, _ in pairs]
    yield alone("nightly.spark.rate", rates, unit="rows/s", records=size, bar="measured")
