"""Correction files (纠错): what the rows of one ask for, carried out row by row, or all of them or none.

A row names a member of an open case by code and name, and where one organization is in a case twice by the receipt that
its reason still bears (记录 …); without that, the holder, then the oldest held record. Rows that give a new
code or take one back go before those that keep one, because a keep settles the whole case. A keep of an organization
that has its code without dispute is `unchanged`.

Source: domain.md §6.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from sync.apply import Applier
from sync.cases import NoSuchCase, Order, Via, propose_in
from sync.four_eyes import Hindrance, NotPossible
from sync.store.connection import WriteConn, writing
from sync.store.corrections import NamedMember, holder_name, named_members
from validators.findings import Operation
from validators.record import name_key
from validators.uscc import normalize

Mode: TypeAlias = Literal["rows", "all"]
Result: TypeAlias = Literal["done", "awaiting_approval", "unchanged", "skipped", "refused", "not_carried_out"]

FLAGS = {"0": Operation.ASSIGN, "1": Operation.WITHDRAW, "2": Operation.KEEP}
"""The flag of the form (数据操作标识位): assign anew, withdraw, keep."""

_RECEIPT = re.compile(r"记录 ?([0-9A-Z]{26})")
_ORDER = {"0": 0, "1": 1, "2": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """One row of a form; `line` is its line in the file. A row without a flag asks for nothing."""

    line: int
    uscc: str
    name: str
    flag: str
    new_uscc: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of one row; `hindrance` and `detail` say why one was refused."""

    line: int
    uscc: str
    name: str
    flag: str
    result: Result
    case_id: str | None = None
    hindrance: Hindrance | Literal["bad-flag"] | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Clerk:
    """Who corrects: by which name, for which office (None: the centre, for all), and by which way."""

    name: str
    office: str | None
    is_person: bool
    via: Via = "file"


class _Undone(Exception):
    """The transaction is to leave nothing behind."""


async def carry_out(
    applier: Applier, rows: Sequence[Correction], clerk: Clerk, *, mode: Mode = "rows", dry_run: bool = False
) -> list[Answer]:
    """Carry out the rows of a file; return an answer for each, in the order of the file.

    In mode `all` nothing is done when a row is refused. A dry run says what would become of each and does nothing.
    """
    answers: list[Answer] = []
    ordered = sorted(rows, key=lambda row: (_ORDER.get(row.flag, -1), row.line))
    if mode == "rows" and not dry_run:
        for row in ordered:
            async with writing(applier.pool) as connection:
                answers.append(await _attempt(applier, connection, row, clerk))
        return sorted(answers, key=_line)
    is_refused = False
    try:
        async with writing(applier.pool) as connection:
            answers = [await _attempt(applier, connection, row, clerk) for row in ordered]
            is_refused = mode == "all" and any(answer.result == "refused" for answer in answers)
            if is_refused or dry_run:
                raise _Undone
    except _Undone:
        pass
    if is_refused:
        answers = [answer if answer.result in ("refused", "skipped") else _left(answer) for answer in answers]
    return sorted(answers, key=_line)


def _line(answer: Answer) -> int:
    return answer.line


def _left(answer: Answer) -> Answer:
    return Answer(
        line=answer.line,
        uscc=answer.uscc,
        name=answer.name,
        flag=answer.flag,
        result="not_carried_out",
        case_id=answer.case_id,
    )


async def _attempt(applier: Applier, connection: WriteConn, row: Correction, clerk: Clerk) -> Answer:
    """Carry out one row in the transaction at hand; a refusal has written nothing."""

    def answer(result: Result, case_id: str | None = None) -> Answer:
        return Answer(line=row.line, uscc=code, name=row.name, flag=row.flag, result=result, case_id=case_id)

    def refusal(hindrance: Hindrance | Literal["bad-flag"], detail: str, case_id: str | None = None) -> Answer:
        return Answer(
            line=row.line,
            uscc=code,
            name=row.name,
            flag=row.flag,
            result="refused",
            case_id=case_id,
            hindrance=hindrance,
            detail=detail,
        )

    code = normalize(row.uscc)
    if not row.flag:
        return answer("skipped")
    operation = FLAGS.get(row.flag)
    if operation is None:
        return refusal("bad-flag", f"“{row.flag}”")
    member = await _find(connection, code, row, clerk.office)
    if member is None:
        if operation is Operation.KEEP and await _has_code(connection, code, row.name, clerk.office):
            return answer("unchanged")
        return refusal("no-open-case", "no open case has a member of this code and name")
    order = Order(
        case_id=member.case_id,
        operation=operation,
        receipt_id=member.receipt_id,
        new_uscc=normalize(row.new_uscc) or None,
        reason=row.reason or None,
        actor=clerk.name,
        via=clerk.via,
        is_person=clerk.is_person,
    )
    try:
        is_done = await propose_in(applier, connection, order)
    except NotPossible as error:
        return refusal(error.hindrance, str(error), member.case_id)
    except NoSuchCase:
        return refusal("no-open-case", "the case was settled meanwhile", member.case_id)
    return answer("done" if is_done else "awaiting_approval", member.case_id)


async def _find(connection: WriteConn, code: str, row: Correction, office: str | None) -> NamedMember | None:
    """Return the member that a row names: by the receipt in its reason, or without one the holder, the oldest held.

    A row whose receipt is settled names nobody: what waits behind it is not what the form spoke of.
    """
    key = name_key(row.name)
    members = await named_members(connection, code, office)
    # The holder may have another name than when it became a member of the case.
    holder = await holder_name(connection, code) if any(member.role == "holder" for member in members) else None
    is_holder = holder is not None and holder[0] == key
    named = [member for member in members if member.name_key == key or (is_holder and member.role == "holder")]
    receipts = frozenset(_RECEIPT.findall(row.reason))
    if receipts:
        return next((member for member in named if member.receipt_id in receipts), None)
    return next((member for member in named if member.role == "holder"), named[0] if named else None)


async def _has_code(connection: WriteConn, code: str, name: str, office: str | None) -> bool:
    """Whether an organization of this name has the code, as far as the office may know."""
    holder = await holder_name(connection, code)
    return holder is not None and holder[0] == name_key(name) and office in (None, holder[1])
