"""The national centre's summary of duplicate and wrong codes (重错码汇总表), imported as cases.

A line is a claim from outside: nothing of it is stored here but what it says, and it keeps no record out of the
registry. Where the code is held under the name of the line, the holder becomes the member of the case; otherwise the
claim itself does, and a resolution of it settles the case alone. The same line again is known.
"""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sync.apply import Applier, month_of
from sync.docket import SUGGESTIONS
from sync.facts import Case, Facts, Member
from sync.instants import microseconds
from sync.records import OrderKey, Source, receipt_id
from sync.rules import Judge
from sync.store import ledger
from sync.store.connection import WriteConn, writing
from sync.store.facts import read_conflicts
from sync.store.national import ClaimRow, keep_claims
from validators import uscc
from validators.record import name_key

_CODE_LENGTH = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One line of a summary: `kind` is the problem in its own words, `cells` all that stands in it."""

    line: int
    uscc: str
    name: str
    kind: str
    cells: Mapping[str, str]


@dataclass(slots=True, kw_only=True)
class Imported:
    """What a summary came to; `wrong` are lines that make no case, with the reason."""

    opened: int = 0
    joined: int = 0
    known: int = 0
    wrong: list[tuple[int, str]] = field(default_factory=list)


class _Undone(Exception):
    """A dry run leaves nothing behind."""


def rule_of(claim: Claim, names: int, codes: int) -> str | None:
    """Return the rule that a line speaks of: by its words, else by its code and by the lines beside it.

    `names` counts the names under its code in the file, `codes` the codes under its name.
    """
    kind = claim.kind
    if "一码多" in kind or "重码" in kind:
        return "D01"
    if "多码" in kind or "重复赋码" in kind:
        return "D02"
    if "码段" in kind:
        return "S01"
    if "错" in kind or "校验" in kind or not uscc.is_valid(claim.uscc):
        return "E05"
    return "D01" if names > 1 else "D02" if codes > 1 else None


async def import_claims(
    applier: Applier, claims: Sequence[Claim], *, sha256: bytes, file_name: str, actor: str, dry_run: bool = False
) -> Imported:
    """Open a case for each conflict of a summary, or join the one that is open; all in one transaction."""
    imported = Imported()
    try:
        async with writing(applier.pool) as connection:
            now = await ledger.take_lock(connection)
            await _import(applier, connection, claims, imported, now, (sha256, file_name, actor))
            if dry_run:
                raise _Undone
    except _Undone:
        pass
    return imported


async def _import(
    applier: Applier,
    connection: WriteConn,
    claims: Sequence[Claim],
    imported: Imported,
    now: datetime,
    origin: tuple[bytes, str, str],
) -> None:
    keys = [name_key(claim.name) for claim in claims]
    facts = await read_conflicts(connection, [claim.uscc for claim in claims], keys)
    judge = Judge(facts, rulings=applier.rulings, ruleset=applier.ruleset, now=now)
    names = Counter(code for code, _ in {(claim.uscc, name_key(claim.name)) for claim in claims})
    codes = Counter(name for _, name in {(claim.uscc, name_key(claim.name)) for claim in claims})
    rows = []
    for claim in claims:
        rule = rule_of(claim, names[claim.uscc], codes[name_key(claim.name)])
        home = applier.rulings.homes.get(claim.uscc[:1])
        if len(claim.uscc) != _CODE_LENGTH or home is None or not claim.name:
            imported.wrong.append(
                (
                    claim.line,
                    "须有本系统部门的 18 位代码和名称 · needs an 18-character code of one of our offices, and a name",
                )
            )
        elif rule is None:
            imported.wrong.append(
                (claim.line, "未写明问题类型，代码本身也看不出 · says no kind of problem, and its code shows none")
            )
        else:
            rows += _enter(judge, facts, claim, rule, home, imported)
    if rows:
        await ledger.ensure_month(connection, month_of(now))
        await applier.write(connection, judge.outcome, now)
        sha256, file_name, actor = origin
        await keep_claims(connection, rows, sha256=sha256, file_name=file_name, now=now, actor=actor)


def _enter(judge: Judge, facts: Facts, claim: Claim, rule: str, home: str, imported: Imported) -> list[ClaimRow]:
    """Put a claim into its case; return the row to keep, none where the case has it already."""
    effects = judge.effects
    claim_id = receipt_id(Source("national", 0, secrets.randbits(60)), effects.now)
    key = name_key(claim.name)
    conflict_key = key if rule == "D02" else claim.uscc
    code = facts.code(claim.uscc)
    case = facts.cases.get((rule, conflict_key))
    if case is not None and any(each.uscc == claim.uscc and each.name_key == key for each in case.members):
        imported.known += 1
        return []
    if case is None:
        case = Case(
            case_id=f"case-{claim_id}",
            rule=rule,
            uscc=claim.uscc,
            conflict_key=conflict_key,
            opened_at=effects.now,
            due_on=judge.rulings.due_on(effects.now),
            offices=[],
            suggested_operation=SUGGESTIONS[rule].operation,
            reason=f"全国重错码汇总表所列 · the national centre's summary says: {claim.kind or rule}",
        )
        facts.cases[rule, conflict_key] = case
        effects.outcome.cases_opened.append(case)
        imported.opened += 1
    else:
        imported.joined += 1
    effects.docket.join_holder(case, code)
    if code.holding is None or key not in code.holding.names:
        key_of_claim = OrderKey(microseconds(effects.now), effects.now, claim_id)
        member = Member(
            receipt_id=claim_id,
            role="claimed",
            office=home,
            uscc=claim.uscc,
            name=claim.name,
            name_key=key,
            operation="assign",
            key=key_of_claim,
            received_at=effects.now,
            joined_at=effects.now,
        )
        effects.docket.join(case, code, member)
    line = json.dumps(claim.cells, ensure_ascii=False)
    return [ClaimRow(claim_id, case.case_id, claim.uscc, claim.name, claim.kind, line, claim.line)]
