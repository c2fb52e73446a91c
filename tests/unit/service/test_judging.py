"""What decides records follows from the settings and the site's tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from service.judging import due_date, rulings
from service.settings import load
from service.site import digest, load_site, ruleset_body
from sync.offices import InvalidConfiguration, Offices
from validators.calendar import WorkingCalendar


@pytest.mark.parametrize(
    ("opened_on", "working_days", "due_on"),
    [
        (date(2026, 11, 20), 1, date(2026, 11, 23)),
        (date(2026, 11, 20), 5, date(2026, 11, 27)),
        (date(2026, 11, 21), 1, date(2026, 11, 23)),
    ],
)
def test_a_case_is_due_when_its_working_days_are_full(opened_on: date, working_days: int, due_on: date) -> None:
    assert due_date(WorkingCalendar.load("weekdays"), opened_on, working_days) == due_on


def test_the_day_of_a_case_is_that_of_shanghai() -> None:
    made = rulings(load(case_due_working_days=1), load_site(None))

    assert made.due_on(datetime(2026, 11, 19, 17, 0, tzinfo=UTC)) == date(2026, 11, 23)


def test_every_first_character_has_the_office_that_claims_it() -> None:
    site = load_site(None)

    homes = rulings(load(), site).homes

    assert all(character in site.offices[office].first_characters for character, office in homes.items())
    assert homes["9"] == "commerce"


def test_the_texts_of_findings_have_the_titles_of_the_offices() -> None:
    site = load_site(None)

    titles = rulings(load(), site).titles

    assert titles.keys() == site.offices.keys()
    assert ("民政", "civil affairs") == (titles["civil-affairs"].zh, titles["civil-affairs"].en)


def test_the_digest_of_a_ruleset_follows_its_rules_and_severities() -> None:
    ruleset = load_site(None).ruleset

    assert digest(ruleset_body(ruleset)) == digest(ruleset_body(load_site(None).ruleset))
    assert f'"version":"{ruleset.version}"' in ruleset_body(ruleset)


def test_the_offices_that_count_their_versions_are_known_to_the_rules() -> None:
    site = load_site(None)
    counted = replace(site.offices["commerce"], order="office_version")
    offices = Offices({**site.offices, "commerce": counted})

    assert frozenset() == rulings(load(), site).counting
    assert {"commerce"} == rulings(load(), replace(site, offices=offices)).counting


def test_the_working_days_of_a_site_are_those_of_its_offices_its_cases_and_its_ruleset(tmp_path: Path) -> None:
    (tmp_path / "workdays.csv").write_text("date,kind,occasion\n2027-01-04,holiday,元旦\n", "utf-8")
    own, shipped = load_site(tmp_path), load_site(None)
    opened = datetime(2027, 1, 1, 4, tzinfo=UTC)

    monday = date(2027, 1, 4)
    assert [0, 1] == [
        site.offices["commerce"].working_calendar.working_days(monday - timedelta(days=1), monday)
        for site in (own, shipped)
    ]
    assert [date(2027, 1, 18), date(2027, 1, 15)] == [rulings(load(), site).due_on(opened) for site in (own, shipped)]
    assert own.ruleset.version.startswith(f"{shipped.ruleset.version}+")
    assert digest(ruleset_body(own.ruleset)) != digest(ruleset_body(shipped.ruleset))


@pytest.mark.parametrize("name", ["workdays.csv", "severities.csv"])
def test_a_wrong_table_of_a_site_is_named_with_its_line(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("x\n", "utf-8")

    with pytest.raises(InvalidConfiguration, match=rf"{name}: line 1: the header must be"):
        load_site(tmp_path)
