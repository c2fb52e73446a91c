"""Resolving cases over HTTP: by one, by two persons, and by the correction file."""

from __future__ import annotations

import io
from typing import Any

import pytest
import xlsxwriter

from tests.integration.api.conftest import Api, Registry, new_code, problem, record_of

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HEADER = "统一社会信用代码,机构名称,数据操作标识位,新统一社会信用代码,原因\n"


async def _contest(registry: Registry) -> tuple[str, str, str]:
    """Let two organizations claim one code; return it, the holder's name and the other's."""
    code = new_code()
    record = await registry.register(code)
    other = record_of(
        code, name=f"另一家{code}公司", established_on="2020-01-01", registration_number="210100000000001"
    )
    await registry.push(registry.message("assign", other, at="2026-11-19T09:00:00+08:00"))
    return code, record["name"], other["name"]


async def _case(api: Api, code: str) -> dict[str, Any]:
    items = (await api.get("/v1/cases")).json()["items"]
    (case,) = [item for item in items if item["uscc"] == code]
    return dict(case)


def _receipt(case: dict[str, Any], role: str) -> str:
    return next(str(member["receipt_id"]) for member in case["members"] if member["role"] == role)


@pytest.fixture
async def persons(api: Api) -> Api:
    """Two persons of the centre."""
    for name in ("zhang", "li"):
        await api.add_client(name, ("cases",), person=True)
    return api


async def test_an_office_gives_up_its_held_claim_at_once(persons: Api, registry: Registry) -> None:
    code, _, _ = await _contest(registry)
    case = await _case(persons, code)
    body = {"operation": "withdraw", "receipt_id": _receipt(case, "held"), "reason": "录入错误"}

    response = await persons.post(f"/v1/cases/{case['case_id']}/resolutions", key="commerce", json=body)

    assert (200, "resolved") == (response.status_code, response.json()["status"])
    assert [("withdraw", "api", "commerce", "done", "录入错误")] == [
        (each["operation"], each["via"], each["proposed_by"], each["status"], each["reason"])
        for each in response.json()["resolutions"]
    ]
    returns = (await persons.get(f"/v1/returns/{_receipt(case, 'held')}")).json()["items"]
    assert [(1, "held"), (2, "rejected")] == [(each["attempt"], each["disposition"]) for each in returns]


async def test_what_takes_a_code_from_its_holder_needs_two_persons(persons: Api, registry: Registry) -> None:
    code, _, other = await _contest(registry)
    case = await _case(persons, code)
    path = f"/v1/cases/{case['case_id']}"
    body = {"operation": "keep", "receipt_id": _receipt(case, "held"), "reason": "查实"}

    machine = await persons.post(f"{path}/resolutions", json=body)
    proposed = await persons.post(f"{path}/resolutions", key="zhang", json=body)
    again = await persons.post(f"{path}/resolutions", key="li", json=body)
    alone = await persons.post(f"{path}/approvals", key="zhang", json={})
    by_machine = await persons.post(f"{path}/approvals", json={})
    approved = await persons.post(f"{path}/approvals", key="li", json={"reason": "同意"})
    too_late = await persons.post(f"{path}/approvals", key="li")

    assert (403, "not-permitted") == problem(machine)
    assert (202, "awaiting_approval") == (proposed.status_code, proposed.json()["status"])
    assert (409, "conflict") == problem(again)
    assert [(403, "not-permitted")] * 2 == [problem(alone), problem(by_machine)]
    assert (200, "resolved") == (approved.status_code, approved.json()["status"])
    (line,) = approved.json()["resolutions"]
    assert ("zhang", "li", "同意", "done") == (
        line["proposed_by"],
        line["approved_by"],
        line["approval_reason"],
        line["status"],
    )
    assert (409, "conflict") == problem(too_late)
    found = (await persons.get(f"/v1/registrations/{code}")).json()
    assert other == found["record"]["name"]


async def test_a_refused_proposal_leaves_the_case_open(persons: Api, registry: Registry) -> None:
    code, _, _ = await _contest(registry)
    case = await _case(persons, code)
    path = f"/v1/cases/{case['case_id']}"
    body = {"operation": "withdraw", "receipt_id": _receipt(case, "holder"), "reason": "查实"}
    await persons.post(f"{path}/resolutions", key="zhang", json=body)

    refused = await persons.post(f"{path}/approvals", key="li", json={"approve": False, "reason": "证据不足"})

    assert (200, "open", "refused") == (
        refused.status_code,
        refused.json()["status"],
        refused.json()["resolutions"][0]["status"],
    )


async def test_an_office_speaks_only_of_cases_and_records_of_its_own(persons: Api, registry: Registry) -> None:
    code, _, _ = await _contest(registry)
    case = await _case(persons, code)
    body = {"operation": "withdraw", "receipt_id": _receipt(case, "held"), "reason": "x"}

    stranger = await persons.post(f"/v1/cases/{case['case_id']}/resolutions", key="civil-affairs", json=body)
    nobody = await persons.post(f"/v1/cases/{case['case_id']}/resolutions", key="reader", json=body)
    nowhere = await persons.post("/v1/cases/case-none/resolutions", json=body)

    assert [(404, "not-found"), (403, "not-permitted"), (404, "not-found")] == [
        problem(stranger),
        problem(nobody),
        problem(nowhere),
    ]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"receipt_id": "nobody"}, "#/receipt_id"),
        ({"operation": "assign"}, "#/new_uscc"),
        ({"operation": "assign", "new_uscc": "91210100MA0000496X"}, "#/new_uscc"),
        ({"operation": "assign", "new_uscc": "51210000MJ00000005"}, "#/new_uscc"),
        ({"operation": "restore"}, "#/operation"),
        ({"reason": None}, "#/reason"),
        ({"more": 1}, "#/more"),
    ],
)
async def test_a_resolution_that_cannot_be_says_which_member_is_at_fault(
    persons: Api, registry: Registry, change: dict[str, Any], pointer: str
) -> None:
    code, _, _ = await _contest(registry)
    case = await _case(persons, code)
    body = {"operation": "withdraw", "receipt_id": _receipt(case, "held"), "reason": "x"} | change

    response = await persons.post(f"/v1/cases/{case['case_id']}/resolutions", key="zhang", json=body)

    assert (422, "invalid-request") == problem(response)
    assert [pointer] == [error["pointer"] for error in response.json()["errors"]]


async def test_a_file_is_answered_row_by_row(persons: Api, registry: Registry) -> None:
    code, name, other = await _contest(registry)
    new = new_code()
    rows = f"{code},{name},2,,核对无误\n{code},{other},0,{new},另赋新码\n{new_code()},无此机构,1,,\n{code},{name},,,\n"

    response = await persons.post(
        "/v1/cases/resolutions", key="commerce", content=(HEADER + rows).encode("gb18030"),
        headers={"content-type": "text/csv; charset=gb18030"},
    )  # fmt: skip

    assert 200 == response.status_code
    assert [(2, "unchanged"), (3, "done"), (4, "refused"), (5, "skipped")] == [
        (item["row"], item["result"]) for item in response.json()["items"]
    ]
    assert "no-open-case" == response.json()["items"][2]["problem"]["code"]
    assert other == (await persons.get(f"/v1/registrations/{new}")).json()["record"]["name"]


async def test_a_file_that_is_all_or_nothing_does_nothing_when_a_row_is_refused(
    persons: Api, registry: Registry
) -> None:
    code, _, other = await _contest(registry)
    rows = f"{code},{other},1,,误报\n{code},{other},9,,\n"

    response = await persons.post(
        "/v1/cases/resolutions?mode=all", key="commerce", content=HEADER + rows, headers={"content-type": "text/csv"}
    )

    assert (409, "conflict") == problem(response)
    assert ["not_carried_out", "refused"] == [item["result"] for item in response.json()["items"]]
    assert "open" == (await _case(persons, code))["status"]


async def test_two_cases_of_one_workbook_are_settled_in_one_transaction(persons: Api, registry: Registry) -> None:
    claims = [await _contest(registry), await _contest(registry)]
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, HEADER.strip().split(","))
    for place, (code, _, other) in enumerate(claims, start=1):
        sheet.write_row(place, 0, [code, other, "", "", "误报"])
        sheet.write_formula(place, 2, "=0+1", None, 1)
    book.close()

    response = await persons.post(
        "/v1/cases/resolutions?mode=all",
        key="commerce",
        content=out.getvalue(),
        headers={"content-type": XLSX},
    )

    assert (200, ["done", "done"]) == (response.status_code, [item["result"] for item in response.json()["items"]])
    assert ["resolved"] * 2 == [(await _case(persons, code))["status"] for code, _, _ in claims]


@pytest.mark.parametrize(
    ("content", "media_type", "expected"),
    [
        (b"{}", "application/json", (415, "unsupported-media-type")),
        (b"", "text/csv", (422, "invalid-request")),
        (HEADER.encode(), "text/csv", (422, "invalid-request")),
        (b"a,b\n1,2\n", "text/csv", (422, "invalid-request")),
        (HEADER.encode() + b"\xff\xfe,x,1,,\n", "text/csv; charset=utf-8", (422, "invalid-request")),
        (b"no workbook", XLSX, (422, "invalid-request")),
    ],
    ids=["json", "empty", "header alone", "other columns", "other bytes", "no workbook"],
)
async def test_what_is_no_form_is_refused(api: Api, content: bytes, media_type: str, expected: tuple[int, str]) -> None:
    response = await api.post("/v1/cases/resolutions", content=content, headers={"content-type": media_type})

    assert expected == problem(response)
