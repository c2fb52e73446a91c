"""Turns what was fetched into submissions; whatever the bytes are, there is an answer and never an exception.

A record is quarantined (M03, M04) where no JSON object can be read, and carries errors (M05, M06, E, Q) where one
can; then every other rule still has its say, as far as the members can be read. M01 is not judged here: it needs the
registry. What goes the other way is in `encoding`, whose functions are given here too.

Source: contract.md §2, §4; domain.md §4–§6.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, Final

from sync.encoding import encode_change, encode_return, registration_json, return_json
from sync.envelope import LONGEST_ID, Envelope, EnvelopeReader
from sync.instants import microseconds, parse_instant
from sync.json_objects import Document, Undecodable, foul_texts, printable, read_object
from sync.mappings import OfficeMapping
from sync.offices import Office, Offices
from sync.records import Incoming, OrderKey, Submission, receipt_id
from validators.findings import Occasion
from validators.names import name_key
from validators.record import SHORT_MEMBERS, RecordContext, check, days_of
from validators.rulebook import Ruleset
from validators.uscc import CodeContext, normalize

__all__ = ["Decoder", "encode_change", "encode_return", "registration_json", "return_json"]

MAX_BYTES: Final = 64 * 1024
MAPPING_HEADER: Final = "mapping"
ID_HEADER: Final = "ce_id"
TIME_HEADER: Final = "ce_time"
BATCH_HEADER: Final = "batch_id"

_CONTEXTS: Final = 1_000
_days_of = lru_cache(maxsize=4_096)(days_of)


@dataclass(frozen=True, slots=True)
class _Read:
    """A message that could be read: its document, and its envelope by submission/1 or by a mapping."""

    document: Document
    envelope: Envelope


class Decoder:
    """Decodes the records of every office. `codes` gives what codes are judged against; its dates are set here."""

    def __init__(
        self,
        *,
        offices: Offices,
        ruleset: Ruleset,
        mappings: Mapping[tuple[str, str], OfficeMapping],
        codes: CodeContext,
        late_after_working_days: int = 5,
    ) -> None:
        self._offices = offices
        self._ruleset = ruleset
        self._mappings = mappings
        self._codes = codes
        self._late_after_working_days = late_after_working_days
        self._contexts: dict[tuple[object, ...], RecordContext] = {}

    def decode(self, incoming: Incoming, office: str) -> Submission:
        """Return the submission in a record that `office` sent, with every finding that its content gives."""
        submission = Submission(
            incoming=incoming,
            receipt_id=receipt_id(incoming.source, incoming.received_at),
            office=office,
            content_sha256=hashlib.sha256(incoming.body).digest(),
        )
        if len(incoming.body) > MAX_BYTES:
            facts = {"expected": str(MAX_BYTES), "actual": str(len(incoming.body))}
            return self._quarantine(submission, "M04", "", facts)
        try:
            read = self._read(incoming, office)
        except Undecodable as problem:
            return self._quarantine(submission, "M03", problem.circumstance, problem.facts)
        submission.content_digest = read.document.digest()
        self._fill(submission, read.envelope)
        return submission

    def _quarantine(self, submission: Submission, rule: str, circumstance: str, facts: Mapping[str, Any]) -> Submission:
        finding = self._ruleset.find(rule, Occasion(office=submission.office), circumstance, **facts)
        submission.quarantined = True
        submission.batch_id = batch_named_beside(submission.incoming)
        submission.findings = [] if finding is None else [finding]
        return submission

    def _read(self, incoming: Incoming, office: str) -> _Read:
        """Read the message by submission/1, or by the mapping that its header names; raises Undecodable."""
        header = incoming.headers.get(MAPPING_HEADER)
        if not header:
            document = read_object(incoming.body)
            reader = EnvelopeReader(self._ruleset, office, may_be_foul=document.may_be_foul)
            return _Read(document, reader.read(document.members))
        name = header.decode("utf-8", "replace")
        mapping = self._mappings.get((office, name))
        if mapping is None:
            document = read_object(incoming.body)
            return _Read(document, self._unknown_mapping(office, name))
        document = read_object(_as_utf8(incoming.body, mapping.encoding))
        reader = EnvelopeReader(self._ruleset, office, may_be_foul=document.may_be_foul)
        translation = mapping.translate(
            document.members,
            received_at=incoming.received_at,
            ce_time=_event_time(incoming),
        )
        envelope = reader.read(translation.message)
        for field in translation.unknown:
            reader.report_unknown(field, document.members[field])
        return _Read(document, envelope)

    def _unknown_mapping(self, office: str, name: str) -> Envelope:
        finding = self._ruleset.find(
            "M05", Occasion(office=office), "mapping", field=MAPPING_HEADER, actual=printable(name)
        )
        return Envelope(findings=[] if finding is None else [finding])

    def _fill(self, submission: Submission, read: Envelope) -> None:
        office = self._offices[submission.office]
        texts = read.texts
        submission.findings = read.findings
        submission.message_id = self._message_id(submission, read)
        submission.operation = read.operation
        submission.batch_id = self._batch_id(submission, read)
        submission.load = read.load
        submission.reason = texts.get("reason")
        submission.case_id = texts.get("case_id")
        submission.receipt_ref = texts.get("receipt_id")
        submission.transfer = texts.get("transfer")
        if "predecessor_uscc" in texts:
            submission.predecessor_uscc = normalize(texts["predecessor_uscc"])
        if "successor_uscc" in texts:
            submission.successor_uscc = normalize(texts["successor_uscc"])
        self._fill_key(submission, read, office)
        if read.record is not None:
            self._fill_record(submission, read, read.record, office)

    def _message_id(self, submission: Submission, read: Envelope) -> str | None:
        """Return the id of the message, else that of its header, else its place; None where one was given in vain."""
        if "message_id" in read.texts:
            return read.texts["message_id"]
        if "message_id" in read.unreadable:
            return None
        if not submission.incoming.headers.get(ID_HEADER):
            return "/".join(map(str, submission.incoming.source))
        return self._named_beside(submission, ID_HEADER, "message_id")

    def _batch_id(self, submission: Submission, read: Envelope) -> str | None:
        """Return the batch of the message, else that of its header; None where there is none, or one given in vain."""
        if "batch_id" in read.texts:
            return read.texts["batch_id"]
        if "batch_id" in read.unreadable or not submission.incoming.headers.get(BATCH_HEADER):
            return None
        return self._named_beside(submission, BATCH_HEADER, "batch_id")

    def _named_beside(self, submission: Submission, header: str, member: str) -> str | None:
        """Return the name in a header that is there; None, and a finding (M05), where it cannot be a name."""
        value = submission.incoming.headers[header]
        name = _name(value)
        if name is None:
            self._report(
                submission,
                "M05",
                field=member,
                expected=f"1–{LONGEST_ID} characters",
                actual=f"{header} {printable(value.decode('utf-8', 'replace'))}",
            )
        return name

    def _fill_key(self, submission: Submission, read: Envelope, office: Office) -> None:
        if office.order == "office_version" and read.office_version is None:
            if "office_version" not in read.unreadable:
                self._report(submission, "M05", "missing", field="office_version", expected="integer of 64 bits")
            return
        if read.occurred_at is None or submission.message_id is None:
            return
        by_version = office.order == "office_version" and read.office_version is not None
        major = read.office_version if by_version else microseconds(read.occurred_at)
        assert major is not None
        submission.key = OrderKey(major, read.occurred_at, submission.message_id)

    def _fill_record(self, submission: Submission, read: Envelope, record: dict[str, str], office: Office) -> None:
        code = normalize(record["uscc"]) if "uscc" in record else ""
        received_at = submission.incoming.received_at
        context = self._context(office, read, code[1:2], _days_of(received_at))
        if context.is_short:
            record = {name: value for name, value in record.items() if name in SHORT_MEMBERS}
        submission.findings += check(
            record,
            context,
            occurred_at=read.occurred_at,
            received_at=received_at,
            named_by_receipt=submission.receipt_ref is not None,
            unreadable=read.unreadable,
        )
        if code:
            record["uscc"] = code
            submission.uscc = code
        name = record.get("name")
        if name is not None:
            submission.name = name
            submission.name_key = name_key(name)
        submission.record = record

    def _context(self, office: Office, read: Envelope, category: str, days: tuple[date, date]) -> RecordContext:
        required = office.profile(category)
        key = (office.id, read.operation, read.load, required, days)
        context = self._contexts.get(key)
        if context is None:
            context = RecordContext(
                ruleset=self._ruleset,
                office=office.id,
                load=read.load,
                operation=read.operation,
                received_on=days[0],
                latest_on=days[1],
                required=required,
                codes=self._codes,
                calendar=office.working_calendar,
                late_after_working_days=self._late_after_working_days,
            )
            if len(self._contexts) >= _CONTEXTS:
                self._contexts.clear()
            self._contexts[key] = context
        return context

    def _report(self, submission: Submission, rule: str, circumstance: str = "", **facts: Any) -> None:
        occasion = Occasion(operation=submission.operation, office=submission.office, load=submission.load)
        finding = self._ruleset.find(rule, occasion, circumstance, **facts)
        if finding is not None:
            submission.findings.append(finding)


def batch_named_beside(incoming: Incoming) -> str | None:
    """Return the batch that a record's header names: all that is known of it where the record itself is unreadable."""
    return _name(incoming.headers.get(BATCH_HEADER) or b"")


def _name(header: bytes) -> str | None:
    name = header.decode("utf-8", "replace")
    return name if 1 <= len(name) <= LONGEST_ID and not any(foul_texts(name, "")) and "\ufffd" not in name else None


def _event_time(incoming: Incoming) -> str | None:
    """Return the header that says when the event was; what is no instant says nothing."""
    text = (incoming.headers.get(TIME_HEADER) or b"").decode("utf-8", "replace")
    return text if parse_instant(text) is not None else None


def _as_utf8(body: bytes, encoding: str) -> bytes:
    """Return a body in UTF-8; raises Undecodable where it is not in the encoding."""
    try:
        return body.decode(encoding).encode()
    except UnicodeDecodeError as error:
        raise Undecodable("encoding", expected=encoding, position=error.start + 1) from None
