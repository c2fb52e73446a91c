"""The lines of the tables that every record is written to, as bytes: most of a line is made before the decision.

Source: docs/operations/scale.md (what a record costs under the lock).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final

from sync.outcome import ChangeWrite, VersionWrite
from sync.particulars import Particulars
from sync.records import Decision, Lines, Submission
from sync.store import copying
from sync.store.copying import bigint, bytea, integer, jsonb, smallint, text, texts, timestamptz

MESSAGE_COLUMNS: Final = ("office", "message_id", "receipt_id", "content_digest")
RAW_COLUMNS: Final = ("receipt_id", "received_at", "mapping", "ce_id", "ce_time", "batch_id", "body")
DISPOSITION_COLUMNS: Final = (
    "receipt_id", "office", "topic", "partition", "offset", "message_id", "batch_id", "content_sha256", "operation",
    "uscc", "received_at",
    "attempt", "sequence", "disposition", "rules", "version", "duplicate_of", "case_id", "decided_at", "ruleset",
    "return_text",
)  # fmt: skip
VERSION_COLUMNS: Final = (
    "uscc", "operation", "office", "key_major", "occurred_at", "message_id", "name_key", "record", "predecessor_uscc",
    "receipt_id",
    "kind", "version", "holding", "superseded", "successor_uscc", "reason", "recorded_at",
)  # fmt: skip
CHANGE_COLUMNS: Final = ("sequence", "uscc", "version", "kind", "recorded_at", "body")

_HEADERS: Final = ("mapping", "ce_id", "ce_time", "batch_id")

_MESSAGE: Final = copying.columns(len(MESSAGE_COLUMNS))
_RAW: Final = copying.columns(len(RAW_COLUMNS))
_DISPOSITION: Final = copying.columns(len(DISPOSITION_COLUMNS))
_VERSION: Final = copying.columns(len(VERSION_COLUMNS))
_CHANGE: Final = copying.columns(len(CHANGE_COLUMNS))

_word = lru_cache(maxsize=1_024)(text)
_moment = lru_cache(maxsize=16_384)(timestamptz)


def lines_of(submission: Submission) -> Lines:
    """Return what is written of a record whatever becomes of it; kept with it, and made only once."""
    if submission.lines is None:
        receipt, received_at = text(submission.receipt_id), _moment(submission.incoming.received_at)
        submission.lines = Lines(
            disposition=_disposition_head(submission, receipt, received_at),
            raw=_raw_line(submission, receipt, received_at),
            message=_message_line(submission, receipt),
            version=_version_head_of(submission),
        )
    return submission.lines


def _disposition_head(submission: Submission, receipt: bytes, received_at: bytes) -> bytes:
    topic, partition, offset = submission.incoming.source
    return b"".join(
        (
            _DISPOSITION,
            receipt,
            _word(submission.office),
            _word(topic),
            integer(partition),
            bigint(offset),
            text(None if submission.quarantined else submission.message_id),
            text(submission.batch_id),
            bytea(submission.content_sha256),
            _word(submission.operation),
            text(submission.uscc),
            received_at,
        )
    )


def _raw_line(submission: Submission, receipt: bytes, received_at: bytes) -> bytes:
    incoming = submission.incoming
    headers = [text(_header(incoming.headers.get(name))) for name in _HEADERS]
    return b"".join((_RAW, receipt, received_at, *headers, bytea(incoming.body)))


def _header(value: bytes | None) -> str | None:
    return value.decode("utf-8", "replace").replace("\0", "\ufffd") if value is not None else None


def _message_line(submission: Submission, receipt: bytes) -> bytes | None:
    if submission.message_id is None or submission.content_digest is None:
        return None
    office, message_id = _word(submission.office), text(submission.message_id)
    return b"".join((_MESSAGE, office, message_id, receipt, bytea(submission.content_digest)))


def _version_head_of(submission: Submission) -> bytes | None:
    """Return how the version of a record begins, if it makes one as it is; an event of more or less has its own."""
    if submission.key is None or submission.uscc is None or submission.operation is None or submission.has_error:
        return None
    return _version_head(
        uscc=submission.uscc,
        operation=submission.operation,
        office=submission.office,
        key=submission.key,
        name_key=submission.name_key,
        particulars=submission.particulars,
        predecessor_uscc=submission.predecessor_uscc,
        receipt_id=submission.receipt_id,
    )


def _version_head(
    *,
    uscc: str,
    operation: str,
    office: str,
    key: tuple[int, datetime, str],
    name_key: str,
    particulars: Particulars,
    predecessor_uscc: str | None,
    receipt_id: str,
) -> bytes:
    major, occurred_at, message_id = key
    return b"".join(
        (
            _VERSION,
            text(uscc),
            _word(operation),
            _word(office),
            bigint(major),
            timestamptz(occurred_at),
            text(message_id),
            text(name_key),
            jsonb(particulars.text),
            text(predecessor_uscc),
            text(receipt_id),
        )
    )


def disposition_lines(
    decisions: Sequence[Decision], *, first: int, returns: Iterable[bytes], now: datetime, ruleset: str
) -> Iterator[bytes]:
    """Yield the lines of decisions whose returns are numbered from `first` on."""
    constant = timestamptz(now) + text(ruleset)
    for sequence, (decision, body) in enumerate(zip(decisions, returns, strict=True), start=first):
        rules = tuple(sorted({finding.rule for finding in decision.findings})) if decision.findings else ()
        yield b"".join(
            (
                lines_of(decision.submission).disposition,
                smallint(decision.attempt),
                bigint(sequence),
                _word(decision.disposition),
                texts(rules),
                integer(decision.version),
                text(decision.duplicate_of),
                text(decision.case_id),
                constant,
                bytea(body),
            )
        )


def version_line(write: VersionWrite) -> bytes:
    """Return the line of a version."""
    event = write.event
    head = write.head
    if head is None:
        head = _version_head(
            uscc=write.uscc,
            operation=event.operation,
            office=event.office,
            key=event.key,
            name_key=event.name_key,
            particulars=Particulars.of(event.record),
            predecessor_uscc=write.predecessor_uscc,
            receipt_id=event.receipt_id,
        )
    return b"".join(
        (
            head,
            _word(write.kind),
            integer(event.version),
            integer(write.holding),
            copying.TRUE if write.superseded else copying.FALSE,
            text(write.successor_uscc),
            text(write.reason),
            _moment(event.recorded_at),
        )
    )


def change_line(change: ChangeWrite, *, sequence: int, now: datetime, body: bytes) -> bytes:
    """Return the line of a change."""
    return b"".join(
        (
            _CHANGE,
            bigint(sequence),
            text(change.uscc),
            integer(change.version),
            _word(change.kind),
            _moment(now),
            bytea(body),
        )
    )
