"""By what rules days are closed, for commands and the API: the offices, when a day ends, and when the night is late."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sync.nightly.days import BusinessDays
from sync.nightly.sealing import Closing, works_on
from sync.offices import Offices, load_offices
from sync.store.nightly import NightState


def _closing() -> Closing:
    return Closing(days=BusinessDays(), silent_after=timedelta(hours=17))


@dataclass(frozen=True, slots=True, kw_only=True)
class Nights:
    """How days are closed; `done_by` is how long after midnight the last complete day should be sealed."""

    offices: Offices = field(default_factory=load_offices)
    closing: Closing = field(default_factory=_closing)
    done_by: timedelta = timedelta(hours=6)

    def is_silent(self, state: NightState, now: datetime) -> bool:
        """Whether an office should have sent something today and has not."""
        office = self.offices.get(state.office)
        day = self.closing.days.day_of(now)
        if office is None or state.heard or not works_on(office, day):
            return False
        expected = self.closing.silent_from(office, day)
        return expected is not None and now >= expected

    def is_overdue(self, state: NightState, now: datetime) -> bool:
        """Whether the last complete day of an office should be sealed and is not."""
        ended = self.closing.days.window(self.closing.days.last_complete(now)).ends
        midnight = ended - self.closing.days.ends % timedelta(days=1)
        due = midnight + self.done_by
        while due < ended:
            due += timedelta(days=1)
        return not state.sealed and now >= due
