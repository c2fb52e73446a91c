"""POST /v1/registrations/lookup and POST /v1/validations: each item by itself."""

from __future__ import annotations

import json

from service.api.registration_models import Lookup, Validation, Validations
from sync.store.connection import Pool
from tests.integration.api.conftest import Api, Registry, new_code, problem


async def test_codes_are_answered_in_order_each_by_itself(api: Api, registry: Registry) -> None:
    found, gone, absent = new_code(), new_code(), new_code()
    await registry.register(found)
    record = await registry.register(gone)
    withdrawal = {"uscc": gone, "name": record["name"], "approved_on": "2026-11-19"}
    await registry.push(registry.message("withdraw", withdrawal, at="2026-11-19T09:00:00+08:00"))

    response = await api.post("/v1/registrations/lookup", json={"codes": [f" {found}", gone, absent, "x", 7, found]})

    Lookup.model_validate(response.json())
    items = response.json()["items"]
    assert [i["result"] for i in items] == ["found", "withdrawn", "not_registered", "malformed", "malformed", "found"]
    assert [f" {found}", found] == [items[0]["code"], items[0]["normalized"]]
    assert [found, None] == [items[0]["registration"]["uscc"], items[1]["registration"]]


async def test_hidden_organizations_are_not_registered_for_a_batch(api: Api, registry: Registry) -> None:
    hidden = new_code()
    await registry.register(hidden, is_public="0")

    without = (await api.post("/v1/registrations/lookup", key="reader", json={"codes": [hidden]})).json()
    having = (await api.post("/v1/registrations/lookup", key="admin", json={"codes": [hidden]})).json()

    assert [without["items"][0]["result"], having["items"][0]["result"]] == ["not_registered", "found"]


async def test_a_batch_may_be_empty_and_not_endless(api: Api) -> None:
    empty = await api.post("/v1/registrations/lookup", json={"codes": []})
    endless = await api.post("/v1/registrations/lookup", json={"codes": [""] * 10_001})

    assert empty.json() == {"items": []}
    assert problem(endless) == (422, "invalid-request")


async def test_a_validation_is_public_and_names_the_parts_of_a_code(api: Api) -> None:
    response = await api.get("/v1/validations/91210100ma0000496x", key=None)

    document = response.json()
    Validation.model_validate(document)
    assert (
        document["claimed"], document["normalized"], document["verdict"],
    ) == ("91210100ma0000496x", "91210100MA0000496X", "repairable")  # fmt: skip
    assert document["components"]["division_code"]["value"] == "210100"
    assert {"E05", "E09"} <= {finding["rule"] for finding in document["findings"]}
    assert "91210100MA00004960" in document["suggestions"]


async def test_one_bad_item_never_fails_a_batch(api: Api) -> None:
    good = new_code()
    body = json.dumps({"codes": [good, 7, None, "", "\ud800", "x" * 2000, [[]], "a\x00b", {"a": 1}], "explain": True})

    response = await api.post(
        "/v1/validations", key=None, content=body.encode(), headers={"content-type": "application/json"}
    )

    Validations.model_validate(response.json())
    items = response.json()["items"]
    assert len(items) == 9
    assert [item["verdict"] for item in items] == ["valid"] + ["invalid"] * 8
    assert [item["findings"][0]["rule"] for item in items[1:7]] == ["M06", "Q01", "Q01", "M06", "M06", "M06"]
    assert all("explanation" in finding for item in items for finding in item["findings"])


async def test_a_code_of_the_exceptions_register_is_nonconforming_and_issued(api: Api, pool: Pool) -> None:
    code = "91350100M000100Y43"
    wrong = new_code()[:17] + "I"
    await pool.execute(
        "insert into nonconforming_code (uscc, evidence, source, entered_by) values ($1, '-', '-', 'test')", code
    )

    verdicts = [(await api.get(f"/v1/validations/{each}", key=None)).json()["verdict"] for each in (code, wrong)]

    assert verdicts == ["nonconforming_issued", "repairable"]


async def test_a_suggestion_that_somebody_holds_comes_first(api: Api, registry: Registry) -> None:
    code = new_code()
    await registry.register(code)
    wrong = code[:16] + code[17] + code[16] if code[16] != code[17] else code[:17] + "Y"

    suggestions = (await api.get(f"/v1/validations/{wrong}", key=None)).json()["suggestions"]

    assert code == suggestions[0]
