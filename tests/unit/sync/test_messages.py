from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from sync.messages import MAX_BYTES, Decoder
from sync.offices import Office, Offices, load_offices
from sync.records import OrderKey
from tests.messages import CODE, RECEIVED_AT, code, decode, decoder, fired, incoming, message, record
from validators.findings import Operation
from validators.rulebook import default_ruleset
from validators.uscc import CodeContext

PLACE = "uscc.submissions.commerce/3/1042"
OPERATIONS = "assign change cancel revoke restore withdraw keep"


def of_messages(body: bytes | Mapping[str, Any], /, **headers: bytes) -> list[tuple[str, str, str | None]]:
    """Return the findings of the M rules on a message."""
    return fired(decode(body, **headers).findings, "M02", "M03", "M04", "M05", "M06")


def padded(length: int) -> bytes:
    """Return a clean message of exactly `length` bytes."""
    bare = orjson.dumps(message(reason=""))
    return orjson.dumps(message(reason="x" * (length - len(bare))))


def test_a_clean_message_is_read_whole() -> None:
    body = orjson.dumps(message(reason="登记"))

    submission = decode(body)

    assert submission.findings == []
    assert not submission.quarantined
    assert submission.message_id == "COM-20261120-000001"
    assert submission.batch_id == "COM-20261120"
    assert submission.operation is Operation.ASSIGN
    assert submission.uscc == CODE
    assert submission.name == "沈阳示例（集团）有限公司"
    assert submission.name_key == "沈阳示例(集团)有限公司"
    assert submission.reason == "登记"
    assert submission.record == record()
    assert submission.content_sha256 == hashlib.sha256(body).digest()
    assert submission.content_digest is not None
    assert submission.key == OrderKey(
        1_795_136_400_000_000, datetime(2026, 11, 20, 1, tzinfo=UTC), "COM-20261120-000001"
    )


def test_the_other_members_of_the_envelope_are_read() -> None:
    sent = message(
        operation="withdraw",
        load="stock",
        case_id="C-1",
        receipt_id="01M7VAX680KYM1G0BY4JP9KFE2",
        predecessor_uscc=f" {CODE.lower()}",
        successor_uscc="９１",
        transfer="in",
    )

    submission = decode(sent)

    assert submission.findings == []
    assert (submission.load, submission.case_id, submission.transfer) == ("stock", "C-1", "in")
    assert submission.receipt_ref == "01M7VAX680KYM1G0BY4JP9KFE2"
    assert (submission.predecessor_uscc, submission.successor_uscc) == (CODE, "91")


def test_short_names_say_the_same_as_english_ones() -> None:
    short = {"tyshxydm": CODE, "jgmc": "沈阳示例有限公司", "hzrq": "2026-11-19", "djywlx": "1", "zt": "1"}

    submission = decode(message(short))

    assert submission.record == {
        "uscc": CODE,
        "name": "沈阳示例有限公司",
        "approved_on": "2026-11-19",
        "business_type": "1",
        "status": "1",
    }


def test_the_record_holds_the_normalized_code() -> None:
    submission = decode(message(record(uscc=f" {CODE.lower()}")))

    assert fired(submission.findings) == [("E09", "warning", "uscc")]
    assert submission.uscc == submission.record["uscc"] == CODE


def test_null_and_empty_texts_are_absent_members() -> None:
    submission = decode(
        message(record(contact_phone="", contact_name=None, zgrs="　"), batch_id=None, load="", reason=None)
    )

    assert submission.findings == []
    assert submission.batch_id is None
    assert submission.record == record()


@pytest.mark.parametrize("operation", ["cancel", "revoke", "restore", "withdraw", "keep"])
def test_a_short_operation_keeps_code_name_and_date(operation: str) -> None:
    submission = decode(message(record(currency="RMB"), operation=operation))

    assert submission.findings == []
    assert set(submission.record) == {"uscc", "name", "approved_on"}


def test_a_short_operation_is_still_told_of_members_that_cannot_be_read() -> None:
    submission = decode(message(record(colour="red", currency=1), operation="cancel"))

    assert fired(submission.findings) == [("M06", "error", "currency"), ("M02", "warning", "record/colour")]


class TestIdentity:
    def test_without_an_id_the_header_names_the_message(self) -> None:
        assert decode(message(message_id=...), ce_id=b"event-1").message_id == "event-1"
        assert decode(message(), ce_id=b"event-1").message_id == "COM-20261120-000001"

    def test_without_any_id_the_place_names_the_message(self) -> None:
        assert decode(message(message_id=...)).message_id == PLACE
        assert decode(message(message_id=None), ce_id=b"").message_id == PLACE

    @pytest.mark.parametrize("header", [b"x" * 129, b"\xff", b"a\0b"])
    def test_a_header_that_names_nothing_is_an_error(self, header: bytes) -> None:
        submission = decode(message(message_id=...), ce_id=header)

        assert fired(submission.findings) == [("M05", "error", "message_id")]
        assert submission.message_id is None
        assert submission.key is None

    def test_the_header_names_the_batch_where_the_message_names_none(self) -> None:
        assert [decode(message(batch_id=named), batch_id="一批".encode()).batch_id for named in (..., None, "")] == [
            "一批"
        ] * 3
        assert decode(message(), batch_id=b"other").batch_id == "COM-20261120"
        assert decode(message(batch_id=...), batch_id=b"").batch_id is None

    def test_an_unreadable_record_is_of_the_batch_that_its_header_names(self) -> None:
        assert [decode(body, batch_id=b"B").batch_id for body in (b"{", b"x" * (MAX_BYTES + 1))] == ["B", "B"]
        assert decode(b"{", batch_id=b"a\0b").batch_id is None

    def test_the_batch_is_no_part_of_the_content(self) -> None:
        one, other = decode(message(batch_id=...), batch_id=b"B"), decode(message(batch_id=...))

        assert one.content_digest == other.content_digest

    @pytest.mark.parametrize("header", [b"x" * 129, b"\xff", b"a\0b"])
    def test_a_header_that_names_no_batch_is_an_error(self, header: bytes) -> None:
        submission = decode(message(batch_id=...), batch_id=header)

        assert fired(submission.findings) == [("M05", "error", "batch_id")]
        assert submission.batch_id is None

    def test_a_batch_given_in_vain_is_not_replaced_by_the_header(self) -> None:
        assert decode(message(batch_id=7), batch_id=b"B").batch_id is None

    def test_content_is_compared_as_json(self) -> None:
        sent = message()
        turned = dict(reversed(sent.items()))

        one, other = decode(sent), decode(orjson.dumps(turned, option=orjson.OPT_INDENT_2))

        assert one.content_digest == other.content_digest
        assert one.content_sha256 != other.content_sha256


class TestM02:
    def test_unknown_members_are_named_one_by_one_and_not_taken(self) -> None:
        submission = decode(message(record(colour="red", Name="x"), Schema=1, weight={"a": [1.5]}))

        assert fired(submission.findings) == [
            ("M02", "warning", "Schema"),
            ("M02", "warning", "weight"),
            ("M02", "warning", "record/colour"),
            ("M02", "warning", "record/Name"),
        ]
        assert submission.record == record()

    def test_a_name_that_does_not_print_is_shown_in_print(self) -> None:
        assert of_messages(message(**{"a\nb": 1})) == [("M02", "warning", "a\\u000ab")]


class TestM03:
    @pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff\xfe", b'{"a": NaN}', b"[" * 1_000, b'{"a": 1, "a": 1}'])
    def test_what_is_no_object_is_quarantined(self, body: bytes) -> None:
        submission = decode(body, ce_id=b"event-1")

        assert submission.quarantined
        assert fired(submission.findings) == [("M03", "error", None)]
        assert (submission.message_id, submission.operation, submission.uscc) == (None, None, None)
        assert submission.content_digest is None
        assert submission.content_sha256 == hashlib.sha256(body).digest()

    def test_a_byte_order_mark_is_stripped(self) -> None:
        assert decode(b"\xef\xbb\xbf" + orjson.dumps(message())).findings == []


class TestM04:
    def test_a_message_of_64_kib_passes(self) -> None:
        assert decode(padded(MAX_BYTES)).findings == []

    def test_one_byte_more_is_quarantined_before_anything_is_read(self) -> None:
        larger, rubbish = decode(padded(MAX_BYTES + 1)), decode(b"\xff" * (10 * 1024 * 1024))

        assert fired(larger.findings) == fired(rubbish.findings) == [("M04", "error", None)]
        assert larger.quarantined
        assert (larger.findings[0].expected, larger.findings[0].actual) == ("65536", "65537")


class TestM05:
    @pytest.mark.parametrize(
        ("members", "field", "expected", "actual"),
        [
            ({"schema": ...}, "schema", "submission/1", None),
            ({"schema": "submission/2"}, "schema", "submission/1", "submission/2"),
            ({"operation": ...}, "operation", OPERATIONS, None),
            ({"operation": ""}, "operation", OPERATIONS, None),
            ({"operation": "delete"}, "operation", OPERATIONS, "delete"),
            ({"operation": "Assign"}, "operation", OPERATIONS, "Assign"),
            ({"occurred_at": ...}, "occurred_at", "RFC 3339 with offset", None),
            (
                {"occurred_at": "2026-02-30T00:00:00+08:00"},
                "occurred_at",
                "RFC 3339 with offset",
                "2026-02-30T00:00:00+08:00",
            ),
            ({"occurred_at": "2026-11-20T09:00:00"}, "occurred_at", "RFC 3339 with offset", "2026-11-20T09:00:00"),
            ({"message_id": ""}, "message_id", "1–128 characters", "0 characters"),
            ({"message_id": "x" * 129}, "message_id", "1–128 characters", "129 characters"),
            ({"batch_id": "x" * 129}, "batch_id", "1–128 characters", "129 characters"),
            ({"load": "all"}, "load", "stock", "all"),
            ({"transfer": "out"}, "transfer", "in", "out"),
        ],
    )
    def test_a_member_missing_or_impossible_is_named(
        self, members: dict[str, Any], field: str, expected: str, actual: str | None
    ) -> None:
        submission = decode(message(**members))

        assert not submission.quarantined
        assert fired(submission.findings, "M05") == [("M05", "error", field)]
        assert (submission.findings[0].expected, submission.findings[0].actual) == (expected, actual)

    @pytest.mark.parametrize("sent", [..., None, "text", 1, [], True])
    def test_a_record_that_is_no_object_leaves_only_findings_on_the_message(self, sent: object) -> None:
        submission = decode(message(record=sent, operation="delete"))

        assert fired(submission.findings) == [("M05", "error", "operation"), ("M05", "error", "record")]
        assert submission.message_id == "COM-20261120-000001"
        assert submission.record == {}

    def test_the_record_s_own_rules_still_have_their_say(self) -> None:
        submission = decode(message(record(currency="RMB", uscc=CODE[:17]), operation="delete", occurred_at=...))

        assert fired(submission.findings, "E01", "Q02", "M05") == [
            ("M05", "error", "operation"),
            ("M05", "error", "occurred_at"),
            ("E01", "error", "uscc"),
            ("Q02", "warning", "currency"),
        ]
        assert (submission.operation, submission.uscc, submission.key) == (None, CODE[:17], None)

    @pytest.mark.parametrize("length", [1, 128])
    def test_an_id_of_1_to_128_characters_passes(self, length: int) -> None:
        assert decode(message(message_id="号" * length)).findings == []


class TestM06:
    @pytest.mark.parametrize(
        "name",
        [
            *("schema", "message_id", "batch_id", "operation", "occurred_at", "load", "reason", "case_id"),
            *("receipt_id", "predecessor_uscc", "successor_uscc", "transfer"),
        ],
    )
    @pytest.mark.parametrize("value", [1, 1.5, True, [], {"a": 1}])
    def test_another_type_than_text_is_this_finding_alone(self, name: str, value: object) -> None:
        submission = decode(message(**{name: value}))

        assert fired(submission.findings, "M05", "M06") == [("M06", "error", name)]
        assert submission.findings[0].expected == "string"

    @pytest.mark.parametrize("value", [True, "7", 1.5, 2**63, []])
    def test_a_version_that_is_no_integer_of_64_bits_is_refused(self, value: object) -> None:
        assert of_messages(message(office_version=value)) == [("M06", "error", "office_version")]

    def test_a_version_of_forty_digits_does_not_raise(self) -> None:
        body = orjson.dumps(message(office_version=7)).replace(b":7", b":" + b"9" * 40)

        assert of_messages(body) == [("M06", "error", "office_version")]

    @pytest.mark.parametrize("value", [7, -7, 2**63 - 1, None])
    def test_an_integer_is_a_version(self, value: object) -> None:
        assert of_messages(message(office_version=value)) == []

    def test_seven_point_zero_is_seven(self) -> None:
        body = orjson.dumps(message(office_version=7)).replace(b":7", b":7.0")

        assert of_messages(body) == []

    def test_a_wrong_type_in_the_record_is_not_called_missing(self) -> None:
        submission = decode(message(record(name=1, registered_capital=100, uscc=["x"])))

        assert fired(submission.findings) == [
            ("M06", "error", "uscc"),
            ("M06", "error", "name"),
            ("M06", "error", "registered_capital"),
        ]
        assert submission.findings[1].actual == "number"
        assert (submission.uscc, submission.name) == (None, None)

    def test_nul_and_lone_surrogates_are_found_where_they_are(self) -> None:
        body = (
            orjson.dumps(message(record(name="A-1", extra={"b": ["A-2"]}), reason="A-3", other="A-4"))
            .replace(b"A-1", b"\\u0000")
            .replace(b"A-2", b"\\udc00")
            .replace(b"A-3", b"x\\ud800")
            .replace(b"A-4", b"\\u0000\\ud800")
        )

        submission = decode(body)

        assert fired(submission.findings) == [
            ("M06", "error", "reason"),
            ("M02", "warning", "other"),
            ("M06", "error", "other"),
            ("M06", "error", "other"),
            ("M06", "error", "name"),
            ("M02", "warning", "record/extra"),
            ("M06", "error", "record/extra/b/0"),
        ]
        assert not submission.quarantined
        assert submission.reason is None
        assert submission.name is None
        assert submission.content_digest is not None

    def test_a_foul_name_of_a_member_is_shown_in_print(self) -> None:
        body = orjson.dumps(message(strange=1)).replace(b"strange", b"\\ud800")

        assert of_messages(body) == [("M06", "error", "\\ud800")]

    def test_an_escaped_backslash_before_u0000_is_no_nul(self) -> None:
        assert decode(message(reason="\\u0000")).reason == "\\u0000"

    def test_two_names_of_one_member_may_agree_but_not_differ(self) -> None:
        same = decode(message(record(jgmc="沈阳示例（集团）有限公司", zcdz="")))
        other = decode(message(record(jgmc="另一家公司")))

        assert same.findings == []
        assert fired(other.findings) == [("M06", "error", "name")]
        assert other.name is None


class TestOrder:
    def by_version(self, sent: Mapping[str, Any]) -> Any:
        office = Office(
            id="commerce",
            title_zh="市场监管",
            title_en="commerce",
            first_characters=frozenset("9"),
            order="office_version",
            calendar="china",
            default_profile="COM18",
            profiles={},
        )
        ordered = Decoder(
            offices=Offices({"commerce": office}), ruleset=default_ruleset(), mappings={}, codes=CodeContext()
        )
        return ordered.decode(incoming(orjson.dumps(sent)), "commerce")

    def test_an_office_may_be_ordered_by_its_versions(self) -> None:
        submission = self.by_version(message(office_version=7))

        assert submission.findings == []
        assert submission.key == OrderKey(7, datetime(2026, 11, 20, 1, tzinfo=UTC), "COM-20261120-000001")

    @pytest.mark.parametrize("version", [..., None])
    def test_it_then_owes_a_version(self, version: object) -> None:
        submission = self.by_version(message(office_version=version))

        assert fired(submission.findings) == [("M05", "error", "office_version")]
        assert submission.key is None

    def test_a_version_of_the_wrong_type_is_not_called_missing(self) -> None:
        assert fired(self.by_version(message(office_version="7")).findings) == [("M06", "error", "office_version")]

    def test_without_it_versions_do_not_matter(self) -> None:
        key = decode(message(office_version=7)).key

        assert key is not None
        assert key.major == 1_795_136_400_000_000


class TestProfiles:
    def test_the_profile_follows_sender_and_category(self) -> None:
        organ = record(uscc=code("11210000", "MB000049"), registered_capital=..., valid_to=..., business_scope=...)
        institution = organ | {"uscc": code("12210000", "MB000049")}

        assert fired(decode(message(organ), "establishment").findings) == []
        assert fired(decode(message(institution), "establishment").findings) == [
            ("Q01", "warning", "business_scope"),
            ("Q01", "warning", "registered_capital"),
            ("Q01", "warning", "valid_to"),
        ]

    def test_stock_is_not_late(self) -> None:
        old = record(approved_on="2026-01-05", established_on="2026-01-05")

        assert fired(decode(message(old)).findings) == [("T01", "warning", "approved_on")]
        assert decode(message(old, load="stock")).findings == []

    def test_an_instant_far_after_receipt_rejects(self) -> None:
        submission = decode(message(occurred_at="9999-12-31T23:59:59Z"))

        assert fired(submission.findings) == [("Q03", "error", "occurred_at")]


def test_decoding_again_gives_the_same_submission() -> None:
    body = orjson.dumps(message(record(currency="RMB", colour=1), operation="x"))

    assert decode(body) == decode(body)
    assert decode(body).incoming.received_at == RECEIVED_AT


def test_the_day_of_receipt_decides_however_many_days_were_seen() -> None:
    body = orjson.dumps(message())
    many = decoder()

    def late(day: datetime) -> list[tuple[str, str, str | None]]:
        return fired(many.decode(replace(incoming(body), received_at=day), "commerce").findings)

    for number in range(1_100):
        late(RECEIVED_AT + timedelta(days=number))

    assert late(RECEIVED_AT) == []
    assert late(RECEIVED_AT + timedelta(days=30)) == [("T01", "warning", "approved_on")]


def test_a_rule_that_is_switched_off_says_nothing(tmp_path: Path) -> None:
    table = tmp_path / "severities.csv"
    off = "".join(f"{rule},,,,,off\n" for rule in ("M02", "M03", "M04", "M05"))
    table.write_text(f"rule,circumstance,operation,office,load,severity\n{off}", "utf-8")
    offices = load_offices()
    quiet = Decoder(offices=offices, ruleset=default_ruleset(table), mappings={}, codes=CodeContext())

    def found(body: bytes, **headers: bytes) -> list[tuple[str, str, str | None]]:
        return fired(quiet.decode(incoming(body, **headers), "commerce").findings)

    assert found(orjson.dumps(message(colour=1))) == []
    assert found(b"[]") == found(b"x" * 70_000) == found(b"{}", mapping=b"nosuch") == []
    assert found(orjson.dumps(message(message_id=...)), ce_id=b"x" * 129) == []


def test_what_is_wrong_with_the_envelope_is_said_in_chinese_words_where_they_are_ours() -> None:
    findings = decode(message(batch_id="B" * 129, record=[], operation="object", load="null")).findings

    told = {finding.field: finding.zh for finding in findings if finding.rule == "M05"}
    assert "batch_id 的值 129 个字符 无效，应为 1–128 个字符" == told["batch_id"]
    assert "record 的值 数组 无效，应为 对象" == told["record"]
    assert "load 的值 null 无效，应为 stock" == told["load"]
    assert told["operation"].startswith("operation 的值 object 无效")
