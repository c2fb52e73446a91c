"""The quality of what an office sends, from counts to the figures that are shown.

- *completeness*: of the fields that the profiles ask for, over records that carry particulars, the share that is there.
- *timeliness*: of the accepted and superseded records with a date of approval, the share within the limit (rule T01,
  working days), and how many calendar days lie between approval and arrival; a load of stock is left out, and so are
  the short operations, whose date is not kept with their version.
- *accuracy*: the share of records that were rejected, held or quarantined (unqualified), and of those that were
  rejected or held for a wrong, shared or repeated code, classes 1, 2 and 3 (重错码率).
- *conversion*: of the organizations from before the unified code, the share that has one.

Source: domain.md §7; 发改办财金〔2017〕836号.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sync.offices import Office
from sync.store.nightly_quality import QualityRow
from validators.profiles import PROFILES

# The longest run of days off that China's calendar has had, with a weekend on each side, and a week to spare.
_HOLIDAYS = 21


def required_fields(office: Office) -> tuple[Mapping[str, int], int]:
    """Return how many fields an office's profiles ask for, by organization category, and for the other categories."""
    by_category = {category: len(PROFILES[profile]) for category, profile in office.profiles.items()}
    return by_category, len(PROFILES[office.default_profile])


def stock_after_days(late_after_working_days: int) -> int:
    """Return the calendar days that hold more working days than the limit, whatever the holidays.

    A year has about 249 working days, so that long limits need more than seven days for each five.
    """
    return late_after_working_days * 3 // 2 + _HOLIDAYS


def share(part: int, whole: int) -> float | None:
    """Return a share to four decimals, None where there is nothing to share."""
    return round(part / whole, 4) if whole else None


def figures(row: QualityRow) -> dict[str, Any]:
    """Return the figures of a day as they are shown; a share of nothing is None."""
    dispositions = ("received", "accepted", "unchanged", "superseded", "rejected", "held", "quarantined")
    return {
        "date": row.date.isoformat(),
        "office": row.office,
        "division": row.division or None,
        **{name: getattr(row, name) for name in dispositions},
        "completeness": {
            "fields_required": row.fields_required,
            "fields_missing": row.fields_missing,
            "share": share(row.fields_required - row.fields_missing, row.fields_required),
        },
        "timeliness": {
            "records": row.timed,
            "late": row.late,
            "within_limit": share(row.timed - row.late, row.timed),
            "days": {"p50": row.days_p50, "p90": row.days_p90, "p99": row.days_p99},
        },
        "accuracy": {
            "unqualified": row.unqualified,
            "unqualified_rate": share(row.unqualified, row.received),
            "wrong_codes": row.wrong_codes,
            "wrong_code_rate": share(row.wrong_codes, row.received),
        },
        "conversion": {
            "stock": row.stock,
            "converted": row.stock_converted,
            "share": share(row.stock_converted, row.stock),
        },
        "cases": {"open": row.cases_open, "overdue": row.cases_overdue},
    }
