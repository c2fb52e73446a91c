"""What a mapping makes of a sample, member by member."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from service.mapping_checks import Check, check_body, sample_bodies
from service.settings import Settings
from service.site import load_site
from sync.mappings import load_mappings

SITE = load_site(None)
MAPPING = load_mappings(SITE.offices)["commerce", "registration"]
FIELDS = {
    "uniscid": "91210100MA00004960",
    "traname": "沈阳",
    "apprdate": "2026/11/3",
    "opetype": "3",
    "regcap": "100.50",
}


def _check(body: bytes) -> Check:
    return check_body(body, MAPPING, settings=Settings(), site=SITE)


def test_every_member_says_from_which_field_it_came_and_what_it_became() -> None:
    check = _check(json.dumps(FIELDS | {"rowid": 7}).encode())
    lines = {line.member: (line.field, line.raw, line.value) for line in check.lines}

    assert ("apprdate", "2026/11/3", "2026-11-03") == lines["record.approved_on"]
    assert ("opetype", "3", "cancel") == lines["operation"]
    assert (None, None, "CNY") == lines["record.currency"]
    assert (None, None, None) == lines["record.registered_address"]
    assert "100.50" == lines["record.registered_capital"][2]
    assert ("rowid",) == check.unknown
    assert ["M02"] == [finding.rule for finding in check.submission.findings if finding.field == "rowid"]


@pytest.mark.parametrize("body", [b"{broken", "沈阳".encode("gb18030")])
def test_a_sample_that_cannot_be_read_is_shown_as_quarantined(body: bytes) -> None:
    check = _check(body)

    assert check.submission.quarantined
    assert () == check.lines


@pytest.mark.parametrize("name", ["s.json", "s.ndjson", "list.json", "s.csv"])
def test_a_sample_may_have_any_form(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    one = json.dumps(FIELDS)
    texts = {"s.json": one, "s.ndjson": one + "\n", "list.json": f" [{one}]"}
    path.write_text(texts.get(name) or ",".join(FIELDS) + "\n" + ",".join(FIELDS.values()) + "\n", "utf-8")

    (body,) = sample_bodies(path, MAPPING)

    assert FIELDS == json.loads(body)
