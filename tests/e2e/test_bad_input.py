"""Every bad input of contract.md §4, sent to the running program: an answer that names record, field and rule.

Each bad record lies between two good ones, which must not notice it.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import orjson
import pytest

from sync.kafka import Message, Producer
from sync.topics import submissions_topic
from tests.faults.system import System
from tests.messages import code, message, record

_MIB = 1024 * 1024
_BOM = b"\xef\xbb\xbf"


class Bad(NamedTuple):
    """A bad record and the answer to it: disposition, and of the finding its rule, field and what was expected."""

    body: bytes
    disposition: str
    rule: str
    field: str | None = None
    expected: str | None = None
    headers: tuple[tuple[str, bytes], ...] = ()


_numbers = itertools.count(500_000)


def _own() -> str:
    """Return a code of one record alone."""
    return code(subject=f"MA{next(_numbers):06}")


def _own_record(**members: Any) -> dict[str, Any]:
    """Return a clean record of an organization of its own, with some members changed; `...` leaves one out."""
    number = next(_numbers)
    return record(**{"uscc": _own(), "name": f"沈阳示例（集团）{number}号有限公司"} | members)


def _json(**members: Any) -> bytes:
    """Return a clean message, with some members of the envelope changed."""
    return orjson.dumps(message(_own_record(), **{"message_id": None} | members))


def _record(**members: Any) -> bytes:
    """Return a clean message around a record with some members changed."""
    return orjson.dumps(message(_own_record(**members), message_id=None))


def _nested(depth: int) -> bytes:
    """Return a message whose deepest part lies at `depth`, the message itself being 1."""
    lists = depth - 1
    return _json(deep=0).replace(b'"deep":0', b'"deep":' + b"[" * lists + b"]" * lists)


def _padded(size: int) -> bytes:
    """Return a message of exactly `size` bytes."""
    short = _record(business_scope="")
    return short.replace(b'"business_scope":""', b'"business_scope":"' + b"x" * (size - len(short)) + b'"')


BAD: dict[str, Bad] = {
    # No JSON object can be read: quarantined.
    "undecodable_bytes": Bad(bytes(range(256)), "quarantined", "M03"),
    "wrong_encoding": Bad(_json().decode().encode("gb18030"), "quarantined", "M03"),
    "utf_16": Bad(_json().decode().encode("utf-16"), "quarantined", "M03"),
    "not_json": Bad("统一社会信用代码".encode(), "quarantined", "M03"),
    "cut_off": Bad(_json()[:-1], "quarantined", "M03"),
    "two_objects": Bad(_json() + _json(), "quarantined", "M03"),
    "no_object": Bad(b"[" + _json() + b"]", "quarantined", "M03"),
    "null": Bad(b"null", "quarantined", "M03"),
    "nothing": Bad(b"", "quarantined", "M03"),
    "a_bom_alone": Bad(_BOM, "quarantined", "M03"),
    "nested_1000_deep": Bad(_nested(1000), "quarantined", "M03"),
    "nested_65_deep": Bad(_nested(65), "quarantined", "M03"),
    "duplicate_members": Bad(
        _json().replace(b'"operation":', b'"operation":"assign","operation":'), "quarantined", "M03"
    ),
    "duplicate_members_inside": Bad(_record().replace(b'"name":', b'"name":"x","name":'), "quarantined", "M03"),
    "nan": Bad(_json(x=0).replace(b'"x":0', b'"x":NaN'), "quarantined", "M03"),
    "infinity": Bad(_json(x=0).replace(b'"x":0', b'"x":-Infinity'), "quarantined", "M03"),
    "csv": Bad(b"uscc,name\r\n91210100MA0000496X,x\r\n", "quarantined", "M03"),
    "larger_than_64_KiB": Bad(_padded(65_537), "quarantined", "M04", expected="65536"),
    "ten_megabytes": Bad(_padded(10 * _MIB), "quarantined", "M04", expected="65536"),
    "ten_megabytes_of_noise": Bad(os.urandom(10 * _MIB), "quarantined", "M04", expected="65536"),
    # An object can be read: rejected, and every rule has its say.
    "an_empty_object": Bad(b"{}", "rejected", "M05", "record", "object"),
    "schema_missing": Bad(_json(schema=...), "rejected", "M05", "schema", "submission/1"),
    "another_schema": Bad(_json(schema="submission/2"), "rejected", "M05", "schema", "submission/1"),
    "operation_missing": Bad(_json(operation=...), "rejected", "M05", "operation"),
    "unknown_operation": Bad(_json(operation="destroy"), "rejected", "M05", "operation"),
    "operation_in_capitals": Bad(_json(operation="ASSIGN"), "rejected", "M05", "operation"),
    "occurred_at_missing": Bad(_json(occurred_at=...), "rejected", "M05", "occurred_at"),
    "an_instant_that_does_not_exist": Bad(
        _json(occurred_at="2026-02-30T09:00:00+08:00"), "rejected", "M05", "occurred_at"
    ),
    "an_instant_without_offset": Bad(_json(occurred_at="2026-11-20T09:00:00"), "rejected", "M05", "occurred_at"),
    "an_instant_as_a_number": Bad(_json(occurred_at=1_763_600_000), "rejected", "M06", "occurred_at"),
    "record_missing": Bad(_json(record=...), "rejected", "M05", "record", "object"),
    "record_is_no_object": Bad(_json(record=["x"]), "rejected", "M05", "record", "object"),
    "message_id_empty": Bad(_json(message_id=""), "rejected", "M05", "message_id", "1–128 characters"),
    "message_id_too_long": Bad(_json(message_id="x" * 129), "rejected", "M05", "message_id", "1–128 characters"),
    "message_id_as_a_number": Bad(_json(message_id=7), "rejected", "M06", "message_id", "string"),
    "unknown_mapping": Bad(_json(), "rejected", "M05", "mapping", headers=(("mapping", b"none"),)),
    "number_for_a_text": Bad(_record(registered_capital=100.5), "rejected", "M06", "registered_capital", "string"),
    "number_for_the_code": Bad(_record(uscc=91210100), "rejected", "M06", "uscc", "string"),
    "true_for_a_text": Bad(_record(name=True), "rejected", "M06", "name", "string"),
    "list_for_a_text": Bad(_record(name=["x"]), "rejected", "M06", "name", "string"),
    "nul": Bad(_record(name="沈阳\0公司"), "rejected", "M06", "name"),
    "nul_in_the_code": Bad(_record(uscc="91210100MA0000496\0"), "rejected", "M06", "uscc"),
    "lone_surrogate": Bad(_record().replace("示例（集团）".encode(), rb"\ud83d"), "rejected", "M06", "name"),
    "code_missing": Bad(_record(uscc=...), "rejected", "Q01", "uscc"),
    "code_null": Bad(_record(uscc=None), "rejected", "Q01", "uscc"),
    "name_missing": Bad(_record(name=...), "rejected", "Q01", "name"),
    "name_empty": Bad(_record(name=""), "rejected", "Q01", "name"),
    "approved_on_missing": Bad(_record(approved_on=...), "rejected", "Q01", "approved_on"),
    "a_date_that_does_not_exist": Bad(
        _record(approved_on="2026-02-30"), "rejected", "Q02", "approved_on", "YYYY-MM-DD"
    ),
    "a_date_of_the_future": Bad(_record(approved_on="2099-01-01"), "rejected", "Q03", "approved_on"),
    "a_capital_that_is_no_number": Bad(_record(registered_capital="一百万"), "rejected", "Q02", "registered_capital"),
    "code_too_short": Bad(_record(uscc="91210100MA0000496"), "rejected", "E01", "uscc", "18"),
    "code_of_60000_characters": Bad(_record(uscc="9" * 60_000), "rejected", "E01", "uscc", "18"),
    "code_with_a_letter_that_is_none": Bad(_record(uscc="91210100MA0000I96X"), "rejected", "E02", "uscc"),
    "code_with_another_check_character": Bad(_record(uscc="91210100MA00004961"), "rejected", "E05", "uscc"),
    "placeholder": Bad(_record(uscc="0" * 18), "rejected", "E08", "uscc"),
}

TAKEN: dict[str, tuple[bytes, str | None]] = {
    "a_bom": (_BOM + _json(), None),
    "crlf": (b"\r\n" + _json().replace(b",", b",\r\n") + b"\r\n", None),
    "nested_64_deep": (_nested(64), "M02"),
    "exactly_64_KiB": (_padded(65_536), None),
    "an_unknown_member": (_json(colour="red"), "M02"),
    "a_full_width_code": (_record(uscc=_own().translate({each: each + 0xFEE0 for each in range(0x21, 0x7F)})), "E09"),
}
"""What looks bad and is not: accepted, with a warning where something is to be said."""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A running `uscc up`."""
    started = System(tmp_path_factory.mktemp("bad-input"), {})
    started.start()
    yield started
    started.stop()


@pytest.fixture(scope="module")
def api(system: System) -> Iterator[httpx.Client]:
    """A client with every scope."""
    key = Path(system.endpoints["keys"]["admin"]).read_text("utf-8").strip()
    with httpx.Client(
        base_url=system.endpoints["http"], headers={"authorization": f"Bearer {key}"}, timeout=30
    ) as client:
        yield client


@pytest.fixture(scope="module")
def answers(system: System, api: httpx.Client) -> dict[str, dict[str, Any]]:
    """The returns of all records, by name; `good-<n>` stand between the bad ones."""
    names: list[str] = []
    messages: list[Message] = []
    for number, (name, bad) in enumerate(BAD.items()):
        names += [f"good-{number}", name]
        messages += [Message(b"1", _record()), Message(b"1", bad.body, bad.headers)]
    for name, (body, _) in TAKEN.items():
        names.append(name)
        messages.append(Message(b"1", body))
    names.append("good-last")
    messages.append(Message(b"1", _record()))

    async def send() -> None:
        producer = Producer(system.kafka)
        await producer.start()
        try:
            await producer.send_all(submissions_topic("commerce"), messages)
        finally:
            await producer.stop()

    asyncio.run(send())
    deadline = time.monotonic() + 60
    items: list[dict[str, Any]] = []
    while len(items) < len(messages):
        assert time.monotonic() < deadline, f"{len(items)} of {len(messages)} returns"
        items = api.get("/v1/returns", params={"office": "commerce", "limit": 1000, "wait": 2}).json()["items"]
        time.sleep(0.2)
    in_order = sorted(items, key=lambda item: int(item["source"]["offset"]))
    return dict(zip(names, in_order, strict=True))


@pytest.mark.parametrize("name", BAD)
def test_a_bad_record_is_answered_by_disposition_rule_and_field(answers: dict[str, dict[str, Any]], name: str) -> None:
    bad, answer = BAD[name], answers[name]
    named = [(each["rule"], each["severity"], each["field"]) for each in answer["findings"]]
    expected = [
        each["expected"] for each in answer["findings"] if (each["rule"], each["field"]) == (bad.rule, bad.field)
    ]

    assert bad.disposition == answer["disposition"]
    assert (bad.rule, "error", bad.field) in named
    assert bad.expected is None or bad.expected in expected
    assert all(each["message"]["zh"] and each["message"]["en"] for each in answer["findings"])
    assert (answer["message_id"] is None) or bad.disposition == "rejected"


@pytest.mark.parametrize("name", TAKEN)
def test_what_only_looks_bad_is_taken(answers: dict[str, dict[str, Any]], name: str) -> None:
    _, warning = TAKEN[name]

    assert "accepted" == answers[name]["disposition"]
    assert warning is None or warning in [each["rule"] for each in answers[name]["findings"]]


def test_the_records_around_the_bad_ones_come_through(answers: dict[str, dict[str, Any]]) -> None:
    good = {name: answer for name, answer in answers.items() if name.startswith("good-")}

    assert len(BAD) + 1 == len(good)
    assert [] == [name for name, answer in good.items() if answer["disposition"] != "accepted"]


def test_nothing_of_a_bad_record_is_lost_and_the_table_balances(
    system: System, answers: dict[str, dict[str, Any]], api: httpx.Client
) -> None:
    source = answers["ten_megabytes"]["source"]
    found = api.get("/v1/returns", params={"office": "commerce", **source}).json()["items"]

    assert [answers["ten_megabytes"]] == found
    system.settle()
    assert [] == system.verify()


def test_a_halted_partition_is_not_among_the_answers(system: System, answers: dict[str, dict[str, Any]]) -> None:
    assert 0 == system.uscc("partitions", "list").returncode


# --- the endpoints ---------------------------------------------------------------------------------------------------

_REQUESTS: dict[str, tuple[str, str, bytes | None, int, str]] = {
    "no_json": ("POST", "/v1/validations", b"{", 422, "invalid-request"),
    "bad_bytes": ("POST", "/v1/validations", b'{"codes": ["\xff"]}', 422, "invalid-request"),
    "nan": ("POST", "/v1/validations", b'{"codes": [NaN]}', 422, "invalid-request"),
    "duplicate_members": ("POST", "/v1/validations", b'{"codes": [], "codes": []}', 422, "invalid-request"),
    "nested_1000_deep": ("POST", "/v1/validations", b"[" * 1000 + b"]" * 1000, 422, "invalid-request"),
    "unknown_member": ("POST", "/v1/validations", b'{"codes": [], "x": 1}', 422, "invalid-request"),
    "true_for_1": ("POST", "/v1/validations", b'{"codes": [], "explain": 1}', 422, "invalid-request"),
    "empty": ("POST", "/v1/validations", b"", 422, "invalid-request"),
    "too_many": ("POST", "/v1/validations", orjson.dumps({"codes": ["1"] * 10_001}), 422, "invalid-request"),
    "ten_megabytes": ("POST", "/v1/validations", b" " * (10 * _MIB), 413, "payload-too-large"),
    "malformed_code": ("GET", "/v1/registrations/91210100MA00004961", None, 422, "malformed-code"),
    "nul_for_a_code": ("GET", "/v1/registrations/%00", None, 422, "malformed-code"),
    "bad_bytes_for_a_code": ("GET", "/v1/registrations/%ff%fe", None, 422, "malformed-code"),
    "unregistered": ("GET", f"/v1/registrations/{code(subject='MA999999')}", None, 404, "code-not-registered"),
    "a_date_that_does_not_exist": (
        "GET",
        f"/v1/registrations/{code()}?as_of=2026-02-30",
        None,
        422,
        "invalid-request",
    ),
    "unknown_parameter": ("GET", "/v1/returns?office=commerce&colour=red", None, 422, "invalid-request"),
    "bad_cursor": ("GET", "/v1/returns?office=commerce&after=x", None, 422, "invalid-request"),
    "limit_too_high": ("GET", "/v1/returns?office=commerce&limit=1001", None, 422, "invalid-request"),
    "unknown_disposition": ("GET", "/v1/returns?office=commerce&disposition=lost", None, 422, "invalid-request"),
    "unknown_receipt": ("GET", "/v1/returns/none?office=commerce", None, 404, "not-found"),
    "nul_for_a_receipt": ("GET", "/v1/returns/%00?office=commerce", None, 404, "not-found"),
}


@pytest.mark.parametrize("name", _REQUESTS)
def test_a_bad_request_is_answered_by_a_problem(api: httpx.Client, name: str) -> None:
    method, path, body, status, problem = _REQUESTS[name]
    response = api.request(method, path, content=body, headers={"content-type": "application/json"} if body else {})
    document = response.json()

    assert (status, "application/problem+json") == (response.status_code, response.headers["content-type"])
    assert (f"/problems/{problem}", status) == (document["type"], document["status"])
    assert response.headers["x-request-id"] == document["request_id"]
    assert status != 422 or document.get("errors") or document.get("findings")


def test_one_bad_item_never_fails_its_batch(api: httpx.Client) -> None:
    bad: list[Any] = ["", None, 5, True, [], {}, "\0", "x" * 70_000, "９１２１０１００MA0000496X", "0" * 18]
    good = code()
    sent = json.dumps({"codes": [good, *(each for item in bad for each in (item, good)), "S"]})
    sent = sent.replace('"S"', '"\\ud800"')
    response = api.post("/v1/validations", content=sent, headers={"content-type": "application/json"})
    items = response.json()["items"]

    assert 200 == response.status_code
    assert ["valid"] * (len(bad) + 1) == [item["verdict"] for item in items[:-1:2]]
    for item in [*items[1:-1:2], items[-1]]:
        assert item["verdict"] != "valid" or item["claimed"] != item["normalized"]
        assert item["findings"]
        assert {"uscc"} == {finding["field"] for finding in item["findings"]}


def test_one_bad_code_never_fails_a_look_up(api: httpx.Client, answers: dict[str, dict[str, Any]]) -> None:
    known = answers["good-last"]["uscc"]
    codes = [known, "", "\0", "x" * 70_000, "91210100MA00004961", code(subject="MA999999"), known]
    response = api.post("/v1/registrations/lookup", json={"codes": codes})

    assert 200 == response.status_code
    assert ["found", "malformed", "malformed", "malformed", "malformed", "not_registered", "found"] == [
        item["result"] for item in response.json()["items"]
    ]
