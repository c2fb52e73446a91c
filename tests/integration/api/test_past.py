"""as_of, known_at and the history of a code."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from service.api.registration_models import HistoricRegistration
from tests.integration.api.conftest import Api, Registry, new_code, problem


def names(response_items: list[dict[str, object]]) -> list[object]:
    return [item["record"]["name"] for item in response_items]  # type: ignore[index]


async def test_the_state_of_an_instant_is_the_fold_of_what_had_happened_by_then(api: Api, registry: Registry) -> None:
    code = new_code()
    record = await registry.register(code)
    renamed = record | {"name": "沈阳更名有限公司"}
    cancelled = {"uscc": code, "name": renamed["name"], "approved_on": "2026-11-20"}
    await registry.push(registry.message("change", renamed, at="2026-11-19T09:00:00+08:00"))
    await registry.push(registry.message("cancel", cancelled, at="2026-11-20T09:00:00+08:00"))

    async def at(instant: str) -> tuple[object, object]:
        document = (await api.get(f"/v1/registrations/{code}", params={"as_of": instant})).json()
        return document["record"]["name"], document["status"]

    assert (record["name"], "normal") == await at("2026-11-18")
    assert (renamed["name"], "normal") == await at("2026-11-19T09:00:00+08:00")
    assert (renamed["name"], "cancelled") == await at("2026-11-20T01:00:00Z")
    before = await api.get(f"/v1/registrations/{code}?as_of=2026-11-17")
    assert problem(before) == (404, "code-not-registered")


async def test_a_date_is_the_end_of_that_day_in_shanghai(api: Api, registry: Registry) -> None:
    code = new_code()
    await registry.push(
        registry.message(
            "assign", {"uscc": code, "name": "末日公司", "approved_on": "2026-11-18"}, at="2026-11-18T15:59:59Z"
        )
    )

    that_day = await api.get(f"/v1/registrations/{code}?as_of=2026-11-18")
    day_before = await api.get(f"/v1/registrations/{code}?as_of=2026-11-17")

    assert (that_day.status_code, day_before.status_code) == (200, 404)


async def test_what_was_known_then_leaves_out_what_came_later(api: Api, registry: Registry) -> None:
    code = new_code()
    record = await registry.register(code)
    await asyncio.sleep(0.01)
    known_at = datetime.now(UTC).isoformat()
    await registry.push(
        registry.message("change", record | {"name": "沈阳更名有限公司"}, at="2026-11-18T10:00:00+08:00")
    )

    then = await api.get(f"/v1/registrations/{code}", params={"known_at": known_at})
    now = await api.get(f"/v1/registrations/{code}", params={"as_of": "2026-11-22"})
    never = await api.get(f"/v1/registrations/{code}", params={"known_at": "2026-11-01"})

    assert record["name"] == then.json()["record"]["name"]
    assert now.json()["record"]["name"] == "沈阳更名有限公司"
    assert problem(never) == (404, "code-not-registered")


async def test_the_state_of_now_is_the_present_registration(api: Api, registry: Registry) -> None:
    code = new_code()
    record = await registry.register(code)
    await registry.push(registry.message("change", record | {"business_scope": "硬件"}, at="2026-11-20T09:00:00+08:00"))
    await registry.push(registry.message("change", record | {"business_scope": "旧"}, at="2026-11-19T09:00:00+08:00"))
    await registry.push(registry.message("change", record | {"business_scope": "硬件"}, at="2026-11-21T09:00:00+08:00"))

    present = (await api.get(f"/v1/registrations/{code}")).json()
    folded = (await api.get(f"/v1/registrations/{code}", params={"as_of": datetime.now(UTC).isoformat()})).json()

    assert present == folded


async def test_a_withdrawn_code_had_its_holder_before(api: Api, registry: Registry) -> None:
    code = new_code()
    record = await registry.register(code)
    withdrawal = {"uscc": code, "name": record["name"], "approved_on": "2026-11-20"}
    await registry.push(registry.message("withdraw", withdrawal, at="2026-11-20T09:00:00+08:00"))

    before = await api.get(f"/v1/registrations/{code}?as_of=2026-11-19")
    after = await api.get(f"/v1/registrations/{code}?as_of=2026-11-21")

    assert record["name"] == before.json()["record"]["name"]
    assert problem(after) == (410, "code-withdrawn")


async def test_the_history_names_every_version_newest_recorded_first(api: Api, registry: Registry) -> None:
    code = new_code()
    record = await registry.register(code)
    await registry.push(
        registry.message("change", record | {"name": "沈阳三名有限公司"}, at="2026-11-20T09:00:00+08:00")
    )
    await registry.push(
        registry.message("change", record | {"name": "沈阳二名有限公司"}, at="2026-11-19T09:00:00+08:00")
    )

    document = (await api.get(f"/v1/registrations/{code}/history")).json()
    for item in document["items"]:
        HistoricRegistration.model_validate(item)

    assert ["沈阳二名有限公司", "沈阳三名有限公司", record["name"]] == names(document["items"])
    assert [item["superseded"] for item in document["items"]] == [True, False, False]
    assert document["next"] is None


async def test_a_history_is_paged_by_version(api: Api, registry: Registry) -> None:
    code = new_code()
    record = await registry.register(code)
    for day in (19, 20):
        name = f"沈阳{day}日有限公司"
        await registry.push(registry.message("change", record | {"name": name}, at=f"2026-11-{day}T09:00:00+08:00"))

    first = (await api.get(f"/v1/registrations/{code}/history?limit=2")).json()
    second = (await api.get(f"/v1/registrations/{code}/history?limit=2&after={first['next']}")).json()

    assert ["沈阳20日有限公司", "沈阳19日有限公司", record["name"]] == names(first["items"] + second["items"])
    assert second["next"] is None


async def test_bad_instants_are_named(api: Api) -> None:
    response = await api.get(f"/v1/registrations/{new_code()}?as_of=2026-02-30&known_at=2026-11-20T09:00:00&of=1")

    assert problem(response) == (422, "invalid-request")
    assert [(error["pointer"], error["code"]) for error in response.json()["errors"]] == [
        ("#/as_of", "not-an-instant"),
        ("#/known_at", "not-an-instant"),
        ("#/of", "unknown"),
    ]
