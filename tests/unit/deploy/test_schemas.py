from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from sync.encoding import view_json
from sync.holding import Status
from sync.messages import encode_change, encode_return
from sync.outcome import ChangeWrite, View
from sync.records import Decision, Disposition
from tests.messages import CODE, RECEIVED_AT, decode, fired, message, record
from validators.fields import ENGLISH_NAMES, FIELDS
from validators.findings import Operation

SCHEMAS = Path(__file__).parents[3] / "deploy" / "kafka" / "schemas"
KINDS = ("submission", "return", "change", "registration")
OF_MESSAGES = ("M02", "M03", "M04", "M05", "M06")
NO_MATTER_OF_SCHEMAS = ("M05-impossible-instant", "M06-nul", "M06-lone-surrogate", "M06-both-names")


def schema(kind: str) -> dict[str, Any]:
    read: dict[str, Any] = orjson.loads((SCHEMAS / f"{kind}-1.schema.json").read_bytes())
    return read


def validator(kind: str) -> Draft202012Validator:
    resources = [(schema(name)["$id"], Resource.from_contents(schema(name))) for name in KINDS]
    return Draft202012Validator(schema(kind), registry=Registry().with_resources(resources))


def examples(side: str, *kinds: str) -> list[Any]:
    files = [(kind, file) for kind in kinds for file in sorted((SCHEMAS / "examples" / kind / side).glob("*.json"))]
    assert len(files) >= len(kinds), "every kind has an example on each side"
    return [pytest.param(kind, file, id=f"{kind}/{file.stem}") for kind, file in files]


@pytest.mark.parametrize("kind", KINDS)
def test_every_schema_is_one(kind: str) -> None:
    Draft202012Validator.check_schema(schema(kind))

    assert schema(kind)["title"] == f"{kind}/1"


@pytest.mark.parametrize(("kind", "file"), examples("must", "return", "change", "registration"))
def test_what_must_pass_does(kind: str, file: Path) -> None:
    assert list(validator(kind).iter_errors(orjson.loads(file.read_bytes()))) == []


@pytest.mark.parametrize(("kind", "file"), examples("must_not", "return", "change", "registration"))
def test_what_must_not_pass_does_not(kind: str, file: Path) -> None:
    assert not validator(kind).is_valid(orjson.loads(file.read_bytes()))


@pytest.mark.parametrize(("kind", "file"), examples("must", "submission"))
def test_a_submission_that_must_decode_does(kind: str, file: Path) -> None:
    body = file.read_bytes()

    submission = decode(body)

    assert validator(kind).is_valid(orjson.loads(body.removeprefix(b"\xef\xbb\xbf")))
    assert {rule for rule, _, _ in fired(submission.findings, *OF_MESSAGES)} <= {"M02"}
    assert not submission.has_error


@pytest.mark.parametrize(("kind", "file"), examples("must_not", "submission"))
def test_a_submission_that_must_not_decode_is_answered_with_its_rule(kind: str, file: Path) -> None:
    body = file.read_bytes()
    rule = file.stem[:3]

    submission = decode(body)

    assert [found for found, _, _ in fired(submission.findings, "M03", "M05", "M06")] == [rule]
    assert submission.quarantined == (rule == "M03")
    if rule != "M03" and file.stem not in NO_MATTER_OF_SCHEMAS:
        assert not validator(kind).is_valid(orjson.loads(body))


def test_the_schemas_know_the_members_that_the_service_knows() -> None:
    sent = schema("submission")["$defs"]["record"]["properties"]
    shown = schema("registration")["properties"]["record"]["properties"]

    assert set(sent) == set(ENGLISH_NAMES)
    assert list(shown) == [name for name in FIELDS if name not in ("business_type", "status")]
    assert schema("submission")["properties"]["operation"]["enum"] == [operation.value for operation in Operation]
    assert schema("return")["properties"]["disposition"]["enum"] == [each.value for each in Disposition]


@pytest.mark.parametrize("body", [b"", b"{}", orjson.dumps(message(record(currency="?", colour=1, name=1)))])
def test_every_return_that_is_encoded_passes_its_schema(body: bytes) -> None:
    submission = decode(body)
    disposition = Disposition.QUARANTINED if submission.quarantined else Disposition.REJECTED
    decision = Decision(submission=submission, disposition=disposition, findings=submission.findings)

    for sequence in (1, None):
        shown = encode_return(decision, sequence=sequence, decided_at=RECEIVED_AT, ruleset="2026.11.1")

        assert list(validator("return").iter_errors(orjson.loads(shown))) == []


@pytest.mark.parametrize("restricted", [True, False])
def test_every_change_that_is_encoded_passes_its_schema(restricted: bool) -> None:
    now = datetime(2026, 11, 20, 2, 0, 1, 1, tzinfo=UTC)
    particulars = record(registration_number="210102000012345", is_public="0" if restricted else "1")
    after = View(
        uscc=CODE,
        version=1,
        status=Status.NORMAL,
        office="commerce",
        record=particulars,
        valid_from=now,
        recorded_at=now,
        predecessor_uscc=None,
        successor_uscc=None,
        open_case=None,
        receipt_id="R-1",
    )
    change = ChangeWrite(uscc=CODE, version=1, kind="assigned", effective_at=now, before=None, after=after)

    body = encode_change(change, sequence=1, recorded_at=now)

    assert list(validator("registration").iter_errors(view_json(after))) == []
    assert list(validator("change").iter_errors(orjson.loads(body))) == []
