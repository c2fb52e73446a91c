"""I9 replay: what the rules over one record found follows again from the stored bytes.

The bytes are parsed here, by the standard library, and judged by `validators` under the ruleset and the instant of
receipt that the ledger names. Records of another ruleset or of an office's own mapping are left out, and counted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import asyncpg
import orjson

from sync.invariants.report import Progress, Result
from sync.invariants.snapshot import Snapshot
from validators.calendar import WorkingCalendar
from validators.fields import ENGLISH_NAMES
from validators.findings import Operation
from validators.record import SHORT_MEMBERS, RecordContext, check, days_of
from validators.rulebook import Ruleset
from validators.uscc import CodeContext, normalize

ALL_UP_TO_RECORDS = 200_000

_FOUL = re.compile("[\0\ud800-\udfff]")
_JUDGED = re.compile("[EQT]")
_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,32})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_NAMED = frozenset((Operation.WITHDRAW, Operation.KEEP))
_CONTEXTS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRules:
    """What records are judged by.

    `profile` gives the fields asked for of an office and an organization category, `calendar` an office's working
    days; both raise KeyError for an office that is not configured.
    """

    ruleset: Ruleset
    codes: CodeContext
    late_after_working_days: int
    profile: Callable[[str, str], frozenset[str]]
    calendar: Callable[[str], WorkingCalendar]
    contexts: dict[tuple[object, ...], RecordContext] = field(default_factory=dict, repr=False, compare=False)

    def context(
        self, office: str, operation: Operation | None, load: str | None, category: str, received_at: datetime
    ) -> RecordContext:
        """Return what one record is judged against."""
        required = self.profile(office, category)
        received_on, latest_on = days_of(received_at)
        place = (office, operation, load, required, received_on, latest_on)
        context = self.contexts.get(place)
        if context is None:
            context = RecordContext(
                ruleset=self.ruleset,
                office=office,
                load=load,
                operation=operation,
                received_on=received_on,
                latest_on=latest_on,
                required=required,
                codes=self.codes,
                calendar=self.calendar(office),
                late_after_working_days=self.late_after_working_days,
            )
            if len(self.contexts) >= _CONTEXTS:
                self.contexts.clear()
            self.contexts[place] = context
        return context


async def check_replay(snapshot: Snapshot, rules: RecordRules, sample: int | None, progress: Progress) -> Result:
    """I9: judge stored records again; all of them up to 200,000, else about `sample` of them."""
    result = Result(id="I9", title="replay", unit="records")
    version = rules.ruleset.version
    total = await snapshot.value("judged_counted", version)
    wanted = sample if sample is not None else ALL_UP_TO_RECORDS
    every = max(1, total // max(1, wanted))
    unknown_offices: set[str] = set()
    async for row in snapshot.rows("judged", version, every):
        try:
            found = _findings_of(row, rules)
        except KeyError:
            unknown_offices.add(row["office"])
            continue
        document = orjson.loads(row["return_text"])
        differences = found ^ _said(document["findings"]) if found is not None else set()
        if document["operation"] in _NAMED:  # One that names a member of a case is exempt from E05.
            differences = {each for each in differences if each[0] != "E05"}
        if differences:
            fault = ", ".join(sorted(f"{rule} on {name}" for rule, name, *_ in differences))
            result.violate(f"{row['receipt_id']}: judged again it differs in {fault}")
        result.checked += 1
        if result.checked % 1000 == 0:
            progress(result.checked, total // every)
    left_out = await snapshot.row("judged_otherwise", version)
    if every > 1:
        result.notes.append(f"every {every}th of {total:,}")
    if left_out["other_ruleset"]:
        result.notes.append(f"{left_out['other_ruleset']:,} were judged under another ruleset")
    if left_out["mapped"]:
        result.notes.append(f"{left_out['mapped']:,} came under a mapping")
    if unknown_offices:
        result.notes.append(f"not configured: {', '.join(sorted(unknown_offices))}")
    return result


def _findings_of(row: asyncpg.Record, rules: RecordRules) -> set[tuple[Any, ...]] | None:
    """Judge the stored bytes; None where they hold no record to judge, or one that only the registry can complete."""
    # Numbers are never readable; as an integer one of many thousand digits would be refused.
    message = json.loads(row["body"].removeprefix(b"\xef\xbb\xbf"), parse_int=float)
    sent = message.get("record")
    if not isinstance(sent, Mapping) or _text(message.get("receipt_id")):
        return None
    record, unreadable = _read(sent.items())
    operation = _operation(_text(message.get("operation")))
    load = "stock" if message.get("load") == "stock" else None
    category = normalize(record.get("uscc", ""))[1:2]
    context = rules.context(row["office"], operation, load, category, row["received_at"])
    if context.is_short:
        record = {name: value for name, value in record.items() if name in SHORT_MEMBERS}
    findings = check(
        record,
        context,
        occurred_at=_instant(_text(message.get("occurred_at"))),
        received_at=row["received_at"],
        unreadable=unreadable,
    )
    return _said([finding.as_json() for finding in findings])


def _read(members: Iterable[tuple[str, Any]]) -> tuple[dict[str, str], frozenset[str]]:
    """Return the record by English names, and the members that cannot be read."""
    record: dict[str, str] = {}
    unreadable: set[str] = set()
    for member, value in members:
        name = ENGLISH_NAMES.get(member)
        if name is None or value is None:
            continue
        if not isinstance(value, str) or _FOUL.search(value):
            unreadable.add(name)
            continue
        if value and not value.isspace() and record.setdefault(name, value) != value:
            unreadable.add(name)
    return {name: value for name, value in record.items() if name not in unreadable}, frozenset(unreadable)


def _said(findings: list[dict[str, Any]]) -> set[tuple[Any, ...]]:
    """Return the findings of E, Q and T to compare.

    The severity of E05 is the register's, which changes in time; an E05 without a position says that a record joins
    a case, which is the registry's to say.
    """
    return {
        (each["rule"], each["field"], each["position"], "" if each["rule"] == "E05" else each["severity"])
        for each in findings
        if _JUDGED.match(each["rule"]) and (each["rule"] != "E05" or each["position"] is not None)
    }


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value and not _FOUL.search(value) else None


def _operation(text: str | None) -> Operation | None:
    return Operation(text) if text in set(Operation) else None


def _instant(text: str | None) -> datetime | None:
    """Return an instant of RFC 3339, None where the text is none or says one that UTC does not have."""
    if text is None or not _RFC_3339.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
