"""One message as received: submission/1 (contract.md §2), the M rules, and the Q and T rules of §5."""

import functools
import json
import re
import tomllib
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from tests.model.codes import ERROR, WARNING, Findings, is_identity_number, judge_code, normalize, table

SHANGHAI = ZoneInfo("Asia/Shanghai")
OPERATIONS = ("assign", "change", "cancel", "revoke", "restore", "withdraw", "keep")
WHOLE = ("assign", "change")
OFFICES = Path(__file__).resolve().parents[2] / "service" / "config" / "offices.toml"
TEXTS = ("batch_id", "reason", "case_id", "receipt_id", "predecessor_uscc", "successor_uscc")
ENVELOPE = {"schema", "message_id", "operation", "occurred_at", "office_version", "load", "transfer", "record", *TEXTS}
DATES = ("established_on", "approved_on", "last_updated_on", "valid_from", "valid_to")
BUSINESS_TYPES = {"assign": "1", "change": "2"}
Key: TypeAlias = tuple[Any, datetime, str]


@functools.cache
def fields() -> dict[str, dict[str, str]]:
    return {row["name"]: row for row in table("fields.csv")}


@functools.cache
def short_names() -> dict[str, str]:
    return {row["short_name"]: row["name"] for row in table("fields.csv") if row["short_name"]}


@functools.cache
def code_list(name: str) -> frozenset[str]:
    if name == "currency":
        rows = table("currencies.csv")
        return frozenset({row["code"] for row in rows} | {row["number"] for row in rows})
    return frozenset(row["code"] for row in table("code_lists.csv") if row["list"] == name)


@functools.cache
def profiles() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in table("profiles.csv"):
        found.setdefault(row["profile"], []).append(row["field"])
    return found


@functools.cache
def offices() -> dict[str, dict[str, Any]]:
    return tomllib.loads(OFFICES.read_text(encoding="utf-8"))


@functools.cache
def special_days() -> dict[str, str]:
    return {row["date"]: row["kind"] for row in table("workdays.csv")}


def works(day: date) -> bool:
    kind = special_days().get(day.isoformat())
    return day.weekday() < 5 if kind is None else kind == "workday"


@dataclass
class Received:
    """What one record of a topic is to the model."""

    number: int  # the order of arrival, from 0
    office: str
    body: bytes
    received_at: datetime
    fallback_id: str  # <topic>/<partition>/<offset>
    receipt: str = ""  # as the program named it: told to the model so that messages may speak of receipts


@dataclass
class Message:
    """A decoded message."""

    source: Received
    message_id: str
    operation: str
    content: Any
    code: str
    claimed: str
    values: dict[str, str]
    key: Key
    members: dict[str, Any]
    spoilt: set[str]  # members of the record that are there, but no text: M06 speaks of them, Q01 does not
    findings: Findings = field(default_factory=set)

    @property
    def office(self) -> str:
        return self.source.office

    @property
    def name(self) -> str:
        return self.values.get("name", "")

    def member(self, name: str) -> str | None:
        value = self.members.get(name)
        return value if isinstance(value, str) and value else None

    @property
    def predecessor(self) -> str | None:
        return normalize(self.member("predecessor_uscc") or "") or None

    def particulars(self) -> dict[str, str]:
        kept = {k: v for k, v in self.values.items() if k not in ("business_type", "status")}
        return {**kept, "uscc": self.code}


class Unreadable(Exception):
    """The message is to be quarantined, by the rule named."""

    def __init__(self, rule: str = "M03") -> None:
        super().__init__(rule)
        self.rule = rule


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise Unreadable
    return dict(pairs)


def _refuse(constant: str) -> Any:
    raise Unreadable from ValueError(constant)


def _depth(value: Any) -> int:
    deepest, layer = 0, [value]
    while layer := [v for v in layer if isinstance(v, dict | list)]:
        deepest += 1
        layer = [inner for v in layer for inner in (v.values() if isinstance(v, dict) else v)]
    return deepest


def read_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object of a message.

    Raises:
        Unreadable: M03 or M04.
    """
    if len(body) > 64 * 1024:
        raise Unreadable("M04")
    try:
        text = body.decode("utf-8-sig")
        value = json.loads(text, object_pairs_hook=_pairs, parse_constant=_refuse)
    except (ValueError, RecursionError) as problem:
        raise Unreadable from problem
    if not isinstance(value, dict) or _depth(value) > 64:
        raise Unreadable
    return value


def _is_bad_text(value: str) -> bool:
    return "\0" in value or any(0xD800 <= ord(c) <= 0xDFFF for c in value)


def _text(members: dict[str, Any], name: str, found: Findings) -> str | None:
    """Return a member's text, null and empty being absent; another type is M06."""
    value = members.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or _is_bad_text(value):
        found.add(("M06", ERROR))
        return None
    return value


def instant(text: str | None) -> datetime | None:
    form = r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)"
    if text is None or not re.fullmatch(form, text):
        return None
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def day(text: str | None) -> date | None:
    if text is None or not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _values(members: dict[str, Any], found: Findings, spoilt: set[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for name in members:
        english = short_names().get(name, name)
        if english not in fields():
            found.add(("M02", WARNING))
            continue
        value = _text(members, name, found)
        if value is None and members[name] not in (None, ""):
            spoilt.add(english)
        if value is not None and values.setdefault(english, value) != value:
            found.add(("M06", ERROR))
            spoilt.add(english)  # Which of the two is meant cannot be read.
    return {name: value for name, value in values.items() if name not in spoilt}


def _envelope(members: dict[str, Any], found: Findings) -> tuple[str, datetime | None]:
    operation = _text(members, "operation", found)
    occurred = instant(_text(members, "occurred_at", found))
    for name in TEXTS:
        _text(members, name, found)
    required = (members.get("schema") == "submission/1", operation in OPERATIONS, occurred is not None)
    chosen = (_text(members, "load", found) in (None, "stock"), _text(members, "transfer", found) in (None, "in"))
    identity = members.get("message_id")
    if not all((*required, *chosen)) or (isinstance(identity, str) and not 1 <= len(identity) <= 128):
        found.add(("M05", ERROR))
    version = members.get("office_version")
    if version is not None and type(version) is not int:
        found.add(("M06", ERROR))
    if set(members) - ENVELOPE:
        found.add(("M02", WARNING))
    return operation or "", occurred


def decode(source: Received, *, order: str = "occurred_at") -> Message:
    """Return the message with its M findings.

    Raises:
        Unreadable: the record is quarantined.
    """
    members = read_object(source.body)
    found: Findings = set()
    operation, occurred = _envelope(members, found)
    spoilt: set[str] = set()
    record = members.get("record")
    if not isinstance(record, dict):
        found.add(("M05", ERROR))
        spoilt |= {"record", "uscc", "name", "approved_on"}
        record = {}
    values = _values(record, found, spoilt)
    version = members.get("office_version")
    if order == "office_version" and version is None:
        found.add(("M05", ERROR))
    identity = _text(members, "message_id", found)
    if identity is None or len(identity) > 128:
        identity = source.fallback_id
    claimed = values.get("uscc", "")
    moment = occurred or datetime.min.replace(tzinfo=UTC)
    key = (version if order == "office_version" else moment, moment, identity)
    return Message(
        source, identity, operation, members, normalize(claimed), claimed, values, key, members, spoilt, found
    )


def _profile(message: Message) -> list[str]:
    office = offices()[message.office]
    category = message.code[1:2]
    return profiles()[office.get("profiles", {}).get(category, office["profile"])]


def judge_record(message: Message, *, exceptions: set[str], limit_days: int = 5) -> Findings:
    """Return the findings of every rule that reads the one record: E, Q and T beside the M ones it has."""
    whole = message.operation in WHOLE
    values = {k: v for k, v in message.values.items() if k != "uscc" or message.code}
    if message.operation in OPERATIONS and not whole:  # "their other members are ignored"
        values = {k: v for k, v in values.items() if k in ("uscc", "name", "approved_on")}
    received = message.source.received_at
    approved = day(values.get("approved_on"))
    found = set(message.findings)
    if message.code:
        keep = message.operation == "keep"
        today = received.astimezone(SHANGHAI).date()
        found |= judge_code(message.claimed, approved=approved, received=today, keep=keep, exceptions=exceptions)
    found |= _missing(message, values, whole)
    for name, value in values.items():
        found |= _in_form(name, value)
    found |= _dates(message, values, received)
    if whole or message.operation not in OPERATIONS:
        found |= _agreement(message, values, received)
    if approved and message.member("load") != "stock" and _working_days(approved, received) > limit_days:
        found.add(("T01", WARNING))
    return found


def _missing(message: Message, values: dict[str, str], whole: bool) -> Findings:
    found: Findings = set()
    there = set(values) | message.spoilt
    if "uscc" not in there:
        found.add(("Q01", ERROR))
    by_receipt = message.operation in OPERATIONS and not whole and message.member("receipt_id")
    if "name" not in there and not by_receipt:
        found.add(("Q01", ERROR))
    if "approved_on" not in there:
        found.add(("Q01", ERROR if whole else WARNING))
    established = day(values.get("established_on"))
    needed = set(_profile(message)) - {"uscc", "name", "approved_on"} if whole else set()
    if established is None or established >= date(2015, 10, 1):
        needed.discard("registration_number")
    return found | ({("Q01", WARNING)} if needed - there and "record" not in there else set())


def _in_form(name: str, value: str) -> Findings:
    form = fields()[name]["form"]
    if form == "date":
        return set() if day(value) else {("Q02", ERROR)}
    if form in ("decimal", "integer"):
        try:
            number = Decimal(value)
        except InvalidOperation:
            return {("Q02", ERROR)}
        return set() if number.is_finite() else {("Q02", ERROR)}
    listed = {"business_type", "status", "is_public", "standing"}
    if form in listed or name == "currency":
        return set() if value in code_list(name) else {("Q02", WARNING)}
    return set()


def _dates(message: Message, values: dict[str, str], received: datetime) -> Findings:
    found: Findings = set()
    read = {name: day(values.get(name)) for name in DATES}
    for earlier, later in (("established_on", "approved_on"), ("valid_from", "valid_to")):
        first, last = read[earlier], read[later]
        if first and last and last < first:
            found.add(("Q03", WARNING))
    limit = received + timedelta(hours=24)
    for name in ("established_on", "approved_on", "last_updated_on"):
        moment = read[name]
        if moment and datetime(moment.year, moment.month, moment.day, tzinfo=SHANGHAI) > limit:
            found.add(("Q03", ERROR))
    if message.key[1] > limit:
        found.add(("Q03", ERROR))
    return found


def _agreement(message: Message, values: dict[str, str], received: datetime) -> Findings:
    """Judge what one member says of another: Q04, Q05, Q06."""
    found: Findings = set()
    number = values.get("legal_representative_id_number")
    kind = values.get("legal_representative_id_type")
    today = received.astimezone(SHANGHAI).date()
    if number and kind in code_list("id_card_type") and not is_identity_number(number, today):
        found.add(("Q04", WARNING))
    body = values.get("organization_code")
    if body and len(message.code) == 18 and body.replace("-", "").upper() != message.code[8:17]:
        found.add(("Q05", WARNING))
    business = values.get("business_type")
    if message.operation not in WHOLE:
        return found
    if business and business != BUSINESS_TYPES[message.operation]:
        found.add(("Q06", WARNING))
    if values.get("status", "1") != "1" if message.operation == "assign" else values.get("status") in ("2", "3"):
        found.add(("Q06", WARNING))
    return found


def _working_days(approved: date, received: datetime) -> int:
    last = received.astimezone(SHANGHAI).date()
    return sum(works(approved + timedelta(days=n)) for n in range(1, (last - approved).days + 1))
