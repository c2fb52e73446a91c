"""Code segments and what rule S01 says of an assigned code."""

from __future__ import annotations

from datetime import date

import pytest

from sync.facts import Facts
from sync.segments import Outside, Segment, Segments, is_body, judge_segment
from tests.unit.sync.factories import judge, submission, told

SINCE = date(2026, 1, 1)
OURS = Segment(first_body="MA000000", last_body="MA00YYYY", office="commerce", allocated_on=SINCE)
REGISTRARS = Segment(
    first_body="MA010000",
    last_body="MA01YYYY",
    office="commerce",
    registrar_code="210102",
    registrar_name="和平区局",
    allocated_on=SINCE,
)
THEIRS = Segment(first_body="MB000000", last_body="MB00YYYY", office="civil-affairs", allocated_on=SINCE)
SEGMENTS = Segments([OURS, REGISTRARS, THEIRS])
APPROVED = {"approved_on": "2026-11-20"}


def _code(body: str) -> str:
    return f"91210100{body}00"


@pytest.mark.parametrize(
    ("body", "record", "expected"),
    [
        ("MA000000", {}, None),
        ("MA00YYYY", {}, None),
        ("MA020000", {}, Outside("")),
        ("MB000001", {}, Outside("foreign", "civil-affairs")),
        ("MA010001", {"registrar_code": "210102"}, None),
        ("MA010001", {}, None),
        ("MA010001", {"registrar_code": "210103"}, Outside("foreign", "和平区局")),
        ("PDY00001", {}, Outside("private")),
        ("PDY00000", {}, Outside("")),
    ],
)
def test_a_code_is_held_against_the_segments_of_its_registrar(
    body: str, record: dict[str, str], expected: Outside | None
) -> None:
    assert expected == judge_segment(SEGMENTS, _code(body), "commerce", APPROVED | record, "21")


@pytest.mark.parametrize(
    ("uscc", "record", "segments"),
    [
        (_code("MA020000"), {"approved_on": "2025-12-31"}, SEGMENTS),
        (_code("MA020000"), {}, SEGMENTS),
        ("91110100MA02000000", APPROVED, SEGMENTS),
        (_code("MA020000"), APPROVED, Segments()),
    ],
    ids=["approved before the allocation", "no date", "another province", "no segments are loaded"],
)
def test_what_no_segment_speaks_of_is_not_judged(uscc: str, record: dict[str, str], segments: Segments) -> None:
    assert judge_segment(segments, uscc, "commerce", record, "21") is None


def test_the_private_zone_is_judged_without_any_segment() -> None:
    assert Outside("private") == judge_segment(Segments(), _code("PDY99999"), "commerce", {}, "21")


def test_the_size_of_a_segment_counts_the_codes_that_can_be_made_of_it() -> None:
    assert 31**4 == OURS.size


@pytest.mark.parametrize("text", ["MA00000", "MA0000000", "MA00000I", "MA00000O", "ma000000", ""])
def test_an_end_of_a_segment_is_eight_characters_of_the_alphabet(text: str) -> None:
    assert not is_body(text)


def test_an_assign_from_outside_is_held_until_its_case_is_settled() -> None:
    facts = Facts(segments=Segments([THEIRS]))
    outcome = judge(submission(approved_on="2026-11-20"), submission("change", at=1), facts=facts)

    assert ["held S01", "held L07,S01"] == told(outcome)


def test_a_change_is_never_held_for_its_segment() -> None:
    facts = Facts(segments=Segments([THEIRS]))

    assert ["accepted L02"] == told(judge(submission("change", approved_on="2026-11-20"), facts=facts))


def test_a_code_that_stands_assigned_is_not_judged_again() -> None:
    facts = Facts()
    judge(submission(), facts=facts)
    facts.segments = Segments([THEIRS])

    assert ["accepted L08"] == told(judge(submission(at=1, approved_on="2026-11-20"), facts=facts))
