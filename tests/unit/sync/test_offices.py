from __future__ import annotations

from pathlib import Path

import pytest

from sync.offices import InvalidConfiguration, load_offices
from validators.fields import FIELDS
from validators.profiles import PROFILES

GOOD = """
[unions]
title_zh = "工会"
title_en = "trade unions"
first_characters = ["8"]
order = "office_version"
calendar = "weekdays"
profile = "ORG8"
"""


def test_the_three_offices_of_the_first_release_ship() -> None:
    offices = load_offices()

    assert list(offices) == ["commerce", "civil-affairs", "establishment"]
    assert len(offices) == 3
    assert [offices.home_of(character) for character in "951N"] == ["commerce", "civil-affairs", "establishment", None]
    assert offices["commerce"].order == "occurred_at"
    assert (offices["civil-affairs"].title_zh, offices["civil-affairs"].title_en) == ("民政", "civil affairs")


@pytest.mark.parametrize(
    ("office", "category", "profile"),
    [
        ("commerce", "1", "COM18"),
        ("civil-affairs", "3", "CIV18"),
        ("establishment", "1", "ORG8"),
        ("establishment", "2", "PUB11"),
        ("establishment", "", "ORG8"),
    ],
)
def test_profiles_follow_the_category(office: str, category: str, profile: str) -> None:
    assert load_offices()[office].profile(category) == PROFILES[profile]


def test_the_default_profiles_have_the_sizes_in_their_names() -> None:
    assert {name: len(fields) for name, fields in PROFILES.items()} == {
        "ORG8": 8,
        "PUB11": 11,
        "CIV18": 18,
        "COM18": 18,
    }
    assert all(fields <= FIELDS.keys() for fields in PROFILES.values())


def test_a_further_office_is_a_further_table(tmp_path: Path) -> None:
    file = tmp_path / "offices.toml"
    file.write_text(GOOD, "utf-8")

    offices = load_offices(file)

    assert offices.home_of("8") == "unions"
    assert offices["unions"].order == "office_version"
    assert offices["unions"].mapping is None


@pytest.mark.parametrize(
    ("text", "key", "problem"),
    [
        ("", "(file)", "there is no office"),
        ("[", "(file)", "no TOML in UTF-8"),
        ('unions = "8"', "unions", "an office is a table"),
        (GOOD.replace("[unions]", '["Trade Unions"]'), "Trade Unions", "it names topics"),
        (GOOD + 'colour = "red"', "unions.colour", "there is no such key"),
        (GOOD.replace('calendar = "weekdays"', ""), "unions.calendar", "is missing"),
        (GOOD.replace('"工会"', "8"), "unions.title_zh", "must be a text"),
        (GOOD + "mapping = 1", "unions.mapping", "must be a text"),
        (GOOD.replace('["8"]', '"8"'), "unions.first_characters", "must be a list"),
        (GOOD.replace('["8"]', "[]"), "unions.first_characters", "must be a list"),
        (GOOD.replace('["8"]', '["B"]'), "unions.first_characters", "'B' is no registration authority code"),
        (GOOD.replace('"office_version"', '"arrival"'), "unions.order", "must be one of occurred_at, office_version"),
        (GOOD.replace('"weekdays"', '"moon"'), "unions.calendar", "must be one of china, weekdays"),
        (GOOD.replace('"ORG8"', '"ORG9"'), "unions.profile", "must be one of ORG8, PUB11, CIV18, COM18"),
        (GOOD + 'profiles = "PUB11"', "unions.profiles", "must be a table"),
        (GOOD + 'profiles = { 2 = "PUB12" }', "unions.profiles.2", "must be one of"),
        (GOOD + "profiles = { 2 = [] }", "unions.profiles.2", "must be one of"),
        (GOOD + GOOD.replace("unions", "others"), "others.first_characters", "already at home in unions"),
    ],
)
def test_a_wrong_file_is_refused_by_file_and_key(tmp_path: Path, text: str, key: str, problem: str) -> None:
    file = tmp_path / "offices.toml"
    file.write_text(text, "utf-8")

    with pytest.raises(InvalidConfiguration) as raised:
        load_offices(file)

    error = raised.value
    assert (error.file, error.key) == (str(file), key)
    assert problem in error.problem
    assert str(error) == f"{file}: {key}: {error.problem}"


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "offices.toml"
    file.write_bytes(GOOD.encode("gb18030"))

    with pytest.raises(InvalidConfiguration, match="no TOML in UTF-8"):
        load_offices(file)
