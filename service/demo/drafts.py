"""Drafts of the demonstration feed: a submission before it is bytes, with what must become of it.

The *desk* holds what a run shares: chance, numbers, the days, the message ids. Stories (stories.py) write drafts at
the desk; faults (faults.py) spoil them and adjust what is expected.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from random import Random
from typing import Any

from service.demo.identifiers import Identifiers
from service.demo.organizations import OFFICES, Organization, Registrars

_SHANGHAI = timezone(timedelta(hours=8))
_MESSAGE_PREFIXES = {"commerce": "COM", "civil-affairs": "CIV", "establishment": "EST"}
_BUSINESS_TYPES = {
    "assign": ("1", "1"),
    "change": ("2", "1"),
    "cancel": ("3", "2"),
    "revoke": ("", "3"),
    "restore": ("4", "1"),
}
_STOCK_BEGINS = date(2016, 1, 4)
_STOCK_DAYS = 1400


@dataclass(slots=True, kw_only=True)
class Draft:
    """One submission being written, and its truth.

    `body` is set where the bytes are no plain JSON of `envelope`. `disposition` is empty for members of a group.
    `rules` are those of severity hold or error and the warnings that were planted.
    """

    office: str
    envelope: dict[str, Any]
    disposition: str
    rules: set[str] = field(default_factory=set)
    group: str = ""
    group_expectation: str = ""
    body: bytes | None = None

    @property
    def record(self) -> dict[str, Any]:
        """The record inside the envelope."""
        record: dict[str, Any] = self.envelope["record"]
        return record


class Desk:
    """What the stories of one run share. All chance comes from one seeded generator, so a run repeats exactly."""

    def __init__(self, seed: int, base: date) -> None:
        self.random = Random(f"uscc demo {seed} {base.isoformat()}")
        self.identifiers = Identifiers(self.random)
        self.registrars = Registrars(self.random, self.identifiers, base)
        self.base = base
        self._run = f"{base:%Y%m%d}-{seed}"
        self._counters = dict.fromkeys(OFFICES, 0)
        self._groups = 0
        self._recent_days = _working_days_before(base, 3)

    def pick(self, *choices: str) -> str:
        """Return one of the choices."""
        return choices[int(self.random.random() * len(choices))]

    def message_id(self, office: str) -> str:
        """Return the next message id of an office."""
        self._counters[office] += 1
        return f"{_MESSAGE_PREFIXES[office]}-{self._run}-{self._counters[office]:07}"

    def group(self) -> str:
        """Return the name of a new group of records whose dispositions arrival decides."""
        self._groups += 1
        return f"G{self._groups:06}"

    def recent(self) -> datetime:
        """Return an instant in the morning of one of the last three working days before the base date."""
        day = self._recent_days[int(self.random.random() * 3)]
        return _at(day, 8 * 60 + int(self.random.random() * 240))

    def past(self) -> datetime:
        """Return an instant in the years in which the stock was converted."""
        return _at(_STOCK_BEGINS + timedelta(days=int(self.random.random() * _STOCK_DAYS)), 9 * 60)

    def later(self, instant: datetime) -> datetime:
        """Return an instant 5 to 60 minutes after `instant`."""
        return instant + timedelta(seconds=300 + int(self.random.random() * 3300))

    def long_ago(self, before: date) -> date:
        """Return a date of foundation between 1990 and `before`, one day in four of them before October 2015."""
        span = (before - date(1990, 1, 1)).days
        return date(1990, 1, 1) + timedelta(days=int(self.random.random() * span))

    def newcomer(self, office: str, at: datetime, *, prefix: str = "", uscc: str = "") -> Organization:
        """Found an organization on the day of `at`."""
        return self.registrars.found(office, at.date(), prefix=prefix, uscc=uscc)

    def veteran(self, office: str, at: datetime) -> Organization:
        """Found an organization long before `at`."""
        return self.registrars.found(office, self.long_ago(at.date()))

    def submit(
        self, organization: Organization, operation: str, at: datetime, disposition: str, *rules: str, **envelope: str
    ) -> Draft:
        """Write the submission of an operation on an organization as it is now.

        assign and change carry the whole record, the others code, name and date of approval; `envelope` adds members.
        """
        day = at.date().isoformat()
        business_type, status = _BUSINESS_TYPES.get(operation, ("", ""))
        if operation in ("assign", "change"):
            record = organization.record | {"approved_on": day, "last_updated_on": day}
        else:
            record = {"uscc": organization.uscc, "name": organization.name, "approved_on": day}
        if business_type:
            record["business_type"] = business_type
        if status:
            record["status"] = status
        message_id = self.message_id(organization.office)
        document: dict[str, Any] = {
            "schema": "submission/1",
            "message_id": message_id,
            "batch_id": message_id.rpartition("-")[0],
            "operation": operation,
            "occurred_at": at.isoformat(),
            **envelope,
            "record": record,
        }
        return Draft(office=organization.office, envelope=document, disposition=disposition, rules=set(rules))

    def again(
        self, draft: Draft, disposition: str, *rules: str, operation: str = "", at: datetime | None = None
    ) -> Draft:
        """Write a draft's record once more under a new message id: the same state, sent again later."""
        envelope = dict(draft.envelope)
        envelope["message_id"] = self.message_id(draft.office)
        envelope["occurred_at"] = (at or self.later(datetime.fromisoformat(envelope["occurred_at"]))).isoformat()
        envelope["operation"] = operation or envelope["operation"]
        envelope["record"] = dict(draft.record)
        envelope["record"]["business_type"] = _BUSINESS_TYPES[envelope["operation"]][0]
        return Draft(office=draft.office, envelope=envelope, disposition=disposition, rules=set(rules))


def _at(day: date, minutes: int) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=_SHANGHAI) + timedelta(minutes=minutes)


def _working_days_before(base: date, count: int) -> list[date]:
    days: list[date] = []
    day = base
    while len(days) < count:
        day -= timedelta(days=1)
        if day.weekday() < 5:
            days.append(day)
    return days
