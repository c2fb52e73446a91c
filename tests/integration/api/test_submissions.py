"""Posting records: stored before the answer, once however often it is posted, and judged beforehand on request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from service.api import submissions
from sync.store.connection import Pool
from tests.integration.api.conftest import Api, Registry, new_code, problem, record_of

NDJSON = {"content-type": "application/x-ndjson"}


def lines(*messages: dict[str, Any] | bytes) -> bytes:
    """Return messages as NDJSON."""
    return b"".join((each if isinstance(each, bytes) else json.dumps(each).encode()) + b"\n" for each in messages)


async def stored(pool: Pool) -> list[tuple[Any, ...]]:
    """Return every stored row, in order."""
    rows = await pool.fetch(
        'select s.office, r."row", r.key, r.ce_id, r.body from submission_row r join submission s using (submission_id)'
        ' order by s.accepted_at, r."row"'
    )
    return [tuple(row) for row in rows]


async def test_rows_are_stored_before_the_answer(api: Api, pool: Pool) -> None:
    code = new_code()
    body = lines({"record": {"uscc": code}}, b"{broken")

    response = await api.post(
        "/v1/submissions", key="commerce", content=body, headers=NDJSON | {"idempotency-key": "k"}
    )

    document = response.json()
    assert (202, 2) == (response.status_code, document["records"])
    assert f"/v1/submissions/{document['submission_id']}" == response.headers["location"]
    assert [
        ("commerce", 1, code, "k/1", b'{"record": {"uscc": "%s"}}' % code.encode()),
        ("commerce", 2, "k/2", "k/2", b"{broken"),
    ] == await stored(pool)


async def test_records_without_a_key_go_by_the_digest_of_the_file(api: Api, pool: Pool) -> None:
    await api.post("/v1/submissions", key="commerce", content=b"{}\n", headers=NDJSON)

    # The first 16 digits of the SHA-256 of the three bytes.
    assert ["ca3d163bab055381/1"] == [row[3] for row in await stored(pool)]


async def test_a_batch_goes_beside_the_records_that_name_none(api: Api, pool: Pool) -> None:
    bodies = [b"{}", b'{"batch_id":"own"}', b"{broken"]

    tried = await api.post(
        "/v1/submissions?batch_id=B&dry_run=1", key="commerce", content=lines(*bodies), headers=NDJSON
    )
    sent = await api.post("/v1/submissions?batch_id=B", key="commerce", content=lines(*bodies), headers=NDJSON)

    assert ["B", "own", "B"] == [item["batch_id"] for item in tried.json()["items"]]
    assert 202 == sent.status_code
    assert ["B"] == [row["batch_id"] for row in await pool.fetch("select batch_id from submission")]
    assert bodies == [row[4] for row in await stored(pool)]


async def test_the_same_key_has_the_same_answer_for_the_same_body_alone(api: Api, pool: Pool) -> None:
    async def post(body: bytes, **headers: str) -> Any:
        return await api.post("/v1/submissions", key="commerce", content=body, headers=NDJSON | headers)

    first, second = await asyncio.gather(*(post(b"{}\n", **{"idempotency-key": "k"}) for _ in range(2)))
    third = await post(b"{}\n", **{"idempotency-key": "k"})
    other_body = await post(b"{ }\n", **{"idempotency-key": "k"})
    other_reading = await post(b"{}\n", **{"idempotency-key": "k", "content-type": "text/csv"})
    other_batch = await api.post(
        "/v1/submissions?batch_id=B", key="commerce", content=b"{}\n", headers=NDJSON | {"idempotency-key": "k"}
    )
    other_key = await post(b"{}\n", **{"idempotency-key": "l"})
    elsewhere = await api.post(
        "/v1/submissions?office=establishment",
        content=b"[1]",
        headers={"idempotency-key": "k", "content-type": "application/json"},
    )

    assert first.json() == second.json() == third.json()
    assert (409, "conflict") == problem(other_body) == problem(other_reading) == problem(other_batch)
    assert (202, 202) == (other_key.status_code, elsewhere.status_code)
    assert 3 == await pool.fetchval("select count(*) from submission")


async def test_an_office_posts_for_itself_and_sees_its_own(api: Api) -> None:
    posted = await api.post("/v1/submissions?office=commerce", key="commerce", content=b"{}", headers=NDJSON)
    path = posted.headers["location"]

    progress = (await api.get(path, key="commerce")).json()

    counts = dict.fromkeys(("accepted", "unchanged", "superseded", "rejected", "held", "quarantined"), 0)
    assert ("accepted", 1, 0, 0, counts, {}) == tuple(
        progress[name] for name in ("state", "records", "produced", "decided", "counts", "by_rule")
    )
    assert 200 == (await api.get(path)).status_code
    assert (404, "not-found") == problem(await api.get(path, key="civil-affairs"))
    assert (404, "not-found") == problem(await api.get("/v1/submissions/nothing%00", key="commerce"))
    for refused in ("/v1/submissions?office=establishment", "/v1/batches/B?office=establishment"):
        method = "PUT" if "batches" in refused else "POST"
        assert (403, "not-permitted") == problem(
            await api.send(method, refused, key="commerce", content=b"{}", headers=NDJSON)
        )
    assert (422, "invalid-request") == problem(await api.post("/v1/submissions", content=b"{}", headers=NDJSON))


BAD_POSTS: list[tuple[str, dict[str, str], bytes, tuple[int, str], str | None]] = [
    ("", {"content-type": "application/xml"}, b"{}", (415, "unsupported-media-type"), None),
    ("", {**NDJSON, "content-encoding": "gzip"}, b"{}", (415, "unsupported-media-type"), None),
    ("", NDJSON, b"", (422, "invalid-request"), "no-records"),
    ("", {"content-type": "text/csv"}, b"uscc,name\r\n", (422, "invalid-request"), "no-records"),
    ("", {"content-type": "application/json"}, b"[{}", (422, "invalid-request"), "not-json"),
    ("?batch_id=" + "b" * 129, NDJSON, b"{}", (422, "invalid-request"), "too-long"),
    ("?mapping=nobody", NDJSON, b"{}", (422, "invalid-request"), "no-mapping"),
    ("?dry_run=perhaps", NDJSON, b"{}", (422, "invalid-request"), "wrong-type"),
    ("?x=1", NDJSON, b"{}", (422, "invalid-request"), "unknown"),
    ("", {**NDJSON, "idempotency-key": "a b"}, b"{}", (422, "invalid-request"), "bad-text"),
    ("", {**NDJSON, "idempotency-key": "k" * 121}, b"{}", (422, "invalid-request"), "bad-text"),
]


async def test_a_bad_post_is_refused_and_nothing_is_stored(api: Api, pool: Pool) -> None:
    for query, headers, body, expected, code in BAD_POSTS:
        response = await api.post(f"/v1/submissions{query}", key="commerce", content=body, headers=headers)

        assert expected == problem(response)
        assert code is None or [code] == [error["code"] for error in response.json()["errors"]]
    assert [] == await stored(pool)


async def test_bytes_that_are_not_the_said_encoding_are_named_by_line_and_byte(api: Api) -> None:
    body = "uscc,name\r\n1,沈\r\n1,".encode() + b"\xff\r\n"

    response = await api.post("/v1/submissions", key="commerce", content=body, headers={"content-type": "text/csv"})

    document = response.json()
    assert (422, 3, 3) == (response.status_code, document["line"], document["byte"])
    assert "3" in document["errors"][0]["detail"]


async def test_a_body_above_the_limit_is_refused_declared_or_not(
    api: Api, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(65):
            yield b" " * 2**20

    declared = await api.post("/v1/submissions", key="commerce", content=b"{}" + b" " * 2**26, headers=NDJSON)
    undeclared = await api.post("/v1/submissions", key="commerce", content=pieces(), headers=NDJSON)
    long_line = await api.post("/v1/submissions", key="commerce", content=b"1" * 12 * 2**20, headers=NDJSON)
    monkeypatch.setattr(submissions, "MOST_AT_ONCE", 0)
    crowded = await api.post("/v1/submissions", key="commerce", content=b"{}", headers=NDJSON)

    assert [(413, "payload-too-large")] * 3 == [problem(each) for each in (declared, undeclared, long_line)]
    assert (503, "overloaded") == problem(crowded)
    assert [] == await stored(pool)


async def test_a_dry_run_says_what_production_then_decides(api: Api, registry: Registry, pool: Pool) -> None:
    held, fresh, late = new_code(), new_code(), new_code()
    await registry.register(held, name="沈阳甲有限公司")
    messages: list[bytes | dict[str, Any]] = [
        registry.message("assign", record_of(fresh)),
        registry.message(
            "cancel",
            {"uscc": fresh, "name": record_of(fresh)["name"], "approved_on": "2026-11-19"},
            at="2026-11-19T09:00:00+08:00",
        ),
        registry.message("assign", record_of(held, name="另一有限公司")),
        registry.message(
            "change", record_of(held, name="沈阳甲有限公司", registered_capital="200"), at="2026-11-19T09:00:00+08:00"
        ),
        registry.message("assign", record_of(fresh[:-1] + ("0" if fresh[-1] != "0" else "1"))),
        registry.message("assign", record_of(late)),
        b"{nothing",
    ]
    messages.append(messages[0])
    body = lines(*messages)
    before = await pool.fetchval("select count(*) from disposition")

    first = await api.post("/v1/submissions?dry_run=true", key="commerce", content=body, headers=NDJSON)
    second = await api.post("/v1/submissions?dry_run=true", key="commerce", content=body, headers=NDJSON)
    written = await pool.fetchval("select count(*) from disposition") - before
    await registry.push(*messages)

    assert "x-watermark" in first.headers
    items = first.json()["items"]
    returns = (await api.get("/v1/returns?limit=100", key="commerce")).json()["items"][1:]
    told = ("message_id", "operation", "uscc", "disposition", "registration_version", "findings", "content_sha256")
    assert [{name: each[name] for name in told} for each in items] == [
        {name: each[name] for name in told} | ({"content_sha256": items[place]["content_sha256"]} if place != 6 else {})
        for place, each in enumerate(returns)
    ]
    assert ["accepted", "accepted", "held", "accepted", "rejected", "accepted", "quarantined", "unchanged"] == [
        each["disposition"] for each in items
    ]
    assert {(None, None, None, None)} == {
        (each["receipt_id"], each["sequence"], each["source"], each["duplicate_of"]) for each in items
    }
    assert [each["findings"] for each in items] == [each["findings"] for each in second.json()["items"]]
    assert (0, []) == (written, await stored(pool))


async def test_a_dry_run_knows_what_the_office_sent_before(api: Api, registry: Registry) -> None:
    message = registry.message("assign", record_of(new_code()))
    await registry.push(message)

    answered = await api.post("/v1/submissions?dry_run=true", key="commerce", content=lines(message), headers=NDJSON)

    receipt = (await api.get("/v1/returns", key="commerce")).json()["items"][0]["receipt_id"]
    (item,) = answered.json()["items"]
    assert ("unchanged", receipt) == (item["disposition"], item["duplicate_of"])


async def test_a_batch_is_declared_and_declared_anew(api: Api, pool: Pool) -> None:
    async def put(body: object, **how: Any) -> Any:
        return await api.send("PUT", "/v1/batches/COM%2F2026", json=body, **{"key": "commerce"} | how)

    first = await put({"records": 5, "date": "2026-11-20"})
    second = await put({"records": 6, "date": "2026-11-21"})

    assert (200, 200) == (first.status_code, second.status_code)
    assert ("commerce", "COM/2026", 6, "2026-11-21") == tuple(
        second.json()[name] for name in ("office", "batch_id", "records", "date")
    )
    assert [("commerce", "COM/2026", 6, "commerce")] == [
        tuple(row) for row in await pool.fetch("select office, batch_id, records, declared_by from batch")
    ]
    assert 2 == await pool.fetchval("select count(*) from audit where action = 'batch_declared'")
    bodies: tuple[object, ...] = (
        {"records": -1, "date": "2026-11-20"},
        {"records": 1, "date": "2026-02-30"},
        {"records": 1},
        [],
        {"records": True, "date": "2026-11-20"},
    )
    for bad in bodies:
        assert (422, "invalid-request") == problem(await put(bad))
    assert (422, "invalid-request") == problem(await put({"records": 1, "date": "2026-11-20"}, key="admin"))
