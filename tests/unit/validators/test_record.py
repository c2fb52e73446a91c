from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from tests.messages import CODE, RECEIVED_AT, code, identity_number
from tests.messages import record as sample
from validators.calendar import WorkingCalendar
from validators.findings import Finding, Operation
from validators.profiles import PROFILES
from validators.record import FIELDS, RecordContext, check, days_of
from validators.rulebook import default_ruleset
from validators.uscc import CodeContext

RULESET = default_ruleset()
SHORT = [Operation.CANCEL, Operation.REVOKE, Operation.RESTORE, Operation.WITHDRAW, Operation.KEEP]


def context(operation: Operation | None = Operation.ASSIGN, /, **members: Any) -> RecordContext:
    received_on, latest_on = days_of(RECEIVED_AT)
    given: dict[str, Any] = {
        "ruleset": RULESET,
        "office": "commerce",
        "operation": operation,
        "received_on": received_on,
        "latest_on": latest_on,
        "required": PROFILES["COM18"],
        "codes": CodeContext(province="21"),
        "calendar": WorkingCalendar.load("china"),
    }
    return RecordContext(**given | members)


def judged(operation: Operation | None = Operation.ASSIGN, /, **members: Any) -> list[tuple[str, str, str | None]]:
    """Return rule, severity and field of the findings on the clean record with some members changed."""
    return shown(check(sample(**members), context(operation)))


def shown(findings: list[Finding]) -> list[tuple[str, str, str | None]]:
    return [(f.rule, f.severity.value, f.field) for f in findings]


def change(**members: Any) -> list[tuple[str, str, str | None]]:
    return judged(Operation.CHANGE, **{"business_type": "2"} | members)


def test_a_clean_record_has_no_finding() -> None:
    assert judged() == []
    assert change() == []


def test_every_field_has_titles_and_a_form() -> None:
    assert list(FIELDS)[:3] == ["uscc", "organization_code", "name"]
    assert all(field.title.zh and field.title.en and field.form for field in FIELDS.values())


class TestQ01:
    @pytest.mark.parametrize("operation", [Operation.ASSIGN, Operation.CHANGE])
    @pytest.mark.parametrize("field", ["uscc", "name", "approved_on"])
    def test_what_every_record_needs_rejects(self, operation: Operation, field: str) -> None:
        missing = judged(operation, **{field: ..., "business_type": ...})

        assert ("Q01", "error", field) in missing

    def test_a_missing_code_is_this_finding_alone(self) -> None:
        assert judged(uscc=..., organization_code="123456789") == [("Q01", "error", "uscc")]

    @pytest.mark.parametrize(
        "field", sorted(PROFILES["COM18"] - {"uscc", "name", "approved_on", "registration_number"})
    )
    def test_a_missing_field_of_the_profile_warns(self, field: str) -> None:
        assert judged(**{field: ...}) == [("Q01", "warning", field)]

    def test_a_field_outside_the_profile_may_be_missing(self) -> None:
        only = {name: sample()[name] for name in PROFILES["ORG8"]}

        assert check(only, context(required=PROFILES["ORG8"])) == []

    @pytest.mark.parametrize(
        ("established_on", "expected"),
        [("2015-09-30", [("Q01", "warning", "registration_number")]), ("2015-10-01", [])],
    )
    def test_only_organizations_from_before_the_reform_have_a_registration_number(
        self, established_on: str, expected: list[object]
    ) -> None:
        assert judged(established_on=established_on) == expected
        assert judged(established_on=established_on, registration_number="210102000012345") == []

    def test_without_a_date_of_establishment_no_registration_number_is_asked_for(self) -> None:
        assert judged(established_on=...) == [("Q01", "warning", "established_on")]

    @pytest.mark.parametrize("operation", SHORT)
    def test_a_short_operation_owes_code_name_and_date_only(self, operation: Operation) -> None:
        found = check({}, context(operation))

        assert shown(found) == [
            ("Q01", "error", "uscc"),
            ("Q01", "error", "name"),
            ("Q01", "warning", "approved_on"),
        ]

    @pytest.mark.parametrize("operation", SHORT)
    def test_a_receipt_stands_for_the_name_of_a_short_operation(self, operation: Operation) -> None:
        named = {"uscc": CODE, "approved_on": "2026-11-19"}

        assert check(named, context(operation), named_by_receipt=True) == []
        assert shown(check(named, context(operation))) == [("Q01", "error", "name")]

    def test_a_receipt_does_not_stand_for_the_name_of_an_assignment(self) -> None:
        assert shown(check(sample(name=...), context(), named_by_receipt=True)) == [("Q01", "error", "name")]

    def test_a_member_that_could_not_be_read_is_not_missing(self) -> None:
        without = {name: value for name, value in sample().items() if name not in ("name", "currency")}

        assert check(without, context(), unreadable=frozenset({"name", "currency"})) == []

    def test_an_unreadable_operation_is_asked_for_code_and_name_only(self) -> None:
        assert shown(check({}, context(None))) == [("Q01", "error", "uscc"), ("Q01", "error", "name")]


class TestQ02:
    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("is_public", "2"),
            ("is_public", "是"),
            ("currency", "RMB"),
            ("currency", "15"),
            ("registered_division_code", "21010"),
            ("registered_division_code", "219999"),
            ("operating_division_code", "沈阳"),
            ("industry_code", "U12"),
            ("industry_code", "C12345"),
            ("economic_type_code", "17"),
            ("standing", "吊销"),
            ("organization_code", "MA00004"),
        ],
    )
    def test_a_value_outside_its_list_or_form_warns(self, field: str, value: str) -> None:
        assert ("Q02", "warning", field) in judged(**{field: value})

    @pytest.mark.parametrize(("field", "value"), [("business_type", "5"), ("status", "0"), ("status", "01")])
    def test_business_type_and_status_have_lists(self, field: str, value: str) -> None:
        assert ("Q02", "warning", field) in judged(**{field: value})

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("is_public", "0"),
            ("currency", "156"),
            ("currency", "DEM"),
            ("registered_division_code", "210102"),
            ("operating_division_code", "100000"),
            ("industry_code", "C"),
            ("industry_code", "C1311"),
            ("industry_code", "1311"),
            ("economic_type_code", "173"),
            ("standing", "licence_revoked"),
            ("standing", "moved_out"),
            ("organization_code", CODE[8:17]),
            ("organization_code", f"{CODE[8:16]}-{CODE[16]}"),
            ("registration_number", "沈民证字第 1 号"),
            ("legal_representative_id_type", "无此类型"),
            ("registered_capital", "-1"),
            ("registered_capital", "+0.000001"),
            ("employee_count", "12"),
            ("valid_to", "9999-12-31"),
        ],
    )
    def test_a_value_of_its_list_or_form_passes(self, field: str, value: str) -> None:
        assert judged(**{field: value}) == []

    @pytest.mark.parametrize("field", ["established_on", "approved_on", "last_updated_on", "valid_from", "valid_to"])
    @pytest.mark.parametrize(
        "value", ["2026-02-30", "20261119", "2026/11/19", "2026-W47-4", "2026-11-19T00:00:00", "长期", "２０２６-11-19"]
    )
    def test_an_unreadable_date_rejects(self, field: str, value: str) -> None:
        assert judged(**{field: value}) == [("Q02", "error", field)]

    @pytest.mark.parametrize("value", ["1,000", "1e3", "100万", ".5", "5.", "NaN", "１００", " 1"])
    def test_an_unreadable_capital_rejects(self, value: str) -> None:
        assert judged(registered_capital=value) == [("Q02", "error", "registered_capital")]

    @pytest.mark.parametrize("value", ["1.5", "十"])
    def test_an_unreadable_number_of_employees_rejects(self, value: str) -> None:
        assert judged(employee_count=value) == [("Q02", "error", "employee_count")]

    @pytest.mark.parametrize("operation", SHORT)
    def test_of_a_short_operation_only_the_date_of_approval_is_judged(self, operation: Operation) -> None:
        members = {"valid_to": "长期", "currency": "RMB", "organization_code": "1", "status": "9"}

        assert judged(operation, **members) == []
        assert judged(operation, approved_on="x") == [("Q02", "error", "approved_on")]

    def test_a_long_value_is_cut_in_its_finding(self) -> None:
        found = check(sample(currency="元" * 1_000), context())

        assert found[0].actual == "元" * 64 + "…"


class TestQ03:
    def test_approved_before_established_warns(self) -> None:
        assert judged(established_on="2026-11-20") == [("Q03", "warning", "approved_on")]
        assert judged(established_on="2026-11-19") == []

    def test_ended_before_begun_warns(self) -> None:
        assert judged(valid_to="2026-11-17") == [("Q03", "warning", "valid_to")]
        assert judged(valid_to="2026-11-18") == []

    @pytest.mark.parametrize("field", ["approved_on", "last_updated_on"])
    def test_a_date_later_than_receipt_and_a_day_rejects(self, field: str) -> None:
        assert judged(**{field: "2026-11-21"}) == []
        assert judged(**{field: "2026-11-22"}) == [("Q03", "error", field)]

    def test_an_establishment_in_the_future_rejects(self) -> None:
        found = judged(established_on="2026-11-22", approved_on="2026-11-20")

        assert found == [("Q03", "warning", "approved_on"), ("Q03", "error", "established_on")]

    def test_the_end_of_validity_may_be_in_the_future(self) -> None:
        assert judged(valid_from="2027-01-01", valid_to="2099-01-01") == []

    @pytest.mark.parametrize("operation", [Operation.ASSIGN, Operation.CANCEL])
    def test_an_instant_later_than_receipt_and_a_day_rejects(self, operation: Operation) -> None:
        def at(instant: datetime) -> list[tuple[str, str, str | None]]:
            return shown(check(sample(), context(operation), occurred_at=instant, received_at=RECEIVED_AT))

        limit = RECEIVED_AT + timedelta(hours=24)

        assert at(limit) == []
        assert at(limit + timedelta(microseconds=1)) == [("Q03", "error", "occurred_at")]

    @pytest.mark.parametrize("operation", SHORT)
    def test_of_a_short_operation_only_the_date_of_approval_counts(self, operation: Operation) -> None:
        assert judged(operation, established_on="2099-01-01", valid_to="2000-01-01") == []
        assert judged(operation, approved_on="2026-11-22") == [("Q03", "error", "approved_on")]

    def test_the_dates_of_receipt_are_those_of_shanghai(self) -> None:
        late = datetime.fromisoformat("2026-11-20T16:30:00+00:00")

        assert days_of(late) == (date(2026, 11, 21), date(2026, 11, 22))


class TestQ04:
    @pytest.mark.parametrize("kind", ["10", "111", "1", "01"])
    def test_a_wrong_number_of_an_id_card_warns_and_is_masked(self, kind: str) -> None:
        wrong = identity_number()[:17] + ("0" if identity_number()[17] != "0" else "1")

        found = check(sample(legal_representative_id_type=kind, legal_representative_id_number=wrong), context())

        assert shown(found) == [("Q04", "warning", "legal_representative_id_number")]
        assert found[0].actual == f"210***********{wrong[-4:]}"
        assert wrong not in found[0].zh + found[0].en

    @pytest.mark.parametrize("kind", ["414", "护照", ...])
    def test_another_document_is_not_judged(self, kind: object) -> None:
        members = {"legal_representative_id_type": kind, "legal_representative_id_number": "E12345678"}

        assert [rule for rule, _, _ in judged(**members)] in ([], ["Q01"])

    def test_a_right_number_passes(self) -> None:
        assert judged(legal_representative_id_number=identity_number("21010220000229001")) == []


class TestQ05:
    def test_another_organization_code_warns(self) -> None:
        other = code(subject="MA000050")[8:17]

        assert judged(organization_code=other) == [("Q05", "warning", "organization_code")]

    def test_hyphen_and_case_do_not_matter(self) -> None:
        assert judged(organization_code=f"{CODE[8:16]}-{CODE[16]}".lower()) == []

    def test_it_is_silent_where_the_code_has_another_length(self) -> None:
        assert [rule for rule, _, _ in judged(uscc=CODE[:17], organization_code="000000000")] == ["E01"]


class TestQ06:
    @pytest.mark.parametrize(("field", "value"), [("business_type", "2"), ("business_type", "3"), ("status", "2")])
    def test_an_assignment_is_new_and_normal(self, field: str, value: str) -> None:
        assert judged(**{field: value}) == [("Q06", "warning", field)]

    @pytest.mark.parametrize(
        ("field", "value"), [("business_type", "1"), ("business_type", "4"), ("status", "2"), ("status", "3")]
    )
    def test_a_change_is_neither_new_nor_an_end(self, field: str, value: str) -> None:
        assert change(**{field: value}) == [("Q06", "warning", field)]

    @pytest.mark.parametrize("operation", [*SHORT, None])
    def test_no_other_operation_is_judged(self, operation: Operation | None) -> None:
        assert judged(operation, business_type="3", status="2") == []


class TestT01:
    @pytest.mark.parametrize("operation", list(Operation))
    def test_more_than_five_working_days_are_late(self, operation: Operation) -> None:
        members = {"business_type": ..., "established_on": "2026-01-01"}

        late = check(sample(**members, approved_on="2026-11-12"), context(operation, required=frozenset()))
        in_time = check(sample(**members, approved_on="2026-11-13"), context(operation, required=frozenset()))

        assert shown(late) == [("T01", "warning", "approved_on")]
        assert (late[0].actual, late[0].expected) == ("6", "5")
        assert in_time == []

    def test_holidays_do_not_count(self) -> None:
        days = {"received_on": date(2026, 10, 9), "latest_on": date(2026, 10, 10)}
        record = sample(approved_on="2026-09-29", established_on="2026-09-29")

        assert check(record, context(**days)) == []

    def test_the_limit_is_a_setting(self) -> None:
        record = sample(approved_on="2026-11-18")

        assert shown(check(record, context(late_after_working_days=1))) == [("T01", "warning", "approved_on")]
        assert check(record, context(late_after_working_days=2)) == []

    def test_stock_is_never_late(self) -> None:
        assert check(sample(approved_on="2016-11-18", established_on="2016-01-01"), context(load="stock")) == []


class TestCodes:
    def test_a_division_is_judged_on_the_date_of_approval_whatever_was_approved_before(self) -> None:
        many = context()
        for number in range(10_001):
            many.codes_on(date(1990, 1, 1) + timedelta(days=number))

        codes = many.codes_on(date(2026, 11, 19))

        assert (codes.approved_on, codes.received_on) == (date(2026, 11, 19), date(2026, 11, 20))

    def test_the_code_is_judged_as_it_was_claimed(self) -> None:
        assert judged(uscc=f" {CODE.lower()}") == [("E09", "warning", "uscc")]

    def test_the_operation_decides_on_a_wrong_check_character(self) -> None:
        wrong = CODE[:17] + ("1" if CODE[17] != "1" else "2")

        assert judged(uscc=wrong)[0][:2] == ("E05", "error")
        assert judged(Operation.KEEP, uscc=wrong)[0][:2] == ("E05", "hold")

    def test_findings_stand_in_the_order_of_the_rules(self) -> None:
        found = judged(
            uscc=CODE.lower(),
            currency=...,
            industry_code="?",
            status="2",
            approved_on="2026-11-09",
            valid_to="2000-01-01",
        )

        assert [rule for rule, _, _ in found] == ["E09", "Q01", "Q02", "Q03", "Q03", "Q06", "T01"]
