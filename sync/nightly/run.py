"""The nightly run: comparisons, statements of every complete day, figures, report, digests. One run that ends.

It does what is not done yet and nothing twice: a sealed statement stands, a stored figure stays, and every step of a
night is noted when its effect is committed. So a run may die at any step, and the next one goes on with the same
answer. One run at a time works, by a lease that ends with its session.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, TypeAlias

import orjson
import structlog

from sync.errors import Retryable, SyncError
from sync.instants import SHANGHAI
from sync.nightly.comparisons import Means, compare_waiting, hand_in_locally, make
from sync.nightly.days import days_between
from sync.nightly.engine import Engine
from sync.nightly.quality import required_fields, stock_after_days
from sync.nightly.register_faults import Format
from sync.nightly.report import write_report
from sync.nightly.sealing import Closing, behind, preview, seal, window_of
from sync.offices import Office, Offices
from sync.store import nightly, nightly_comparisons, nightly_numbers, nightly_quality
from sync.store.connection import JOB, Limits, ReadConn, reading, session, writing
from sync.store.segments import SegmentUse, segment_use

NightStep: TypeAlias = Literal[
    "filled", "compared", "waited", "sealed", "measured", "reported", "digested", "counted", "snapshot"
]
_LEASE_POLL = timedelta(seconds=0.5)
# The database learns of a client that was killed at once, but a busy machine may take its time.
_KILLED_IS_NOTICED = timedelta(seconds=5)
_BEHIND_POLL = timedelta(seconds=1)
_FILLED_AT_ONCE = 5_000
# The holidays of a year are announced in the autumn before it.
_AHEAD = timedelta(days=31)
# The lease's session does nothing while the run works elsewhere; the run may take hours.
_LEASE = Limits(statement=timedelta(minutes=1))

log = structlog.get_logger(__name__)


class AnotherRun(SyncError):
    """Another nightly run is at work; try again when it has ended."""

    exit_status = 1

    def __init__(self) -> None:
        super().__init__("another nightly run is at work")


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """A register on this machine that the run is to compare.

    `file` is its name, `parts` the files that make it up where they are more than that one. Without an `engine` this
    machine compares.
    """

    office: str
    date: date
    file: Path
    form: Format
    force: bool = False
    parts: tuple[Path, ...] = ()
    engine: Engine | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that are read."""
        return self.parts or (self.file,)


def _go_on(_step: NightStep) -> None:
    """Do nothing: the step that a test may die at is passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NightlyConfig:
    """What a run works with.

    `reports` is the folder of the HTML reports. `patience` is how long a run waits for partitions to pass a day's end,
    and for another run to end. `snapshot` makes a sealed snapshot, None where this installation has none.
    `announce` hears a line for whoever watches; `pass_by` hears every step when its effect is committed.
    """

    means: Means
    closing: Closing
    offices: Offices
    reports: Path
    patience: timedelta
    late_after_working_days: int = 5
    snapshot: Callable[[], Awaitable[Mapping[str, Any]]] | None = None
    announce: Callable[[str], None] = lambda _: None
    pass_by: Callable[[NightStep], None] = _go_on


@dataclass(slots=True, kw_only=True)
class Night:
    """What a run did. `unsealed` says, for each day and office that could not be sealed, what is in the way.

    `unknown_years` have begun or will begin within a month, and their working days are not known.
    """

    compared: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    sealed: list[dict[str, Any]] = field(default_factory=list)
    unsealed: dict[tuple[date, str], Sequence[str]] = field(default_factory=dict)
    reports: list[Path] = field(default_factory=list)
    segments_running_out: list[SegmentUse] = field(default_factory=list)
    unknown_years: set[int] = field(default_factory=set)

    @property
    def balanced(self) -> bool:
        """Whether every statement that was sealed balances."""
        return all(statement["balanced"] for statement in self.sealed)


@asynccontextmanager
async def lease(config: NightlyConfig) -> AsyncIterator[None]:
    """Be the one run while the block lasts.

    Raises:
        AnotherRun: another one is still at work after `patience`, or after the time in which a killed one is noticed.
    """
    async with session(config.means.pool, _LEASE) as connection:
        deadline = asyncio.get_running_loop().time() + max(config.patience, _KILLED_IS_NOTICED).total_seconds()
        while not await nightly.try_lease(connection):
            if asyncio.get_running_loop().time() >= deadline:
                raise AnotherRun
            await asyncio.sleep(_LEASE_POLL.total_seconds())
        try:
            yield
        finally:
            await nightly.end_lease(connection)


async def run_once(
    config: NightlyConfig, *, through: date | None = None, office: str | None = None, register: Register | None = None
) -> Night:
    """Do everything that is not done: of days up to `through`, of one office or all.

    Raises:
        AnotherRun: another run is at work.
        Retryable: the database or the brokers do not answer.
    """
    night = Night()
    async with lease(config):
        await _fill(config)
        if register is not None:
            await _compare(config, register, night)
        await compare_waiting(config.means, config.offices.values())
        config.pass_by("waited")
        for day in await open_days(config, through):
            await _close(config, day, office, night)
        await _finish(config, night)
    night.unknown_years = _unknown_years(config.offices, through or datetime.now(SHANGHAI).date())
    for year in night.unknown_years:
        log.warning("working_days_unknown", year=year)
    return night


def _unknown_years(offices: Offices, today: date) -> set[int]:
    """Return the years of today and of a month later whose holidays the calendar of an office does not know."""
    years = {today.year, (today + _AHEAD).year}
    calendars = [office.working_calendar for office in offices.values() if office.calendar == "china"]
    return {year for year in years if any(not calendar.knows(year) for calendar in calendars)}


async def open_days(config: NightlyConfig, through: date | None = None) -> list[date]:
    """Return the complete days of which a statement, a figure or the report is missing, oldest first."""
    async with reading(config.means.pool, JOB) as connection:
        last = config.closing.days.last_complete(await nightly.read_clock(connection))
        first = await first_day(connection, config.closing) or last + timedelta(days=1)
        last = min(last, through) if through is not None else last
        sealed = await nightly.sealed_days(connection, first, last)
        steps = await nightly.finished_steps(connection, first, last)
    wanted = {each: (each, "quality") for each in config.offices}
    return [
        day
        for day in days_between(first, last)
        if (day, "", "report") not in steps
        or any((day, each) not in sealed or (day, *step) not in steps for each, step in wanted.items())
    ]


async def first_day(connection: ReadConn, closing: Closing) -> date | None:
    """Return the first day that has statements, None where nothing ever happened."""
    first = await nightly.first_sealed(connection)
    if first is not None:
        return first
    began = await nightly.first_instant(connection)
    return None if began is None else closing.days.day_of(began)


async def show(config: NightlyConfig, day: date, office: str | None) -> list[dict[str, Any]]:
    """Return the statements of a day, sealed or as they stand; seals nothing."""
    statements = []
    async with reading(config.means.pool, JOB) as connection:
        for each in chosen(config.offices, office):
            sealed = await nightly.read_statement(connection, day, each.id)
            if sealed is not None:
                statements.append(orjson.loads(sealed.body))
                continue
            comparison = await nightly_comparisons.comparison_on(connection, each.id, day)
            statements.append(await preview(connection, config.closing, each, day, summary(comparison)))
    return statements


def chosen(offices: Offices, office: str | None) -> list[Office]:
    """Return one office or all."""
    return [each for each in offices.values() if office is None or each.id == office]


def summary(comparison: nightly_comparisons.ComparisonRow | None) -> dict[str, Any] | None:
    """Return what a statement says of a comparison."""
    return None if comparison is None else {"comparison_id": comparison.comparison_id, **comparison.totals()}


async def _fill(config: NightlyConfig) -> None:
    """Fill in the numbers of a registry that is older than they are: some codes a commit, so that ingest goes on."""
    pool = config.means.pool
    async with reading(pool, JOB) as connection:
        place = await nightly_numbers.read_backlog(connection)
    if place is None:
        return
    config.announce("filling in the numbers that registers are compared by")
    while place is not None:
        async with writing(pool, JOB) as connection:
            place = await nightly_numbers.fill_some(connection, place, _FILLED_AT_ONCE)
        config.pass_by("filled")


async def _compare(config: NightlyConfig, register: Register, night: Night) -> None:
    config.announce(f"comparing {register.file.name} of {register.office}")
    order, made = await hand_in_locally(
        config.means.pool,
        office=register.office,
        day=register.date,
        files=register.files,
        form=register.form,
        force=register.force,
        by="nightly",
    )
    config.means.folder.mkdir(parents=True, exist_ok=True)
    office = config.offices[register.office]
    done = made or await make(config.means, office, order, register.files, register.engine)
    (night.compared if done else night.failed).append(order.comparison_id)
    config.pass_by("compared")


async def _close(config: NightlyConfig, day: date, only: str | None, night: Night) -> None:
    """Seal what can be sealed of a day and measure it."""
    pool = config.means.pool
    for office in chosen(config.offices, only):
        lines = await _wait_for(config, office.id, day)
        if lines:
            night.unsealed[day, office.id] = lines
            log.warning("day_not_sealed", date=day.isoformat(), office=office.id, behind=len(lines))
            continue
        async with reading(pool, JOB) as connection:
            known = await nightly.read_statement(connection, day, office.id) is not None
            comparison = await nightly_comparisons.comparison_on(connection, office.id, day)
            steps = await nightly.read_steps(connection, day)
            window = await window_of(connection, config.closing.days, office.id, day)
        sealed = await seal(pool, config.closing, office, day, summary(comparison))
        if not known:
            statement = orjson.loads(sealed.body)
            night.sealed.append(statement)
            log.info("day_sealed", date=day.isoformat(), office=office.id, received=statement["received"])
            config.announce(f"{day} {office.id} sealed")
        config.pass_by("sealed")
        if (office.id, "quality") not in steps:
            by_category, otherwise = required_fields(office)
            async with writing(pool, JOB) as connection:
                await nightly_quality.measure(
                    connection,
                    day=day,
                    office=office.id,
                    begins=window.begins,
                    ends=window.ends,
                    required=by_category,
                    required_otherwise=otherwise,
                    stock_after_days=stock_after_days(config.late_after_working_days),
                )
                await nightly.finish_step(connection, day, office.id, "quality", {})
        config.pass_by("measured")


async def _wait_for(config: NightlyConfig, office: str, day: date) -> Sequence[str]:
    """Wait, for as long as the run has patience, until every partition has passed the day's end."""
    kafka = config.means.kafka
    if kafka is None:
        raise Retryable("a day cannot be sealed without asking the brokers")
    deadline = asyncio.get_running_loop().time() + config.patience.total_seconds()
    ends = config.closing.days.window(day).ends
    async with reading(config.means.pool, JOB) as connection:
        if await nightly.read_statement(connection, day, office) is not None:
            return []
    while lines := await behind(config.means.pool, kafka, office, ends):
        if asyncio.get_running_loop().time() >= deadline:
            return lines
        await asyncio.sleep(_BEHIND_POLL.total_seconds())
    return []


async def _finish(config: NightlyConfig, night: Night) -> None:
    """Write the reports of days whose statements are all there, then the digests and a snapshot, once a night."""
    pool = config.means.pool
    async with reading(pool, JOB) as connection:
        last = config.closing.days.last_complete(await nightly.read_clock(connection))
        first = await nightly.first_sealed(connection)
        if first is None:
            return
        sealed = await nightly.sealed_days(connection, max(first, last - timedelta(days=31)), last)
    full = [day for day in sorted({day for day, _ in sealed}) if all((day, each) in sealed for each in config.offices)]
    for day in full:
        async with reading(pool, JOB) as connection:
            if ("", "report") in await nightly.read_steps(connection, day):
                continue
        night.reports.append(await write_report(pool, config.reports, config.offices, day))
        async with writing(pool, JOB) as connection:
            await nightly.finish_step(connection, day, "", "report", {})
        config.pass_by("reported")
    if not full:
        return
    async with reading(pool, JOB) as connection:
        steps = await nightly.read_steps(connection, full[-1])
    if ("", "digests") not in steps:
        async with writing(pool, JOB) as connection:
            await nightly_comparisons.digest_prefixes(connection)
            await nightly.finish_step(connection, full[-1], "", "digests", {})
        config.pass_by("digested")
    if ("", "segments") not in steps:
        await _count_segments(config, full[-1], night)
        config.pass_by("counted")
    if config.snapshot is not None and ("", "snapshot") not in steps:
        detail = dict(await config.snapshot())
        async with writing(pool, JOB) as connection:
            await nightly.finish_step(connection, full[-1], "", "snapshot", detail)
        config.pass_by("snapshot")


async def _count_segments(config: NightlyConfig, day: date, night: Night) -> None:
    """Count what is left of every code segment, and say which run out."""
    async with writing(config.means.pool, JOB) as connection:
        low = [use for use in await segment_use(connection) if use.runs_out()]
        by_office = Counter(use.segment.office for use in low)
        await nightly.finish_step(connection, day, "", "segments", {"running_out": by_office})
    for use in low:
        segment = use.segment
        log.warning("segment_runs_out", segment=segment.bodies, office=segment.office, left=use.rest, size=segment.size)
    night.segments_running_out += low
