"""What leaves the registry: return/1, change/1 and registration/1, serialized once, members in the contract's order.

UTF-8, no blanks, non-ASCII literal. Personal fields are masked; nothing else is decided here.

Source: contract.md §2.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, cast

import orjson

from sync.instants import format_instant
from sync.masking import mask, mask_record
from sync.records import Decision
from validators import organization_code, registration_number
from validators.code_lists import CODE_LISTS
from validators.fields import FIELDS, PERSONAL

_NO_PARTICULARS: Final = frozenset({"business_type", "status"})
_SHOWN: Final = tuple(name for name in FIELDS if name not in _NO_PARTICULARS)


def return_json(decision: Decision, *, sequence: int | None, decided_at: datetime, ruleset: str) -> dict[str, object]:
    """Return return/1 of a decision. `sequence` None is that of a dry run: no receipt, no sequence, no source."""
    submission = decision.submission
    source = submission.incoming.source
    read = not submission.quarantined
    is_dry_run = sequence is None
    return {
        "schema": "return/1",
        "receipt_id": None if is_dry_run else submission.receipt_id,
        "attempt": decision.attempt,
        "sequence": sequence,
        "office": submission.office,
        "message_id": submission.message_id if read else None,
        "batch_id": submission.batch_id,
        "source": None
        if is_dry_run
        else {"topic": source.topic, "partition": source.partition, "offset": source.offset},
        "content_sha256": submission.content_sha256.hex(),
        "operation": submission.operation if read else None,
        "uscc": submission.uscc if read else None,
        "disposition": decision.disposition,
        "findings": [finding.as_json() for finding in decision.findings],
        "registration_version": decision.version,
        "duplicate_of": decision.duplicate_of,
        "case_id": decision.case_id,
        "received_at": format_instant(submission.incoming.received_at),
        "decided_at": format_instant(decided_at),
        "ruleset": ruleset,
    }


def encode_return(decision: Decision, *, sequence: int | None, decided_at: datetime, ruleset: str) -> bytes:
    """Return the bytes of a return: the same on the topic, in the database and in the API."""
    return orjson.dumps(return_json(decision, sequence=sequence, decided_at=decided_at, ruleset=ruleset))


def registration_json(
    *,
    uscc: str,
    version: int,
    status: str,
    office: str,
    record: Mapping[str, str],
    valid_from: datetime,
    recorded_at: datetime,
    predecessor_uscc: str | None,
    successor_uscc: str | None,
    open_case: str | None,
    receipt_id: str,
    masked: bool = True,
) -> dict[str, object]:
    """Return registration/1. `masked` False is for who may see personal fields, and for `encode_change`."""
    shown = {name: record[name] for name in _SHOWN if name in record}
    return {
        "schema": "registration/1",
        "uscc": uscc,
        "version": version,
        "status": status,
        "standing": _standing(record),
        "office": office,
        "record": mask_record(shown) if masked else shown,
        "valid_from": format_instant(valid_from),
        "recorded_at": format_instant(recorded_at),
        "predecessor_uscc": predecessor_uscc,
        "successor_uscc": successor_uscc,
        "legacy_numbers": _legacy_numbers(record),
        "open_case": open_case,
        "source": {"receipt_id": receipt_id},
    }


def encode_change(
    *,
    sequence: int,
    uscc: str,
    version: int,
    kind: str,
    before: Mapping[str, object] | None,
    after: Mapping[str, object],
    effective_at: datetime,
    recorded_at: datetime,
    restricted: bool,
) -> bytes:
    """Return the bytes of change/1; `before` and `after` are registration/1, `before` None where there was none.

    Of `before` only record, status and office are read. Give both unmasked, so that a change inside what the mask
    hides is not missed: they are masked here.
    """
    stub = {"schema": "change/1", "sequence": sequence, "uscc": uscc, "version": version, "kind": kind}
    if restricted:
        return orjson.dumps(stub | {"restricted": True})
    return orjson.dumps(
        stub
        | {
            "changed_fields": _changed_fields(before, after),
            "effective_at": format_instant(effective_at),
            "recorded_at": format_instant(recorded_at),
            "registration": {**after, "record": mask_record(_record(after))},
        }
    )


def _standing(record: Mapping[str, str]) -> str:
    """Return the standing; what is outside its list was returned as Q02 and counts as normal."""
    standing = record.get("standing", "normal")
    return standing if standing in CODE_LISTS["standing"] else "normal"


def _changed_fields(before: Mapping[str, object] | None, after: Mapping[str, object]) -> dict[str, dict[str, object]]:
    """Return what differs, from and to: fields of the record, then status and office."""
    old, new = _record(before), _record(after)
    changed: dict[str, dict[str, object]] = {}
    for name in new if old.keys() <= new.keys() else _SHOWN:
        value = new.get(name)
        if old.get(name) != value:
            changed[name] = {"from": old.get(name), "to": value}
    for name in PERSONAL:
        if name in changed:
            changed[name] = {"from": _masked(name, old.get(name)), "to": _masked(name, new.get(name))}
    for name in ("status", "office"):
        former = None if before is None else before[name]
        if former != after[name]:
            changed[name] = {"from": former, "to": after[name]}
    return changed


def _record(registration: Mapping[str, object] | None) -> Mapping[str, str]:
    return {} if registration is None else cast("Mapping[str, str]", registration["record"])


def _masked(name: str, value: str | None) -> str | None:
    return mask(value, PERSONAL[name]) if value is not None and name in PERSONAL else value


def _legacy_numbers(record: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the numbers by which the organization was known before, those whose form is known."""
    numbers = []
    number = record.get("registration_number")
    kind = registration_number.kind(number) if number is not None else None
    if number is not None and kind is not None:
        numbers.append({"kind": kind, "number": registration_number.normalize(number)})
    code = record.get("organization_code")
    if code is not None:
        code = organization_code.normalize(code)
        if len(code) == 9:
            numbers.append({"kind": "organization_code", "number": code})
    return numbers
