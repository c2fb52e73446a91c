"""Reads the facts of a batch, set-wise: a fixed number of statements however many records there are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import asyncpg
import orjson

from sync.facts import Case, CodeFacts, Facts, KnownMessage, Member, Tombstone, numbers_of, registration_number_of
from sync.holding import OPERATION_OF_STATUS, PARTICULARS_OPERATIONS, Event, Holding, Status
from sync.particulars import Particulars
from sync.records import Incoming, OrderKey, Source, Submission
from sync.store.connection import ReadConn
from sync.store.lines import KEPT_HEADERS
from sync.store.segments import SegmentsAtHand
from sync.store.statements import statements
from validators.findings import Operation, Severity

_SQL = statements("facts")
_MATCHED = ("registration_number", "legal_representative_name", "registered_address")
_STATUS_OPERATIONS = frozenset(OPERATION_OF_STATUS.values())
Decode = Callable[[Incoming, str], Submission]


async def read_facts(
    connection: ReadConn,
    office: str,
    batch: Sequence[Submission],
    decode: Decode,
    segments: SegmentsAtHand | None = None,
) -> Facts:
    """Return everything that the rules may ask about the records of `batch`, all of one office.

    `segments` are those that were read before, where there was a before.
    """
    facts = Facts(segments=await (segments or SegmentsAtHand()).current(connection))
    message_ids = [each.message_id for each in batch if each.message_id is not None and not each.quarantined]
    for row in await connection.fetch(_SQL["known_messages"], office, message_ids):
        facts.messages[office, row["message_id"]] = KnownMessage(row["receipt_id"], row["content_digest"])
    codes = {each.uscc for each in batch if each.uscc}
    named = [each.case_id for each in batch if each.case_id is not None]
    if named:
        codes.update(row["uscc"] for row in await connection.fetch(_SQL["codes_of_cases"], named))
    await read_codes(connection, facts, list(codes))
    await _read_held(connection, facts, decode)
    await _read_named_cases(connection, facts, decode)
    await _read_neighbours(connection, facts, [*batch, *_held_submissions(facts)])
    await _read_held(connection, facts, decode)
    needing = _needing_history(facts, batch)
    if needing:
        await read_histories(connection, facts, needing)
    return facts


def _held_submissions(facts: Facts) -> list[Submission]:
    members = (member for case in facts.cases.values() for member in case.waiting())
    return [member.submission for member in members if member.submission is not None]


async def read_case(
    connection: ReadConn,
    case_id: str,
    decode: Decode,
    beside: Sequence[str] = (),
    segments: SegmentsAtHand | None = None,
) -> Facts:
    """Return everything that a resolution of one case may touch: its codes with their whole holdings.

    `beside` are further codes, such as one that is to be assigned.
    """
    facts = Facts(segments=await (segments or SegmentsAtHand()).current(connection))
    codes = [row["uscc"] for row in await connection.fetch(_SQL["codes_of_cases"], [case_id])]
    await read_codes(connection, facts, [*codes, *beside])
    await _read_held(connection, facts, decode)
    await _read_named_cases(connection, facts, decode)
    await _read_neighbours(connection, facts, _held_submissions(facts))
    if beside:
        await _read_subjects(connection, facts, beside)
    await read_histories(connection, facts, list(facts.codes))
    return facts


async def _read_subjects(connection: ReadConn, facts: Facts, codes: Sequence[str]) -> None:
    """Find the codes that share a subject code with these, and what is known of them."""
    rows = await connection.fetch(_SQL["same_subject"], [uscc[8:17] for uscc in codes])
    for row in rows:
        facts.by_subject.setdefault(row["subject"], set()).add(row["uscc"])
    await read_codes(connection, facts, [row["uscc"] for row in rows])


async def read_conflicts(connection: ReadConn, codes: Sequence[str], keys: Sequence[str]) -> Facts:
    """Return what is known of codes, and the open cases about them or about these conflict keys."""
    facts = Facts()
    await read_codes(connection, facts, codes)
    await _read_cases(connection, facts, [row["uscc"] for row in await connection.fetch(_SQL["open_conflicts"], keys)])
    return facts


async def read_codes(connection: ReadConn, facts: Facts, codes: Sequence[str]) -> None:
    """Put what is known of these codes into `facts`, once; holdings come as summaries."""
    codes = [uscc for uscc in codes if uscc not in facts.read]
    if not codes:
        return
    facts.read.update(codes)
    vacant = []
    for row in await connection.fetch(_SQL["registrations"], codes):
        code = facts.code(row["uscc"])
        code.last_version = row["last_version"]
        code.holdings = row["holding"]
        code.predecessor_uscc = row["predecessor_uscc"]
        if row["registered"]:
            code.holding = _summary(row)
            code.as_read = code.holding.present().particulars
        else:
            vacant.append(code.uscc)
    for row in await connection.fetch(_SQL["peculiarities"], codes):
        code = facts.code(row["uscc"])
        if row["what"] == "home":
            code.home_office = row["office"]
        elif row["what"] == "nonconforming":
            code.nonconforming = True
        else:
            code.rejected_offices.add(row["office"])
    if vacant:
        for row in await connection.fetch(_SQL["tombstones"], vacant):
            facts.code(row["uscc"]).tombstone = Tombstone(
                key=_key(row, "key_major", "occurred_at", "message_id"),
                holding=row["holding"],
                reason=row["reason"],
                successor_uscc=row["successor_uscc"],
                receipt_id=row["receipt_id"],
                recorded_at=row["recorded_at"],
            )
    await _read_cases(connection, facts, codes)


async def _read_neighbours(connection: ReadConn, facts: Facts, batch: Sequence[Submission]) -> None:
    """Find the codes that share a subject code, a name or a number with the batch, and what is known of them."""
    bringing = _bringing_identity(facts, batch)
    if not bringing:
        return
    subjects = {(each.uscc or "")[8:17] for each in bringing}
    for row in await connection.fetch(_SQL["same_subject"], list(subjects)):
        facts.by_subject.setdefault(row["subject"], set()).add(row["uscc"])
    rows = [(each.uscc, each.name_key, *map(each.record.get, _MATCHED)) for each in bringing]
    for row in await connection.fetch(_SQL["same_name"], *map(list, zip(*rows, strict=True))):
        facts.by_name.setdefault(row["name_key"], set()).add(row["uscc"])
    numbers = {number for each in bringing for number in numbers_of(each.record)}
    if numbers:
        for row in await connection.fetch(_SQL["same_number"], *map(list, zip(*numbers, strict=True))):
            facts.by_number[row["kind"], row["number"]] = row["uscc"]
    for uscc, code in facts.codes.items():
        if code.ever_held:
            facts.by_subject.setdefault(uscc[8:17], set()).add(uscc)
    same_subject = (facts.by_subject.get(subject, ()) for subject in subjects)
    neighbours = {uscc for codes in (*same_subject, *facts.by_name.values()) for uscc in codes}
    neighbours.update(facts.by_number.values())
    if neighbours:
        await read_codes(connection, facts, list(neighbours))
    # Asked of the batch's own codes, because two of them may be in conflict with each other.
    for row in await connection.fetch(_SQL["allowed_conflicts"], list({each.uscc for each in bringing})):
        facts.allow(row["rule"], row["uscc"], row["other_uscc"])
    # The batch's names, not those of `by_name`: a case may be open under a name that nobody in the registry has now.
    names = {each.name_key for each in bringing}
    keys = [*subjects, *names, *(f"{kind}:{number}" for kind, number in numbers)]
    await _read_cases(connection, facts, [row["uscc"] for row in await connection.fetch(_SQL["open_conflicts"], keys)])


def _bringing_identity(facts: Facts, batch: Sequence[Submission]) -> list[Submission]:
    """Return the records that may bring their code a new identity, and so meet the rules across codes.

    Those of a code of which the whole batch says what is known already, name and number, meet none of them.
    """
    settled: dict[str, bool] = {}
    for each in batch:
        if each.uscc:
            same = _says_the_same(each, facts.codes.get(each.uscc))
            settled[each.uscc] = same and settled.get(each.uscc, True)
    return [
        each
        for each in batch
        if each.operation in PARTICULARS_OPERATIONS and each.uscc and not settled[each.uscc] and _may_stand(each)
    ]


def _says_the_same(submission: Submission, code: CodeFacts | None) -> bool:
    """Whether a record leaves its code, held and free of cases, with the name and the number that it has."""
    if code is None or code.holding is None or code.cases:
        return False
    if submission.operation not in PARTICULARS_OPERATIONS:
        return submission.operation in _STATUS_OPERATIONS
    state = code.holding.present()
    known = state.particulars
    return (
        state.whole
        and submission.name_key == known.name_key
        and registration_number_of(submission.record) == registration_number_of(known.record)
    )


async def _read_cases(connection: ReadConn, facts: Facts, codes: Sequence[str]) -> None:
    rows = [
        row
        for row in await connection.fetch(_SQL["open_cases"], codes)
        if (row["rule"], row["conflict_key"]) not in facts.cases
    ]
    if not rows:
        return
    cases = {
        row["case_id"]: Case(
            case_id=row["case_id"],
            rule=row["rule"],
            uscc=row["uscc"],
            conflict_key=row["conflict_key"],
            opened_at=row["opened_at"],
            due_on=row["due_on"],
            offices=list(row["offices"]),
            suggested_operation=row["suggested_operation"],
            reason=row["reason"],
            is_awaiting=row["status"] == "awaiting_approval",
        )
        for row in rows
    }
    facts.cases.update({(case.rule, case.conflict_key): case for case in cases.values()})
    for row in await connection.fetch(_SQL["open_members"], list(cases)):
        case = cases[row["case_id"]]
        case.members.append(
            Member(
                receipt_id=row["receipt_id"],
                role=row["role"],
                office=row["office"],
                uscc=row["uscc"],
                name=row["name"],
                name_key=row["name_key"],
                operation=row["operation"],
                key=_key(row, "key_major", "occurred_at", "message_id"),
                received_at=row["received_at"],
                joined_at=row["joined_at"],
            )
        )
        code = facts.code(row["uscc"])
        if case not in code.cases:
            code.cases.append(case)
    await read_codes(connection, facts, [member.uscc for case in cases.values() for member in case.members])


async def _read_held(connection: ReadConn, facts: Facts, decode: Decode) -> None:
    """Decode the held records of these codes again, so that a decision may follow in this batch."""
    held = {
        member.receipt_id: member
        for case in facts.cases.values()
        for member in case.members
        if member.role in ("held", "proposed") and member.submission is None
    }
    if not held:
        return
    for row in await connection.fetch(_SQL["held_records"], list(held)):
        member = held[row["receipt_id"]]
        member.submission = decode(incoming_of(row), row["office"])
        member.attempt = row["attempt"]


async def _read_named_cases(connection: ReadConn, facts: Facts, decode: Decode) -> None:
    """Read the cases that held records name: one that is applied may end a claim there."""
    known = {case.case_id for case in facts.cases.values()}
    named = {each.case_id for each in _held_submissions(facts) if each.case_id is not None} - known
    if named:
        codes = [row["uscc"] for row in await connection.fetch(_SQL["codes_of_cases"], list(named))]
        await read_codes(connection, facts, codes)
        await _read_held(connection, facts, decode)


def incoming_of(row: asyncpg.Record) -> Incoming:
    """Return a stored record as it was fetched, with the headers that decoding reads."""
    headers = {name: row[name] for name in KEPT_HEADERS}
    return Incoming(
        source=Source(row["topic"], row["partition"], row["offset"]),
        received_at=row["received_at"],
        body=row["body"],
        headers={name: value.encode() for name, value in headers.items() if value is not None},
    )


async def read_histories(connection: ReadConn, facts: Facts, codes: Sequence[str]) -> None:
    """Replace the summaries of these codes by their whole holdings."""
    events: dict[str, list[Event]] = {}
    for row in await connection.fetch(_SQL["histories"], codes):
        events.setdefault(row["uscc"], []).append(_event(row))
    for uscc, history in events.items():
        code = facts.code(uscc)
        if code.holding is not None:
            code.holding = Holding(code.holdings, history)


def _may_stand(submission: Submission) -> bool:
    """Whether a record may come into the registry: its own errors aside from E05, which the register may soften."""
    return not any(each.severity is Severity.ERROR and each.rule != "E05" for each in submission.findings)


def _needing_history(facts: Facts, batch: Iterable[Submission]) -> list[str]:
    """Return the codes whose summary cannot answer for this batch: late records, former names, receipts, numbers."""
    latest: dict[str, OrderKey] = {}
    needing: set[str] = set()
    for each in batch:
        if each.key is None or not each.uscc:
            continue
        holding = facts.codes[each.uscc].holding if each.uscc in facts.codes else None
        if holding is None:
            continue
        known = latest.get(each.uscc, holding.latest_key)
        if (
            each.key <= known
            or each.receipt_ref is not None
            or each.name_key not in holding.names
            or _gives_another_number(each, holding)
        ):
            needing.add(each.uscc)
        latest[each.uscc] = max(known, each.key)
    needing.update(code.uscc for code in facts.codes.values() if code.cases and code.holding is not None)
    return list(needing)


def _gives_another_number(submission: Submission, holding: Holding) -> bool:
    """Whether it is to be asked if the holder gave this registration number before."""
    number = registration_number_of(submission.record)
    return number is not None and number != registration_number_of(holding.present().particulars.record)


def _key(row: asyncpg.Record, major: str, at: str, message_id: str) -> OrderKey:
    return OrderKey(row[major], row[at], row[message_id])


def _summary(row: asyncpg.Record) -> Holding:
    """Return the two or three events that stand for a whole holding (see sync.holding)."""
    status = Status(row["status"])
    particulars = Event(
        key=_key(row, "particulars_major", "particulars_at", "particulars_id"),
        operation=Operation.CHANGE if row["particulars_whole"] else OPERATION_OF_STATUS[status],
        version=row["particulars_version"],
        name_key=row["name_key"],
        record=Particulars(orjson.loads(row["record"])),
        office=row["particulars_office"],
        receipt_id=row["particulars_receipt"],
        recorded_at=row["particulars_recorded_at"],
        confirms_since=row["particulars_since"],
    )
    events = [particulars]
    if row["assign_major"] is not None:
        key = _key(row, "assign_major", "assign_at", "assign_id")
        if key == particulars.key:
            events[0] = particulars._replace(operation=Operation.ASSIGN)
        else:
            events.append(particulars._replace(operation=Operation.ASSIGN, key=key))
    if row["status_major"] is not None:
        shaping = row["version"] == row["status_version"]
        events.append(
            Event(
                key=_key(row, "status_major", "status_at", "status_id"),
                operation=OPERATION_OF_STATUS[status],
                version=row["status_version"],
                name_key=row["name_key"],
                record=particulars.record,
                office=row["office"] if shaping else row["particulars_office"],
                receipt_id=row["receipt_id"] if shaping else row["particulars_receipt"],
                recorded_at=row["recorded_at"] if shaping else row["particulars_recorded_at"],
                confirms_since=min(row["status_at"], row["valid_from"]),
            )
        )
    return Holding(row["holding"], events, complete=False)


def _event(row: asyncpg.Record) -> Event:
    return Event(
        key=_key(row, "key_major", "occurred_at", "message_id"),
        operation=Operation(row["operation"]),
        version=row["version"],
        name_key=row["name_key"],
        record=Particulars(orjson.loads(row["record"])),
        office=row["office"],
        receipt_id=row["receipt_id"],
        recorded_at=row["recorded_at"],
        marked_by=row["marked_by"],
        confirms_since=row["confirms_since"],
    )
