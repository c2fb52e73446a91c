"""Errors carry facts; their docstrings are their messages."""

from __future__ import annotations

from validators.errors import CodeError, InvalidCheckCharacter, InvalidLength


def test_the_message_is_the_docstring_filled_with_the_facts() -> None:
    error = InvalidCheckCharacter(position=18, expected="M", found="N")

    assert str(error) == "check character at position 18 is N, expected M."
    assert repr(error) == "InvalidCheckCharacter(position=18, expected='M', found='N')"


def test_every_error_is_a_value_error() -> None:
    assert isinstance(InvalidLength(found=1, expected=2), CodeError | ValueError)


def test_a_class_without_a_docstring_has_an_empty_message() -> None:
    class Nameless(CodeError):
        pass

    assert str(Nameless()) == ""
