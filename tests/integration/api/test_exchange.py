"""The national platform's signed call: who signs right is the client, and is answered in the platform's form."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from typing import Any

import pytest

from sync.store.clients import ClientUnknown, add_exchange_caller, revoke_client
from sync.store.connection import Pool, writing
from tests.integration.api.conftest import Api, Registry, new_code

RID, SID = "requester-1", "service-9"


def signed(secret: str, *, at: float | None = None, **replaced: str) -> dict[str, str]:
    """Return the header fields of a call."""
    rtime = str(int((time.time() if at is None else at) * 1000))
    digest = hmac.new(secret.encode(), (SID + RID + rtime).encode(), hashlib.sha256).digest()
    fields = {"rid": RID, "sid": SID, "rtime": rtime, "sign": base64.b64encode(digest).decode()} | replaced
    return {f"gjgxjhpt_{name}": value for name, value in fields.items() if value}


@pytest.fixture
async def secret(api: Api, pool: Pool) -> str:
    """The secret of a requester that stands for the client `reader`."""
    async with writing(pool) as connection:
        return await add_exchange_caller(connection, name="reader", rid=RID, sid=SID, actor="test")


async def call(api: Api, path: str, headers: dict[str, str], **how: Any) -> tuple[int, dict[str, Any]]:
    response = await api.get(path, key=None, headers=headers, **how)
    assert "application/json" == response.headers["content-type"]
    assert int(response.headers.get("content-length", len(response.content))) == len(response.content)
    return response.status_code, response.json()


async def test_a_signed_call_is_answered_in_the_platforms_form(api: Api, registry: Registry, secret: str) -> None:
    code = new_code()
    await registry.register(code)

    look_up = await call(api, f"/v1/registrations/{code}", signed(secret))
    page = await call(api, "/v1/changes", signed(secret))
    absent = await call(api, f"/v1/registrations/{new_code()}", signed(secret) | {"accept-language": "en"})
    forbidden = await call(api, "/v1/cases", signed(secret))

    plain = (await api.get(f"/v1/registrations/{code}", key="reader")).json()
    assert (200, {"code": 0, "message": "success", "data": plain}) == look_up
    assert (0, 1) == (page[1]["code"], len(page[1]["data"]["items"]))
    assert (404, 404, "Code not registered") == (absent[0], absent[1]["code"], absent[1]["message"])
    assert "/problems/code-not-registered" == absent[1]["data"]["type"]
    assert (403, 403) == (forbidden[0], forbidden[1]["code"])


async def test_what_is_no_json_goes_as_it_is(api: Api, secret: str) -> None:
    code = new_code()
    registered = await api.get("/metrics", key=None, headers=signed(secret))

    assert registered.headers["content-type"].startswith("text/plain")
    assert not registered.text.startswith("{")
    assert code not in registered.text


async def test_a_wrong_signature_is_unauthenticated(api: Api, pool: Pool, secret: str) -> None:
    good = signed(secret)
    wrong = [
        signed("another"),
        signed(secret, at=time.time() - 301),
        signed(secret, at=time.time() + 301),
        signed(secret, sid="service-8"),
        signed(secret, rid="requester-2"),
        signed(secret, rtime=""),
        signed(secret, rtime="now"),
        signed(secret, sign=""),
        signed(secret, sign="not base 64"),
        {"gjgxjhpt_rid": RID},
    ]

    assert 200 == (await call(api, "/v1/changes/tip", good))[0]
    for headers in wrong:
        status, document = await call(api, "/v1/changes/tip", headers)
        assert (401, 401) == (status, document["code"])


async def test_a_key_beside_a_signature_is_what_counts(api: Api, secret: str) -> None:
    response = await api.get("/v1/changes/tip", key="nobody", headers=signed(secret))

    assert (401, "/problems/unauthenticated") == (response.status_code, response.json()["type"])


async def test_a_new_secret_ends_the_old_one_and_a_revoked_client_both(
    api: Api, pool: Pool, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.auth.exchange.REMEMBERED_SECONDS", 0.0)
    async with writing(pool) as connection:
        renewed = await add_exchange_caller(connection, name="reader", rid=RID, sid=SID, actor="test")
        with pytest.raises(ClientUnknown):
            await add_exchange_caller(connection, name="nobody", rid=RID, sid=SID, actor="test")

    before = [(await call(api, "/v1/changes/tip", signed(each)))[0] for each in (secret, renewed)]
    async with writing(pool) as connection:
        await revoke_client(connection, name="reader", actor="test")
    after = (await call(api, "/v1/changes/tip", signed(renewed)))[0]

    assert ([401, 200], 401) == (before, after)
    assert 2 == await pool.fetchval("select count(*) from audit where action = 'exchange_caller_added'")
