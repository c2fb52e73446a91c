"""The submissions that would settle a comparison."""

from __future__ import annotations

from datetime import date
from typing import Any

from sync.nightly.settlement import settle
from sync.store.nightly_comparisons import SettlingRow

RECORD = {"uscc": "91210100MA0000496X", "name": "甲", "business_scope": "软件", "approved_on": "2026-11-01"}


def _settle(row: dict[str, str], record: dict[str, str] | None, status: str | None) -> list[tuple[str, dict[str, Any]]]:
    item = SettlingRow("different", "91210100MA0000496X", {"uscc": "91210100MA0000496X", **row}, status, record)
    found = settle(item, comparison_id="C", day=date(2026, 11, 20), occurred_at="2026-11-20T10:00:00.000+08:00")
    return [(each["operation"], each["record"]) for each in found]


def test_a_change_carries_what_the_office_has_no_column_for() -> None:
    assert [("change", RECORD | {"name": "乙"})] == _settle({"name": "乙"}, RECORD, "normal")


def test_a_missing_code_is_assigned_with_a_date_of_approval() -> None:
    assert [("assign", {"uscc": RECORD["uscc"], "name": "丙", "approved_on": "2026-11-20"})] == _settle(
        {"name": "丙"}, None, None
    )


def test_a_status_alone_is_a_short_operation() -> None:
    short = {name: RECORD[name] for name in ("uscc", "name", "approved_on")}

    assert [("cancel", short)] == _settle({"status": "2"}, RECORD, "normal")
    assert [("revoke", short)] == _settle({"status": "3"}, RECORD, "normal")
    assert [("restore", short)] == _settle({"status": "1"}, RECORD, "cancelled")
    assert [] == _settle({"status": "2"}, RECORD, "cancelled")


def test_a_missing_code_that_is_cancelled_is_assigned_first() -> None:
    assert ["assign", "cancel"] == [operation for operation, _ in _settle({"name": "丙", "status": "2"}, None, None)]
