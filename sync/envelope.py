"""Reads the members of submission/1: the envelope and the record, a finding (M02, M05, M06) for each that is wrong.

A member that cannot be read is left out and named in `unreadable`, so that no other rule calls it missing. Null and
an empty text are absent members; only an empty message_id is an error, because it was meant to name the record.

Source: contract.md §2, §4; domain.md §5.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sync.instants import parse_instant
from sync.json_objects import foul_texts, printable, type_name
from validators.fields import ENGLISH_NAMES, FIELDS
from validators.findings import Finding, Occasion, Operation
from validators.rulebook import Ruleset, format_zh

SCHEMA: Final = "submission/1"
LONGEST_ID: Final = 128

_TEXTS: Final = frozenset(
    (
        *("schema", "message_id", "batch_id", "operation", "occurred_at", "load", "reason", "case_id", "receipt_id"),
        *("predecessor_uscc", "successor_uscc", "transfer"),
    )
)
_MEMBERS: Final = _TEXTS | {"office_version", "record"}
_OPERATIONS: Final[Mapping[str, Operation]] = {operation.value: operation for operation in Operation}
_ONLY_TEXTS: Final = frozenset({str})
_LARGEST: Final = 2**63
_FOUL: Final = re.compile("[\0\ud800-\udfff]")
_TEXT: Final = "string"
_WITHOUT: Final = {"nul": "string without NUL", "surrogate": "string without lone surrogates"}
_INSTANT: Final = "RFC 3339 with offset"


@dataclass(slots=True, kw_only=True)
class Envelope:
    """What a message says. `record` holds English names and texts that are not empty; None where no object was sent."""

    texts: dict[str, str] = field(default_factory=dict)
    operation: Operation | None = None
    occurred_at: datetime | None = None
    office_version: int | None = None
    load: str | None = None
    record: dict[str, str] | None = None
    unreadable: frozenset[str] = frozenset()
    findings: list[Finding] = field(default_factory=list)


class EnvelopeReader:
    """Reads one message. `may_be_foul` says that some text in it may hold NUL or a lone surrogate."""

    def __init__(self, ruleset: Ruleset, office: str, *, may_be_foul: bool) -> None:
        self._ruleset = ruleset
        self._office = office
        self._may_be_foul = may_be_foul
        self._occasion = Occasion(office=office)
        self._unreadable: set[str] = set()
        self._read = Envelope()

    def read(self, message: Mapping[str, Any]) -> Envelope:
        """Return everything that can be read, and a finding for what cannot."""
        read = self._read
        texts = read.texts
        for name, value in message.items():
            if name not in _TEXTS:
                continue
            if type(value) is str and not (self._may_be_foul and _FOUL.search(value)):
                if value or name == "message_id":
                    texts[name] = value
            elif value is not None:
                self._refuse(name, value, _TEXT)
        self._read_choices(texts)
        self._check_schema(texts)
        self._read_instant(texts)
        self._read_version(message.get("office_version"))
        self._check_ids(texts)
        if not message.keys() <= _MEMBERS:
            for name in message:
                if name not in _MEMBERS:
                    self.report_unknown(name, message[name])
        record = message.get("record")
        if isinstance(record, dict):
            read.record = self._read_record(record)
        else:
            found = None if record is None else type_name(record)
            self._invalid("record", "object", found, actual_zh=format_zh(found or ""))
        read.unreadable = frozenset(self._unreadable)
        return read

    def report(self, rule: str, circumstance: str = "", **facts: Any) -> None:
        """Add a finding, unless the rule is switched off."""
        finding = self._ruleset.find(rule, self._occasion, circumstance, **facts)
        if finding is not None:
            self._read.findings.append(finding)

    def _read_choices(self, texts: Mapping[str, str]) -> None:
        """Read what the severity of all other findings depends on, and the other members of few values."""
        read = self._read
        read.operation = _OPERATIONS.get(texts.get("operation", ""))
        if texts.get("load") == "stock":
            read.load = "stock"
        self._occasion = Occasion(operation=read.operation, office=self._office, load=read.load)
        if read.operation is None and "operation" not in self._unreadable:
            self._invalid("operation", " ".join(_OPERATIONS), texts.get("operation"))
        for name, only in (("load", "stock"), ("transfer", "in")):
            if texts.get(name, only) != only:
                self._invalid(name, only, texts[name])

    def _check_schema(self, texts: Mapping[str, str]) -> None:
        if texts.get("schema") != SCHEMA and "schema" not in self._unreadable:
            self._invalid("schema", SCHEMA, texts.get("schema"))

    def _read_instant(self, texts: Mapping[str, str]) -> None:
        text = texts.get("occurred_at")
        if text is not None:
            self._read.occurred_at = parse_instant(text)
        if self._read.occurred_at is None and "occurred_at" not in self._unreadable:
            self._invalid("occurred_at", _INSTANT, text)

    def _read_version(self, value: Any) -> None:
        if type(value) is int and -_LARGEST <= value < _LARGEST:
            self._read.office_version = value
        elif value is not None:
            self._refuse("office_version", value, "integer of 64 bits")

    def _check_ids(self, texts: dict[str, str]) -> None:
        for name in ("message_id", "batch_id"):
            value = texts.get(name)
            if value is not None and not 1 <= len(value) <= LONGEST_ID:
                found = f"{len(value)} characters"
                self._invalid(name, f"1–{LONGEST_ID} characters", found, actual_zh=f"{len(value)} 个字符")
                self._unreadable.add(name)
                del texts[name]

    def _read_record(self, sent: Mapping[str, Any]) -> dict[str, str]:
        values = sent.values()
        if (
            not (self._may_be_foul or self._unreadable)
            and sent.keys() <= FIELDS.keys()
            and _ONLY_TEXTS.issuperset(map(type, values))
            and all(values)
            and not any(map(str.isspace, values))
        ):
            return dict(sent)
        record: dict[str, str] = {}
        for member, value in sent.items():
            name = ENGLISH_NAMES.get(member)
            if name is None:
                self.report_unknown(member, value, "record/")
            elif type(value) is str and not (self._may_be_foul and _FOUL.search(value)):
                if not value or value.isspace():
                    continue
                if record.setdefault(name, value) != value:
                    self.report(
                        "M06", "conflict", field=name, expected="one value under both names", actual="two values"
                    )
                    self._unreadable.add(name)
            elif value is not None:
                self._refuse(name, value, _TEXT)
        if self._unreadable:
            return {name: value for name, value in record.items() if name not in self._unreadable}
        return record

    def report_unknown(self, name: str, value: Any, prefix: str = "") -> None:
        """Report a member that nobody knows (M02), and what is foul in its name or value."""
        path = prefix + printable(name)
        if self._may_be_foul and _FOUL.search(name):
            self._report_foul(foul_texts(name, path))
        else:
            self.report("M02", field=path)
        if self._may_be_foul:
            self._report_foul(foul_texts(value, path))

    def _report_foul(self, texts: Iterator[tuple[str, str]]) -> None:
        for path, fault in texts:
            self.report("M06", fault, field=printable(path, longest=256), expected=_WITHOUT[fault], actual=fault)

    def _refuse(self, name: str, value: Any, expected: str) -> None:
        """Report a value of the wrong type, or a text with NUL or a lone surrogate."""
        self._unreadable.add(name)
        if expected == _TEXT and isinstance(value, str):
            self._report_foul(foul_texts(value, name))
        else:
            self.report("M06", field=name, expected=expected, actual=type_name(value))

    def _invalid(self, name: str, expected: str, actual: str | None, actual_zh: str | None = None) -> None:
        """Report a member of the envelope that is missing (`actual` None) or impossible.

        `actual_zh` is given where `actual` is our word for what was sent, and not the value itself.
        """
        if actual is None:
            self.report("M05", "missing", field=name, expected=expected)
        else:
            shown = printable(actual)
            self.report("M05", field=name, expected=expected, actual=shown, actual_zh=actual_zh or shown)
