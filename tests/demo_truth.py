"""The demonstration feed through the whole program, held against its truth: `python -m tests.demo_truth FOLDER`.

`uscc demo` writes the feed, `uscc submit` pushes its files to the topics of a `uscc up`, which decides them; every
first return is then compared with its line of truth.csv, and `uscc verify` has the last word. A release is proven by
`--records 1000000 --seed 7` (12 GB in FOLDER); the tests do the same with a few thousand.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import hashlib
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from service.demo.organizations import OFFICES
from tests.faults.system import System

_SHOWN = 10
_PATIENCE_SECONDS = 3_600.0
_TABLE = """create temporary table truth (
    office text, line integer, sha256 bytea, twin bigint, disposition text, rules text[],
    conflict text, expectation text
)"""
# A line meets the return of its bytes; of equal ones, which cannot be told apart, the first meets the first.
_COMPARED = """
with decided as (
    select d.office, d.content_sha256 as sha256, d.disposition, d.rules,
           row_number() over (partition by d.office, d.content_sha256 order by d.sequence) as twin,
           array(select distinct f ->> 'rule'
                 from jsonb_array_elements(d.return_text::jsonb -> 'findings') f
                 where f ->> 'severity' in ('error', 'hold')) as grave
    from disposition d
    where d.attempt = 1
)
select t.office, t.line, t.disposition as expected, t.rules as planted, t.conflict, t.expectation,
       d.disposition as found, d.rules, d.grave
from truth t
full join decided d using (office, sha256, twin)
"""
_DISAGREEING = f"""
select * from ({_COMPARED}) c
where c.line is null or c.found is null
   or (c.expected <> '' and (c.found <> c.expected or not c.grave <@ c.planted or not c.planted <@ c.rules))
   or (c.expected = '' and not c.planted <@ c.rules)
order by c.office, c.line
"""
_UNSATISFIED = f"""
select conflict, expectation, string_agg(n || ' ' || found, ', ' order by found) as found
from (select conflict, expectation, found, count(*) as n from ({_COMPARED}) c where conflict <> '' group by 1, 2, 3) g
group by conflict, expectation
having string_agg(n || ' ' || found, ', ' order by found) <> expectation
"""
_FIGURES = f"""
select count(*) as records, count(*) filter (where cardinality(planted) > 0) as planted,
       count(distinct conflict) filter (where conflict <> '') as groups,
       coalesce(sum(cardinality(array(select unnest(planted) intersect select unnest(rules)))), 0) as findings_found,
       coalesce(sum(cardinality(planted)), 0) as findings_planted
from ({_COMPARED}) c
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What became of a feed beside its truth; `disagreeing` and `unsatisfied` are texts, none where all is well."""

    records: int
    groups: int
    findings_planted: int
    findings_found: int
    disagreeing: list[str]
    unsatisfied: list[str]

    @property
    def agrees(self) -> bool:
        """Whether all that was planted was found, nothing else was, and every group is satisfied."""
        return not self.disagreeing and not self.unsatisfied and self.findings_found == self.findings_planted


def write_feed(folder: Path, records: int, seed: int) -> float:
    """Let `uscc demo` write a feed; return the peak of its memory in MiB."""
    command = ["demo", "--records", str(records), "--seed", str(seed), "--out", str(folder)]
    subprocess.run([sys.executable, "-m", "service", *command], check=True, capture_output=True)
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def submit(system: System, folder: Path) -> None:
    """Push the files of a feed to the topics, one office after the other."""
    for office in OFFICES:
        file = str(folder / f"{office}.ndjson")
        done = system.uscc("submit", "--office", office, file, timeout=_PATIENCE_SECONDS)
        assert done.returncode == 0, done.stderr


def wait(system: System, records: int) -> float:
    """Wait until all is decided and published; return how long it took."""
    began = time.monotonic()
    while system.decided() < records:
        assert time.monotonic() < began + _PATIENCE_SECONDS, f"{system.decided()} of {records} records are decided"
        time.sleep(1)
    took = time.monotonic() - began
    system.settle(_PATIENCE_SECONDS)
    return took


def compare(dsn: str, folder: Path) -> Comparison:
    """Hold what was decided against truth.csv; the registry must have decided this feed and nothing else."""
    return asyncio.run(_compare(dsn, folder))


async def _compare(dsn: str, folder: Path) -> Comparison:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(_TABLE)
        await connection.copy_records_to_table("truth", records=_truth(folder))
        await connection.execute("analyze truth")
        figures = await connection.fetchrow(_FIGURES)
        assert figures is not None
        return Comparison(
            records=figures["records"],
            groups=figures["groups"],
            findings_planted=figures["findings_planted"],
            findings_found=figures["findings_found"],
            disagreeing=[str(dict(row)) for row in await connection.fetch(_DISAGREEING)],
            unsatisfied=[str(dict(row)) for row in await connection.fetch(_UNSATISFIED)],
        )
    finally:
        await connection.close()


def _truth(folder: Path) -> Iterator[tuple[str, int, bytes, int, str, list[str], str, str]]:
    """Yield the lines of truth.csv, each with the digest of the record that it speaks of and how often it was there."""
    seen: Counter[tuple[str, bytes]] = Counter()
    with ExitStack() as files:
        feeds = {office: files.enter_context((folder / f"{office}.ndjson").open("rb")) for office in OFFICES}
        truth = files.enter_context((folder / "truth.csv").open(encoding="utf-8", newline=""))
        for row in csv.DictReader(truth):
            body = feeds[row["office"]].readline().rstrip(b"\n")
            rules = row["rules"].split(";") if row["rules"] else []
            digest = hashlib.sha256(body).digest()
            seen[row["office"], digest] += 1
            place = (row["office"], int(row["line"]), digest, seen[row["office"], digest])
            yield *place, row["disposition"], rules, row["group"], row["group_expectation"]


def main() -> int:
    """Run the whole proof; 0 when everything agrees."""
    parser = argparse.ArgumentParser(prog="python -m tests.demo_truth", description=__doc__)
    parser.add_argument("folder", type=Path, help="where feed and system lie; must not exist yet")
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True)
    feed = arguments.folder / "feed"
    print(f"uscc demo: peak {write_feed(feed, arguments.records, arguments.seed):.0f} MiB", flush=True)
    system = System(arguments.folder / "data", {"USCC_INGEST_PROCESSES": "2"})
    system.start()
    try:
        began = time.monotonic()
        submit(system, feed)
        print(f"uscc submit: {time.monotonic() - began:.0f} s", flush=True)
        print(f"decided {wait(system, arguments.records):.0f} s later", flush=True)
        comparison = compare(system.endpoints["database"], feed)
        print(
            f"{comparison.records} records, {comparison.groups} groups; "
            f"{comparison.findings_found} of {comparison.findings_planted} planted findings found; "
            f"{len(comparison.disagreeing)} records disagree, {len(comparison.unsatisfied)} groups are not satisfied"
        )
        for line in (*comparison.disagreeing[:_SHOWN], *comparison.unsatisfied[:_SHOWN]):
            print(line)
        verified = system.uscc("verify", timeout=_PATIENCE_SECONDS)
        print(verified.stdout, end="", flush=True)
    finally:
        system.stop()
    return 0 if comparison.agrees and verified.returncode == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
