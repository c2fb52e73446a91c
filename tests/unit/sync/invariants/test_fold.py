"""The fold of `uscc verify`, by the words of domain.md §6."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sync.invariants.fold import Applied, Folded, Key, fold

START = datetime(2026, 11, 20, 1, tzinfo=UTC)


def applied(operation: str, at: int, name: str = "甲", **record: str) -> Applied:
    instant = START + timedelta(minutes=at)
    return Applied(Key(at, instant, f"M-{at}"), operation, {"uscc": "91", "name": name, **record})


def state(folded: Folded) -> tuple[str, str, bool]:
    return folded.status, folded.record["name"], folded.whole


def test_particulars_come_from_the_latest_assign_or_change() -> None:
    assert state(fold([applied("change", 3, "丙"), applied("assign", 1), applied("change", 2, "乙")])) == (
        "normal",
        "丙",
        True,
    )


def test_a_late_change_does_not_revive_a_cancelled_organization() -> None:
    assert state(fold([applied("assign", 1), applied("cancel", 2), applied("change", 3, "乙")])) == (
        "cancelled",
        "乙",
        True,
    )


def test_until_an_assign_or_change_comes_the_oldest_record_names_the_organization() -> None:
    assert state(fold([applied("restore", 2, "乙"), applied("cancel", 1)])) == ("normal", "甲", False)


def test_a_restore_makes_the_status_normal() -> None:
    folded = fold([applied("assign", 1), applied("revoke", 2), applied("restore", 3)])

    assert state(folded) == ("normal", "甲", True)
    assert folded.status_key is not None
    assert folded.status_key.message_id == "M-3"
    assert not folded.reset


def test_a_second_assign_speaks_of_particulars_only() -> None:
    folded = fold([applied("assign", 1), applied("cancel", 2), applied("assign", 3, "乙")])

    assert state(folded) == ("cancelled", "乙", True)
    assert folded.assign_key is not None
    assert folded.assign_key.message_id == "M-1"


def test_the_first_assign_behind_a_cancellation_makes_the_status_normal() -> None:
    folded = fold([applied("cancel", 1), applied("assign", 2)])

    assert state(folded) == ("normal", "甲", True)
    assert folded.reset
