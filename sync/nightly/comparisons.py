"""One comparison from the file that was handed in to what is stored of it: resumable, because it begins anew.

What is stored of a comparison is written in one transaction; a run that dies leaves the file and the order, and the
next run does it again with the same answer.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import orjson
import structlog

from sync.errors import Retryable
from sync.instants import format_instant
from sync.kafka import KafkaSettings, log_ends, read_values
from sync.masking import mask
from sync.nightly.days import BusinessDays
from sync.nightly.engine import Engine, LocalEngine, Question
from sync.nightly.register_faults import FORMATS, Format, UnusableRegister
from sync.nightly.settlement import settle
from sync.nightly.sides import Bounds, Difference
from sync.offices import Office
from sync.records import receipt_bound
from sync.store import nightly, nightly_comparisons
from sync.store.connection import JOB, Pool, ReadConn, WriteConn, reading, writing
from sync.store.facts import Decode
from sync.store.nightly_comparisons import Item, Order
from sync.topics import submissions_topic
from validators.fields import PERSONAL

LEAST_SHARE: Final = 0.8
UNDECIDED_RECORDS: Final = 200_000
_ABANDONED_AFTER: Final = timedelta(hours=6)
_PAGE: Final = 1_000
_TOLD_CODES: Final = 10
# Registers of so many rows that have no code in common are not of the same office.
_STRANGE_ROWS: Final = 1_000
# A register that a run died over so often, killed or by an error, is not what the others wait for.
_MOST_TRIES: Final = 5

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What comparisons are made with.

    `dsn` and `role` reach the registry for the export; `kafka` None: nothing undecided is looked for. `folder` is
    where files and spilled tables lie while a comparison runs. `progress` hears rows read, of about how many.
    """

    pool: Pool
    dsn: str
    role: str | None
    kafka: KafkaSettings | None
    decode: Decode
    days: BusinessDays
    folder: Path
    memory_mib: int
    progress: Callable[[int, int], None]

    def this_machine(self) -> Engine:
        """Return the engine that needs nothing else."""
        return LocalEngine(dsn=self.dsn, role=self.role, bounds=Bounds(memory_mib=self.memory_mib, folder=self.folder))


async def compare_waiting(means: Means, offices: Iterable[Office]) -> int:
    """Make every comparison that waits, oldest first; return how many were finished."""
    known = {office.id: office for office in offices}
    async with writing(means.pool, JOB) as connection:
        now = await nightly.read_clock(connection)
        await nightly_comparisons.give_up_abandoned(connection, now - _ABANDONED_AFTER)
        waiting = await nightly_comparisons.list_waiting(connection)
    for order in waiting:
        means.folder.mkdir(parents=True, exist_ok=True)
        file = means.folder / f"{order.comparison_id}.{order.format}"
        try:
            await _fetch(means.pool, order, file)
            await _try(means, known[order.office], order, file)
        finally:
            file.unlink(missing_ok=True)
    return len(waiting)


async def _try(means: Means, office: Office, order: Order, file: Path) -> None:
    """Make a comparison; one that runs have died over again and again fails, so that the others get their turn."""
    async with writing(means.pool, JOB) as connection:
        tries = await nightly_comparisons.begin_try(connection, order.comparison_id)
    if tries <= _MOST_TRIES:
        try:
            await make(means, office, order, (file,))
        except Retryable:
            async with writing(means.pool, JOB) as connection:
                await nightly_comparisons.forget_tries(connection, order.comparison_id)
            raise
        return
    log.error("comparison_given_up", comparison_id=order.comparison_id, tries=_MOST_TRIES)
    async with writing(means.pool, JOB) as connection:
        await nightly_comparisons.fail(
            connection, order.comparison_id, {"code": "gave-up", "facts": {"tries": _MOST_TRIES}}
        )


async def _fetch(pool: Pool, order: Order, file: Path) -> None:
    """Write the file that was handed in."""
    with file.open("wb") as opened:
        number = 0
        async with reading(pool, JOB) as connection:
            while (body := await nightly_comparisons.read_chunk(connection, order.comparison_id, number)) is not None:
                opened.write(body)
                number += 1


async def make(
    means: Means, office: Office, order: Order, files: tuple[Path, ...], engine: Engine | None = None
) -> bool:
    """Make one comparison and store it; False when the register is unusable, which is stored too.

    `files` make up the register; without an `engine` this machine compares.
    """
    try:
        await _make(means, office, order, files, engine or means.this_machine())
    except UnusableRegister as error:
        log.warning("comparison_failed", comparison_id=order.comparison_id, code=error.code)
        async with writing(means.pool, JOB) as connection:
            await nightly_comparisons.fail(connection, order.comparison_id, {"code": error.code, "facts": error.facts})
        return False
    return True


async def _make(means: Means, office: Office, order: Order, files: tuple[Path, ...], engine: Engine) -> None:
    form = next(each for each in FORMATS if each == order.format)
    undecided = await _undecided(means, office)
    async with reading(means.pool, JOB) as connection:
        last = await nightly_comparisons.last_register(connection, order.office, order.comparison_id)
        before = await nightly_comparisons.night_before(connection, order.office, order.date)
        expected = 2 * await nightly_comparisons.expected_rows(connection)
        sequence = await nightly_comparisons.feed_sequence(connection)
    if last is not None and order.date < last.date and not order.forced:
        raise UnusableRegister("older-than-last", last=last.date.isoformat())
    cutoff = min(order.handed_in_at, means.days.window(order.date).ends)

    def check(rows: int) -> None:
        if last is not None and rows < LEAST_SHARE * last.office_total and not order.forced:
            raise UnusableRegister("too-few-rows", rows=rows, last=last.office_total)

    question = Question(
        office=office.id,
        first_characters=office.first_characters,
        files=files,
        form=form,
        force=order.forced,
        cutoff=receipt_bound(cutoff),
        undecided=frozenset(undecided),
    )
    asked = engine.compare(question, check=check, progress=lambda rows: means.progress(rows, max(expected, rows)))
    with ExitStack() as stack:
        answer = await asyncio.to_thread(stack.enter_context, asked)
        totals = answer.totals
        if not (totals.equal or totals.different or totals.pending_office or order.forced) and (
            min(totals.office_total, totals.registry_total) >= _STRANGE_ROWS
        ):
            raise UnusableRegister("nothing-in-common", rows=totals.office_total, registry=totals.registry_total)
        figures = (
            totals.office_total, totals.registry_total, totals.equal, totals.different, totals.missing_here,
            totals.missing_there, totals.pending_office, totals.pending_registry,
        )  # fmt: skip
        async with writing(means.pool, JOB) as connection:
            await nightly_comparisons.clear_items(connection, order.comparison_id)
            differences = answer.differences()
            while chunk := await asyncio.to_thread(next, differences, None):
                await nightly_comparisons.add_items(
                    connection, order.comparison_id, await _items(connection, order, before, chunk)
                )
            await nightly_comparisons.finish(connection, order.comparison_id, answer.columns, figures, sequence)
    log.info("comparison_done", comparison_id=order.comparison_id, office_total=totals.office_total, equal=totals.equal)


async def _items(connection: WriteConn, order: Order, before: str | None, chunk: list[Difference]) -> Iterator[Item]:
    _check_texts(chunk)
    codes = [each.uscc for each in chunk]
    receipts = await nightly_comparisons.last_receipts(connection, codes, order.office)
    ages = {} if before is None else await nightly_comparisons.read_ages(connection, before, codes)

    def items() -> Iterator[Item]:
        for each in chunk:
            age = ages.get(each.uscc)
            yield Item(
                kind=each.kind,
                uscc=each.uscc,
                fields=orjson.dumps(_masked(each)).decode(),
                receipt_id=receipts.get(each.uscc, each.receipt_id),
                nights=1 if age is None else age.nights + 1,
                since=order.date if age is None else age.since,
                row=None if each.row is None else orjson.dumps(each.row).decode(),
            )

    return items()


def _check_texts(chunk: list[Difference]) -> None:
    """Refuse texts that no registry can hold; only what differs can have them, because the registry has none.

    Raises:
        UnusableRegister: there are some.
    """
    codes = [each.uscc for each in chunk if each.row is not None and any("\0" in value for value in each.row.values())]
    if codes:
        raise UnusableRegister("nul-characters", codes=[code.replace("\0", "\ufffd") for code in codes[:_TOLD_CODES]])


def _masked(difference: Difference) -> dict[str, dict[str, str | None]]:
    def shown(name: str, value: str | None) -> str | None:
        return mask(value, PERSONAL[name]) if value is not None and name in PERSONAL else value

    return {
        name: {"office": shown(name, office), "registry": shown(name, registry)}
        for name, (office, registry) in difference.fields.items()
    }


async def _undecided(means: Means, office: Office) -> set[str]:
    """Return the codes of which a record lies in the topic and is not decided yet.

    Raises:
        UnusableRegister: there are too many to look through; ingest has to catch up first.
    """
    if means.kafka is None:
        return set()
    ends = await log_ends(means.kafka, [submissions_topic(office.id)])
    async with reading(means.pool, JOB) as connection:
        found = await nightly.positions(connection, office.id)
    spans = {}
    for place, end in ends.items():
        position = found.get((place.topic, place.partition))
        spans[place] = (position.next_offset if position is not None else 0, end)
    records = await read_values(means.kafka, spans, at_most=UNDECIDED_RECORDS)
    if records is None:
        raise UnusableRegister("not-decided-yet", records=sum(end - begin for begin, end in spans.values()))
    submissions = await asyncio.to_thread(lambda: [means.decode(each, office.id) for each in records])
    return {each.uscc for each in submissions if each.uscc}


async def settlement(connection: ReadConn, order: Order) -> AsyncIterator[bytes]:
    """Yield the lines of the file that would settle a comparison, some thousand at a time."""
    occurred_at = format_instant(order.handed_in_at)
    after: str | None = None
    while rows := await nightly_comparisons.list_settling(connection, order.comparison_id, after, _PAGE):
        after = rows[-1].uscc
        lines = [
            orjson.dumps(submission)
            for row in rows
            for submission in settle(row, comparison_id=order.comparison_id, day=order.date, occurred_at=occurred_at)
        ]
        yield b"".join(line + b"\n" for line in lines)


async def hand_in_locally(
    pool: Pool, *, office: str, day: date, files: Sequence[Path], form: Format, force: bool, by: str
) -> tuple[Order, bool]:
    """Begin a comparison of files of this machine; return it, and whether it has been made already.

    An interrupted run's is taken up again, and so is a finished one of the same files over the same registry.
    """
    digest = await asyncio.to_thread(_sha256, files)
    async with writing(pool, JOB) as connection:
        found = await nightly_comparisons.same_file(
            connection, office=office, day=day, by=by, sha256=digest, forced=force
        )
        if found is None:
            comparison_id, done = (
                await nightly_comparisons.begin(
                    connection, office=office, day=day, form=form, forced=force, by=by, sha256=digest
                ),
                False,
            )
        else:
            comparison_id, done = found
        return await nightly_comparisons.read_order(connection, comparison_id), done


def _sha256(files: Sequence[Path]) -> bytes:
    """Return the digest of a file, or that of the digests of several."""
    digests = []
    for file in files:
        with file.open("rb") as opened:
            digests.append(hashlib.file_digest(opened, "sha256").digest())
    return digests[0] if len(digests) == 1 else hashlib.sha256(b"".join(digests)).digest()
