"""The register of exceptions that ships."""

from __future__ import annotations

from datetime import date

from tests.unit.validators.material import shared
from validators.check_character import mod31
from validators.exceptions import SHIPPED


def test_every_shipped_code_fails_the_check_and_has_evidence() -> None:
    assert all(code[17] != mod31(code[:17]) for code in SHIPPED)
    assert all(entry.evidence and entry.listed_by and entry.added_on > date(2026, 1, 1) for entry in SHIPPED.values())
    assert all(code == entry.uscc for code, entry in SHIPPED.items())


def test_fujians_pilot_codes_of_public_test_suites_are_all_that_ships() -> None:
    spoilt = "91350100M000100Y4A"
    pilots = {
        row["code"]
        for row in shared("vectors.csv")
        if row["code"][8:12] == "M000" and row["shape_or_fault"] == "check" and row["code"] != spoilt
    }

    assert set(SHIPPED) == pilots
