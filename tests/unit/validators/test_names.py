from __future__ import annotations

import pytest

from validators.names import name_key


@pytest.mark.parametrize(
    "name",
    [
        "沈阳（集团）Ａ·B有限公司",
        "沈阳(集团)A·B有限公司",
        "沈阳【集团】a•b有限公司",
        "沈阳 〔集团〕 a ・ b 有限公司",
        "沈阳［集团］a‧b有限公司　",
        "沈阳<集团>a∙b有限公司\u200b",
    ],
)
def test_spellings_of_one_name_have_one_key(name: str) -> None:
    assert name_key(name) == "沈阳(集团)A·B有限公司"


@pytest.mark.parametrize(
    ("one", "other"), [("甲公司", "乙公司"), ("甲（一）公司", "甲一公司"), ("A·B", "AB"), ("甲公司1", "甲公司I")]
)
def test_different_names_have_different_keys(one: str, other: str) -> None:
    assert name_key(one) != name_key(other)


def test_a_very_long_name_has_a_key_that_can_be_indexed_and_still_tells_it_from_others() -> None:
    one, other = name_key("甲" * 5_000), name_key("甲" * 5_001)

    assert len(one) == len(other) == 232
    assert one != other
    assert name_key(one) == one
