"""What the workers of a cluster do, without one: however it is cut, the parts give the answer of one machine."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from sync.nightly import spark_tasks as tasks
from sync.nightly.engine import LocalEngine, Question
from sync.nightly.sides import Bounds, Difference, difference_of
from sync.nightly.spark_tasks import FilePart, Work
from sync.store.nightly_export import View, cut_register, exported_snapshot
from tests.integration.nightly.conftest import Town, message, new_code, record_of
from tests.integration.nightly.test_comparisons import _parts

ROWS = 240


def _numbers(count: int) -> Iterator[pa.RecordBatch]:
    return iter([pa.record_batch({"id": pa.array(range(count), pa.int64())})])


def _rows(batches: Iterator[pa.RecordBatch]) -> list[dict[str, Any]]:
    return [row for batch in batches for row in batch.to_pylist()]


def _wanted(verdicts: list[dict[str, Any]], part: str) -> Iterator[pa.RecordBatch]:
    rows = [(row["uscc"], row[part]) for row in verdicts if row.get(part) is not None]
    return iter([pa.record_batch({"uscc": [code for code, _ in rows], "part": [number for _, number in rows]})])


def _in_parts(work: Work, cuts: int) -> tuple[list[int], list[Difference]]:
    """Do what the cluster does: counts of all tasks, and what is not equal, by code."""
    digests = _rows(tasks.digest_register(work, _numbers(len(work.files))))
    digests += _rows(tasks.digest_registry(work, _numbers(len(work.codes))))
    totals, verdicts = [0] * 10, []
    for cut in range(cuts):
        own = [row for row in digests if zlib.crc32(row["uscc"].encode()) % cuts == cut]
        batch = pa.RecordBatch.from_pylist(own, schema=tasks._DIGESTS)
        for row in _rows(tasks.compare_digests(work, iter([batch]))):
            if row["kind"] == tasks.TOTALS:
                totals = [sum(pair) for pair in zip(totals, row["totals"], strict=True)]
            else:
                verdicts.append(row)
    there = {row["uscc"]: row for row in _rows(tasks.look_at_register(work, _wanted(verdicts, "office_part")))}
    here = {row["uscc"]: row for row in _rows(tasks.look_at_registry(work, _wanted(verdicts, "registry_part")))}
    found = []
    for verdict in sorted(verdicts, key=lambda row: str(row["uscc"])):
        o, r = there.get(verdict["uscc"], {}), here.get(verdict["uscc"], {})
        names = ("status", "standing", "is_public", "members")
        sides = [*(o.get(name) for name in names), *(r.get(name) for name in names), r.get("receipt_id")]
        told = (verdict["uscc"], verdict["kind"], verdict["there"], verdict["here"], *sides)
        found.append(difference_of(told, work.columns))
    return totals, found


@pytest.mark.parametrize(("parts", "cuts"), [(1, 1), (3, 4), (7, 2)])
async def test_however_the_codes_are_cut_the_answer_is_that_of_one_machine(
    town: Town, tmp_path: Path, parts: int, cuts: int
) -> None:
    await town.push([message(number, record_of(number)) for number in range(ROWS)])
    rows = [record_of(number) | ({"name": "改"} if number % 17 == 3 else {}) for number in range(5, ROWS + 5)]
    register = _parts(town, rows)
    view = View(dsn=town.dsn, role="uscc_job", office=town.commerce, first_characters=frozenset("9"))
    question = Question(
        office=town.commerce, first_characters=view.first_characters, files=register.files, form="csv.gz", force=False,
        cutoff="~", undecided=frozenset({new_code(20)}),
    )  # fmt: skip
    local = LocalEngine(dsn=town.dsn, role="uscc_job", bounds=Bounds(folder=tmp_path))

    with local.compare(question, check=lambda _: None, progress=lambda _: None) as answer:
        one = [difference for chunk in answer.differences() for difference in chunk]
        figures = answer.totals
    with exported_snapshot(view) as snapshot:
        await town.push([message(f"{number}-late", record_of(number)) for number in range(ROWS, ROWS + 50)])
        work = Work(
            form="csv.gz", force=False, alone=False, columns=answer.columns,
            files=tuple(FilePart(file=file) for file in register.files), view=replace(view, snapshot=snapshot),
            codes=tuple(cut_register(view, parts)), cutoff="~", undecided=(new_code(20),), memory_mib=128,
            folder=lambda: str(tmp_path),
        )  # fmt: skip
        totals, found = _in_parts(work, cuts)
    assert one == found
    assert [ROWS, ROWS, figures.different, 5, 5, 1, 1] == totals[:7]
    assert [ROWS, 0, 0] == totals[7:]
    assert (parts == 1) == (len(work.codes) == 1)


async def test_a_hash_is_a_whole_number_wherever_it_passes(town: Town, tmp_path: Path) -> None:
    await town.push([message(number, record_of(number)) for number in range(20)])
    register = _parts(town, [record_of(number) for number in range(20)])
    work = Work(
        form="csv.gz", force=False, alone=False, columns=("name",), cutoff="~", undecided=(), memory_mib=128,
        files=tuple(FilePart(file=file) for file in register.files), folder=lambda: str(tmp_path),
        view=View(dsn=town.dsn, role="uscc_job", office=town.commerce, first_characters=frozenset("9")),
    )  # fmt: skip

    digests = [row["digest"] for row in _rows(tasks.digest_register(work, _numbers(3)))]
    assert len(set(digests)) == 20
    assert any(float(digest) != digest for digest in digests), "a float would not hold them"
