"""Search by name: exact, beginning, piece, and one edit away, ranked; every match can be reached, the best come first.

A name is compared by its key, so full width, case, blanks and kinds of brackets make no difference. At most CANDIDATES
of each kind are ranked; where there are more, the answer says that it is capped, and the others follow in an order
that has nothing to do with the search. One edit away (a character more, less or another) is only looked for where
nothing matches as it is.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from sync.store import searches
from sync.store.connection import ReadConn
from sync.store.searches import CommonPairs, Filters, Found, TypoPatterns, like

CANDIDATES = 100
SHORTEST = 2
SHORTEST_WITH_TYPO = 4
How = Literal["exact", "prefix", "substring", "typo"]
STATISTICS_SECONDS = 600.0
_TAIL_SCORE = 0.5
_BEGINNING = ("", "")
MOST_LOOKED_AT = 50_000


class Hit(NamedTuple):
    """One match: how its name matches and how well, 1 being the same name."""

    uscc: str
    score: float
    how: How


class RankedPlace(NamedTuple):
    """Behind this match among the ranked ones."""

    score: float
    uscc: str


class TailPlace(NamedTuple):
    """Behind this place in the scattered order; what begins with the name up to `prefixed` was among the ranked."""

    place: str
    uscc: str
    prefixed: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Page:
    """Matches in order; `following` is where the next page begins, None behind the last match."""

    hits: list[Hit]
    following: RankedPlace | TailPlace | None
    capped: bool


@dataclass(slots=True)
class NameSearch:
    """Searches by name; remembers for some minutes which pairs of characters are common, because that decides how."""

    _pairs: CommonPairs = field(default_factory=lambda: CommonPairs({}, 0.0))
    _read_at: float = -math.inf

    async def search(
        self,
        connection: ReadConn,
        name_key: str,
        filters: Filters,
        limit: int,
        behind: RankedPlace | TailPlace | None = None,
    ) -> Page:
        """Return the next matches of a name key of at least two characters."""
        if time.monotonic() - self._read_at > STATISTICS_SECONDS:
            self._pairs = await searches.read_common_pairs(connection)
            self._read_at = time.monotonic()
        if isinstance(behind, TailPlace):
            return await self._tail(connection, name_key, filters, limit, behind)
        return await self._ranked(connection, name_key, filters, limit, behind)

    async def _ranked(
        self, connection: ReadConn, name_key: str, filters: Filters, limit: int, behind: RankedPlace | None
    ) -> Page:
        """Rank what matches, as far as it is ranked; behind the last of that comes the tail."""
        beginning = await searches.by_prefix(connection, name_key, filters, CANDIDATES + 1)
        pieces = await self._with_piece(connection, name_key, filters, CANDIDATES + 1, _BEGINNING)
        found = {each.uscc: each for each in (*beginning[:CANDIDATES], *pieces[:CANDIDATES])}
        hits = [_hit(each, name_key) for each in found.values()]
        tail = None
        if len(pieces) > CANDIDATES:
            last = beginning[CANDIDATES - 1] if len(beginning) > CANDIDATES else None
            prefixed = None if last is None else (last.name_key, last.uscc)
            tail = TailPlace(pieces[CANDIDATES - 1].place, pieces[CANDIDATES - 1].uscc, prefixed)
        capped = tail is not None
        if not hits and len(name_key) >= SHORTEST_WITH_TYPO:
            typos = await self._typos(connection, name_key, filters)
            hits = [Hit(each.uscc, _score("typo", name_key, each.name_key), "typo") for each in typos]
            capped = len(typos) >= CANDIDATES
        hits.sort(key=lambda hit: (-hit.score, hit.uscc))
        if behind is not None:
            hits = [hit for hit in hits if (-hit.score, hit.uscc) > (-behind.score, behind.uscc)]
        page = hits[:limit]
        following = RankedPlace(page[-1].score, page[-1].uscc) if len(hits) > limit else tail
        return Page(page, following, capped)

    async def _tail(self, connection: ReadConn, name_key: str, filters: Filters, limit: int, behind: TailPlace) -> Page:
        found = await self._with_piece(connection, name_key, filters, limit + 1, (behind.place, behind.uscc))
        page = found[:limit]
        hits = [_hit(each, name_key) for each in page if not _was_ranked(each, name_key, behind.prefixed)]
        following = TailPlace(page[-1].place, page[-1].uscc, behind.prefixed) if len(found) > limit else None
        return Page([hit._replace(score=_TAIL_SCORE) for hit in hits], following, capped=True)

    async def _with_piece(
        self, connection: ReadConn, piece: str, filters: Filters, limit: int, behind: tuple[str, str]
    ) -> list[Found]:
        # To walk along all names until enough have the piece, or to find all that have it: whichever is less work.
        share = self._most(piece)
        is_rare = share * share * self._pairs.names <= CANDIDATES
        return await searches.by_piece(connection, piece, filters, limit, behind, is_rare=is_rare)

    def _most(self, piece: str) -> float:
        """Return how large a part of all names can have a piece, by its rarest pair of characters."""
        pairs = (piece[place : place + 2] for place in range(len(piece) - 1))
        return min((self._pairs.frequencies.get(pair, 0.0) for pair in pairs), default=1.0)

    def _is_too_common(self, parts: Sequence[str]) -> bool:
        """Whether so many names have these parts that looking at them all takes too long."""
        return min(map(self._most, parts)) * self._pairs.names > MOST_LOOKED_AT

    async def _typos(self, connection: ReadConn, name_key: str, filters: Filters) -> list[Found]:
        long, short = typo_patterns(name_key, self._is_too_common)
        found = await searches.by_typos(connection, long, filters, CANDIDATES, pairs=False) if long.finders else []
        if not found and short.finders:
            found = await searches.by_typos(connection, short, filters, CANDIDATES, pairs=True)
        return found[:CANDIDATES]


def _hit(found: Found, name_key: str) -> Hit:
    how: How = "substring"
    if found.name_key == name_key:
        how = "exact"
    elif found.name_key.startswith(name_key):
        how = "prefix"
    return Hit(found.uscc, _score(how, name_key, found.name_key), how)


def _score(how: How, name_key: str, found: str) -> float:
    """Say how well a name matches: by kind first, then by how much of the name was asked for."""
    share = min(1.0, len(name_key) / len(found))
    if how == "exact":
        return 1.0
    if how == "typo":
        return round(0.2 + 0.25 * share, 4)
    return round(0.8 + 0.15 * share if how == "prefix" else _TAIL_SCORE + 0.25 * share, 4)


def _was_ranked(found: Found, name_key: str, prefixed: tuple[str, str] | None) -> bool:
    """Whether a match of the tail begins with the name and so was among the ranked already."""
    if not found.name_key.startswith(name_key):
        return False
    return prefixed is None or (found.name_key, found.uscc) <= prefixed


def typo_patterns(name_key: str, is_too_common: Callable[[Sequence[str]], bool]) -> tuple[TypoPatterns, TypoPatterns]:
    """Return the patterns of every edit of one character: those that trigrams find, and those that pairs find.

    Of the second kind are edits that leave no three characters together. An edit that leaves only what is too common
    is not looked for: what is left says next to nothing, and a large part of all names would have to be looked at.
    """
    long, short = TypoPatterns([], [], [], []), TypoPatterns([], [], [], [])
    for place in range(len(name_key)):
        before, here, behind = name_key[:place], name_key[place], name_key[place + 1 :]
        parts = [part for part in (before, behind) if len(part) >= 3]
        pairs = [part for part in (before, behind) if len(part) == SHORTEST]
        if parts and not is_too_common(parts):
            patterns, finder = long, f"%{like(before)}%{like(behind)}%"
        elif pairs and not is_too_common(pairs):
            patterns, finder = short, min(pairs, key=lambda pair: is_too_common([pair]))
        else:
            continue
        patterns.finders.append(finder)
        patterns.fewer.append(f"%{like(before + behind)}%")
        patterns.other.append(f"%{like(before)}_{like(behind)}%")
        patterns.more.append(f"%{like(before)}_{like(here + behind)}%")
    return long, short
