"""Rules over one record of GB/T 36104: E by `uscc.inspect`, Q01–Q06, T01.

A record maps English names to texts; an absent member, an empty text and null are the same, so no value here is
empty. The short operations (cancel, revoke, restore, withdraw, keep) speak of uscc, name and approved_on only. Where
the operation is unreadable the values are judged, but nothing is asked for beside the code and the name.

Source: domain.md §4, §5.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, timezone
from typing import Final

from validators import identity_card, uscc
from validators.calendar import WorkingCalendar
from validators.code_lists import ID_CARD_TYPES, Form, forms, read_date
from validators.fields import FIELDS
from validators.findings import Finding, Occasion, Operation
from validators.names import name_key
from validators.rulebook import Ruleset
from validators.uscc import CodeContext

__all__ = ["FIELDS", "SHORT_MEMBERS", "SHORT_OPERATIONS", "RecordContext", "check", "name_key"]

SHANGHAI: Final = timezone(timedelta(hours=8))
"""The clock of business days. Shanghai's summer time ended in 1991, before any record was received."""

SHORT_OPERATIONS: Final = frozenset(
    {Operation.CANCEL, Operation.REVOKE, Operation.RESTORE, Operation.WITHDRAW, Operation.KEEP}
)
SHORT_MEMBERS: Final = frozenset({"uscc", "name", "approved_on"})

NUMBERED_UNTIL: Final = date(2015, 10, 1)
"""An organization established before that day has a registration number; since then the code is its number."""

_TOLERANCE: Final = timedelta(hours=24)
_NEVER_FUTURE: Final = ("established_on", "approved_on", "last_updated_on")
_ORDERED: Final = (("established_on", "approved_on"), ("valid_from", "valid_to"))
_IMPLIED: Final[Mapping[Operation, tuple[tuple[str, frozenset[str], str], ...]]] = {
    Operation.ASSIGN: (("business_type", frozenset("1"), "1"), ("status", frozenset("1"), "1")),
    Operation.CHANGE: (("business_type", frozenset("2"), "2"),),
}
_LONGEST_SHOWN: Final = 64
_DATES: Final = 10_000
_NOTHING: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordContext:
    """What records are judged against: the same for all of one office, operation, load, category and day of receipt.

    `required` is the profile; `received_on` and `latest_on` are the dates in Asia/Shanghai of the receipt and of 24
    hours later; `codes` the context of codes, whose two dates are set here for every record.
    """

    ruleset: Ruleset
    office: str | None
    load: str | None = None
    operation: Operation | None
    received_on: date
    latest_on: date
    required: frozenset[str] = _NOTHING
    codes: CodeContext
    calendar: WorkingCalendar
    late_after_working_days: int = 5
    occasion: Occasion = field(init=False)
    judged: tuple[tuple[str, Form], ...] = field(init=False)
    _codes_by_date: dict[date | None, CodeContext] = field(init=False, default_factory=dict, repr=False, compare=False)

    _missing: dict[tuple[str, str], tuple[Finding, ...]] = field(
        init=False, default_factory=dict, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        """Derive what every record of this context needs."""
        object.__setattr__(self, "occasion", Occasion(operation=self.operation, office=self.office, load=self.load))
        by_name = forms(self.codes.divisions)
        judged = tuple((name, by_name[entry.form]) for name, entry in FIELDS.items() if entry.form in by_name)
        if self.is_short:
            judged = tuple(pair for pair in judged if pair[0] in SHORT_MEMBERS)
        object.__setattr__(self, "judged", judged)

    @property
    def is_short(self) -> bool:
        """Whether the operation is one that speaks of uscc, name and approved_on only."""
        return self.operation in SHORT_OPERATIONS

    def codes_on(self, approved_on: date | None) -> CodeContext:
        """Return the context of a code whose record was approved on a date."""
        codes = self._codes_by_date.get(approved_on)
        if codes is None:
            codes = replace(self.codes, approved_on=approved_on, received_on=self.received_on)
            if len(self._codes_by_date) >= _DATES:
                self._codes_by_date.clear()
            self._codes_by_date[approved_on] = codes
        return codes

    def missing(self, name: str, circumstance: str) -> tuple[Finding, ...]:
        """Return Q01 on a member. It is the same for every record, and the most frequent finding of real feeds."""
        found = self._missing.get((name, circumstance))
        if found is None:
            found = self._missing[name, circumstance] = _find(self, "Q01", circumstance, name=name)
        return found


def days_of(received_at: datetime) -> tuple[date, date]:
    """Return the dates in Asia/Shanghai of an instant of receipt and of 24 hours later."""
    return received_at.astimezone(SHANGHAI).date(), (received_at + _TOLERANCE).astimezone(SHANGHAI).date()


def check(
    record: Mapping[str, str],
    context: RecordContext,
    *,
    occurred_at: datetime | None = None,
    received_at: datetime | None = None,
    named_by_receipt: bool = False,
    unreadable: frozenset[str] = _NOTHING,
) -> list[Finding]:
    """Return every finding of E, Q and T on a record, in the order of the rules.

    `occurred_at` is judged where `received_at` is given too. `named_by_receipt` says that the envelope names a
    member by its receipt, so that a short operation needs no name. `unreadable` are members that were sent but
    could not be read and have their own finding: they are not missing. The code is read as claimed.
    """
    found: list[Finding] = []
    approved_on = read_date(record["approved_on"]) if "approved_on" in record else None
    claimed = record.get("uscc")
    if claimed is not None:
        found += uscc.inspect(claimed, context.ruleset, context.occasion, context.codes_on(approved_on))
    found += _check_presence(record, context, named_by_receipt, unreadable)
    found += _check_forms(record, context)
    found += _check_dates(record, context)
    if occurred_at is not None and received_at is not None and occurred_at > received_at + _TOLERANCE:
        found += _find(context, "Q03", "future", name="occurred_at", actual=occurred_at.isoformat())
    if not context.is_short:
        found += _check_numbers(record, context)
        found += _check_operation(record, context)
    if approved_on is not None and (context.received_on - approved_on).days > context.late_after_working_days:
        found += _check_delay(context, approved_on)
    return found


def _find(
    context: RecordContext,
    rule: str,
    circumstance: str = "",
    *,
    name: str,
    expected: str | None = None,
    actual: str | None = None,
    **facts: object,
) -> tuple[Finding, ...]:
    """Make a finding on the member `name`, whose titles are facts; nothing where the rule is switched off."""
    if name in FIELDS:
        facts |= {"field_zh": FIELDS[name].title.zh, "field_en": FIELDS[name].title.en}
    else:
        facts |= {"field_zh": "发生时间", "field_en": "instant of occurrence"}
    if actual is not None and len(actual) > _LONGEST_SHOWN:
        actual = actual[:_LONGEST_SHOWN] + "…"
    finding = context.ruleset.find(
        rule,
        context.occasion,
        circumstance,
        field=name,
        position=None,
        expected=expected,
        actual=actual,
        suggestions=(),
        **facts,
    )
    return () if finding is None else (finding,)


def _check_presence(
    record: Mapping[str, str], context: RecordContext, named_by_receipt: bool, unreadable: frozenset[str]
) -> Iterator[Finding]:
    """Q01. Nothing but the code is asked of an unreadable operation, nothing of the profile of a short one."""
    given = record.keys()
    essential: tuple[str, ...] = ("uscc",)
    if context.is_short:
        if not named_by_receipt:
            essential = ("uscc", "name")
        wanted = frozenset({"approved_on"})
    elif context.operation is None:
        essential, wanted = ("uscc", "name"), _NOTHING
    else:
        essential = ("uscc", "name", "approved_on")
        wanted = context.required
    if wanted <= given and all(name in given for name in essential):
        return
    for name in FIELDS:
        if name in given or name in unreadable:
            continue
        if name in essential:
            yield from context.missing(name, "essential")
        elif name in wanted and (name != "registration_number" or _is_numbered(record)):
            yield from context.missing(name, "")


def _is_numbered(record: Mapping[str, str]) -> bool:
    established_on = read_date(record.get("established_on", ""))
    return established_on is not None and established_on < NUMBERED_UNTIL


def _check_forms(record: Mapping[str, str], context: RecordContext) -> list[Finding]:
    """Q02."""
    found: list[Finding] = []
    for name, form in context.judged:
        value = record.get(name)
        if value is not None and not form.holds(value):
            circumstance = "unreadable" if form.readable_only else ""
            found += _find(context, "Q02", circumstance, name=name, expected=form.expected, actual=value)
    return found


def _check_dates(record: Mapping[str, str], context: RecordContext) -> list[Finding]:
    """Q03 over the record's own dates; a date that cannot be read contradicts nothing."""
    found: list[Finding] = []
    if not context.is_short:
        for earlier, later in _ORDERED:
            begins, ends = read_date(record.get(earlier, "")), read_date(record.get(later, ""))
            if begins is not None and ends is not None and ends < begins:
                other = FIELDS[earlier].title
                facts = {"other_zh": other.zh, "other_en": other.en, "other": begins.isoformat()}
                found += _find(context, "Q03", name=later, expected=f">= {begins}", actual=ends.isoformat(), **facts)
    for name in _NEVER_FUTURE:
        day = read_date(record.get(name, ""))
        if day is not None and day > context.latest_on and (name in SHORT_MEMBERS or not context.is_short):
            expected = f"<= {context.latest_on}"
            found += _find(context, "Q03", "future", name=name, expected=expected, actual=day.isoformat())
    return found


def _check_numbers(record: Mapping[str, str], context: RecordContext) -> list[Finding]:
    """Q04 and Q05."""
    found: list[Finding] = []
    number = record.get("legal_representative_id_number")
    is_card = record.get("legal_representative_id_type") in ID_CARD_TYPES
    if number is not None and is_card and not identity_card.is_valid(number, context.received_on):
        found += _find(context, "Q04", name="legal_representative_id_number", actual=identity_card.mask(number))
    organization_code = record.get("organization_code")
    if organization_code is not None and "uscc" in record:
        code = uscc.normalize(record["uscc"])
        if len(code) == 18 and organization_code.replace("-", "").upper() != code[8:17]:
            found += _find(context, "Q05", name="organization_code", expected=code[8:17], actual=organization_code)
    return found


def _check_operation(record: Mapping[str, str], context: RecordContext) -> list[Finding]:
    """Q06: assign says new and normal, change says change and neither cancelled nor revoked."""
    found: list[Finding] = []
    if context.operation is None:
        return found
    for name, allowed, expected in _IMPLIED[context.operation]:
        value = record.get(name)
        if value is not None and value not in allowed:
            found += _find(context, "Q06", name=name, expected=expected, actual=value)
    if context.operation is Operation.CHANGE and record.get("status") in ("2", "3"):
        found += _find(context, "Q06", name="status", expected="1", actual=record["status"])
    return found


def _check_delay(context: RecordContext, approved_on: date) -> tuple[Finding, ...]:
    """T01."""
    days = context.calendar.working_days(approved_on, context.received_on)
    limit = context.late_after_working_days
    if days <= limit:
        return ()
    return _find(context, "T01", name="approved_on", expected=str(limit), actual=str(days))
