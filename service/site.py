"""What a site may replace: offices, severities of rules, working days, mappings. Each has a default that ships."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from sync.offices import InvalidConfiguration, Offices, load_offices
from validators.calendar import WorkingCalendar
from validators.rulebook import Ruleset, default_ruleset
from validators.tables import UnreadableLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The tables by which this installation works. `mappings` is a folder, or None for those that ship.

    `calendar` is China's, by which cases are due.
    """

    offices: Offices
    ruleset: Ruleset
    mappings: Path | None
    calendar: WorkingCalendar = field(default_factory=lambda: WorkingCalendar.load("china"))


def load_site(config_dir: Path | None) -> Site:
    """Load the site's tables; whatever is not in `config_dir` is the default that ships.

    Raises:
        InvalidConfiguration: a table is wrong; names file, place and what is wrong.
    """
    workdays = _own(config_dir, "workdays.csv")
    try:
        ruleset = default_ruleset(_own(config_dir, "severities.csv"), workdays)
        calendar = WorkingCalendar.load("china")
        if ruleset.workdays is not None:
            calendar = WorkingCalendar.of_site(ruleset.workdays, str(workdays))
    except UnreadableLine as error:
        raise InvalidConfiguration(file=error.file, key=f"line {error.line}", problem=error.problem) from error
    return Site(
        offices=load_offices(_own(config_dir, "offices.toml"), china=calendar),
        ruleset=ruleset,
        mappings=_own(config_dir, "mappings"),
        calendar=calendar,
    )


def ruleset_body(ruleset: Ruleset) -> str:
    """Return the ruleset as canonical JSON: what the returns that name its version were judged by."""
    rules = {name: asdict(rule) for name, rule in ruleset.rules.items()}
    severities = [asdict(row) for row in ruleset.rows]
    body = {"version": ruleset.version, "rules": rules, "severities": severities}
    if ruleset.workdays is not None:
        body["workdays"] = ruleset.workdays
    return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def digest(body: str) -> bytes:
    """Return the SHA-256 of a ruleset's canonical JSON."""
    return hashlib.sha256(body.encode()).digest()


def _own(config_dir: Path | None, name: str) -> Path | None:
    if config_dir is None or not (config_dir / name).exists():
        return None
    return config_dir / name
