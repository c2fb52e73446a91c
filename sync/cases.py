"""Resolutions of cases by people: proposed, approved by another person where four eyes are due, and carried out.

A resolution takes the writer's lock like any batch, and has all its effects or none.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from sync.apply import Applier, month_of
from sync.errors import SyncError
from sync.facts import Case, Facts, Member
from sync.four_eyes import NotPossible, needs_approval
from sync.identity import key_of_act
from sync.outcome import Act
from sync.records import Disposition, OrderKey, Source, receipt_id
from sync.rules import Judge
from sync.store import ledger
from sync.store.connection import WriteConn, writing
from sync.store.facts import read_case
from validators import uscc
from validators.findings import Operation

Via = Literal["api", "file", "console", "program"]


class NoSuchCase(SyncError):
    """No open case has this id."""


class NotAwaiting(SyncError):
    """Nothing of this case waits for an approval."""


class SamePerson(SyncError):
    """The approval must come from another person than the proposal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What somebody wants done about a case. `receipt_id` names the member.

    `is_person` says whether a person wants it: four eyes are two persons', so that one who is none proposes nothing
    that another must approve.
    """

    case_id: str
    operation: Operation
    receipt_id: str
    new_uscc: str | None = None
    successor_uscc: str | None = None
    reason: str | None = None
    actor: str
    via: Via
    is_person: bool = True


async def propose(applier: Applier, order: Order) -> bool:
    """Carry a resolution out, or write it down for another person to approve; True when it was carried out.

    Raises:
        NoSuchCase: the case is unknown or resolved.
        NotPossible: the member or the new code does not allow it; the message says why.
    """
    async with writing(applier.pool) as connection:
        return await propose_in(applier, connection, order)


async def propose_in(applier: Applier, connection: WriteConn, order: Order) -> bool:
    """Do the same inside a transaction of the caller, for files that are carried out whole or not at all."""
    now = await ledger.take_lock(connection)
    facts, case = await _read(applier, connection, order.case_id, order.new_uscc)
    if case.is_awaiting:
        raise NotPossible("awaits-approval", f"{order.case_id} has a resolution that waits for approval")
    named = (each for each in case.members if each.receipt_id == order.receipt_id and each.role != "proposed")
    member = next(named, None)
    if member is None:
        raise NotPossible("not-a-member", f"{order.receipt_id} is no member of {order.case_id}")
    if order.operation is Operation.ASSIGN:
        _check_new(applier, order.new_uscc, member.office)
    resolution_id = f"resolution-{_receipt(now)}"
    act = Act(
        operation=order.operation,
        member=member,
        key=_key(applier, now, resolution_id, facts, member),
        receipt_id=resolution_id,
        office=member.office,
        actor=order.actor,
        reason=order.reason,
        new_uscc=order.new_uscc,
        successor_uscc=order.successor_uscc,
    )
    line = ledger.Resolution(
        resolution_id=resolution_id,
        case_id=case.case_id,
        operation=order.operation,
        member_receipt=member.receipt_id,
        member_uscc=member.uscc,
        new_uscc=order.new_uscc,
        successor_uscc=order.successor_uscc,
        reason=order.reason,
        via=order.via,
        message_receipt=None,
        proposed_by=order.actor,
        proposed_at=now,
        status="done",
    )
    if needs_approval(case, act, facts):
        if not order.is_person:
            raise NotPossible("person-needed", f"{order.actor} is no person: this needs two, one after the other")
        await ledger.write_resolution(connection, replace(line, status="awaiting_approval"))
        await ledger.mark_case(connection, case.case_id, case.offices, awaiting=True)
        return False
    await _carry_out(applier, connection, facts, case, act, now)
    await ledger.write_resolution(connection, line)
    return True


async def approve(applier: Applier, case_id: str, *, actor: str, reason: str | None = None) -> None:
    """Approve, as another person, the resolution that waits, and carry it out.

    Raises:
        NoSuchCase, NotAwaiting, SamePerson: it cannot be approved.
        NotPossible: the registry has moved on meanwhile.
    """
    async with writing(applier.pool) as connection:
        now = await ledger.take_lock(connection)
        facts, case, line = await _awaiting(applier, connection, case_id)
        if line.proposed_by == actor:
            raise SamePerson(f"{actor} proposed this resolution: another person must approve it")
        judge = _judge(applier, facts, now)
        message = _message(case, line)
        member = next((m for m in case.members if m.receipt_id == line.member_receipt), None)
        if member is None and message is not None:
            member = judge.renewed_member(case, message)
        if member is None:
            raise NotPossible("not-a-member", f"{line.member_receipt} is no member of {case_id} any more")
        act = Act(
            operation=Operation(line.operation),
            member=member,
            key=message.key if message is not None else _key(applier, now, line.resolution_id, facts, member),
            receipt_id=line.resolution_id,
            office=member.office,
            actor=line.proposed_by,
            reason=line.reason,
            new_uscc=line.new_uscc,
            successor_uscc=line.successor_uscc,
        )
        case.is_awaiting = False
        submission = message.submission if message is not None else None
        findings = judge.own_findings(submission) if submission is not None else []
        if message is not None:
            judge.effects.docket.remove(case, message)
        judge.resolve(case, act)
        if message is not None and submission is not None:
            code = facts.code(message.uscc)
            version = judge.settled_version(code, act)
            judge.effects.close(
                submission,
                Disposition.ACCEPTED,
                findings,
                code,
                version=version,
                case_id=case_id,
                attempt=message.attempt + 1,
            )
        await _write(applier, connection, judge, now)
        await ledger.write_resolution(
            connection, replace(line, status="done", approved_by=actor, approved_at=now, approval_reason=reason)
        )


async def refuse(applier: Applier, case_id: str, *, actor: str, reason: str | None = None) -> None:
    """Refuse, as another person, the resolution that waits; the case is open again, and a message is rejected.

    Raises:
        NoSuchCase, NotAwaiting, SamePerson: it cannot be refused.
    """
    async with writing(applier.pool) as connection:
        now = await ledger.take_lock(connection)
        facts, case, line = await _awaiting(applier, connection, case_id)
        if line.proposed_by == actor:
            raise SamePerson(f"{actor} proposed this resolution: another person must look at it")
        judge = _judge(applier, facts, now)
        judge.refuse_proposals(case)
        await _write(applier, connection, judge, now)
        await ledger.write_resolution(
            connection, replace(line, status="refused", approved_by=actor, approved_at=now, approval_reason=reason)
        )


async def _awaiting(applier: Applier, connection: WriteConn, case_id: str) -> tuple[Facts, Case, ledger.Resolution]:
    """Return a case and the resolution of it that waits for another person."""
    line = await ledger.awaiting_resolution(connection, case_id)
    facts, case = await _read(applier, connection, case_id, line.new_uscc if line is not None else None)
    if line is None:
        raise NotAwaiting(f"nothing of {case_id} waits for approval")
    return facts, case, line


def _message(case: Case, line: ledger.Resolution) -> Member | None:
    """Return the message that proposed a resolution; None where a person did."""
    return next((each for each in case.proposals() if each.receipt_id == line.message_receipt), None)


async def _read(applier: Applier, connection: WriteConn, case_id: str, new_uscc: str | None) -> tuple[Facts, Case]:
    beside = [new_uscc] if new_uscc is not None else []
    facts = await read_case(connection, case_id, applier.decode, beside, applier.segments)
    case = next((each for each in facts.cases.values() if each.case_id == case_id), None)
    if case is None:
        raise NoSuchCase(case_id)
    return facts, case


async def _carry_out(
    applier: Applier, connection: WriteConn, facts: Facts, case: Case, act: Act, now: datetime
) -> None:
    judge = _judge(applier, facts, now)
    judge.resolve(case, act)
    await _write(applier, connection, judge, now)


async def _write(applier: Applier, connection: WriteConn, judge: Judge, now: datetime) -> None:
    await ledger.ensure_month(connection, month_of(now))
    await ledger.clear_stage(connection)
    await applier.write(connection, judge.outcome, now)


def _key(applier: Applier, now: datetime, resolution_id: str, facts: Facts, member: Member) -> OrderKey:
    is_counting = member.office in applier.rulings.counting
    return key_of_act(resolution_id, now, facts.code(member.uscc), is_counting=is_counting)


def _judge(applier: Applier, facts: Facts, now: datetime) -> Judge:
    return Judge(facts, rulings=applier.rulings, ruleset=applier.ruleset, now=now)


def _check_new(applier: Applier, new_uscc: str | None, office: str) -> None:
    if new_uscc is None:
        raise NotPossible("new-code-missing", "assign needs new_uscc")
    if not uscc.is_valid(new_uscc):
        raise NotPossible("new-code-malformed", f"{new_uscc} is not a valid code")
    if applier.rulings.homes.get(new_uscc[0]) != office:
        raise NotPossible("new-code-foreign", f"{new_uscc} is not a code of {office}")


def _receipt(now: datetime) -> str:
    return receipt_id(Source("resolution", 0, secrets.randbits(60)), now)
