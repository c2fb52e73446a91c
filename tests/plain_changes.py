"""change/1 written the plain way, member by member, to hold the quick way against."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson

from sync.encoding import view_json
from sync.instants import format_instant
from sync.masking import mask
from sync.outcome import ChangeWrite, View
from validators.fields import FIELDS, PERSONAL


def plain_change(change: ChangeWrite, *, sequence: int, recorded_at: datetime) -> bytes:
    """Return the bytes that change/1 of this change has."""
    stub = {
        "schema": "change/1",
        "sequence": sequence,
        "uscc": change.uscc,
        "version": change.version,
        "kind": change.kind,
    }
    if not change.after.is_public:
        return orjson.dumps(stub | {"restricted": True})
    known = change.before is not None and change.before.is_public
    return orjson.dumps(
        stub
        | {
            "changed_fields": _changed(change.before if known else None, change.after),
            "effective_at": format_instant(change.effective_at),
            "recorded_at": format_instant(recorded_at),
            "registration": view_json(change.after),
        }
    )


def _changed(before: View | None, after: View) -> dict[str, Any]:
    changed: dict[str, Any] = {}
    for name in FIELDS:
        old, new = before.record.get(name) if before else None, after.record.get(name)
        if name not in ("business_type", "status") and old != new:
            changed[name] = {"from": _masked(name, old), "to": _masked(name, new)}
    if before is None or before.status != after.status:
        changed["status"] = {"from": before.status if before else None, "to": after.status}
    if before is None or before.office != after.office:
        changed["office"] = {"from": before.office if before else None, "to": after.office}
    return changed


def _masked(name: str, value: str | None) -> str | None:
    return mask(value, PERSONAL[name]) if value is not None and name in PERSONAL else value
