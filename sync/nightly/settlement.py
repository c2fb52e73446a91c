"""The submissions that would settle a comparison: what an office would have to send for both registers to agree.

The office's register is taken as right. What the registry has and the office has not is left to a person: nobody can
tell from a missing row whether an organization was cancelled, moved or forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

from sync.store.nightly_comparisons import SettlingRow

_BESIDE: Final = ("status", "business_type")
_SHORT: Final = ("uscc", "name", "approved_on")
_OPERATIONS: Final = {"1": "restore", "2": "cancel", "3": "revoke"}
_STATUS: Final = {"normal": "1", "cancelled": "2", "revoked": "3", None: "1"}


def settle(item: SettlingRow, *, comparison_id: str, day: date, occurred_at: str) -> Iterator[dict[str, Any]]:
    """Yield the submission/1 of one code: its particulars if they differ, then its status if that differs.

    A change carries the whole record, so what the office's file has no column for is taken from the registry.
    """
    present = item.record or {}
    wanted = {**present, **item.row}
    wanted = {name: value for name, value in wanted.items() if name not in _BESIDE}
    wanted.setdefault("approved_on", day.isoformat())
    message_id = f"{comparison_id}/{item.uscc}"
    if wanted != {"approved_on": day.isoformat(), **_without(present)}:
        operation = "assign" if item.record is None else "change"
        yield _submission(message_id, operation, occurred_at, wanted)
    status = item.row.get("status")
    if status in _OPERATIONS and status != _STATUS[item.status]:
        short = {name: value for name, value in wanted.items() if name in _SHORT}
        yield _submission(f"{message_id}/status", _OPERATIONS[status], occurred_at, short)


def _without(record: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in record.items() if name not in _BESIDE}


def _submission(message_id: str, operation: str, occurred_at: str, record: Mapping[str, str]) -> dict[str, Any]:
    return {
        "schema": "submission/1",
        "message_id": message_id,
        "operation": operation,
        "occurred_at": occurred_at,
        "reason": "nightly comparison",
        "record": dict(record),
    }
