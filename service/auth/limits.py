"""Limits of a client: requests a minute, distinct organizations a day, and a brake on misses.

The brake stands for every client, because the check character makes codes guessable: who asks for many codes that
nobody has is guessing. Counters are those of this process; the daily budget is kept in the database.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from time import monotonic

from service.problems import Problem, retry_later
from sync.store.clients import Bearer, organizations_seen, record_organizations
from sync.store.connection import Pool, reading, writing

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")
_FLUSH_SECONDS = 2.0


@dataclass(slots=True)
class Bucket:
    """A token bucket: `size` tokens that come back over a minute."""

    size: int
    tokens: float
    at: float

    def take(self, count: int, now: float) -> bool:
        """Take tokens, or leave them when there are not enough."""
        self.tokens = min(self.size, self.tokens + (now - self.at) * self.size / 60)
        self.at = now
        if self.tokens < count:
            return False
        self.tokens -= count
        return True

    def seconds_until(self, count: int) -> int:
        """Return how long it takes until `count` tokens are there."""
        missing = max(0.0, min(count, self.size) - self.tokens)
        return int(missing * 60 / self.size) + 1


@dataclass(slots=True)
class Day:
    """The distinct organizations that a client was shown on a day, and those not yet stored."""

    date: date
    seen: set[str]
    unsaved: set[str] = field(default_factory=set)


class Limits:
    """Counts what clients use. `misses_per_minute` is the brake on misses for every client."""

    def __init__(self, pool: Pool, *, requests_per_minute: int | None, misses_per_minute: int) -> None:
        self._pool = pool
        self._requests_per_minute = requests_per_minute
        self._misses_per_minute = misses_per_minute
        self._requests: dict[str, Bucket] = {}
        self._misses: dict[str, Bucket] = {}
        self._days: dict[str, Day] = {}

    def concern(self, bearer: Bearer) -> bool:
        """Whether a request of a bearer has to be counted or may have to be refused."""
        if (bearer.requests_per_minute or self._requests_per_minute or bearer.organizations_per_day) is not None:
            return True
        misses = self._misses.get(bearer.name)
        return misses is not None and (not misses.take(0, monotonic()) or misses.tokens < 1)

    def take_request(self, bearer: Bearer) -> tuple[tuple[bytes, bytes], ...]:
        """Count one request; return the RateLimit fields of a limited client, nothing for others.

        Raises:
            Problem: too-many-requests.
        """
        quota = bearer.requests_per_minute or self._requests_per_minute
        if quota is None:
            return ()
        now = monotonic()
        bucket = self._requests.get(bearer.name)
        if bucket is None or bucket.size != quota:
            bucket = self._requests[bearer.name] = Bucket(quota, quota, now)
        allowed = bucket.take(1, now)
        fields = (
            (b"ratelimit-policy", b'"requests";q=%d;w=60' % quota),
            (b"ratelimit", b'"requests";r=%d;t=%d' % (int(bucket.tokens), bucket.seconds_until(quota))),
        )
        if not allowed:
            refusal = retry_later("too-many-requests", bucket.seconds_until(1))
            raise Problem(refusal.name, headers=(*refusal.headers, *fields))
        return fields

    def demand_misses(self, bearer: Bearer) -> None:
        """Refuse a client whose misses of the last minute are used up.

        Raises:
            Problem: too-many-requests.
        """
        bucket = self._misses.get(bearer.name)
        if (bucket is not None and not bucket.take(0, monotonic())) or (bucket is not None and bucket.tokens < 1):
            raise retry_later("too-many-requests", bucket.seconds_until(1))

    def count_misses(self, bearer: Bearer, misses: int) -> None:
        """Count codes that a client asked for and nobody has; what goes beyond the limit stops the next request."""
        now = monotonic()
        bucket = self._misses.get(bearer.name)
        if bucket is None:
            bucket = self._misses[bearer.name] = Bucket(self._misses_per_minute, self._misses_per_minute, now)
        bucket.take(min(misses, int(bucket.tokens)), now)

    async def demand_budget(self, bearer: Bearer, codes: Collection[str]) -> None:
        """Count organizations against the daily budget of a client that has one.

        Raises:
            Problem: too-many-requests; none of `codes` was counted.
        """
        budget = bearer.organizations_per_day
        if budget is None or not codes:
            return
        now = datetime.now(SHANGHAI)
        day = self._days.get(bearer.name)
        if day is None or day.date != now.date():
            async with reading(self._pool) as connection:
                seen = await organizations_seen(connection, bearer.name, now.date())
            day = self._days.setdefault(bearer.name, Day(now.date(), seen))
            if day.date != now.date():
                day = self._days[bearer.name] = Day(now.date(), seen)
        fresh = set(codes) - day.seen
        if len(day.seen) + len(fresh) > budget:
            midnight = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), SHANGHAI)
            raise retry_later("too-many-requests", int((midnight - datetime.now(UTC)).total_seconds()))
        day.seen |= fresh
        day.unsaved |= fresh

    async def save_for_ever(self) -> None:
        """Store what was counted against daily budgets every few seconds, until cancelled."""
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            await self.save()

    async def save(self) -> None:
        """Store what was counted against daily budgets and is not yet stored."""
        for client, day in list(self._days.items()):
            unsaved, day.unsaved = day.unsaved, set()
            if unsaved:
                async with writing(self._pool) as connection:
                    await record_organizations(connection, client, day.date, unsaved)
