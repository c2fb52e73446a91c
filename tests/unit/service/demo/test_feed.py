"""The demonstration feed: deterministic, exact in number, lawful, and nobody's."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from datetime import date
from pathlib import Path
from random import Random

import orjson
import pytest

from service.demo.catalogue import ACTIVE
from service.demo.feed import TRUTH_COLUMNS, generate, truth_row, write_feed
from service.demo.identifiers import Identifiers, without_complement
from service.demo.words import districts
from validators import identity_card, organization_code, uscc
from validators.check_character import mod31_without_complement
from validators.division import Divisions

BASE = date(2026, 11, 20)
REAL_DATA = Path(__file__).resolve().parents[5] / "shared" / "data"


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_feed(generate(1_500, 7, BASE), tmp_path / name, lambda _done: None)

    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert files == ["civil-affairs.ndjson", "commerce.ndjson", "establishment.ndjson", "truth.csv"]
    assert [(tmp_path / "one" / name).read_bytes() for name in files] == [
        (tmp_path / "two" / name).read_bytes() for name in files
    ]


@pytest.mark.parametrize("records", [1, 2, 20, 999])
def test_a_feed_has_as_many_records_as_were_asked_for(records: int) -> None:
    feed = list(generate(records, 1, BASE))

    assert len(feed) == records
    for office in {record.office for record in feed}:
        lines = [record.line for record in feed if record.office == office]
        assert lines == list(range(1, len(lines) + 1))


def test_another_seed_or_day_shares_no_code() -> None:
    def keys(seed: int, base: date) -> set[bytes]:
        return {record.key for record in generate(500, seed, base) if record.key and record.disposition == "accepted"}

    assert keys(1, BASE) & keys(2, BASE) == set()
    assert keys(1, BASE) & keys(1, date(2026, 11, 21)) == set()


def test_offices_have_their_shares() -> None:
    counts = Counter(record.office for record in generate(4_000, 3, BASE))

    assert abs(counts["commerce"] - 3_200) <= 40
    assert abs(counts["civil-affairs"] - 560) <= 40
    assert abs(counts["establishment"] - 240) <= 40


def test_every_active_rule_is_planted() -> None:
    planted = {rule for record in generate(6_000, 5, BASE) for rule in record.rules}
    grouped = {record.group_expectation for record in generate(6_000, 5, BASE) if record.group}

    assert ACTIVE - planted == {"D02", "D03"}  # these meet across codes: their groups name no rule
    assert grouped == {"1 accepted, 1 held", "1 accepted, 1 rejected"}


def test_truth_stands_beside_the_lines(tmp_path: Path) -> None:
    feed = list(generate(800, 4, BASE))
    written = write_feed(iter(feed), tmp_path, lambda _done: None)
    with (tmp_path / "truth.csv").open(encoding="utf-8", newline="") as truth:
        header, *rows = list(csv.reader(truth))

    assert tuple(header) == TRUTH_COLUMNS
    assert rows == [[str(cell) for cell in truth_row(record)] for record in feed]
    for office, count in written.items():
        lines = (tmp_path / f"{office}.ndjson").read_bytes().split(b"\n")
        assert lines[-1] == b""
        assert lines[:-1] == [record.body for record in feed if record.office == office]
        assert len(lines) - 1 == count


def test_the_records_of_one_code_share_the_key() -> None:
    keys: dict[str, set[bytes]] = {}
    for record in generate(3_000, 6, BASE):
        if record.disposition in ("accepted", "superseded", "held") and not record.group:
            claimed = orjson.loads(record.body)["record"]["uscc"]
            assert record.key == claimed.encode()
            keys.setdefault(uscc.normalize(claimed), set()).add(claimed.encode())

    assert {len(found) for found in keys.values()} == {1}


def test_what_cannot_be_read_has_no_key_and_is_one_line() -> None:
    quarantined = [record for record in generate(6_000, 8, BASE) if record.disposition == "quarantined"]

    assert {record.rules for record in quarantined} == {("M03",), ("M04",)}
    assert {(record.key, record.message_id) for record in quarantined} == {(None, "")}
    assert all(b"\n" not in record.body for record in quarantined)


def test_districts_are_in_force() -> None:
    divisions = Divisions.load()

    assert {divisions.in_force(district.code, date(2016, 6, 1)) for district in districts()} == {True}
    assert {divisions.in_force(district.code, BASE) for district in districts()} == {True}


def test_identifiers_pass_their_checks_and_are_given_once() -> None:
    identifiers = Identifiers(Random(1))
    subjects = [identifiers.subject_code() for _ in range(5_000)]
    people = [identifiers.id_number() for _ in range(200)]
    doubtful = [identifiers.code_like_id_number() for _ in range(50)]

    assert len(set(subjects)) == len(subjects)
    assert all(organization_code.is_valid(code) for code in subjects)
    assert all(identity_card.is_valid(number, BASE) for number in people)
    assert {number[:6] for number in people} == {"219900"}
    assert len(set(doubtful)) == len(doubtful)
    assert all(uscc.is_valid(code) and identity_card.is_valid(code, BASE) for code in doubtful)


def test_a_left_out_complement_is_what_an_issuer_writes() -> None:
    code = "91210100MA00004968"[:17]
    right = code + uscc.check_character(code)

    assert without_complement(right) in (None, code + mod31_without_complement(code))


def test_no_code_is_a_real_one() -> None:
    if not REAL_DATA.is_dir():
        pytest.skip(f"the lists of real codes are not at {REAL_DATA}")
    ours = {record.key.decode() for record in generate(20_000, 1, BASE) if record.key}
    real: set[str] = set()
    for path in REAL_DATA.glob("*.csv.gz"):
        with gzip.open(path, "rt", encoding="utf-8", newline="") as rows:
            real.update(row["code"] for row in csv.DictReader(rows))

    placeholders = {code for code in ours & real if len(set(code)) == 1 or code.startswith("1234")}
    assert ours & real == placeholders
