"""What every answer has, and what bad requests get: a problem, never a 500, never their own words back."""

from __future__ import annotations

import asyncio
import json
import socket
from dataclasses import replace

import httpx
import pytest

from service.app import serve
from service.middleware import BODY_LIMIT_BYTES
from service.problems import PROBLEMS
from service.resources import Resources, ServeConfig
from sync.store.connection import Pool
from tests.integration.api.conftest import Api, Registry, new_code, problem

_BAD_BODIES = [
    (b"", "not-json"),
    (b"{", "not-json"),
    (b'{"codes": NaN}', "not-json"),
    (b'{"codes": Infinity}', "not-json"),
    (b'{"codes": [], "codes": []}', "not-json"),
    (b'{"codes": ["\xff"]}', "not-json"),
    (b"[" * 100_000, "not-json"),
    (b'{"codes": ' + b"[" * 5_000 + b"]" * 5_000 + b"}", "not-json"),
    (b"[]", "wrong-type"),
    (b'"text"', "wrong-type"),
    (b"{}", "missing"),
    (b'{"codes": "91"}', "wrong-type"),
    (b'{"codes": {}}', "wrong-type"),
    (b'{"codes": [], "secret\\ud800": 1}', "bad-text"),
    (b'{"codes": [], "explain": 1}', "wrong-type"),
    (b'{"codes": ' + b"1" * 5_000 + b"}", "not-json"),
]


async def test_a_bad_body_is_a_problem_that_points_at_the_fault(api: Api) -> None:
    found = []
    for body, _ in _BAD_BODIES:
        headers = {"content-type": "application/json; charset=utf-8"}
        response = await api.post("/v1/validations", key=None, content=body, headers=headers)
        assert (422, "invalid-request") == problem(response)
        found.append((body, *(error["code"] for error in response.json()["errors"])))

    assert _BAD_BODIES == found


async def test_a_problem_never_repeats_the_input(api: Api) -> None:
    number = "210102199001011234"
    paths = (f"/v1/registrations/{number}?{number}={number}", f"/v1/returns/{number}", f"/{number}")

    answers = [await api.get(path) for path in paths]
    body = await api.post("/v1/validations", key=None, json={"codes": [], "explain": number, "a": {"b": number}})

    for answer in [*answers[1:], body]:
        assert number not in answer.text
        assert number not in str(answer.headers)


async def test_another_media_type_is_unsupported(api: Api) -> None:
    response = await api.post("/v1/validations", content=b"{}", headers={"content-type": "text/plain"})

    assert (415, "unsupported-media-type") == problem(response)


async def test_a_body_above_the_limit_is_too_large_whether_declared_or_not(api: Api) -> None:
    async def trickle():  # type: ignore[no-untyped-def]
        for _ in range(BODY_LIMIT_BYTES // 65_536 + 2):
            yield b" " * 65_536

    headers = {"content-type": "application/json"}
    declared = await api.post("/v1/validations", content=b" " * (BODY_LIMIT_BYTES + 1), headers=headers)
    streamed = await api.post("/v1/validations", content=trickle(), headers=headers)  # type: ignore[no-untyped-call]

    assert (413, "payload-too-large") == problem(declared)
    assert (413, "payload-too-large") == problem(streamed)


_UNANSWERABLE = [
    ("GET", "/", (404, "not-found")),
    ("GET", "/v1", (404, "not-found")),
    ("GET", "/v1/nothing", (404, "not-found")),
    ("DELETE", "/v1/returns", (405, "method-not-allowed")),
    ("POST", "/v1/rules", (405, "method-not-allowed")),
    ("GET", "/v1/rules?x=1", (422, "invalid-request")),
    ("GET", "/v1/divisions/x", (422, "invalid-request")),
    ("GET", "/v1/divisions/009999", (404, "not-found")),
    ("GET", "/problems/none", (404, "not-found")),
    ("GET", "/v1/cases/none", (404, "not-found")),
    ("GET", "/v1/cases?after=x", (422, "invalid-request")),
    ("GET", "/v1/cases?status=gone", (422, "invalid-request")),
    ("GET", "/v1/changes?after=99999999999999999999", (422, "invalid-request")),
    ("GET", "/v1/changes?after=9223372036854775808", (422, "invalid-request")),
    ("GET", "/v1/returns/%00?office=commerce", (404, "not-found")),
    ("GET", "/v1/returns?office=commerce&batch_id=%00", (422, "invalid-request")),
    ("GET", "/v1/registrations/%00", (422, "malformed-code")),
    ("GET", "/v1/registrations/%ff", (422, "malformed-code")),
    ("GET", "/v1/registrations/x?purpose=%00", (422, "invalid-request")),
    ("GET", "/v1/registrations/x?as_of=99999-01-01", (422, "invalid-request")),
    ("GET", "/v1/registrations/x?as_of=0001-01-01", (422, "malformed-code")),
    ("GET", "/v1/registrations/x?as_of=9999-12-31", (422, "invalid-request")),
]


async def test_a_request_that_cannot_be_answered_gets_its_problem(api: Api) -> None:
    found = [(method, path, problem(await api.send(method, path))) for method, path, _ in _UNANSWERABLE]

    assert _UNANSWERABLE == found


async def test_a_foreign_host_is_refused(api: Api) -> None:
    answers = [
        await api.get("/livez", headers={"host": host}) for host in ("evil.example", "", "a b", "registry.test:80")
    ]

    assert [400, 400, 400, 200] == [answer.status_code for answer in answers]
    assert (400, "invalid-host") == problem(answers[0])


async def test_every_answer_has_its_request_id_and_headers_of_safety(api: Api) -> None:
    own = await api.get("/livez", headers={"x-request-id": "order-4711-a"})
    made = await api.get("/nothing", headers={"x-request-id": "no\tid"})

    assert "order-4711-a" == own.headers["x-request-id"]
    assert 20 == len(made.headers["x-request-id"])
    for answer in (own, made):
        assert "nosniff" == answer.headers["x-content-type-options"]
        assert "default-src 'none'; frame-ancestors 'none'" == answer.headers["content-security-policy"]
        assert "no-store" == answer.headers["cache-control"]


async def test_texts_follow_accept_language(api: Api) -> None:
    async def title(accepted: str) -> str:
        response = await api.get("/nothing", headers={"accept-language": accepted})
        assert response.headers["vary"] == "Accept-Language"
        return str(response.json()["title"])

    zh, en = PROBLEMS["not-found"].title.zh, PROBLEMS["not-found"].title.en
    assert [zh, en, en, zh, zh] == [
        await title(each) for each in ("", "en", "de, en-GB;q=0.8, zh;q=0.5", "zh-CN,zh;q=0.9,en;q=0.8", "fr")
    ]


async def test_the_database_being_away_is_an_overload_and_unready(
    api: Api, resources: Resources, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = await api.get("/readyz")
    await resources.reads.close()

    answers = [await api.get(path) for path in ("/v1/changes/tip", "/readyz", "/metrics", "/livez")]

    assert (200, True) == (ready.status_code, ready.json()["ready"])
    assert (503, "overloaded") == problem(answers[0])
    assert [503, 200, 200] == [answer.status_code for answer in answers[1:]]
    parts = {part["part"]: part for part in answers[1].json()["parts"]}
    assert parts["database"]["reason"].keys() == {"zh", "en"}


async def test_metrics_tell_of_requests_and_of_the_pipeline(api: Api, registry: Registry) -> None:
    await api.get("/metrics")
    await registry.register(new_code())
    await api.get(f"/v1/registrations/{new_code()}")
    text = (await api.get("/metrics")).text

    assert 'uscc_http_requests_total{method="GET",route="/v1/registrations/{uscc}",status="404"} 1.0' in text
    assert 'uscc_dispositions_total{disposition="accepted",office="commerce"} 1.0' in text
    assert 'uscc_decided_records{office="commerce"} 1.0' in text
    assert "uscc_change_sequence 1.0" in text
    assert 'uscc_returns_unpublished{office="commerce"} 1.0' in text


async def test_the_page_of_the_api_needs_nothing_from_elsewhere(api: Api) -> None:
    page = await api.get("/docs", key=None)
    style = await api.get("/docs.css", key=None)

    assert "text/html; charset=utf-8" == page.headers["content-type"]
    assert "default-src 'none'; style-src 'self'" in page.headers["content-security-policy"]
    assert "<script" not in page.text
    assert "http://" not in page.text
    assert "https://" not in page.text
    assert "/v1/registrations/{uscc}" in page.text
    assert 200 == style.status_code


async def send_raw(port: int, data: bytes) -> bytes:
    """Send bytes and return all that comes back until the other side closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    try:
        return await asyncio.wait_for(reader.read(), 20)
    finally:
        writer.close()
        await writer.wait_closed()


async def test_a_head_that_never_ends_is_cut_off(config: ServeConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.protocol.HEAD_SECONDS", 0.3)
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(replace(config, allowed_hosts=("127.0.0.1",)), stop, sockets=[listening]))
    try:
        slow = await send_raw(port, b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        large = await send_raw(port, b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Large: " + b"x" * 40_000)
        async with httpx.AsyncClient() as client:
            fine = await client.get(f"http://127.0.0.1:{port}/livez")
            again = await client.get(f"http://127.0.0.1:{port}/livez")
    finally:
        stop.set()
        await asyncio.wait_for(serving, 20)

    assert slow.startswith(b"HTTP/1.1 408 ")
    assert large.startswith(b"HTTP/1.1 431 ")
    assert (200, 200) == (fine.status_code, again.status_code)


async def test_the_published_tables_have_both_languages(api: Api) -> None:
    rules = (await api.get("/v1/rules", key=None)).json()
    authorities = (await api.get("/v1/authorities", key=None)).json()
    division = (await api.get("/v1/divisions/210102", key=None)).json()
    overloaded = (await api.get("/problems/overloaded", key=None)).json()

    assert {"E05", "D01", "L02", "M03"} <= {rule["rule"] for rule in rules["items"]}
    assert all({"zh", "en"} == rule["title"].keys() for rule in rules["items"])
    assert "9" in {item["registration_authority_code"] for item in authorities["items"]}
    assert ("210102", True) == (division["code"], division["in_force"])
    assert ("/problems/overloaded", 503) == (overloaded["type"], overloaded["status"])
    assert json.dumps(rules)
