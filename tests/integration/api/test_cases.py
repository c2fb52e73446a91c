"""Cases, as the offices see them."""

from __future__ import annotations

from service.api.models import Case
from sync.store.connection import Pool
from tests.integration.api.conftest import Api, Registry, new_code, problem, record_of


async def open_cases(registry: Registry, count: int) -> None:
    """Open conflicts over one code each: another organization claims what somebody holds."""
    for _ in range(count):
        code = new_code()
        await registry.register(code)
        other = record_of(
            code, name=f"另一家{code}公司", established_on="2020-01-01", registration_number="210100000000001"
        )
        await registry.push(registry.message("assign", other, at="2026-11-19T09:00:00+08:00"))


async def test_a_case_names_its_members(api: Api, registry: Registry) -> None:
    await open_cases(registry, 1)

    item = (await api.get("/v1/cases", key="commerce")).json()["items"][0]
    alone = await api.get(f"/v1/cases/{item['case_id']}", key="commerce")

    Case.model_validate(item)
    assert item == alone.json()
    assert ("D01", "open", ["commerce"], False) == (item["rule"], item["status"], item["offices"], item["overdue"])
    assert {"holder", "held"} == {member["role"] for member in item["members"]}
    assert "2026-12-05T00:00:00.000+08:00" == item["due_at"]


async def test_cases_are_paged_oldest_first(api: Api, registry: Registry) -> None:
    await open_cases(registry, 3)

    first = (await api.get("/v1/cases?limit=2", key="commerce")).json()
    second = (await api.get("/v1/cases", key="commerce", params={"limit": 2, "after": first["next"]})).json()

    ids = [item["case_id"] for item in first["items"] + second["items"]]
    assert 3 == len(set(ids))
    assert second["next"] is None


async def test_cases_are_filtered(api: Api, registry: Registry, pool: Pool) -> None:
    await open_cases(registry, 2)
    await pool.execute(
        "update code_case set due_on = '2020-01-01' where case_id = (select min(case_id) from code_case)"
    )

    async def count(query: str) -> int:
        return len((await api.get(f"/v1/cases?{query}", key="admin")).json()["items"])

    queries = ("status=open", "status=resolved", "rule=D01", "rule=D02", "overdue=true", "overdue=false",
               "office=commerce", "office=civil-affairs")  # fmt: skip
    assert [2, 0, 2, 0, 1, 1, 2, 0] == [await count(query) for query in queries]


async def test_an_office_sees_only_cases_that_concern_it(api: Api, registry: Registry) -> None:
    await open_cases(registry, 1)
    case_id = (await api.get("/v1/cases", key="commerce")).json()["items"][0]["case_id"]

    listed = (await api.get("/v1/cases", key="civil-affairs")).json()
    alone = await api.get(f"/v1/cases/{case_id}", key="civil-affairs")

    assert {"items": [], "next": None} == listed
    assert (404, "not-found") == problem(alone)


async def test_a_case_tells_what_was_done_about_it(api: Api, registry: Registry) -> None:
    code = new_code()
    record = await registry.register(code)
    other = record_of(
        code, name=f"另一家{code}公司", established_on="2020-01-01", registration_number="210100000000001"
    )
    await registry.push(registry.message("assign", other, at="2026-11-19T09:00:00+08:00"))
    keep = {"uscc": code, "name": record["name"], "approved_on": "2026-11-20"}
    await registry.push(registry.message("keep", keep, at="2026-11-20T09:00:00+08:00"))

    item = (await api.get("/v1/cases?status=resolved", key="commerce")).json()["items"][0]

    Case.model_validate(item)
    assert [("keep", "message", "done")] == [
        (each["operation"], each["via"], each["status"]) for each in item["resolutions"]
    ]
