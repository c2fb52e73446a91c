"""Setting aside what is surely equal changes no answer: whatever numbers are used, whatever the register lacks."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import asyncpg
import pytest

from sync.nightly import engine, registers, run, sifting
from sync.nightly.engine import LocalEngine, Question
from sync.nightly.register_faults import UnusableRegister
from sync.nightly.run import Register
from sync.nightly.sides import Bounds, Difference, Totals
from sync.nightly.sifting import Sifted, sift
from sync.records import receipt_bound
from sync.store import nightly_numbers
from tests.integration.nightly.conftest import NOON, Town, message, new_code, record_of

ROWS = 400


class _Died(Exception):
    """The run ends here."""


LATER = {"occurred_at": "2026-11-20T10:00:00+08:00"}


async def _fill(town: Town) -> None:
    await town.push([message(n, record_of(n, business_scope=f"销售第{n}号")) for n in range(ROWS)])
    await town.push([message(f"c{n}", record_of(n), "cancel", **LATER) for n in range(5)])
    await town.push([message(f"m{n}", record_of(n, standing="moved_out"), "change", **LATER) for n in range(5, 8)])


def _register(*, with_status: bool) -> list[dict[str, str]]:
    """Return rows of which some differ, some are missing, and some are written in another form."""
    rows = []
    for n in range(ROWS + 9):
        row: dict[str, str] = record_of(n, business_scope=f"销售第{n}号") | (
            {"status": "2" if n < 4 else "1"} if with_status else {}
        )
        row["standing"] = "moved_out" if 5 <= n < 7 else ""
        row |= {"name": f"改名{n}"} if n % 50 == 20 else {}
        row |= {"registered_capital": ""} if n % 50 == 21 else {}
        row |= {"uscc": f" {row['uscc'].lower()}"} if n % 50 == 22 else {}
        if n % 50 != 23:
            rows.append(row)
    return rows


def _ask(town: Town, rows: Sequence[Mapping[str, str]]) -> tuple[Totals, list[Difference]]:
    return _compare(town, town.write_register(rows))


def _compare(town: Town, register: Register) -> tuple[Totals, list[Difference]]:
    question = Question(
        office=town.commerce,
        first_characters=town.site.offices[town.commerce].first_characters,
        files=register.files,
        form="csv.gz",
        force=False,
        cutoff=receipt_bound(NOON.replace(hour=5)),
        undecided=frozenset({new_code(20), new_code(30)}),
    )
    here = LocalEngine(dsn=town.dsn, role="uscc_job", bounds=Bounds(memory_mib=256, folder=town.folder))
    with here.compare(question, check=lambda _: None, progress=lambda _: None) as answer:
        return answer.totals, [each for chunk in answer.differences() for each in chunk]


def _watch(monkeypatch: pytest.MonkeyPatch) -> list[int | None]:
    """Return where it is noted how many codes each comparison sets aside, None: it compares everything."""
    noted: list[int | None] = []

    @contextmanager
    def watched(*arguments: Any, **options: Any) -> Iterator[Sifted | None]:
        with sift(*arguments, **options) as sifted:
            noted.append(None if sifted is None else sifted.equal)
            yield sifted

    monkeypatch.setattr(engine, "sift", watched)
    return noted


@pytest.mark.parametrize("with_status", [True, False])
async def test_what_is_set_aside_changes_nothing_of_the_answer(
    town: Town, monkeypatch: pytest.MonkeyPatch, with_status: bool
) -> None:
    await _fill(town)
    rows = _register(with_status=with_status)
    noted = _watch(monkeypatch)
    totals, differences = _ask(town, rows)
    monkeypatch.setattr(sifting, "_agrees", lambda *_: False)

    assert (totals, differences) == _ask(town, rows)
    assert 0 not in (totals.different, totals.missing_here, totals.missing_there, totals.pending_registry)
    # Those that are written in another form are equal too, and are compared.
    assert [totals.equal - len([n for n in range(ROWS) if n % 50 == 22]), None] == noted


async def test_fetched_in_small_portions_it_is_the_same(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    await _fill(town)
    rows = _register(with_status=True)
    before = _ask(town, rows)
    owner = await asyncpg.connect(town.dsn)
    await owner.execute("analyze registration")
    await owner.close()
    monkeypatch.setattr(nightly_numbers, "_CODES_A_PART", 50)
    monkeypatch.setattr(registers, "_BLOCK_BYTES", 2_048)
    monkeypatch.setattr(sifting, "_CODES_AT_ONCE", 3)

    assert before == _ask(town, rows)


async def test_a_register_without_a_member_that_the_records_have_is_compared_member_by_member(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _fill(town)
    rows = _register(with_status=True)
    noted = _watch(monkeypatch)
    whole, _ = _ask(town, rows)
    totals, _ = _ask(town, [{n: v for n, v in row.items() if n != "business_scope"} for row in rows])

    assert noted[0] is not None
    # Those that moved out lost it in the registry alone: nothing else is different of two of them.
    assert (whole.different - 2, None) == (totals.different, noted[1])


async def test_a_register_of_which_nearly_nothing_is_equal_is_compared_as_a_whole(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sifting, "_CODES_AT_ONCE", 10)
    monkeypatch.setattr(sifting, "_TRIED_ROWS", 20)
    await _fill(town)
    noted = _watch(monkeypatch)
    rows = [record_of(n, business_scope=f"销售第{n}号" if n < 30 else "改") for n in range(ROWS)]
    totals, _ = _ask(town, rows)
    few, _ = _ask(town, rows[:30])

    # Three of them moved out.
    assert ([None, None], 3, ROWS - 30) == (noted, few.different, few.missing_there + few.pending_registry)
    assert totals.equal == few.equal == 27


async def test_a_register_that_writes_every_value_its_own_way_is_compared_all_the_same(town: Town) -> None:
    await _fill(town)

    totals, _ = _ask(town, [record_of(n, name=f"别名{n}", business_scope=f"销售第{n}号") for n in range(ROWS)])

    assert (ROWS, 0) == (totals.different + totals.pending_office, totals.equal)


async def test_codes_without_a_stored_number_are_compared_member_by_member(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _fill(town)
    rows = _register(with_status=True)
    before = _ask(town, rows)
    gone = await town.fetch("update registration set row_hash = null where right(uscc, 1) < '9' returning uscc")
    noted = _watch(monkeypatch)

    assert before == _ask(town, rows)
    assert noted[0] is not None
    assert 0 < noted[0] <= ROWS - len(gone)


@pytest.mark.parametrize(
    "repeated",
    [
        {},
        {"name": "改名"},
        {"uscc": new_code(77).lower()},
        {"uscc": f"{new_code(77)} ", "name": "改名"},
        {"uscc": new_code(ROWS + 1)},
    ],
    ids=["equal", "different", "in another form", "different in another form", "missing here"],
)
async def test_a_code_that_stands_there_twice_is_found_wherever_the_rows_are(
    town: Town, repeated: dict[str, str]
) -> None:
    await _fill(town)
    rows = _register(with_status=False)
    again = next(row for row in rows if row["uscc"] == new_code(77)) | repeated

    with pytest.raises(UnusableRegister) as refused:
        _ask(town, [*rows, again])

    code = new_code(ROWS + 1) if repeated.get("uscc") == new_code(ROWS + 1) else new_code(77)
    assert ("duplicate-codes", {"rows": 1, "codes": [code]}) == (refused.value.code, refused.value.facts)


@pytest.mark.parametrize("number", [0, 20, ROWS - 1])
async def test_a_text_that_is_no_utf_8_is_found_wherever_it_stands(town: Town, number: int) -> None:
    await _fill(town)
    register = town.write_register([record_of(n, business_scope=f"销售第{n}号") for n in range(ROWS)])
    (file,) = register.files
    lines = gzip.decompress(file.read_bytes()).splitlines(keepends=True)
    lines[number + 1] = lines[number + 1].replace("销售".encode(), "销售".encode("gb18030"))
    file.write_bytes(gzip.compress(b"".join(lines)))

    with pytest.raises(UnusableRegister) as refused:
        _compare(town, register)

    assert ("wrong-encoding", number + 2) == (refused.value.code, refused.value.facts["line"])


async def test_a_registry_from_before_the_numbers_is_filled_in_bit_by_bit_and_goes_on_where_it_died(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "_FILLED_AT_ONCE", 150)
    await _fill(town)
    stored = await town.fetch("select uscc, row_hash from registration order by uscc")
    owner = await asyncpg.connect(town.dsn)
    await owner.execute("update registration set row_hash = null; insert into backlog (name) values ('row_hash')")
    await owner.close()
    died = iter(("filled",))

    def die(step: str) -> None:
        if next(died, None) == step:
            raise _Died

    with pytest.raises(_Died):
        await town.night(pass_by=die)
    (half,) = await town.fetch("select count(*) as n from registration where row_hash is not null")
    await town.night()

    assert 150 == half["n"]
    assert stored == await town.fetch("select uscc, row_hash from registration order by uscc")
    assert [] == await town.fetch("select name from backlog")
