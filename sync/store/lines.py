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
from sync.records import Decision, Lines, OrderKey, Submission
from sync.store import copying
from sync.store.copying import bigint, bytea, integer, jsonb, smallint, text, texts, timestamptz
from validators.findings import Operation

MESSAGE_COLUMNS: Final = ("office", "message_id", "receipt_id", "content_digest")
KEPT_HEADERS: Final = ("mapping", "ce_id", "ce_time", "batch_id")
"""The headers that decoding reads: they are kept beside a record's bytes, so that it can be decoded again."""

RAW_COLUMNS: Final = ("receipt_id", "received_at", *KEPT_HEADERS, "body")
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

_MESSAGE: Final = copying.columns(len(MESSAGE_COLUMNS))
_RAW: Final = copying.columns(len(RAW_COLUMNS))
_DISPOSITION: Final = copying.columns(len(DISPOSITION_COLUMNS))
_VERSION: Final = copying.columns(len(VERSION_COLUMNS))
_CHANGE: Final = copying.columns(len(CHANGE_COLUMNS))

_NO_HEADERS: Final = copying.NULL * len(KEPT_HEADERS)

_word = lru_cache(maxsize=1_024)(text)
_moment = lru_cache(maxsize=16_384)(timestamptz)


def lines_of(submission: Submission) -> Lines:
    """Return what is written of a record whatever becomes of it; kept with it, and made only once."""
    if submission.lines is None:
        receipt, received_at = text(submission.receipt_id), _moment(submission.incoming.received_at)
        message_id, uscc = text(submission.message_id), text(submission.uscc)
        submission.lines = Lines(
            disposition=_disposition_head(submission, receipt, received_at, message_id, uscc),
            raw=_raw_head(submission, receipt, received_at),
            message=_message_line(submission, receipt, message_id),
            version=_version_head_of(submission, receipt, message_id, uscc),
        )
    return submission.lines


def _disposition_head(
    submission: Submission, receipt: bytes, received_at: bytes, message_id: bytes, uscc: bytes
) -> bytes:
    topic, partition, offset = submission.incoming.source
    return b"".join(
        (
            _DISPOSITION,
            receipt,
            _word(submission.office),
            _word(topic),
            integer(partition),
            bigint(offset),
            copying.NULL if submission.quarantined else message_id,
            text(submission.batch_id),
            bytea(submission.content_sha256),
            _word(submission.operation),
            uscc,
            received_at,
        )
    )


def _raw_head(submission: Submission, receipt: bytes, received_at: bytes) -> bytes:
    incoming = submission.incoming
    headers = incoming.headers
    named = [text(_header(headers.get(name))) for name in KEPT_HEADERS] if headers else [_NO_HEADERS]
    return b"".join((_RAW, receipt, received_at, *named, len(incoming.body).to_bytes(4)))


def _header(value: bytes | None) -> str | None:
    return value.decode("utf-8", "replace").replace("\0", "\ufffd") if value is not None else None


def _message_line(submission: Submission, receipt: bytes, message_id: bytes) -> bytes | None:
    if submission.message_id is None or submission.content_digest is None:
        return None
    return b"".join((_MESSAGE, _word(submission.office), message_id, receipt, bytea(submission.content_digest)))


def _version_head_of(submission: Submission, receipt: bytes, message_id: bytes, uscc: bytes) -> bytes | None:
    """Return how the version of a record begins, if it makes one as it is; an event of more or less has its own."""
    key = submission.key
    if key is None or submission.uscc is None or submission.operation is None or submission.has_error:
        return None
    return _version_head(
        uscc, submission.operation, submission.office, key, message_id, submission.name_key,
        submission.particulars, submission.predecessor_uscc, receipt,
    )  # fmt: skip


def _version_head(
    uscc: bytes,
    operation: Operation,
    office: str,
    key: OrderKey,
    message_id: bytes,
    name_key: str,
    particulars: Particulars,
    predecessor_uscc: str | None,
    receipt: bytes,
) -> bytes:
    return b"".join(
        (
            _VERSION,
            uscc,
            _word(operation),
            _word(office),
            bigint(key.major),
            timestamptz(key.occurred_at),
            message_id,
            text(name_key),
            jsonb(particulars.text),
            text(predecessor_uscc),
            receipt,
        )
    )


def _version_head_by(write: VersionWrite) -> bytes:
    """Return how a version begins that is not just what a record says."""
    event = write.event
    return _version_head(
        text(write.uscc), event.operation, event.office, event.key, text(event.key.message_id), event.name_key,
        Particulars.of(event.record), write.predecessor_uscc, text(event.receipt_id),
    )  # fmt: skip


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


def raw_line(submission: Submission) -> bytes:
    """Return the line of a record's bytes."""
    return lines_of(submission).raw + submission.incoming.body


def version_line(write: VersionWrite) -> bytes:
    """Return the line of a version."""
    event = write.event
    return b"".join(
        (
            write.head or _version_head_by(write),
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
