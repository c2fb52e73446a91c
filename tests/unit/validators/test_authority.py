"""The table of authorities and categories."""

from __future__ import annotations

from validators.authority import Authorities
from validators.rulebook import Text

TABLE = Authorities.load()


def test_the_standard_lists_twelve_authorities() -> None:
    assert [character for character in "0123456789ABCDEFGHJKLMNPQRTUWXY" if TABLE.known(character)] == list(
        "123456789ANY"
    )


def test_a_category_belongs_to_its_authority() -> None:
    assert TABLE.category_known("9", "3")
    assert not TABLE.category_known("9", "9")
    assert not TABLE.category_known("5", "4")
    assert not TABLE.category_known("G", "1")


def test_listed_prefixes_are_exceptions_and_not_known() -> None:
    assert TABLE.listed("G", "1")
    assert TABLE.listed("J", "1")
    assert not TABLE.listed("G", "2")
    assert not TABLE.listed("9", "1")
    assert not TABLE.known("G")


def test_titles_come_in_both_languages() -> None:
    assert TABLE.title("5") == Text(zh="民政", en="civil affairs")
    assert TABLE.category_title("5", "3") == Text(zh="基金会", en="foundation")
    assert TABLE.category_title("J", "1") is not None
    assert TABLE.title("0") is None
    assert TABLE.category_title("5", "4") is None


def test_the_table_is_read_once() -> None:
    assert Authorities.load() is TABLE
