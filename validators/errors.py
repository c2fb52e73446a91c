"""What is wrong with a number, as facts.

The docstring of an error is its message, and its name says what is wrong. Positions count from 1; personal numbers
are never carried.
"""

from __future__ import annotations


class CodeError(ValueError):
    """number is not valid."""

    def __init__(self, **facts: object) -> None:
        super().__init__(facts)
        self.facts = facts

    def __str__(self) -> str:
        """Fill the class's message with the facts."""
        return (self.__doc__ or "").format_map(self.facts)

    def __repr__(self) -> str:
        """Name the class and its facts."""
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.facts.items())})"


class InvalidLength(CodeError):
    """length is {found}, expected {expected}."""


class InvalidCharacter(CodeError):
    """character {found!r} cannot stand at position {position}."""


class InvalidForm(CodeError):
    """number is not of the form {expected}."""


class InvalidCheckCharacter(CodeError):
    """check character at position {position} is {found}, expected {expected}."""


class UnknownAuthority(CodeError):
    """registration authority code {found!r} is unknown."""


class InvalidDate(CodeError):
    """positions {position} and following hold no date of birth that is possible."""


class UnknownProvince(CodeError):
    """no province has the code {found!r}."""


class PlaceholderNumber(CodeError):
    """number is a placeholder: {kind}."""


class IdentityCardNumber(CodeError):
    """number is that of an identity card."""
