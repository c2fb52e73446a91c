"""The demonstration feed: a deterministic stream of submissions of three offices, each with what must become of it.

Many stories are told at once, so that records of different codes interleave while those of one code keep their order.
Memory is bounded by the stories that are open, whatever the length of the feed.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from itertools import accumulate
from pathlib import Path

import orjson

from service.demo.catalogue import Planting, pairs, singles
from service.demo.drafts import Desk, Draft
from service.demo.lives import NORMAL, registered
from service.demo.organizations import OFFICES

_SHARES = {"commerce": 0.80, "civil-affairs": 0.14, "establishment": 0.06}
_OPEN_STORIES = 512
_PLANTED_EVERY = 8
TRUTH_COLUMNS = ("office", "line", "message_id", "disposition", "rules", "group", "group_expectation")


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoRecord:
    """One record of the feed and its truth (contract.md §2).

    `line` counts from 1 per office; `key` is the code as claimed, None where there is none; `message_id` is empty where
    the bytes cannot be read; `disposition` is empty for members of a group.
    """

    office: str
    line: int
    key: bytes | None
    body: bytes
    message_id: str
    disposition: str
    rules: tuple[str, ...]
    group: str
    group_expectation: str


def today() -> date:
    """Return the calendar date in Asia/Shanghai."""
    return datetime.now(timezone(timedelta(hours=8))).date()


def generate(records: int, seed: int, base: date) -> Iterator[DemoRecord]:
    """Yield exactly `records` records; the same three arguments give the same bytes.

    `base` is the day on which the feed is meant to be received: approvals lie within the three working days before it.
    """
    desk = Desk(seed, base)
    teller = _Teller(desk, records)
    lines = dict.fromkeys(OFFICES, 0)
    open_stories: list[list[Draft]] = []
    while True:
        while len(open_stories) < _OPEN_STORIES and teller.remaining:
            open_stories.append(teller.tell()[::-1])
        if not open_stories:
            return
        chosen = int(desk.random.random() * len(open_stories))
        story = open_stories[chosen]
        draft = story.pop()
        if not story:
            open_stories[chosen] = open_stories[-1]
            open_stories.pop()
        lines[draft.office] += 1
        yield record_of(draft, lines[draft.office])


class _Teller:
    """Chooses the next story: its office by share, and every eighth a planted one in rotation."""

    def __init__(self, desk: Desk, records: int) -> None:
        self.remaining = records
        self._desk = desk
        self._told = 0
        self._sent = dict.fromkeys(OFFICES, 0)
        self._weights = list(accumulate(weight for _, weight in NORMAL))

    def tell(self) -> list[Draft]:
        """Write the next story; its drafts never exceed what remains."""
        self._told += 1
        planting = self._planting() if self._told % _PLANTED_EVERY == 0 else None
        office = self._office(planting.offices if planting else OFFICES)
        write: Callable[[Desk, str], list[Draft]] = planting.write if planting else self._ordinary()
        drafts = write(self._desk, office)
        if len(drafts) > self.remaining:
            drafts = registered(self._desk, office)
        self.remaining -= len(drafts)
        self._sent[office] += len(drafts)
        return drafts

    def _planting(self) -> Planting:
        turn, kind = divmod(self._told // _PLANTED_EVERY - 1, 2)
        choices = pairs() if kind else singles()
        return choices[turn * (41 if kind else 1) % len(choices)]

    def _ordinary(self) -> Callable[[Desk, str], list[Draft]]:
        value = self._desk.random.random() * self._weights[-1]
        return next(story for (story, _), weight in zip(NORMAL, self._weights, strict=True) if value < weight)

    def _office(self, offices: tuple[str, ...]) -> str:
        return min(offices, key=lambda office: (self._sent[office] + 1) / _SHARES[office])


def record_of(draft: Draft, line: int) -> DemoRecord:
    """Return a draft as the record that its office sends as its line `line`."""
    unreadable = draft.disposition == "quarantined"
    claimed = "" if unreadable else draft.record.get("uscc", "")
    return DemoRecord(
        office=draft.office,
        line=line,
        key=claimed.encode() or None,
        body=draft.body if draft.body is not None else orjson.dumps(draft.envelope),
        message_id="" if unreadable else draft.envelope["message_id"],
        disposition=draft.disposition,
        rules=tuple(sorted(draft.rules)),
        group=draft.group,
        group_expectation=draft.group_expectation,
    )


def truth_row(record: DemoRecord) -> tuple[str | int, ...]:
    """Return a record's line of truth.csv."""
    return (
        record.office,
        record.line,
        record.message_id,
        record.disposition,
        ";".join(record.rules),
        record.group,
        record.group_expectation,
    )


def write_feed(records: Iterator[DemoRecord], directory: Path, progress: Callable[[int], None]) -> dict[str, int]:
    """Write `<office>.ndjson` for every office and `truth.csv`; return the number of lines by office.

    `progress` is told how many records are written so far.
    """
    directory.mkdir(parents=True, exist_ok=True)
    written = dict.fromkeys(OFFICES, 0)
    feeds = {office: (directory / f"{office}.ndjson").open("wb") for office in OFFICES}
    try:
        with (directory / "truth.csv").open("w", encoding="utf-8", newline="") as truth:
            rows = csv.writer(truth, lineterminator="\n")
            rows.writerow(TRUTH_COLUMNS)
            for count, record in enumerate(records, start=1):
                feeds[record.office].write(record.body + b"\n")
                rows.writerow(truth_row(record))
                written[record.office] = record.line
                if count % 1000 == 0:
                    progress(count)
        progress(sum(written.values()))
    finally:
        for feed in feeds.values():
            feed.close()
    return written
