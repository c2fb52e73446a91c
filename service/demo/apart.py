"""Which two rules the demonstration feed never plants on one record, and why.

Of every two rules that are planted at all, either some record of the feed bears both, or a line of `APART` says why
none does. A line names two sets: no rule of the one stands with a rule of the other.
"""

from __future__ import annotations

from itertools import combinations, product
from typing import NamedTuple


class Apart(NamedTuple):
    """Two sets of rules that keep apart, and why."""

    why: str
    some: frozenset[str]
    others: frozenset[str]


def _of(rules: str) -> frozenset[str]:
    return frozenset(rules.split())


_CODES = "E01 E02 E03 E04 E05 E06 E07 E08 E09 E10"
_RECORDS = "Q01 Q02 Q03 Q04 Q05 Q06 T01 M01 M02 M05 M06"
_ACROSS = "D02 D03 X01"
_HELD = "D01 L01 L05 L06 L08"
_REGISTRY = f"{_ACROSS} {_HELD} L02 L04 L07 L09 S01 S02"

APART: tuple[Apart, ...] = (
    Apart("nothing more is said of what cannot be read", _of("M03"), _of(f"M04 {_CODES} {_RECORDS} {_REGISTRY}")),
    Apart("nothing more is said of what cannot be read", _of("M04"), _of(f"{_CODES} {_RECORDS} {_REGISTRY}")),
    # Codes (domain.md §5, dependencies).
    Apart("E01 stops E02–E07, and an ID number has 18 characters", _of("E01"), _of("E02 E03 E04 E05 E06 E07 E10")),
    Apart("positions 9–17 are those of 18 characters", _of("E01"), _of("Q05")),
    Apart(
        "E02 stops E05 and E06, and every character of an ID number is in the alphabet", _of("E02"), _of("E05 E06 E10")
    ),
    Apart("E03 stops E04, and an ID number begins with the digit of an authority", _of("E03"), _of("E04 E10")),
    Apart("no placeholder holds a date of birth", _of("E08"), _of("E10")),
    # The registry is asked of records without an error.
    Apart(
        "an error of the record's own, and the registry is not asked", _of("E01 E02 E08 M01 M05 M06"), _of(_REGISTRY)
    ),
    Apart(
        "a foreign assign is an error by itself; a code of another home needs an approved transfer",
        _of("S02"),
        _of("S01"),
    ),
    Apart("an assign of a code that is no office's is an error by itself", _of("E03"), _of("S01")),
    Apart("what is for private use begins with letters", _of("E10"), _of("S01")),
    # One record has one operation, and its code a holder or none.
    Apart("no operation is asked both", _of("L05"), _of(f"L01 L06 L08 S01 {_ACROSS}")),
    Apart("no operation is asked both", _of("L09"), _of(f"{_HELD} L02 L04 L07 S01 {_ACROSS}")),
    Apart("no operation is asked both", _of("L01 L08 S01"), _of("L02 L06")),
    Apart("the one speaks of a holder, the other of none", _of("L02 L04 L07"), _of("L01 L05 L06 L08")),
    Apart("the one speaks of a holder, the other of none", _of("D01"), _of("L02 L04")),
    Apart("a code was held and taken back, or never was", _of("L02"), _of("L04")),
    Apart("who is not the holder does not lead its life", _of("D01"), _of("L05 L06 L08")),
    Apart("S01 is not asked once the holder's assign stands", _of("S01"), _of("L08")),
    Apart("a claim on another's code brings that code no identity", _of("D01"), _of(_ACROSS)),
    Apart("what joins a case brings no identity before it is settled", _of("L07"), _of("X01")),
    Apart("a short record carries no more than code, name and date", _of("L05 L09"), _of("Q02 Q03 Q04 Q05 Q06")),
    # What the truth of a feed cannot say.
    Apart("a person lets such a code have a holder, by keep", _of("E03 E05"), _of(f"{_HELD} L04")),
    Apart(
        "the holder's records come by another topic: arrival decides what else is held", _of("S02"), _of(f"{_HELD} L04")
    ),
    Apart(
        "the other code's record lies in another partition: arrival decides whether this rule is asked beside that one",
        _of("D02 D03"),
        _of("E03 E05 L01 L02 L04 L06 L07 L08 S01 S02"),
    ),
    Apart(
        "a number that was not given before is another code's: arrival decides which of them is held",
        _of("X01"),
        _of("L08"),
    ),
)


def apart() -> frozenset[frozenset[str]]:
    """Return every two rules that the table keeps apart."""
    return frozenset(frozenset(two) for each in APART for two in product(each.some, each.others))


def every_two(rules: frozenset[str]) -> frozenset[frozenset[str]]:
    """Return every two of these rules."""
    return frozenset(map(frozenset, combinations(sorted(rules), 2)))
