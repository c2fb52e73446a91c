"""The number of a record: columns come to the same one as a record by itself, and the ledger keeps it."""

from __future__ import annotations

import random

import orjson
import pyarrow as pa
import pytest

from sync.nightly.numbering import NONE, numbers_of_rows
from sync.row_hash import COMPARED, SIGN_OF_STATUS, row_hash
from tests.integration.nightly.conftest import Town, message, new_code, record_of

_STORED = """
    select r.uscc, r.row_hash, v.record::text as record
    from registration r
    join registration_version v
      on v.uscc = r.uscc and v.version = r.particulars_version and v.recorded_at = r.particulars_recorded_at
    order by r.uscc"""


def _records(count: int) -> list[dict[str, str]]:
    choice = random.Random(7)
    letters = ["沈", "阳", "a", "é", "𠮷", "\\", '"', "\n", "\x1e", "'", " "]
    records = []
    for _ in range(count):
        names = choice.sample(COMPARED, choice.randint(0, len(COMPARED)))
        records.append({name: "".join(choice.choices(letters, k=choice.randint(1, 30))) for name in names})
    return [*records, {"standing": "normal", "is_public": "1"}, {"standing": "moved_out", "is_public": "0"}]


@pytest.mark.parametrize("lacking", [(), COMPARED[:2], COMPARED[-3:], COMPARED[4:20:3], COMPARED])
@pytest.mark.parametrize("absent", [None, ""])
def test_columns_come_to_the_number_of_each_record(lacking: tuple[str, ...], absent: str | None) -> None:
    records = [{name: value for name, value in r.items() if name not in lacking} for r in _records(300)]
    columns = ["uscc", *(name for name in reversed(COMPARED) if name not in lacking)]
    rows = [{"uscc": new_code(n)} | record for n, record in enumerate(records)]
    batch = pa.RecordBatch.from_pydict(
        {name: pa.array([row.get(name, absent) for row in rows], pa.string()) for name in columns}
    )

    numbers = numbers_of_rows(batch, with_status=False)

    assert [row_hash(new_code(n), record) for n, record in enumerate(records)] == numbers.tolist()


def test_the_status_is_mixed_in_under_whatever_form_it_has_and_an_unknown_one_makes_no_number() -> None:
    forms = ["1", "normal", "2", "cancelled", "3", "revoked", "", None, "9"]
    batch = pa.RecordBatch.from_pydict(
        {"uscc": pa.array([new_code(1)] * len(forms)), "status": pa.array(forms, pa.string())}
    )

    numbers = numbers_of_rows(batch, with_status=True).tolist()

    plain = row_hash(new_code(1), {})
    assert plain is not None
    assert [plain ^ SIGN_OF_STATUS[s] for s in ("normal", "cancelled", "revoked") for _ in "12"] == numbers[:6]
    assert [NONE] * 3 == numbers[6:]


async def test_whatever_happens_to_a_code_its_number_is_that_of_its_particulars(town: Town) -> None:
    await town.push([message(n, record_of(n)) for n in range(6)])
    await town.push(
        [
            message("c1", record_of(1, name="沈阳新名有限公司"), "change", occurred_at="2026-11-20T10:00:00+08:00"),
            message("c2", record_of(2), "cancel", occurred_at="2026-11-20T10:00:00+08:00"),
            message("c3", record_of(3, standing="moved_out"), "change", occurred_at="2026-11-20T10:00:00+08:00"),
            message("c4", record_of(4), "withdraw", occurred_at="2026-11-20T10:00:00+08:00", reason="重复"),
            message("c5", record_of(5, name="旧名"), "change", occurred_at="2026-11-20T08:00:00+08:00"),
        ]
    )

    stored = await town.fetch(_STORED)

    assert 6 == len(stored)
    assert [row_hash(row["uscc"], orjson.loads(row["record"])) for row in stored] == [r["row_hash"] for r in stored]
    assert row_hash(new_code(1), record_of(1, name="沈阳新名有限公司")) == stored[1]["row_hash"]
