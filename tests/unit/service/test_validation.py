"""The validation of one code, as the API and `uscc validate --json` give it."""

from __future__ import annotations

import pyarrow as pa
import pytest

from service.validation import suggestions_of, validate, validation_json
from service.validation_files.json_lines import JsonLines
from service.validation_files.judging import Judge
from validators.rulebook import default_ruleset
from validators.uscc import CodeContext

RULESET = default_ruleset()
CONTEXT = CodeContext()
CLEAN = "91210100MA00004960"


def test_a_validation_has_the_members_of_the_contract_in_their_order() -> None:
    item = validation_json(CLEAN, ruleset=RULESET, context=CONTEXT)

    assert list(item) == ["claimed", "normalized", "verdict", "components", "findings", "suggestions"]
    assert item["verdict"] == "valid"
    assert {name: part["value"] for name, part in item["components"].items()} == {
        "registration_authority_code": "9",
        "organization_category_code": "1",
        "division_code": "210100",
        "subject_identification_code": "MA0000496",
        "check_character": "0",
    }
    assert item["components"]["division_code"]["title"]["zh"].endswith("沈阳市")


def test_a_wrong_check_character_is_repairable_and_the_true_code_comes_first() -> None:
    item = validation_json("91210100MA0000496X", ruleset=RULESET, context=CONTEXT)

    assert (item["verdict"], item["suggestions"][0]) == ("repairable", CLEAN)


def test_a_code_in_the_register_is_nonconforming_and_issued() -> None:
    code = "91350211M00013FA1N"

    assert validate(code, ruleset=RULESET, context=CONTEXT)[2] == "nonconforming_issued"


def test_the_code_itself_is_never_suggested() -> None:
    normalized, findings, _ = validate("９１210100ma0000496x", ruleset=RULESET, context=CONTEXT)

    assert normalized == "91210100MA0000496X"
    assert normalized not in suggestions_of(normalized, findings)


@pytest.mark.parametrize(
    "claimed",
    [
        CLEAN,
        CLEAN.lower(),
        "91110108MA0000496X",
        "",
        "无",
        "123456789012345678",
        "91310100MA0000496A",
        "G1210100MA00004960",
    ],
)
def test_lines_of_a_column_are_the_validations_of_its_codes(claimed: str) -> None:
    lines = JsonLines(ruleset=RULESET, context=CONTEXT)
    judged = Judge(ruleset=RULESET, context=CONTEXT).judge(pa.array([CLEAN, claimed, CLEAN]))

    assert b"".join(lines.render(judged)) == lines.line(CLEAN) + lines.line(claimed) + lines.line(CLEAN)
