"""Statements, comparisons and figures over HTTP."""

from __future__ import annotations

import asyncio
import csv
import gzip
import hashlib
import io
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from service.api import comparisons
from sync.nightly.comparisons import Means, compare_waiting
from sync.nightly.days import BusinessDays
from sync.nightly.sealing import Closing, seal
from sync.store.connection import JOB, Pool, open_pool, reading, writing
from sync.store.nightly_comparisons import digest_prefixes, read_chunk
from sync.store.nightly_quality import measure
from tests.integration.api.conftest import OFFICES, Api, Registry, new_code, problem, record_of

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)
DAY = date(2026, 11, 20)
_CLOSING = Closing(days=BusinessDays(), silent_after=timedelta(hours=17))
_PERIOD = {"approved_on": "2026-11-18"}


@pytest.fixture
async def job(database: str) -> AsyncIterator[Pool]:
    """A pool that may do what the nightly run may do."""
    pool = await open_pool(database, role="uscc_job", limits=JOB, size=3, name="test-nightly")
    yield pool
    await pool.close()


@pytest.fixture
def means(job: Pool, database: str, registry: Registry, tmp_path: Path) -> Means:
    """What comparisons are made with."""
    return Means(
        pool=job, dsn=database, role="uscc_job", kafka=None, decode=registry.decode, days=BusinessDays(),
        folder=tmp_path, memory_mib=256, progress=lambda _rows, _expected: None,
    )  # fmt: skip


async def _day(registry: Registry) -> list[dict[str, Any]]:
    """Three accepted records and a rejected one, on a day that is over."""
    registry.received_at = NOON
    records = [record_of(new_code()) for _ in range(3)]
    wrong = record_of("123456789012345678")
    await registry.push(*(registry.message("assign", record) for record in (*records, wrong)))
    return records


def _register(rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return gzip.compress(text.getvalue().encode())


async def _hand_in(api: Api, means: Means, body: bytes, **parameters: Any) -> dict[str, Any]:
    answer = await api.post(
        "/v1/comparisons",
        key="commerce",
        params={"format": "csv.gz", "date": "2026-11-20", **parameters},
        content=body,
    )
    assert answer.status_code == 202, answer.text
    await compare_waiting(means, OFFICES.values())
    found = (await api.get(f"/v1/comparisons/{answer.json()['comparison_id']}", key="commerce")).json()
    assert isinstance(found, dict)
    return found


async def test_a_statement_opens_into_its_records_before_and_after_it_is_sealed(
    api: Api, registry: Registry, job: Pool
) -> None:
    await _day(registry)
    path = "/v1/statements/2026-11-20/commerce"

    before = (await api.get(path)).json()
    items = [(await api.get(f"{path}/items?disposition=rejected")).json()]
    await seal(job, _CLOSING, OFFICES["commerce"], DAY, None)
    after = (await api.get(path)).json()
    items.append((await api.get(f"{path}/items?disposition=rejected")).json())
    assert (4, 3, 1, None) == (before["received"], before["accepted"], before["rejected"], before["sealed_at"])
    assert {**before, "sealed_at": after["sealed_at"]} == after
    assert items[0] == items[1]
    assert ["123456789012345678"] == [each["uscc"] for each in items[1]["items"]]


async def test_the_digest_follows_from_the_statement(api: Api, registry: Registry) -> None:
    await _day(registry)

    statement = (await api.get("/v1/statements/2026-11-20/commerce")).json()
    digest = statement.pop("digest")
    statement.pop("sealed_at")
    assert digest == hashlib.sha256(orjson.dumps(statement, option=orjson.OPT_SORT_KEYS)).hexdigest()


async def test_statements_are_listed_for_every_office_and_day_and_paged(api: Api, registry: Registry) -> None:
    await _day(registry)

    seen: list[tuple[str, str]] = []
    after: str | None = None
    while True:
        query = {"limit": "2", **({"after": after} if after else {})}
        page = (await api.get("/v1/statements", params=query)).json()
        seen += [(each["date"], each["office"]) for each in page["items"]]
        after = page["next"]
        if after is None:
            break
    running = _CLOSING.days.day_of(datetime.now(UTC))
    days = [(running - timedelta(days=number)).isoformat() for number in range((running - DAY).days + 1)]
    assert [(day, office) for day in days for office in sorted(OFFICES)] == seen


async def test_a_statement_comes_as_csv_and_xlsx_by_accept(api: Api, registry: Registry) -> None:
    await _day(registry)
    path = "/v1/statements/2026-11-20/commerce"

    table = await api.get(path, headers={"accept": "text/csv"})
    sheet = await api.get(path, headers={"accept": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"})
    (row,) = csv.DictReader(io.StringIO(table.text))
    assert ("2026-11-20", "commerce", "4", "3") == (row["date"], row["office"], row["received"], row["accepted"])
    with zipfile.ZipFile(io.BytesIO(sheet.content)) as packed:
        assert b'name="batches"' in packed.read("xl/workbook.xml")


async def test_the_records_behind_every_number_are_listed(api: Api, registry: Registry) -> None:
    records = await _day(registry)
    claim = record_of(records[0]["uscc"]) | {"name": "另一家有限公司", "registration_number": "R999"}
    again = registry.message("assign", record_of(new_code()), message_id="B-1", batch_id="B")
    other = registry.message("assign", record_of(new_code()), message_id="B-1", batch_id="B")
    await registry.push(registry.message("assign", claim), again, other)
    path = "/v1/statements/2026-11-20/commerce"

    async def count(query: str) -> int:
        return len((await api.get(f"{path}/items?{query}", key="commerce")).json()["items"])

    statement = (await api.get(path, key="commerce")).json()
    (batch,) = [each for each in statement["batches"] if each["batch_id"] == "B"]
    assert (2, 1) == (batch["received"], batch["altered"])
    assert (2, 1) == (await count("batch_id=B"), await count("batch_id=B&altered=true"))
    assert {"opening": 0, "new": 1, "resolved": 0, "closing": 1} == statement["holds"]
    assert statement["holds"] == {name: await count(f"hold={name}") for name in statement["holds"]}
    assert (422, "invalid-request") == problem(await api.get(f"{path}/items?hold=new&batch_id=B", key="commerce"))


async def test_a_table_says_where_its_next_page_is(api: Api, registry: Registry) -> None:
    await _day(registry)
    everything = await api.get("/v1/statements", headers={"accept": "text/csv"})
    table = await api.get("/v1/statements?limit=2", headers={"accept": "text/csv"})
    following = table.headers["link"].removeprefix("<").removesuffix('>; rel="next"')
    rest = await api.get(f"{following}&limit=1000".replace("limit=2&", ""), headers={"accept": "text/csv"})

    assert "link" not in everything.headers
    assert everything.text.splitlines()[1:] == [*table.text.splitlines()[1:], *rest.text.splitlines()[1:]]


async def test_an_office_sees_its_own_statements_and_comparisons_only(
    api: Api, registry: Registry, means: Means
) -> None:
    records = await _day(registry)
    found = await _hand_in(api, means, _register(records))
    foreign = f"/v1/comparisons/{found['comparison_id']}"

    assert (403, "not-permitted") == problem(await api.get("/v1/statements/2026-11-20/commerce", key="civil-affairs"))
    assert (403, "not-permitted") == problem(await api.get("/v1/statements?office=commerce", key="civil-affairs"))
    assert (404, "not-found") == problem(await api.get(foreign, key="civil-affairs"))
    assert (404, "not-found") == problem(await api.get(f"{foreign}/items", key="civil-affairs"))
    own = (await api.get("/v1/statements?limit=1000", key="civil-affairs")).json()["items"]
    assert {"civil-affairs"} == {each["office"] for each in own}


async def test_days_that_have_no_statement_are_not_found(api: Api, registry: Registry) -> None:
    await _day(registry)
    tomorrow = _CLOSING.days.day_of(datetime.now(UTC)) + timedelta(days=1)

    for day in (tomorrow.isoformat(), "2020-01-01", "2026-02-30", "yesterday"):
        assert (404, "not-found") == problem(await api.get(f"/v1/statements/{day}/commerce"))
    assert (404, "not-found") == problem(await api.get("/v1/statements/2026-11-20/nobody"))


async def test_a_register_is_compared_and_its_differences_read(api: Api, registry: Registry, means: Means) -> None:
    records = await _day(registry)
    rows = [records[0], {**records[1], "name": "改名有限公司"}, record_of(new_code())]

    found = await _hand_in(api, means, _register(rows))
    items = (await api.get(f"/v1/comparisons/{found['comparison_id']}/items", key="commerce")).json()["items"]
    statement = (await api.get("/v1/statements/2026-11-20/commerce")).json()
    totals = {"office_total": 3, "registry_total": 3, "equal": 1, "different": 1, "missing_here": 1, "missing_there": 1}
    assert ("done", None) == (found["state"], found["problem"])
    assert totals == {name: found[name] for name in totals}
    assert {"office": 0, "registry": 0} == found["pending"]
    assert totals == {name: statement["comparison"][name] for name in totals}
    by_kind = {each["kind"]: each for each in items}
    assert records[1]["uscc"] == by_kind["different"]["uscc"]
    assert {"name": {"office": "改名有限公司", "registry": records[1]["name"]}} == by_kind["different"]["fields"]
    assert records[2]["uscc"] == by_kind["missing_there"]["uscc"]
    assert by_kind["missing_here"]["receipt_id"] is None


async def test_a_bad_register_fails_with_its_problem_in_the_callers_language(
    api: Api, registry: Registry, means: Means
) -> None:
    await _day(registry)

    found = await _hand_in(api, means, b"not a gzip file")
    path = f"/v1/comparisons/{found['comparison_id']}"
    english = (await api.get(path, headers={"accept-language": "en"})).json()
    assert ("failed", "not-gzip", None) == (found["state"], found["problem"]["code"], found["equal"])
    assert "the file is no gzip" == english["problem"]["detail"]


async def test_a_register_that_stops_coming_fails_at_once_and_leaves_nothing(
    api: Api, registry: Registry, means: Means, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = await _day(registry)
    monkeypatch.setattr(comparisons, "_PIECE_SECONDS", 0.1)
    monkeypatch.setattr(comparisons, "_CHUNK_BYTES", 10)

    async def stops_coming() -> AsyncIterator[bytes]:
        yield _register(records)
        await asyncio.sleep(1)

    answer = await api.post("/v1/comparisons?format=csv.gz", key="commerce", content=stops_coming())
    (found,) = (await api.get("/v1/comparisons", key="commerce")).json()["items"]
    await compare_waiting(means, OFFICES.values())
    async with reading(means.pool, JOB) as connection:
        left = await read_chunk(connection, found["comparison_id"], 0)
    assert (408, "request-timeout") == problem(answer)
    assert ("failed", "truncated") == (found["state"], found["problem"]["code"])
    assert left is None


async def test_the_settlement_needs_the_right_to_personal_values_and_a_purpose(
    api: Api, registry: Registry, means: Means
) -> None:
    records = await _day(registry)
    found = await _hand_in(api, means, _register([{**records[0], "name": "改名有限公司"}]))
    path = f"/v1/comparisons/{found['comparison_id']}/settlement"

    refused = problem(await api.get(f"{path}?purpose=test", key="commerce"))
    lines = (await api.get(f"{path}?purpose=test")).text.splitlines()
    assert (403, "not-permitted") == refused
    (submission,) = [orjson.loads(line) for line in lines]
    assert ("change", "改名有限公司") == (submission["operation"], submission["record"]["name"])


async def test_a_copy_checks_itself_by_digests(api: Api, registry: Registry, job: Pool) -> None:
    codes = [(await registry.register(new_code()))["uscc"] for _ in range(3)]
    async with writing(job, JOB) as connection:
        await digest_prefixes(connection)

    hashes = [int.from_bytes(hashlib.sha256(f"{code}/1".encode()).digest()[:8]) for code in codes]
    expected = {
        "prefix": codes[0][:8],
        "count": 3,
        "sum": f"{sum(hashes) % 2**64:016x}",
        "xor": f"{hashes[0] ^ hashes[1] ^ hashes[2]:016x}",
    }
    night = (await api.get("/v1/comparisons/digests", key="reader")).json()
    below = (await api.get(f"/v1/comparisons/digests?prefix={codes[0][:8]}", key="reader")).json()
    assert [expected] == night["items"]
    assert 3 == night["sequence"] == below["sequence"]
    assert 3 == sum(each["count"] for each in below["items"])


async def test_quality_is_read_by_office_division_and_day(api: Api, registry: Registry, job: Pool) -> None:
    await _day(registry)
    window = _CLOSING.days.window(DAY)
    async with writing(job, JOB) as connection:
        await measure(
            connection, day=DAY, office="commerce", begins=window.begins, ends=window.ends, required={},
            required_otherwise=18,
            stock_after_days=28,
        )  # fmt: skip

    found = (await api.get("/v1/quality?office=commerce&from=2026-11-01&to=2026-11-30", key="commerce")).json()["items"]
    table = await api.get("/v1/quality?division=210100", headers={"accept": "text/csv"})
    whole = next(each for each in found if each["division"] is None)
    assert (4, 1, 0.25) == (whole["received"], whole["accuracy"]["unqualified"], whole["accuracy"]["unqualified_rate"])
    assert {"p50": 2, "p90": 2, "p99": 2} == whole["timeliness"]["days"]
    assert 1.0 == whole["timeliness"]["within_limit"]
    assert {None, "210100", "345678"} == {each["division"] for each in found}
    assert ["3"] == [row["received"] for row in csv.DictReader(io.StringIO(table.text))]


async def test_metrics_say_who_is_silent_and_whether_the_night_is_late(api: Api, registry: Registry) -> None:
    await _day(registry)

    text = (await api.get("/metrics", key=None)).text
    assert 'uscc_office_silent{office="commerce"}' in text
    assert 'uscc_nightly_overdue{office="commerce"}' in text
