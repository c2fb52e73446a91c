from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from sync.holding import Status
from sync.messages import encode_change, encode_return, registration_json, return_json
from sync.outcome import ChangeWrite, View
from sync.records import Decision, Disposition
from tests.messages import CODE, decode, message, record
from validators.fields import FIELDS

NOW = datetime(2026, 11, 20, 2, 0, 1, 250_000, tzinfo=UTC)
MEMBERS = [
    *("schema", "receipt_id", "attempt", "sequence", "office", "message_id", "batch_id", "source", "content_sha256"),
    *("operation", "uscc", "disposition", "findings", "registration_version", "duplicate_of", "case_id"),
    *("received_at", "decided_at", "ruleset"),
]


def registration(
    masked: bool = True, status: Status = Status.NORMAL, office: str = "commerce", **members: str
) -> dict[str, object]:
    return registration_json(
        uscc=CODE,
        version=2,
        status=status,
        office=office,
        record=record(**{"registration_number": "210102000012345", "contact_phone": "13812345678"} | members),
        valid_from=NOW - timedelta(days=1),
        recorded_at=NOW,
        predecessor_uscc=None,
        successor_uscc=None,
        open_case="C-1",
        receipt_id="R-1",
        masked=masked,
    )


def view(status: Status = Status.NORMAL, **members: str) -> View:
    shown = record(**{"registration_number": "210102000012345", "contact_phone": "13812345678"} | members)
    return View(
        uscc=CODE,
        version=2,
        status=status,
        office="commerce",
        record={name: value for name, value in shown.items() if name not in ("business_type", "status")},
        valid_from=NOW - timedelta(days=1),
        recorded_at=NOW,
        predecessor_uscc=None,
        successor_uscc=None,
        open_case="C-1",
        receipt_id="R-1",
    )


def change(before: View | None, after: View) -> dict[str, Any]:
    write = ChangeWrite(uscc=CODE, version=2, kind="changed", effective_at=NOW, before=before, after=after)
    read: dict[str, Any] = orjson.loads(encode_change(write, sequence=88_123, recorded_at=NOW))
    return read


def test_a_return_has_every_member_in_the_order_of_the_contract() -> None:
    submission = decode(message())
    decision = Decision(submission=submission, disposition=Disposition.ACCEPTED, findings=[], version=1)

    body = encode_return(decision, sequence=1042, decided_at=NOW, ruleset="2026.11.1")

    assert body.decode() == (
        '{"schema":"return/1","receipt_id":"' + submission.receipt_id + '","attempt":1,"sequence":1042,'
        '"office":"commerce","message_id":"COM-20261120-000001","batch_id":"COM-20261120",'
        '"source":{"topic":"uscc.submissions.commerce","partition":3,"offset":1042},'
        '"content_sha256":"' + submission.content_sha256.hex() + '","operation":"assign","uscc":"' + CODE + '",'
        '"disposition":"accepted","findings":[],"registration_version":1,"duplicate_of":null,"case_id":null,'
        '"received_at":"2026-11-20T10:00:00.000+08:00","decided_at":"2026-11-20T10:00:01.250+08:00",'
        '"ruleset":"2026.11.1"}'
    )
    assert list(orjson.loads(body)) == MEMBERS


def test_findings_stand_in_a_return_with_all_their_members() -> None:
    submission = decode(message(record(currency="元")))
    decision = Decision(submission=submission, disposition=Disposition.ACCEPTED, findings=submission.findings)

    body = encode_return(decision, sequence=1, decided_at=NOW, ruleset="2026.11.1")

    assert "货币种类“元”" in body.decode()
    assert list(orjson.loads(body)["findings"][0]) == (
        ["rule", "class", "severity", "field", "position", "expected", "actual", "suggestions", "message"]
    )


def test_of_a_quarantined_record_the_return_names_neither_message_nor_code() -> None:
    submission = decode(b"[]", ce_id=b"event-1")
    submission.message_id = "event-1"

    shown = return_json(
        Decision(submission=submission, disposition=Disposition.QUARANTINED, findings=submission.findings),
        sequence=1,
        decided_at=NOW,
        ruleset="2026.11.1",
    )

    assert (shown["message_id"], shown["operation"], shown["uscc"]) == (None, None, None)
    assert list(shown) == MEMBERS


def test_a_dry_run_has_neither_receipt_nor_sequence_nor_source() -> None:
    decision = Decision(submission=decode(message()), disposition=Disposition.ACCEPTED, findings=[])

    shown = return_json(decision, sequence=None, decided_at=NOW, ruleset="2026.11.1")

    assert (shown["receipt_id"], shown["sequence"], shown["source"]) == (None, None, None)
    assert list(shown) == MEMBERS


def test_a_registration_shows_particulars_in_the_order_of_the_standard_and_masks_persons() -> None:
    shown = registration()

    assert list(shown) == [
        "schema",
        "uscc",
        "version",
        "status",
        "standing",
        "office",
        "record",
        "valid_from",
        "recorded_at",
        "predecessor_uscc",
        "successor_uscc",
        "legacy_numbers",
        "open_case",
        "source",
    ]
    particulars = shown["record"]
    assert isinstance(particulars, dict)
    assert list(particulars) == [name for name in FIELDS if name in particulars]
    assert "business_type" not in particulars
    assert "status" not in particulars
    assert particulars["contact_phone"] == "138****5678"
    assert particulars["legal_representative_id_number"].startswith("210***********")
    assert particulars["legal_representative_name"] == "张示例"
    assert shown["standing"] == "normal"
    assert shown["source"] == {"receipt_id": "R-1"}


def test_who_may_see_persons_sees_them() -> None:
    particulars = registration(masked=False)["record"]

    assert isinstance(particulars, dict)
    assert particulars["contact_phone"] == "13812345678"


def test_standing_is_what_the_record_says_if_it_is_in_its_list() -> None:
    assert registration(standing="licence_revoked")["standing"] == "licence_revoked"
    assert registration(standing="吊销")["standing"] == "normal"


def test_legacy_numbers_are_those_whose_form_is_known() -> None:
    assert registration(organization_code=f"{CODE[8:16]}-{CODE[16]}".lower())["legacy_numbers"] == [
        {"kind": "registration_number_15", "number": "210102000012345"},
        {"kind": "organization_code", "number": CODE[8:17]},
    ]


def test_a_number_of_no_known_form_is_no_legacy_number() -> None:
    assert registration(registration_number="沈民证字第 1 号", organization_code="1")["legacy_numbers"] == []


def test_a_change_names_what_changed_from_and_to() -> None:
    shown = change(view(name="旧名有限公司"), view(Status.CANCELLED, name="新名有限公司"))

    assert list(shown) == (
        [
            "schema",
            "sequence",
            "uscc",
            "version",
            "kind",
            "changed_fields",
            "effective_at",
            "recorded_at",
            "registration",
        ]
    )
    assert shown["changed_fields"] == {
        "name": {"from": "旧名有限公司", "to": "新名有限公司"},
        "status": {"from": "normal", "to": "cancelled"},
    }
    assert shown["registration"] == registration(name="新名有限公司", status=Status.CANCELLED)


def test_the_first_version_changes_every_field_from_null() -> None:
    shown = change(None, view())["changed_fields"]

    assert shown["name"] == {"from": None, "to": "沈阳示例（集团）有限公司"}
    assert shown["status"] == {"from": None, "to": "normal"}
    assert shown["office"] == {"from": None, "to": "commerce"}


def test_a_change_inside_the_mask_is_told_and_stays_masked() -> None:
    shown = change(view(contact_name="李四"), view(contact_name="李五"))

    assert shown["changed_fields"] == {"contact_name": {"from": "李*", "to": "李*"}}
    assert shown["registration"]["record"]["contact_phone"] == "138****5678"
    assert "13812345678" not in str(shown)


def test_of_an_organization_that_is_not_public_only_a_stub_goes_out() -> None:
    shown = change(None, view(is_public="0"))

    assert shown == {
        "schema": "change/1",
        "sequence": 88_123,
        "uscc": CODE,
        "version": 2,
        "kind": "changed",
        "restricted": True,
    }


def test_of_one_who_was_hidden_the_first_change_tells_what_is_there_now() -> None:
    shown = change(view(is_public="0", name="旧名有限公司"), view(name="新名有限公司"))

    assert shown["changed_fields"]["name"] == {"from": None, "to": "新名有限公司"}
