"""Setting aside what is surely equal changes no answer: whatever numbers are used, whatever the register lacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
import pytest

from sync.nightly import engine, run
from sync.nightly.engine import LocalEngine, Question
from sync.nightly.register_faults import UnusableRegister
from sync.nightly.sides import Bounds, Difference, Totals
from sync.nightly.sifting import choose_numbers
from sync.records import receipt_bound
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
    register = town.write_register(rows)
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


def _use(choice: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "choose_numbers", lambda *_: choice)


@pytest.mark.parametrize("with_status", [True, False])
@pytest.mark.parametrize("left_out", [(), ("business_scope", "registration_number")])
async def test_every_choice_of_numbers_gives_the_answer_of_comparing_everything(
    town: Town, monkeypatch: pytest.MonkeyPatch, with_status: bool, left_out: tuple[str, ...]
) -> None:
    await _fill(town)
    rows = _register(with_status=with_status)
    rows = [{name: value for name, value in row.items() if name not in left_out} for row in rows]
    answers = {}
    for choice in ("stored", "without", "none"):
        _use(choice, monkeypatch)
        answers[choice] = _ask(town, rows)

    totals, differences = answers["none"]
    assert 0 not in (totals.different, totals.missing_here, totals.missing_there, totals.pending_registry)
    assert all(answer == (totals, differences) for answer in answers.values())


@pytest.mark.parametrize(("left_out", "expected"), [((), "stored"), (("business_scope",), "without")])
async def test_the_numbers_are_chosen_by_what_the_register_has(
    town: Town, monkeypatch: pytest.MonkeyPatch, left_out: tuple[str, ...], expected: str
) -> None:
    chosen: list[str] = []

    def noted(*arguments: Any) -> Any:
        chosen.append(choose_numbers(*arguments))
        return chosen[-1]

    monkeypatch.setattr(engine, "choose_numbers", noted)
    await _fill(town)
    _ask(town, [{n: v for n, v in row.items() if n not in left_out} for row in _register(with_status=True)])

    assert [expected] == chosen


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
    await town.fetch("update registration set row_hash = null where right(uscc, 1) < 'A' returning uscc")
    _use("stored", monkeypatch)

    assert before == _ask(town, rows)


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
