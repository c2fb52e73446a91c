"""GET /v1/registrations/{uscc}: what is there, what is not, and what may not be seen."""

from __future__ import annotations

import asyncio

from service.api.registration_models import Registration
from sync.instants import format_instant
from sync.store.connection import Pool
from tests.integration.api.conftest import Api, Registry, new_code, problem


async def test_a_registered_code_is_answered_with_its_registration(api: Api, registry: Registry) -> None:
    code = new_code()
    record = await registry.register(code)

    response = await api.get(f"/v1/registrations/{code}", key="reader")

    found = Registration.model_validate(response.json())
    assert (200, code, 1, "normal", "commerce") == (
        response.status_code, found.uscc, found.version, found.status, found.office,
    )  # fmt: skip
    assert record["name"] == found.record["name"]


async def test_personal_fields_are_masked(api: Api, registry: Registry) -> None:
    code = new_code()
    await registry.register(code)

    shown = (await api.get(f"/v1/registrations/{code}")).json()["record"]

    assert (
        shown["legal_representative_id_number"], shown["contact_phone"], shown["contact_name"],
    ) == ("210***********1230", "138****5678", "李**")  # fmt: skip


async def test_personal_fields_need_the_scope_and_a_purpose_and_leave_a_line_in_the_audit(
    api: Api, registry: Registry, pool: Pool
) -> None:
    code = new_code()
    await registry.register(code)

    masked = (await api.get(f"/v1/registrations/{code}?purpose=check", key="reader")).json()["record"]
    shown = (await api.get(f"/v1/registrations/{code}?purpose=check", key="admin")).json()["record"]
    audit = await pool.fetch("select actor, subject, purpose from audit where action = 'personal_fields_read'")

    assert masked["contact_phone"] == "138****5678"
    assert (shown["contact_phone"], shown["legal_representative_id_number"]) == ("13812345678", "210102199001011230")
    assert [("admin", code, "check")] == [tuple(row) for row in audit]


async def test_the_code_of_a_path_is_normalized(api: Api, registry: Registry) -> None:
    code = new_code()
    await registry.register(code)
    wide = "".join(chr(ord(character) + 0xFEE0) for character in code.lower())

    response = await api.get(f"/v1/registrations/%20{wide}%20")

    assert code == response.json()["uscc"]


async def test_a_code_that_nobody_registered_is_not_registered(api: Api) -> None:
    response = await api.get(f"/v1/registrations/{new_code()}")

    assert problem(response) == (404, "code-not-registered")


async def test_what_is_no_code_is_malformed_and_says_why(api: Api) -> None:
    response = await api.get("/v1/registrations/91210100MA0000496O")

    assert problem(response) == (422, "malformed-code")
    assert [finding["rule"] for finding in response.json()["findings"]] == ["E02"]


async def test_a_path_with_slashes_is_malformed(api: Api) -> None:
    response = await api.get("/v1/registrations/a/b")

    assert problem(response) == (422, "malformed-code")


async def test_a_withdrawn_code_is_gone_and_names_its_successor(api: Api, registry: Registry) -> None:
    code, successor = new_code(), new_code()
    record = await registry.register(code)
    withdrawal = {"uscc": code, "name": record["name"], "approved_on": "2026-11-19"}
    await registry.push(
        registry.message("withdraw", withdrawal, at="2026-11-19T09:00:00+08:00", successor_uscc=successor)
    )

    response = await api.get(f"/v1/registrations/{code}")

    assert problem(response) == (410, "code-withdrawn")
    assert successor == response.json()["successor_uscc"]


async def test_a_hidden_organization_is_answered_exactly_as_an_unregistered_code(api: Api, registry: Registry) -> None:
    hidden, unknown = new_code(), new_code()
    await registry.register(hidden, is_public="0")
    paths = ("", "?as_of=2026-11-20", "/history")

    answers = []
    for code in (hidden, unknown):
        for path in paths:
            response = await api.get(f"/v1/registrations/{code}{path}", key="reader")
            document = response.json()
            answers.append({name: document[name] for name in document.keys() - {"request_id", "instance"}})
    seen = [(await api.get(f"/v1/registrations/{hidden}{path}")).status_code for path in paths]

    assert answers[3:] == answers[:3]
    assert answers[0]["type"] == "/problems/code-not-registered"
    assert seen == [200, 200, 200]


async def test_an_unchanged_registration_is_not_sent_again(api: Api, registry: Registry) -> None:
    code = new_code()
    record = await registry.register(code)
    first = await api.get(f"/v1/registrations/{code}")
    tag = first.headers["etag"]

    same = await api.get(f"/v1/registrations/{code}", headers={"if-none-match": f'"other", W/{tag}'})
    changed = record | {"name": "沈阳更名有限公司"}
    await registry.push(registry.message("change", changed, at="2026-11-19T09:00:00+08:00"))
    other = await api.get(f"/v1/registrations/{code}", headers={"if-none-match": tag})

    assert (304, b"", tag) == (same.status_code, same.content, same.headers["etag"])
    assert (other.status_code, other.json()["version"]) == (200, 2)
    assert tag != other.headers["etag"]


async def test_concurrent_look_ups_share_statements_and_each_has_its_own_answer(api: Api, registry: Registry) -> None:
    codes = [new_code() for _ in range(20)]
    messages = [
        registry.message("assign", {"uscc": code, "name": f"公司{code}", "approved_on": "2026-11-18"}) for code in codes
    ]
    await registry.push(*messages)
    absent = new_code()

    answers = await asyncio.gather(*(api.get(f"/v1/registrations/{code}") for code in [*codes, absent]))

    assert codes == [answer.json()["uscc"] for answer in answers[:-1]]
    assert problem(answers[-1]) == (404, "code-not-registered")


async def test_an_answer_says_how_far_the_registry_has_come(api: Api, registry: Registry, resources) -> None:  # type: ignore[no-untyped-def]
    code = new_code()
    await registry.register(code)
    await resources.watermarks.probe()

    response = await api.get(f"/v1/registrations/{code}")
    behind = await api.get(f"/v1/registrations/{code}?min_watermark=2199-01-01")

    assert f"commerce={format_instant(registry.received_at)}" == response.headers["x-watermark"]
    assert problem(behind) == (503, "behind")
    assert int(behind.headers["retry-after"]) > 0
