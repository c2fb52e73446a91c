"""The returns of an office: in sequence, byte for byte, nobody else's."""

from __future__ import annotations

import asyncio
import json

from service.api.feed_models import Acknowledgement, Return
from sync.store.connection import Pool
from tests.integration.api.conftest import Api, Registry, new_code, problem, record_of


async def push_some(registry: Registry, count: int, **envelope: str) -> list[str]:
    codes = [new_code() for _ in range(count)]
    await registry.push(*(registry.message("assign", record_of(code), **envelope) for code in codes))
    return codes


async def test_walking_the_cursor_gives_each_return_once_in_sequence(api: Api, registry: Registry) -> None:
    await push_some(registry, 7)
    after, sequences = "0", []

    while True:
        page = (await api.get(f"/v1/returns?after={after}&limit=3", key="commerce")).json()
        sequences += [item["sequence"] for item in page["items"]]
        if not page["items"]:
            break
        after = page["next"]

    assert sequences == [1, 2, 3, 4, 5, 6, 7]
    assert after == "7"


async def test_items_are_the_stored_bytes(api: Api, registry: Registry, pool: Pool) -> None:
    await push_some(registry, 2)
    await registry.push(b"\xff\xfe no json")

    body = (await api.get("/v1/returns", key="commerce")).content
    stored = [
        row["return_text"].encode() for row in await pool.fetch("select return_text from disposition order by sequence")
    ]

    assert b'{"items":[' + b",".join(stored) + b'],"next":"3"}' == body
    for item in json.loads(body)["items"]:
        Return.model_validate(item)


async def test_a_filter_moves_the_cursor_behind_what_was_examined(api: Api, registry: Registry) -> None:
    await push_some(registry, 3, batch_id="B-1")
    await registry.push({"schema": "submission/1"})

    rejected = (await api.get("/v1/returns?disposition=rejected", key="commerce")).json()
    of_rule = (await api.get("/v1/returns?rule=M05&limit=1", key="commerce")).json()
    of_batch = (await api.get("/v1/returns?batch_id=B-1&limit=2", key="commerce")).json()
    nothing = (await api.get("/v1/returns?rule=E99", key="commerce")).json()

    assert [item["sequence"] for item in rejected["items"]] == [4]
    assert (rejected["next"], of_rule["next"], of_batch["next"], nothing["next"]) == ("4", "4", "2", "4")
    assert [item["sequence"] for item in of_batch["items"]] == [1, 2]


async def test_the_cursor_of_an_empty_feed_is_where_it_began(api: Api) -> None:
    page = (await api.get("/v1/returns", key="commerce")).json()

    assert page == {"items": [], "next": "0"}


async def test_a_long_poll_ends_as_soon_as_a_return_comes(api: Api, registry: Registry) -> None:
    waiting = asyncio.create_task(api.get("/v1/returns?wait=20", key="commerce"))
    await asyncio.sleep(0.3)
    await push_some(registry, 1)

    page = (await asyncio.wait_for(waiting, 20)).json()

    assert [item["sequence"] for item in page["items"]] == [1]


async def test_a_long_poll_ends_when_its_time_is_up(api: Api) -> None:
    page = (await asyncio.wait_for(api.get("/v1/returns?wait=1", key="commerce"), 20)).json()

    assert page == {"items": [], "next": "0"}


async def test_parameters_out_of_bounds_are_named(api: Api) -> None:
    queries = ("wait=31", "wait=-1", "wait=1.5", "wait=x", "limit=0", "limit=1001", "after=x", "after=-1",
               "disposition=gone", "nobody=1", "limit=1&limit=2", "office=", "partition=-1", "topic=t")  # fmt: skip

    for query in queries:
        response = await api.get(f"/v1/returns?{query}", key="commerce")

        assert (query, 422, "invalid-request") == (query, *problem(response))
        assert {"code", "pointer", "detail"} == response.json()["errors"][0].keys()


async def test_an_office_sees_its_own_returns_and_nobody_elses(api: Api, registry: Registry) -> None:
    await push_some(registry, 1)
    receipt = (await api.get("/v1/returns", key="commerce")).json()["items"][0]["receipt_id"]

    named = await api.get("/v1/returns?office=commerce", key="civil-affairs")
    own = await api.get("/v1/returns", key="civil-affairs")
    by_receipt = await api.get(f"/v1/returns/{receipt}", key="civil-affairs")
    by_place = await api.get("/v1/returns?topic=uscc.submissions.commerce&partition=0&offset=0", key="civil-affairs")

    assert problem(named) == (403, "not-permitted")
    assert own.json()["items"] == []
    assert problem(by_receipt) == (404, "not-found")
    assert problem(by_place) == (404, "not-found")


async def test_a_client_without_an_office_names_one(api: Api, registry: Registry) -> None:
    await push_some(registry, 1)

    unnamed = await api.get("/v1/returns", key="admin")
    unknown = await api.get("/v1/returns?office=nobody", key="admin")
    named = await api.get("/v1/returns?office=commerce", key="admin")

    assert problem(unnamed) == (422, "invalid-request")
    assert [error["code"] for error in unknown.json()["errors"]] == ["unknown-office"]
    assert len(named.json()["items"]) == 1


async def test_one_record_is_found_by_receipt_and_by_place(api: Api, registry: Registry) -> None:
    await push_some(registry, 2)
    item = (await api.get("/v1/returns", key="commerce")).json()["items"][1]

    by_receipt = (await api.get(f"/v1/returns/{item['receipt_id']}", key="commerce")).json()
    place = item["source"]
    by_place = (await api.get("/v1/returns", key="commerce", params=place)).json()
    unknown = await api.get("/v1/returns/01JD0000000000000000000000", key="commerce")

    assert [item] == by_receipt["items"] == by_place["items"]
    assert problem(unknown) == (404, "not-found")


async def test_an_acknowledgement_never_goes_backwards(api: Api, registry: Registry) -> None:
    await push_some(registry, 5)

    async def acknowledge(through: str) -> dict[str, object]:
        document: dict[str, object] = (
            await api.post("/v1/returns/acknowledgements", key="commerce", json={"through": through})
        ).json()
        Acknowledgement.model_validate(document)
        return document

    assert await acknowledge("3") == {"through": "3", "tip": "5", "lag": 2}
    assert await acknowledge("3") == {"through": "3", "tip": "5", "lag": 2}
    assert await acknowledge("1") == {"through": "3", "tip": "5", "lag": 2}
    assert await acknowledge("5") == {"through": "5", "tip": "5", "lag": 0}


async def test_what_is_no_cursor_is_not_acknowledged(api: Api, registry: Registry) -> None:
    await push_some(registry, 5)

    for through in ("6", "x", "", 3, None, True):
        response = await api.post("/v1/returns/acknowledgements", key="commerce", json={"through": through})

        assert (through, 422, "invalid-request") == (through, *problem(response))
