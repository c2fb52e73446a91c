"""Numbers that stand where no number was known: all characters equal, 123456789012345678 and its like.

The kinds are data (data/placeholders.csv) and few: a real number called a placeholder is much worse than the
reverse. Names are never judged: 测试 is part of real ones.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from validators.rulebook import Text
from validators.tables import rows


class _Kind(NamedTuple):
    """A kind of placeholder: a run through `alphabet`, around its end; an empty alphabet is one character repeated."""

    minimum_length: int
    alphabet: str
    title: Text


@cache
def _kinds() -> tuple[_Kind, ...]:
    return tuple(
        _Kind(int(row["minimum_length"]), row["alphabet"], Text(zh=row["zh"], en=row["en"]))
        for row in rows("placeholders")
    )


def kind(number: str) -> Text | None:
    """Return what kind of placeholder a normalized number is, or None where it is none."""
    for minimum_length, alphabet, title in _kinds():
        # Whatever runs through the alphabet is a piece of it written often enough.
        repeated = alphabet * (len(number) // len(alphabet) + 2) if alphabet else number[:1] * len(number)
        if len(number) >= minimum_length and number in repeated:
            return title
    return None
