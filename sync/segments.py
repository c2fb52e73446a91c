"""Code segments (码段): ranges of subject identification codes that the centre allocated, and rule S01 over them.

A body is a subject identification code without its check character: 8 characters, which sort as ASCII does.

Source: domain.md §1 (allocation beforehand), §5 (S01 and its fine print).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from validators import organization_code

BODY_LENGTH: Final = 8
_CODE_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One allocated range, ends included. `registrar_code` None: whoever registers for the office."""

    first_body: str
    last_body: str
    office: str
    registrar_code: str | None = None
    registrar_name: str | None = None
    allocated_on: date

    @property
    def size(self) -> int:
        """How many bodies it has: those that codes can be made of, in the alphabet of GB 32100."""
        return _place(self.last_body) - _place(self.first_body) + 1

    @property
    def bodies(self) -> str:
        """Its first and last body, as people write them."""
        return f"{self.first_body}–{self.last_body}"

    @property
    def holder(self) -> str:
        """To whom it was allocated, as a finding names it."""
        return self.registrar_name or self.registrar_code or self.office

    def is_for(self, office: str, registrar_code: str | None) -> bool:
        """Whether this sender may assign from it; a record that does not name its registrar is its office's."""
        if office != self.office:
            return False
        return self.registrar_code is None or registrar_code is None or registrar_code == self.registrar_code

    def overlaps(self, other: Segment) -> bool:
        """Whether a body lies in both."""
        return self.first_body <= other.last_body and other.first_body <= self.last_body


def _place(body: str) -> int:
    """Return the place of a body among all, counted in the alphabet of the code."""
    place = 0
    for character in body:
        place = place * len(_CODE_ALPHABET) + _CODE_ALPHABET.index(character)
    return place


def is_body(text: str) -> bool:
    """Whether a text can be an end of a segment: 8 characters of the code's alphabet."""
    return len(text) == BODY_LENGTH and all(character in _CODE_ALPHABET for character in text)


@dataclass(frozen=True, slots=True)
class Segments:
    """Every segment, in order; without any, S01 speaks only of the zone for private use."""

    ordered: Sequence[Segment] = ()
    generation: int = 0
    since: date | None = field(init=False)
    _firsts: list[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "since", min((each.allocated_on for each in self.ordered), default=None))
        object.__setattr__(self, "_firsts", [each.first_body for each in self.ordered])

    def at(self, body: str) -> Segment | None:
        """Return the segment in which a body lies."""
        place = bisect_right(self._firsts, body) - 1
        return self.ordered[place] if place >= 0 and body <= self.ordered[place].last_body else None


@dataclass(frozen=True, slots=True)
class Outside:
    """What S01 has to say: its circumstance, and for a foreign segment whose it is."""

    circumstance: str
    holder: str | None = None


def judge_segment(
    segments: Segments, uscc: str, office: str, record: Mapping[str, str], province: str | None
) -> Outside | None:
    """Say whether an assigned code lies outside the segments of its registrar; None where S01 has nothing to say."""
    body = uscc[8:16]
    if organization_code.is_private(body):
        return Outside("private")
    if segments.since is None or (province is not None and uscc[2:4] != province):
        return None
    approved_on = record.get("approved_on")
    if approved_on is None or approved_on < segments.since.isoformat():
        return None
    segment = segments.at(body)
    if segment is None:
        return Outside("")
    return None if segment.is_for(office, record.get("registrar_code")) else Outside("foreign", segment.holder)
