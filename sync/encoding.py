"""What leaves the registry: return/1, change/1 and registration/1, serialized once, members in the contract's order.

UTF-8, no blanks, non-ASCII literal. Personal fields are masked; nothing else is decided here.

Source: contract.md §2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache

import orjson

from sync.holding import Status
from sync.instants import format_instant
from sync.masking import mask_record
from sync.outcome import ChangeWrite, View
from sync.particulars import Particulars, legacy_numbers_of, shown_of, standing_of
from sync.records import Decision, ReturnParts, Submission
from validators.findings import Finding


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
    """Return the bytes of a return: the same on the topic, in the database and in the API.

    They are those of `return_json`, put together from what is known of the record before it is decided.
    """
    if sequence is None:
        return orjson.dumps(return_json(decision, sequence=None, decided_at=decided_at, ruleset=ruleset))
    submission = decision.submission
    parts = return_parts(submission)
    findings = decision.findings
    return b"".join(
        (
            parts.head,
            b"%d" % decision.attempt,
            b',"sequence":',
            b"%d" % sequence,
            parts.middle,
            decision.disposition.encode(),
            b'","findings":',
            parts.findings if findings == submission.findings else _findings(findings),
            b',"registration_version":',
            b"null" if decision.version is None else b"%d" % decision.version,
            b',"duplicate_of":',
            _text(decision.duplicate_of),
            b',"case_id":',
            _text(decision.case_id),
            parts.tail,
            _decided(decided_at, ruleset),
        )
    )


def return_parts(submission: Submission) -> ReturnParts:
    """Return what the text of a return has of its record; kept with the record, and made only once."""
    if submission.return_parts is None:
        source = submission.incoming.source
        read = not submission.quarantined
        members = {
            "office": submission.office,
            "message_id": submission.message_id if read else None,
            "batch_id": submission.batch_id,
            "source": {"topic": source.topic, "partition": source.partition, "offset": source.offset},
            "content_sha256": submission.content_sha256.hex(),
            "operation": submission.operation if read else None,
            "uscc": submission.uscc if read else None,
        }
        submission.return_parts = ReturnParts(
            head=b'{"schema":"return/1","receipt_id":%b,"attempt":' % _text(submission.receipt_id),
            middle=b",%b," % orjson.dumps(members)[1:-1] + b'"disposition":"',
            tail=b',"received_at":%b,"decided_at":' % _text(format_instant(submission.incoming.received_at)),
            findings=_findings(submission.findings),
        )
    return submission.return_parts


def _findings(findings: Sequence[Finding]) -> bytes:
    return orjson.dumps([finding.as_json() for finding in findings]) if findings else b"[]"


def _text(value: str | None) -> bytes:
    return b"null" if value is None else orjson.dumps(value)


@lru_cache(maxsize=64)
def _decided(at: datetime, ruleset: str) -> bytes:
    """Return how every return of a batch ends."""
    return orjson.dumps(format_instant(at)) + b',"ruleset":%b}' % orjson.dumps(ruleset)


def registration_json(
    *,
    uscc: str,
    version: int,
    status: Status,
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
    """Return registration/1 of its pieces. `masked` False is for who may see personal fields."""
    view = View(
        uscc=uscc,
        version=version,
        status=status,
        office=office,
        record=record,
        valid_from=valid_from,
        recorded_at=recorded_at,
        predecessor_uscc=predecessor_uscc,
        successor_uscc=successor_uscc,
        open_case=open_case,
        receipt_id=receipt_id,
    )
    return view_json(view, masked=masked)


def view_json(view: View, *, masked: bool = True) -> dict[str, object]:
    """Return registration/1 of a view."""
    record = view.record
    shown = shown_of(record)
    return _registration(view, standing_of(record), mask_record(shown) if masked else shown, legacy_numbers_of(record))


def _registration(view: View, standing: str, record: object, legacy_numbers: object) -> dict[str, object]:
    """Return registration/1 of a view and of what its record is shown as."""
    return {
        "schema": "registration/1",
        "uscc": view.uscc,
        "version": view.version,
        "status": view.status,
        "standing": standing,
        "office": view.office,
        "record": record,
        "valid_from": format_instant(view.valid_from),
        "recorded_at": format_instant(view.recorded_at),
        "predecessor_uscc": view.predecessor_uscc,
        "successor_uscc": view.successor_uscc,
        "legacy_numbers": legacy_numbers,
        "open_case": view.open_case,
        "source": {"receipt_id": view.receipt_id},
    }


def encode_change(change: ChangeWrite, *, sequence: int, recorded_at: datetime) -> bytes:
    """Return the bytes of change/1.

    What changed inside the mask of a personal field is a change too, so records are compared unmasked and shown masked.
    Of one who was hidden before nothing is told but what is there now.
    """
    after, before = change.after, change.before
    stub = {
        "schema": "change/1",
        "sequence": sequence,
        "uscc": change.uscc,
        "version": change.version,
        "kind": change.kind,
    }
    if not after.is_public:
        stub["restricted"] = True
        return orjson.dumps(stub)
    particulars = Particulars.of(after.record)
    stub["changed_fields"] = _changed_fields(before if before and before.is_public else None, after, particulars)
    stub["effective_at"] = format_instant(change.effective_at)
    stub["recorded_at"] = format_instant(recorded_at)
    stub["registration"] = _registration(after, particulars.standing, particulars.shown, particulars.legacy_numbers)
    return orjson.dumps(stub)


def _changed_fields(before: View | None, after: View, particulars: Particulars) -> object:
    """Return what differs, from and to: fields of the record, then status and office."""
    if before is None:
        return orjson.Fragment(b"{" + particulars.as_new + _came(after.status, after.office))
    changed: dict[str, object] = dict(particulars.changed_from(before.record))
    if before.status != after.status:
        changed["status"] = {"from": before.status, "to": after.status}
    if before.office != after.office:
        changed["office"] = {"from": before.office, "to": after.office}
    return changed


@lru_cache(maxsize=1_024)
def _came(status: str, office: str) -> bytes:
    """Return the end of the fields that changed where there was nothing before: status and office."""
    return orjson.dumps({"status": {"from": None, "to": status}, "office": {"from": None, "to": office}})[1:]
