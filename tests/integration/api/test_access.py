"""Who may call what: every route by every role, keys, limits."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from service.api.openapi import build_document
from service.app import create_app
from service.auth import bearers
from service.auth.policy import PUBLIC_ROUTES, UnguardedRoute, check_closed, policy_of
from service.auth.scopes import SCOPES
from service.resources import Resources, ServeConfig
from sync.store.clients import ClientExists, ClientUnknown, create_client, list_clients, revoke_client, rotate_key
from sync.store.connection import Pool, writing
from tests.integration.api.conftest import Api, Registry, later, new_code, problem


async def test_every_route_refuses_everybody_without_its_scope(
    api: Api, resources: Resources, config: ServeConfig
) -> None:
    app = create_app(resources, config)
    for scope in SCOPES:
        await api.add_client(f"without-{scope}", [each for each in SCOPES if each != scope])
    walked = 0

    for route in app.routes:
        policy = policy_of(route.endpoint)  # type: ignore[attr-defined]
        path = route.path.replace(":path", "")  # type: ignore[attr-defined]
        for method in route.methods - {"HEAD"}:  # type: ignore[attr-defined]
            assert policy is not None
            if policy.scope is None:
                assert (method, route.path) in PUBLIC_ROUTES  # type: ignore[attr-defined]
                continue
            walked += 1
            address = path.replace("{uscc}", new_code()).replace("{receipt_id}", "R").replace("{case_id}", "C")
            for key, refusal in (
                (None, (401, "unauthenticated")),
                ("uscc_" + "a" * 52, (401, "unauthenticated")),
                (f"without-{policy.scope}", (403, "not-permitted")),
            ):
                assert refusal == problem(await api.send(method, address, key=key))
    assert walked >= 12


async def test_a_route_without_a_policy_stops_the_start(resources: Resources, config: ServeConfig) -> None:
    app = create_app(resources, config)

    async def open_by_omission() -> None:
        """Nobody thought of a policy."""

    app.add_api_route("/v1/secrets", open_by_omission, methods=["GET"])

    with pytest.raises(UnguardedRoute, match="/v1/secrets"):
        check_closed(app.routes)


async def test_the_openapi_names_every_route_with_its_scope(resources: Resources, config: ServeConfig) -> None:
    app = create_app(resources, config)

    paths = build_document(app, "1")["paths"]

    routes = {
        (route.path.replace(":path}", "}"), method.lower())  # type: ignore[attr-defined]
        for route in app.routes
        for method in route.methods - {"HEAD"}  # type: ignore[attr-defined]
    }
    shown = {(path, method) for path, item in paths.items() for method in item}
    assert {("/openapi.json", "get"), ("/docs", "get"), ("/docs.css", "get")} == routes - shown
    assert set() == shown - routes
    assert "lookup" == paths["/v1/registrations/{uscc}"]["get"]["x-scope"]
    assert "422" not in paths["/v1/returns"]["get"]["responses"]


async def test_what_is_no_key_is_unauthenticated(api: Api) -> None:
    for authorization in ("", "Bearer", "Bearer ", "Basic x", "Bearer uscc_x", "Bearer " + "x" * 500):
        response = await api.get("/v1/changes/tip", key=None, headers={"authorization": authorization})

        assert (authorization, 401, "unauthenticated") == (authorization, *problem(response))
        assert "Bearer" in response.headers["www-authenticate"]


async def test_a_revoked_key_stops_working_within_seconds(
    api: Api, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bearers, "REMEMBERED_SECONDS", 0.2)
    before = await api.get("/v1/changes/tip", key="reader")
    async with writing(pool) as connection:
        await revoke_client(connection, name="reader", actor="test")
    await asyncio.sleep(0.3)
    after = await api.get("/v1/changes/tip", key="reader")

    assert (200, 401) == (before.status_code, after.status_code)
    assert bearers.REMEMBERED_SECONDS <= 5


async def test_two_keys_are_valid_while_one_is_rotated_and_no_more(api: Api, pool: Pool) -> None:
    keys = [api.keys["reader"]]
    for _ in range(2):
        async with writing(pool) as connection:
            keys.append(await rotate_key(connection, name="reader", actor="test"))

    answers = [(await api.get("/v1/changes/tip", key=key)).status_code for key in keys]
    async with writing(pool) as connection:
        rows = {row.name: row.keys for row in await list_clients(connection)}

    assert [401, 200, 200] == answers
    assert 2 == rows["reader"]


async def test_an_expired_client_is_unauthenticated(api: Api) -> None:
    await api.add_client("late", ["changes"], expires_at=later(-1))
    await api.add_client("early", ["changes"], expires_at=later(60))

    answers = [(await api.get("/v1/changes/tip", key=key)).status_code for key in ("late", "early")]

    assert [401, 200] == answers


async def test_clients_leave_their_lines_in_the_audit(pool: Pool) -> None:
    async with writing(pool) as connection:
        key = await create_client(connection, name="a", scopes=["lookup"], actor="operator")
        await rotate_key(connection, name="a", overlap=timedelta(hours=1), actor="operator")
        await revoke_client(connection, name="a", actor="operator")

    rows = await pool.fetch("select actor, action, subject from audit order by audit_id")
    stored = await pool.fetchval("select string_agg(t::text, '') from (select * from audit, client_key) t")

    assert [("operator", action, "a") for action in ("client_created", "key_rotated", "client_revoked")] == [
        tuple(row) for row in rows
    ]
    assert key not in stored


async def test_a_client_is_made_once_and_an_unknown_one_is_said_to_be(pool: Pool) -> None:
    async with writing(pool) as connection:
        await create_client(connection, name="a", scopes=["lookup"], actor="operator")
        with pytest.raises(ClientExists):
            await create_client(connection, name="a", scopes=["lookup"], actor="operator")
        with pytest.raises(ClientUnknown):
            await rotate_key(connection, name="b", actor="operator")
        with pytest.raises(ClientUnknown):
            await revoke_client(connection, name="b", actor="operator")


async def test_a_limited_client_is_told_what_is_left_and_then_to_wait(api: Api) -> None:
    await api.add_client("limited", ["changes"], requests_per_minute=2)

    answers = [await api.get("/v1/changes/tip", key="limited") for _ in range(3)]
    free = await api.get("/v1/changes/tip", key="reader")

    assert [200, 200, 429] == [answer.status_code for answer in answers]
    assert (429, "too-many-requests") == problem(answers[2])
    assert int(answers[2].headers["retry-after"]) > 0
    assert '"requests";q=2;w=60' == answers[0].headers["ratelimit-policy"]
    assert answers[0].headers["ratelimit"].startswith('"requests";r=1;')
    assert "ratelimit" not in free.headers


async def test_a_daily_budget_counts_distinct_organizations_and_outlives_the_process(
    api: Api, registry: Registry, resources: Resources, pool: Pool
) -> None:
    codes = [new_code() for _ in range(3)]
    for code in codes:
        await registry.register(code)
    await api.add_client("frugal", ["lookup"], organizations_per_day=2)

    answers = [await api.get(f"/v1/registrations/{code}", key="frugal") for code in [*codes[:2], codes[0], codes[2]]]
    batch = await api.post("/v1/registrations/lookup", key="frugal", json={"codes": codes})
    await resources.limits.save()
    kept = {row["uscc"] for row in await pool.fetch("select uscc from client_use where client = 'frugal'")}

    assert [200, 200, 200, 429] == [answer.status_code for answer in answers]
    assert (429, "too-many-requests") == problem(batch)
    assert set(codes[:2]) == kept


async def test_who_guesses_codes_is_braked(api: Api, resources: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources.limits, "_misses_per_minute", 5)

    first = await api.post("/v1/registrations/lookup", key="reader", json={"codes": [new_code() for _ in range(6)]})
    braked = await api.get(f"/v1/registrations/{new_code()}", key="reader")
    other = await api.get(f"/v1/registrations/{new_code()}", key="admin")

    assert 200 == first.status_code
    assert (429, "too-many-requests") == problem(braked)
    assert (404, "code-not-registered") == problem(other)
