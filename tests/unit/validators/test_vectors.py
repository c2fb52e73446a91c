"""Codes that other projects' tests call valid or not, against what the standard says of them."""

from __future__ import annotations

from tests.unit.validators.material import CONTEXT, find, shared
from validators import uscc
from validators.check_character import mod11, mod31
from validators.exceptions import SHIPPED


def test_both_checks_agree_with_the_standards_columns() -> None:
    for row in shared("vectors.csv"):
        if row["check_character_ok"]:
            code = uscc.normalize(row["code"])
            assert (code[17] == mod31(code[:17])) == (row["check_character_ok"] == "1"), row
            assert (code[16] == mod11(code[8:16])) == (row["subject_code_check_ok"] == "1"), row


def test_findings_agree_with_the_standards_columns() -> None:
    for row in shared("vectors.csv"):
        code = uscc.normalize(row["code"])
        fired = {finding.rule for finding in find(row["code"])}
        assert ("E01" in fired) == (len(code) != 18), row
        if row["check_character_ok"]:
            wrong = {"E02"} & fired
            assert bool(wrong) == (row["division"] == "non-digit"), row
            assert ("E05" in fired) == (row["check_character_ok"] == "0" and not wrong), row
            assert ("E06" in fired) == (row["subject_code_check_ok"] == "0" and not wrong), row
            assert ("E03" in fired) == (row["authority_known"] == "0"), row
            if row["authority_known"] == "1":
                assert ("E04" in fired) == (row["category_known"] == "0"), row
            unknown = any(f.rule == "E07" and f.position == 3 and f.expected is None for f in find(row["code"]))
            assert unknown == (row["division"] == "unknown" and not CONTEXT.divisions.known(code[2:8])), row


def test_verdicts_agree_with_the_standards_columns() -> None:
    for row in shared("vectors.csv"):
        code = uscc.normalize(row["code"])
        findings = find(row["code"])
        verdict = uscc.verdict(code, findings, code in CONTEXT.register)
        fired = {finding.rule for finding in findings}
        if code in SHIPPED:
            expected = {"nonconforming_issued"}
        elif row["check_character_ok"] == "1" and row["authority_known"] == "1" and not fired & {"E02", "E08"}:
            expected = {"valid"}
        else:
            expected = {"repairable", "invalid"}
        assert verdict in expected, row
