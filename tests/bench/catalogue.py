"""Which figures there are, in the order in which they are measured, and what measures them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.bench import ingesting, looking_up, nightly, nightly_spark, running, validating
from tests.bench.figures import Figure


@dataclass(frozen=True, slots=True)
class Group:
    """Figures that share their set-up. `measure` is told which of them are wanted."""

    names: tuple[str, ...]
    measure: Callable[[frozenset[str]], Iterator[Figure]]


GROUPS = (
    Group(("validate.column",), validating.column),
    Group(("validate.single",), validating.single),
    Group(("validate.file", "validate.file.memory"), validating.file),
    Group(("lookup.single", "lookup.peer", "lookup.batch"), looking_up.look_ups),
    Group(("search.name",), looking_up.searches),
    Group(("ingest.floor", "ingest.peer"), ingesting.rates),
    Group(("ingest.memory",), ingesting.memory),
    Group(("ingest.slope",), ingesting.slope),
    Group(("submissions.http",), running.posts),
    Group(("feed.lag",), running.lag),
    Group(("start",), running.start),
    Group(("nightly.local", "nightly.memory", "nightly.slope"), nightly.comparisons),
    Group(("api.beside",), nightly.beside),
    Group(("nightly.spark", "nightly.spark.rate"), nightly_spark.cluster),
)
