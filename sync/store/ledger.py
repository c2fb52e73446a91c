"""Writes what a batch did: whole columns at a time, in the transaction that holds the writer's lock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sync.facts import Case, CodeFacts, Member, numbers_of
from sync.holding import Event, Holding
from sync.outcome import MarkWrite, Outcome
from sync.particulars import Particulars
from sync.records import Decision, OrderKey, Submission
from sync.store.connection import ReadConn, WriteConn, meanwhile
from sync.store.copying import copy_rows
from sync.store.lines import (
    CHANGE_COLUMNS,
    DISPOSITION_COLUMNS,
    MESSAGE_COLUMNS,
    RAW_COLUMNS,
    VERSION_COLUMNS,
    disposition_lines,
    lines_of,
    raw_line,
    version_line,
)
from sync.store.statements import statements

_SQL = statements("ledger")
_LOCKS = statements("locks")

MARK_COLUMNS = (
    "uscc", "holding", "operation", "key_major", "occurred_at", "message_id", "name_key", "confirms_version",
    "office", "receipt_id", "recorded_at",
)  # fmt: skip
REGISTRATION_COLUMNS = (
    "uscc", "registered", "holding", "last_version", "version", "status", "office", "receipt_id", "valid_from",
    "recorded_at", "particulars_version", "particulars_recorded_at", "particulars_whole", "particulars_major",
    "particulars_at", "particulars_id", "status_version", "status_major", "status_at", "status_id", "assign_major",
    "assign_at", "assign_id", "is_public", "open_case", "predecessor_uscc", "row_hash",
)  # fmt: skip
HOLDER_COLUMNS = (
    "uscc", "name", "name_key", "subject_code", "registration_number", "established_on", "division_code",
    "legal_representative_name", "registered_address",
)  # fmt: skip
TOMBSTONE_COLUMNS = (
    "uscc", "holding", "key_major", "occurred_at", "message_id", "reason", "successor_uscc", "receipt_id",
    "recorded_at",
)  # fmt: skip
CASE_COLUMNS = (
    "case_id", "rule", "uscc", "conflict_key", "status", "opened_at", "due_on", "offices", "suggested_operation",
    "reason", "resolved_at",
)  # fmt: skip


class Fence(NamedTuple):
    """Where a partition stands for the transaction that moves it."""

    next_offset: int
    halted_reason: str | None
    decided_before: int | None
    """Below it the log may hold records that were decided before the log was read anew."""


class Progress(NamedTuple):
    """Where one partition stands."""

    next_offset: int
    halted_reason: str | None
    last_sha256: bytes | None
    last_offset: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """One line of case_resolution, in the order of its columns."""

    resolution_id: str
    case_id: str
    operation: str
    member_receipt: str
    member_uscc: str
    new_uscc: str | None
    successor_uscc: str | None
    reason: str | None
    via: str
    message_receipt: str | None
    proposed_by: str
    proposed_at: datetime
    approved_by: str | None = None
    approved_at: datetime | None = None
    approval_reason: str | None = None
    status: str


async def take_lock(connection: WriteConn) -> datetime:
    """Take the writer's lock until the transaction ends; return the instant that it records under."""
    await connection.execute(_LOCKS["take_writer"])
    now: datetime = await connection.fetchval(_SQL["clock"])
    return now


async def prepare_session(connection: Any) -> None:
    """Make the session's staging tables; once a connection."""
    await connection.execute(_SQL["stage_tables"])


async def clear_stage(connection: WriteConn) -> None:
    """Empty the staging tables, where one transaction writes more than once."""
    await connection.execute(_SQL["clear_stage"])


async def ensure_month(connection: WriteConn, instant: datetime) -> None:
    """Make the monthly partitions of an instant where they are missing."""
    await connection.execute(_SQL["ensure_month"], instant)


async def progress_of(connection: ReadConn, topics: Sequence[str]) -> dict[tuple[str, int], Progress]:
    """Return where the partitions of these topics stand."""
    return {
        (row["topic"], row["partition"]): Progress(
            row["next_offset"], row["halted_reason"], row["last_sha256"], row["last_offset"]
        )
        for row in await connection.fetch(_SQL["progress_of"], topics)
    }


async def begin_partition(connection: WriteConn, topic: str, partition: int, office: str, offset: int) -> None:
    """Let a partition that was never read begin at `offset`."""
    await connection.execute(_SQL["begin_partition"], topic, partition, office, offset)


async def fence(connection: WriteConn, topic: str, partition: int) -> Fence | None:
    """Return where a partition stands and keep its row until the transaction ends; None where it is not known."""
    row = await connection.fetchrow(_SQL["fence"], topic, partition)
    return Fence(**row) if row is not None else None


async def known_receipts(connection: ReadConn, submissions: Sequence[Submission]) -> set[str]:
    """Return the receipts of those records that the ledger has already."""
    instants = [each.incoming.received_at for each in submissions]
    receipts = [each.receipt_id for each in submissions]
    rows = await connection.fetch(_SQL["known_receipts"], receipts, min(instants), max(instants))
    return {row["receipt_id"] for row in rows}


async def move_partition(
    connection: WriteConn,
    *,
    topic: str,
    partition: int,
    next_offset: int,
    last: Submission,
    records: int,
    now: datetime,
) -> None:
    """Move a partition behind its decided records, the last of which is `last`."""
    incoming = last.incoming
    await connection.execute(
        _SQL["move_partition"], topic, partition, next_offset, records, incoming.received_at, now,
        last.content_sha256, incoming.source.offset,
    )  # fmt: skip


async def halt_partition(connection: WriteConn, topic: str, partition: int, reason: str) -> None:
    """Write down why a partition cannot go on."""
    await connection.execute(_SQL["halt_partition"], topic, partition, reason)


async def draw(connection: WriteConn, name: str, count: int) -> int:
    """Draw `count` numbers of a dense sequence and return the first of them."""
    last: int = await connection.fetchval(_SQL["draw"], name, count)
    return last - count + 1


async def write_dispositions(
    connection: WriteConn,
    decisions: Sequence[Decision],
    *,
    first: int,
    returns: Iterable[bytes],
    now: datetime,
    ruleset: str,
) -> None:
    """Write one row a decision, and the bytes of every record decided for the first time.

    `returns` are the texts, numbered from `first` on.
    """
    rows = disposition_lines(decisions, first=first, returns=returns, now=now, ruleset=ruleset)
    await copy_rows(connection, "disposition", DISPOSITION_COLUMNS, rows)
    raw = (raw_line(decision.submission) for decision in decisions if decision.attempt == 1)
    await copy_rows(connection, "raw_message", RAW_COLUMNS, raw)


async def write_registry(connection: WriteConn, outcome: Outcome, changes: Iterable[bytes]) -> None:
    """Write versions, marks, changes and the present state of every code that the batch touched.

    `changes` are the lines of the outcome's changes. They are made while the database indexes the names of the batch,
    which takes it longer than all else.
    """
    present = _present_rows(outcome.touched.values())
    await _stage_present(connection, present)
    async with meanwhile(_merge_holders(connection, present)):
        change_lines = list(changes)
    copy = connection.copy_records_to_table
    if outcome.messages:
        messages = (line for each in outcome.messages if (line := lines_of(each).message) is not None)
        await copy_rows(connection, "message", MESSAGE_COLUMNS, messages)
    if outcome.versions:
        await copy_rows(connection, "registration_version", VERSION_COLUMNS, map(version_line, outcome.versions))
    if outcome.marks:
        await copy("registration_mark", records=[_mark_row(write) for write in outcome.marks], columns=MARK_COLUMNS)
    if outcome.changes:
        await copy_rows(connection, "change", CHANGE_COLUMNS, change_lines)
    if outcome.tombstones:
        rows = [
            (uscc, t.holding, *t.key, t.reason, t.successor_uscc, t.receipt_id, t.recorded_at)
            for uscc, t in outcome.tombstones
        ]
        await copy("withdrawn_code", records=rows, columns=TOMBSTONE_COLUMNS)
    await _write_present(connection, present)
    await _write_numbers(connection, outcome)
    await _write_claims(connection, outcome.claims_rejected)


class _PresentRows(NamedTuple):
    """The present state of some codes: lines of two tables, codes that nobody holds any more, and codes never held."""

    registrations: list[tuple[Any, ...]]
    holders: list[tuple[Any, ...]]
    vacated: list[str]
    vacant: list[tuple[str, int, str | None]]


def _present_rows(touched: Iterable[CodeFacts]) -> _PresentRows:
    """Return the present state of these codes; of a code whose only record is held there is none."""
    rows = _PresentRows([], [], [], [])
    for code in touched:
        if code.holding is not None:
            rows.registrations.append(_registration_row(code, code.holding, registered=True))
            holder = _holder_row(code.uscc, code.holding.present().particulars)
            if code.as_read is None or holder != _holder_row(code.uscc, code.as_read):
                rows.holders.append(holder)
        elif code.withdrawn is not None:
            rows.registrations.append(_registration_row(code, code.withdrawn, registered=False))
            rows.vacated.append(code.uscc)
        elif code.last_version:
            rows.vacant.append((code.uscc, code.last_version, code.cases[0].case_id if code.cases else None))
    return rows


async def _stage_present(connection: WriteConn, rows: _PresentRows) -> None:
    copy = connection.copy_records_to_table
    if rows.registrations:
        await copy("staged_registration", records=rows.registrations, columns=REGISTRATION_COLUMNS)
    if rows.holders:
        await copy("staged_holder", records=rows.holders, columns=HOLDER_COLUMNS)


async def _merge_holders(connection: WriteConn, rows: _PresentRows) -> None:
    if rows.holders:
        await connection.execute(_SQL["merge_holders"])


async def _write_present(connection: WriteConn, rows: _PresentRows) -> None:
    if rows.registrations:
        await connection.execute(_SQL["merge_registrations"])
    if rows.vacated:
        await connection.execute(_SQL["remove_holders"], rows.vacated)
    if rows.vacant:
        await connection.execute(_SQL["note_vacant"], *map(list, zip(*rows.vacant, strict=True)))


async def _write_numbers(connection: WriteConn, outcome: Outcome) -> None:
    """Remember which code brought each legacy number first; those that were read are kept already."""
    rows = []
    for write in outcome.versions:
        as_read = outcome.touched[write.uscc].as_read
        known = numbers_of(as_read.record) if as_read is not None else ()
        for kind, number in numbers_of(write.event.record):
            if (kind, number) not in known:
                rows.append((kind, number, write.uscc, write.event.receipt_id))
    if rows:
        recorded_at = max(write.event.recorded_at for write in outcome.versions)
        await connection.execute(_SQL["keep_numbers"], *map(list, zip(*rows, strict=True)), recorded_at)


async def _write_claims(connection: WriteConn, claims: dict[tuple[str, str], str | None]) -> None:
    rejected = [(office, uscc, receipt) for (office, uscc), receipt in claims.items() if receipt is not None]
    cleared = [place for place, receipt in claims.items() if receipt is None]
    if rejected:
        await connection.execute(_SQL["reject_claims"], *map(list, zip(*rejected, strict=True)))
    if cleared:
        await connection.execute(_SQL["clear_claims"], *map(list, zip(*cleared, strict=True)))


async def write_cases(connection: WriteConn, outcome: Outcome, now: datetime) -> None:
    """Write the cases that were resolved, opened and joined, and who came and went.

    Those that are over come first: a conflict has one open case, and a batch may settle it and meet it anew.
    """
    opened = {case.case_id for case in outcome.cases_opened}
    for case in outcome.cases_changed.values():
        if case.case_id not in opened:
            await connection.execute(
                _SQL["change_case"], case.case_id, case.offices, case.resolved_at, case.is_awaiting
            )
    if outcome.cases_opened:
        rows = [_case_row(case) for case in outcome.cases_opened]
        await connection.copy_records_to_table("code_case", records=rows, columns=CASE_COLUMNS)
    if outcome.members_joined:
        rows = [_member_row(case_id, member) for case_id, member in outcome.members_joined]
        await connection.execute(_SQL["join_members"], *map(list, zip(*rows, strict=True)))
    ended = [(case_id, member.receipt_id, member.role, now) for case_id, member in outcome.members_ended]
    await connection.executemany(_SQL["end_member"], ended)
    for case in outcome.cases_changed.values():
        if case.resolved_at is not None:
            await connection.execute(_SQL["end_members"], case.case_id, case.resolved_at)
            await connection.execute(_SQL["lapse_resolution"], case.case_id)


async def write_settlements(connection: WriteConn, outcome: Outcome, now: datetime) -> None:
    """Write what resolutions allowed, registered and transferred, and the resolutions that came by message."""
    for conflict in outcome.allowed:
        rule, uscc, other, case_id, who = conflict
        await connection.execute(_SQL["allow_conflict"], rule, uscc, other, case_id, f"case {case_id}", who, now)
    for uscc, case_id, who in outcome.nonconforming:
        await connection.execute(_SQL["enter_register"], uscc, f"case {case_id}", now, who, case_id)
    for uscc, office, case_id in outcome.transfers:
        await connection.execute(_SQL["transfer_code"], uscc, office, case_id, now)
    done = [(case, act, "done") for case, act in outcome.resolutions]
    proposed = [
        (each.case, each.act, "awaiting_approval" if each.case.resolved_at is None else "refused")
        for each in outcome.proposals
    ]
    for case, act, status in (*done, *proposed):
        resolution = Resolution(
            resolution_id=act.receipt_id,
            case_id=case.case_id,
            operation=act.operation,
            member_receipt=act.member.receipt_id,
            member_uscc=act.member.uscc,
            new_uscc=act.new_uscc,
            successor_uscc=act.successor_uscc,
            reason=act.reason,
            via="message",
            message_receipt=act.receipt_id,
            proposed_by=act.actor,
            proposed_at=now,
            status=status,
        )
        await write_resolution(connection, resolution)


async def mark_case(connection: WriteConn, case_id: str, offices: Sequence[str], *, awaiting: bool) -> None:
    """Say whether a resolution of an open case waits for another person."""
    await connection.execute(_SQL["change_case"], case_id, list(offices), None, awaiting)


async def write_resolution(connection: WriteConn, resolution: Resolution) -> None:
    """Write what was done or proposed about a case; the same id again brings the approval."""
    await connection.execute(_SQL["write_resolution"], *astuple(resolution))


async def awaiting_resolution(connection: ReadConn, case_id: str) -> Resolution | None:
    """Return the resolution of a case that waits for another person."""
    row = await connection.fetchrow(_SQL["awaiting_resolution"], case_id)
    return Resolution(**dict(row)) if row is not None else None


def _mark_row(write: MarkWrite) -> tuple[Any, ...]:
    event = write.event
    return (
        write.uscc, write.holding, event.operation, *event.key, event.name_key, event.version, event.office,
        event.receipt_id, event.recorded_at,
    )  # fmt: skip


_NO_KEY: tuple[None, None, None] = (None, None, None)


def _registration_row(code: CodeFacts, holding: Holding, *, registered: bool) -> tuple[Any, ...]:
    state = holding.present()
    shaped, particulars, status = state.shaped_by, state.particulars, state.status_event
    assign: OrderKey | tuple[None, None, None] = holding.first_assign or _NO_KEY
    return (
        code.uscc, registered, holding.number, code.last_version, shaped.version, state.status, shaped.office,
        shaped.receipt_id, state.valid_from, shaped.recorded_at, particulars.version, particulars.recorded_at,
        state.whole, *particulars.key, status.version if status else 0, *(status.key if status else _NO_KEY), *assign,
        particulars.record.get("is_public") != "0", code.cases[0].case_id if code.cases else None,
        code.predecessor_uscc, Particulars.of(particulars.record).row_hash(code.uscc),
    )  # fmt: skip


def _holder_row(uscc: str, particulars: Event) -> tuple[Any, ...]:
    record = particulars.record
    return (
        uscc, record["name"], particulars.name_key, uscc[8:17], record.get("registration_number"),
        record.get("established_on"), uscc[2:8], record.get("legal_representative_name"),
        record.get("registered_address"),
    )  # fmt: skip


def _case_row(case: Case) -> tuple[Any, ...]:
    status = "resolved" if case.resolved_at is not None else "awaiting_approval" if case.is_awaiting else "open"
    return (
        case.case_id, case.rule, case.uscc, case.conflict_key, status, case.opened_at, case.due_on, case.offices,
        case.suggested_operation, case.reason, case.resolved_at,
    )  # fmt: skip


def _member_row(case_id: str, member: Member) -> tuple[Any, ...]:
    return (
        case_id, member.receipt_id, member.role, member.office, member.uscc, member.name, member.name_key,
        member.operation, *member.key, member.received_at, member.joined_at,
    )  # fmt: skip
