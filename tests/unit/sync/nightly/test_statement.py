"""Statements as values: members, balance, digest."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from sync.nightly.days import BusinessDays
from sync.nightly.statement import BatchLine, DayCounts, Holds, compose, digest_of
from sync.records import Disposition

DAY = date(2026, 11, 20)
COUNTS = DayCounts(
    received=5,
    dispositions={Disposition.ACCEPTED: 3, Disposition.HELD: 2},
    holds=Holds(opening=4, new=2, resolved=1),
    waiting=5,
    batches=(),
    first_received_at=datetime(2026, 11, 20, 1, tzinfo=UTC),
)


def _compose(counts: DayCounts = COUNTS, **changes: Any) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "day": DAY,
        "office": "commerce",
        "window": BusinessDays().window(DAY),
        "counts": counts,
        "comparison": None,
        "silent_from": None,
        "sealed_at": None,
    }
    return compose(**(arguments | changes))


def test_the_members_stand_in_the_contracts_order() -> None:
    contract = [
        "date", "office", "received", "accepted", "unchanged", "superseded", "rejected", "held", "quarantined", "holds",
        "batches", "comparison", "balanced", "sealed_at", "digest",
    ]  # fmt: skip

    assert contract == [name for name in _compose() if name in contract]


def test_a_statement_balances_when_both_sums_and_the_holds_agree() -> None:
    assert _compose()["balanced"] is True
    assert _compose(replace(COUNTS, received=6))["balanced"] is False
    assert _compose(replace(COUNTS, waiting=4))["balanced"] is False


def test_the_digest_is_that_of_the_canonical_json_and_the_same_before_the_seal() -> None:
    preview = _compose()
    sealed = _compose(sealed_at=datetime(2026, 11, 20, 16, 5, tzinfo=UTC))

    content = {name: value for name, value in sealed.items() if name not in ("digest", "sealed_at")}
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert hashlib.sha256(canonical).hexdigest() == sealed["digest"] == preview["digest"] == digest_of(sealed)
    assert _compose(replace(COUNTS, received=6))["digest"] != sealed["digest"]


def test_a_batch_says_what_is_missing_and_what_is_too_much() -> None:
    short = BatchLine(batch_id="B", declared=10, received=3, received_to_date=7, altered=0)
    extra = replace(short, received_to_date=12)
    unknown = replace(short, declared=None)

    shown = [(each.state, each.as_json()["not_received"], each.as_json()["extra"]) for each in (short, extra, unknown)]
    assert [("short", 3, 0), ("extra", 0, 2), ("undeclared", None, None)] == shown


def test_a_day_on_which_nothing_came_by_the_hour_is_silent() -> None:
    hour = datetime(2026, 11, 20, 9, tzinfo=UTC)

    late = replace(COUNTS, first_received_at=datetime(2026, 11, 20, 10, tzinfo=UTC))
    assert [False, True, True, False] == [
        _compose(silent_from=hour)["silent"],
        _compose(late, silent_from=hour)["silent"],
        _compose(replace(COUNTS, first_received_at=None), silent_from=hour)["silent"],
        _compose(replace(COUNTS, first_received_at=None))["silent"],
    ]
