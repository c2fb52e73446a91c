from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from sync.instants import SHANGHAI
from sync.json_objects import ExactNumber
from sync.mappings import DateFormat, OfficeMapping, load_mappings, read_mapping
from sync.offices import InvalidConfiguration, load_offices
from sync.records import Submission
from tests.messages import CODE, RECEIVED_AT, code, decode, fired
from validators.fields import ENGLISH_NAMES, FIELDS
from validators.findings import Operation

SMALL = """
encoding = "gb18030"
ignored = ["rowid"]
[message]
operation = { from = "state", codes = { "1" = "assign" } }
occurred_at = { from = ["@ce_time", "day", "@received_at"], formats = ["%Y%m%d"] }
office_version = "version"
[record]
uscc = "code"
valid_to = { from = "until", formats = ["%Y/%-m/%-d"], absent = ["长期"] }
currency = { default = "CNY" }
"""


def small(tmp_path: Path, text: str = SMALL) -> OfficeMapping:
    file = tmp_path / "small.toml"
    file.write_text(text, "utf-8")
    return read_mapping(file, "commerce", "small")


def translated(mapping: OfficeMapping, ce_time: str | None = None, **fields: Any) -> dict[str, Any]:
    return mapping.translate(fields, received_at=RECEIVED_AT, ce_time=ce_time).message


def test_fields_become_members(tmp_path: Path) -> None:
    message = translated(small(tmp_path), state=" 1 ", day="20261119", code=CODE, until="2046/1/7", version="12")

    assert message == {
        "schema": "submission/1",
        "operation": "assign",
        "occurred_at": "2026-11-19T00:00:00.000+08:00",
        "office_version": 12,
        "record": {"uscc": CODE, "valid_to": "2046-01-07", "currency": "CNY"},
    }


def test_the_first_source_that_says_something_is_taken(tmp_path: Path) -> None:
    mapping = small(tmp_path)

    assert translated(mapping, ce_time="2026-11-20T01:00:00Z", day="20261119")["occurred_at"] == "2026-11-20T01:00:00Z"
    assert translated(mapping, ce_time="", day="  ")["occurred_at"] == "2026-11-20T10:00:00.000+08:00"


def test_a_field_cannot_pretend_to_be_a_header(tmp_path: Path) -> None:
    message = translated(small(tmp_path), **{"@ce_time": "2000-01-01T00:00:00Z"})

    assert message["occurred_at"] == "2026-11-20T10:00:00.000+08:00"


def test_what_means_nothing_is_absent_and_what_is_not_known_goes_on(tmp_path: Path) -> None:
    message = translated(small(tmp_path), until="长期", state="9", day="gestern")

    assert message["record"]["valid_to"] is None
    assert message["operation"] == "9"
    assert message["occurred_at"] == "gestern"


@pytest.mark.parametrize(
    ("number", "text"),
    [(7, "7"), (ExactNumber("15e-1"), "1.5"), (ExactNumber("-1e21"), "-1" + "0" * 21), (ExactNumber("1e999"), "1e999")],
)
def test_numbers_become_texts(tmp_path: Path, number: object, text: str) -> None:
    assert translated(small(tmp_path), code=number)["record"]["uscc"] == text


@pytest.mark.parametrize("value", [True, [1], {"a": 1}])
def test_other_values_go_on_as_they_are(tmp_path: Path, value: object) -> None:
    assert translated(small(tmp_path), code=value)["record"]["uscc"] == value


def test_fields_that_nobody_knows_are_named(tmp_path: Path) -> None:
    translation = small(tmp_path).translate(
        {"code": "x", "rowid": 1, "colour": "red"}, received_at=RECEIVED_AT, ce_time=None
    )

    assert translation.unknown == ("colour",)


@pytest.mark.parametrize(
    ("form", "text", "expected"),
    [
        ("%Y-%m-%d", "2026-01-05", "2026-01-05T00:00:00+08:00"),
        ("%Y-%m-%d", "2026-1-5", None),
        ("%Y/%-m/%-d", "2026/1/5", "2026-01-05T00:00:00+08:00"),
        ("%Y年%-m月%-d日", "2026年11月05日", "2026-11-05T00:00:00+08:00"),
        ("%Y%m%d%H%M%S", "20261105093001", "2026-11-05T09:30:01+08:00"),
        ("%Y%m%d", "2026113", None),
        ("%Y%m%d", "20260230", None),
        ("%Y.%m.%d", "2026x01x05", None),
    ],
)
def test_dates_are_read_by_their_format(form: str, text: str, expected: str | None) -> None:
    instant = DateFormat.compile(form).read(text)

    assert (instant.isoformat() if instant else None) == expected


@pytest.mark.parametrize("form", ["%Y-%m", "%Y-%m-%d %j", "%Y%Y%m%d", "yyyy-mm-dd"])
def test_a_format_that_is_none_is_refused(form: str) -> None:
    with pytest.raises(ValueError, match=r"directive|at least"):
        DateFormat.compile(form)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('encoding = "gb18030"', 'encoding = "morse"', "encoding"),
        ('encoding = "gb18030"', 'encoding = "base64"', "encoding"),
        ('encoding = "gb18030"', "encoding = 1", "encoding"),
        ('ignored = ["rowid"]', 'ignored = "rowid"', "ignored"),
        ('ignored = ["rowid"]', 'colour = "red"', "colour"),
        ("[message]", "[message]\nschema = 'x'", "message.schema"),
        ("[record]", "[record]\njgmc = 'x'", "record.jgmc"),
        ('uscc = "code"', "", "record.uscc"),
        ('operation = { from = "state", codes = { "1" = "assign" } }', "", "message.operation"),
        ('"@received_at"]', '"@nowhere"]', "message.occurred_at.from"),
        ('uscc = "code"', "uscc = 1", "record.uscc"),
        ('uscc = "code"', 'uscc = { form = "code" }', "record.uscc.form"),
        ('{ default = "CNY" }', "{ default = 1 }", "record.currency.default"),
        ('{ default = "CNY" }', "{}", "record.currency"),
        ('"%Y/%-m/%-d"', '"%d"', "record.valid_to.formats"),
        ('{ "1" = "assign" }', '{ "1" = 1 }', "message.operation.codes"),
        ('{ "1" = "assign" }', '{ "other" = { "1" = "assign" } }', "message.operation.codes.other"),
        ('{ "1" = "assign" }', '{ "state" = { "1" = 1 } }', "message.operation.codes"),
        ('absent = ["长期"]', "absent = [1]", "record.valid_to.absent"),
        ('absent = ["长期"]', 'only_for = ["assign"]', "record.valid_to.only_for"),
        ('absent = ["长期"]', 'only_for = { "other" = ["assign"] }', "record.valid_to.only_for.other"),
        ('absent = ["长期"]', 'only_for = { "until" = "assign" }', "record.valid_to.only_for.until"),
        ('absent = ["长期"]', 'only_for = { "until" = ["delete"] }', "record.valid_to.only_for.until"),
        ("codes = {", 'only_for = { "state" = ["assign"] }, codes = {', "message.operation.only_for"),
    ],
)
def test_a_wrong_mapping_is_refused_by_file_and_key(tmp_path: Path, old: str, new: str, key: str) -> None:
    assert old in SMALL

    with pytest.raises(InvalidConfiguration) as raised:
        small(tmp_path, SMALL.replace(old, new))

    assert raised.value.key == key
    assert raised.value.file.endswith("small.toml")


def test_parts_that_are_no_tables_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration, match="message: must be a table"):
        small(tmp_path, "message = 1")


def test_every_office_ships_the_mapping_that_it_names() -> None:
    offices = load_offices()

    mappings = load_mappings(offices)

    assert sorted(mappings) == [(office, "registration") for office in sorted(offices)]
    assert len(mappings) == 3


def test_a_mapping_of_nobody_and_an_office_without_its_mapping_are_refused(tmp_path: Path) -> None:
    offices = load_offices()

    with pytest.raises(InvalidConfiguration, match=r"there is no mapping commerce/registration\.toml"):
        load_mappings(offices, tmp_path)
    (tmp_path / "nobody").mkdir()
    (tmp_path / "README.md").write_text("not a folder", "utf-8")
    with pytest.raises(InvalidConfiguration, match="there is no office nobody"):
        load_mappings(offices, tmp_path)


class TestShipped:
    def test_commerce(self) -> None:
        fields = {
            "uniscid": CODE,
            "traname": "沈阳示例有限公司",
            "apprdate": "2026-11-19 10:30:00",
            "regorg": "沈阳市市场监督管理局",
            "regno": "210102000012345",
            "opscope": "示例",
            "dom": "示例街 1 号",
            "regcap": 100.5,
            "name": "张示例",
        }

        submission = decode(fields, mapping=b"registration")

        assert fired(submission.findings, "M02", "M05", "M06", "Q02") == []
        assert submission.operation is Operation.ASSIGN
        assert submission.key is not None
        assert submission.key.occurred_at == datetime(2026, 11, 19, 2, 30, tzinfo=UTC)
        assert submission.record["approved_on"] == "2026-11-19"
        assert submission.record["registered_capital"] == "100.5"
        assert submission.record["legal_representative_name"] == "张示例"

    def test_civil_affairs_in_its_encoding(self) -> None:
        fields = {
            "aaae0027": code("51210000", "50000051"),
            "aaae0002": "辽宁省示例协会",
            "aaax0019": "20200101",
            "aaax0028": "20261119",
            "aaax0029": "长期",
            "aaax0032": "注销",
        }
        body = json.dumps(fields, ensure_ascii=False).encode("gb18030")

        submission = decode(body, "civil-affairs", mapping=b"registration", ce_time=b"2026-11-19T12:00:00+08:00")

        assert submission.findings == []
        assert submission.operation is Operation.CANCEL
        assert submission.name == "辽宁省示例协会"
        assert submission.key is not None
        assert submission.key.occurred_at == datetime(2026, 11, 19, 4, tzinfo=UTC)
        assert submission.message_id == "uscc.submissions.civil-affairs/3/1042"

    def test_civil_affairs_may_write_the_time_of_day_behind_each_of_its_dates(self) -> None:
        days = {"aaax0019": "2020-01-01", "aaax0028": "2026-11-19", "aaax0029": "2030-11-18"}
        fields = {"aaae0027": code("51210000", "50000051"), "aaae0002": "辽宁省示例协会"}
        body = json.dumps(fields | {name: f"{day} 00:00:00" for name, day in days.items()}).encode("gb18030")

        submission = decode(body, "civil-affairs", mapping=b"registration")

        assert fired(submission.findings, "M05", "Q02") == []
        assert submission.record["established_on"] == "2020-01-01"
        assert submission.record["approved_on"] == submission.record["valid_from"] == "2026-11-19"
        assert submission.record["valid_to"] == "2030-11-18"

    @pytest.mark.parametrize(("state", "day"), [("正常", 1), ("注销", 20), ("3", 20)])
    def test_the_end_of_a_social_organization_is_not_the_beginning_of_its_certificate(
        self, state: str, day: int
    ) -> None:
        fields = {"aaae0027": code("51210000", "50000051"), "aaae0002": "辽宁省示例协会", "aaax0032": state}
        body = json.dumps(fields | {"aaax0019": "20200101", "aaax0028": "20261101"}, ensure_ascii=False)

        submission = decode(body.encode("gb18030"), "civil-affairs", mapping=b"registration")

        assert submission.key is not None
        assert submission.key.occurred_at.astimezone(SHANGHAI).day == day

    def test_establishment_by_its_flag_and_by_its_business_type(self) -> None:
        fields = {
            "tyshxydm": code("11210000", "MB000049"),
            "jgmc": "示例局",
            "hzrq": "20261119",
            "bwbs": "E-1",
            "czsj": "20261119103000",
        }

        def sent(**flag: str) -> Submission:
            body = json.dumps(fields | flag, ensure_ascii=False).encode("gb18030")
            return decode(body, "establishment", mapping=b"registration")

        kept, changed = sent(sjczbs="2"), sent(djywlx="2")

        assert (kept.operation, changed.operation) == (Operation.KEEP, Operation.CHANGE)
        assert kept.findings == []
        assert kept.message_id == "E-1"
        assert changed.record["business_type"] == "2"

    @pytest.mark.parametrize("office", list(load_offices()))
    def test_whatever_is_read_as_an_instant_is_read_as_a_date_too(self, office: str) -> None:
        mapping = load_mappings(load_offices())[office, "registration"]
        instants = set(mapping.envelope["occurred_at"].sources)
        dates = [member for member in mapping.record.values() if instants & set(member.sources)]

        assert dates
        for member in dates:
            (source,) = instants & set(member.sources[:1])
            assert member.read({source: "2026-11-19 10:30:00"}, "assign") == "2026-11-19"

    def test_establishment_reads_every_short_name_of_the_standard(self) -> None:
        mapping = load_mappings(load_offices())["establishment", "registration"]
        fields = {entry.short_name: f"value of {name}" for name, entry in FIELDS.items() if entry.short_name}

        translation = mapping.translate(fields, received_at=RECEIVED_AT, ce_time=None)

        assert translation.unknown == ()
        assert translation.message["record"] == {ENGLISH_NAMES[name]: value for name, value in fields.items()}


class TestThroughTheDecoder:
    def test_blanks_around_a_code_are_reported_as_they_are_without_a_mapping(self) -> None:
        submission = decode({"uniscid": f" {CODE}\t", "traname": " 沈阳示例有限公司 "}, mapping=b"registration")

        assert fired(submission.findings, "E09", "E01") == [("E09", "warning", "uscc")]
        assert submission.uscc == CODE
        assert submission.name == "沈阳示例有限公司"

    def test_bytes_in_another_encoding_are_quarantined(self) -> None:
        submission = decode(b'{"aaae0027": "\xff\xff"}', "civil-affairs", mapping=b"registration")

        assert submission.quarantined
        assert fired(submission.findings) == [("M03", "error", None)]
        assert submission.findings[0].expected == "gb18030"

    def test_an_unknown_mapping_is_named(self) -> None:
        submission = decode({"uniscid": CODE}, mapping=b"nosuch", ce_id=b"event-1")

        assert not submission.quarantined
        assert fired(submission.findings) == [("M05", "error", "mapping")]
        assert submission.findings[0].actual == "nosuch"
        assert submission.message_id == "event-1"

    def test_a_mapping_of_another_office_is_unknown(self) -> None:
        assert fired(decode(b"{}", mapping=b"../civil-affairs/registration").findings) == [("M05", "error", "mapping")]

    def test_no_object_under_an_unknown_mapping_is_quarantined(self) -> None:
        assert decode(b"\xff", mapping=b"nosuch").quarantined

    def test_unknown_fields_and_foul_texts_are_found_under_a_mapping(self) -> None:
        body = orjson.dumps({"uniscid": CODE, "colour": "X-1", "traname": "X-2"})
        body = body.replace(b"X-1", b"\\u0000").replace(b"X-2", b"\\ud800")

        submission = decode(body, mapping=b"registration")

        assert fired(submission.findings, "M02", "M06") == [
            ("M06", "error", "name"),
            ("M02", "warning", "colour"),
            ("M06", "error", "colour"),
        ]
