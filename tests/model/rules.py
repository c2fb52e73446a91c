"""The rules that read the registry (D, L, S, X of §5), each over every record of every code."""

from collections.abc import Iterable
from datetime import date
from typing import TypeAlias

from tests.model.codes import ERROR, HOLD, WARNING, Findings, legacy_kind, name_key
from tests.model.holdings import STATUS, Code, Holding
from tests.model.messages import WHOLE, Message, day, offices

TABLE = (
    "E01", "E02", "E03", "E04", "E05", "E06", "E07", "E08", "E09", "E10", "D01", "D02", "D03", "S01", "S02", "Q01",
    "Q02", "Q03", "Q04", "Q05", "Q06", "T01", "L01", "L02", "L03", "L04", "L05", "L06", "L07", "L08", "L09", "X01",
)  # fmt: skip


Allowed: TypeAlias = set[tuple[str, frozenset[str]]]
"""Conflicts that two persons let stand: rule and codes."""


def first_hold(found: Findings) -> str | None:
    """Return the rule that names the case: the first that holds, in the table's order."""
    holds = [rule for rule, severity in found if severity == HOLD]
    return min(holds, key=TABLE.index) if holds else None


def home_office(code: Code) -> str | None:
    if code.home:
        return code.home
    for office, row in offices().items():
        if code.uscc[:1] in row["first_characters"]:
            return office
    return None


def foreign_sender(message: Message, code: Code) -> Findings:
    """S02."""
    if message.office == home_office(code):
        return set()
    own = code.uscc[:1] in offices()[message.office]["first_characters"]
    return {("S02", ERROR if message.operation == "assign" and not own else HOLD)}


def _agrees(message: Message, holder: Holding) -> bool:
    now = holder.now()
    names = ("established_on", "registration_number", "legal_representative_name")
    return any(message.values.get(name) and message.values[name] == now.value(name) for name in names)


def _differs(message: Message, holder: Holding) -> bool:
    now = holder.now()
    mine, its = message.values.get("established_on"), now.value("established_on")
    if mine and its and mine != its:
        return True
    mine, its = message.values.get("registration_number"), now.value("registration_number")
    if not mine or not its or mine == its:
        return False
    return legacy_kind(mine) == legacy_kind(its)


def another_organization(message: Message, holder: Holding) -> bool:
    """D01 in detail."""
    key = name_key(message.name)
    if message.operation not in WHOLE:
        return key not in holder.names()
    if key == holder.name_key:
        return False
    if message.operation == "change":
        return _differs(message, holder)
    particulars = holder.particulars_key()
    older = particulars is not None and message.key < particulars
    return not (older and _agrees(message, holder))


def _assign_after(message: Message, holder: Holding) -> bool:
    """Say whether an assign stands between this cancellation and the next record of status."""
    later = sorted((m for m in holder.applied if m.key > message.key), key=lambda m: m.key)
    for record in later:
        if record.operation in STATUS:
            return False
        if record.operation == "assign":
            return True
    return False


def was_cancelled(message: Message, holder: Holding) -> bool:
    then = holder.before(message.key)
    return then is not None and then.status == "cancelled"


def reassigns(message: Message, holder: Holding) -> bool:
    """L01: an assign behind a cancellation, or a cancellation before an assign: the later arrival."""
    if message.operation == "cancel":
        return _assign_after(message, holder)
    return message.operation == "assign" and was_cancelled(message, holder)


def life(message: Message, holder: Holding) -> Findings:
    """L05, L06, L08: what the holder's own records say of its life."""
    found: Findings = set()
    if was_cancelled(message, holder) and message.operation in ("restore", "change"):
        found.add(("L05" if message.operation == "restore" else "L06", WARNING))
    earlier = [m for m in holder.applied if m.operation == "assign" and m.key < message.key]
    if message.operation == "assign" and earlier:
        found.add(("L08", WARNING))
    return found


def brings_identity(message: Message, code: Code) -> bool:
    """Say whether the record would become the present particulars and bring its code a new identity."""
    if message.operation not in WHOLE:
        return False
    holder = code.holder
    if holder is None:
        return code.withdrawn_at is None or message.key > code.withdrawn_at
    particulars = holder.particulars_key()
    if particulars is None:
        return True
    if message.key < particulars:
        return False
    number = message.values.get("registration_number")
    return name_key(message.name) != holder.name_key or bool(number and number not in holder.numbers())


def _same_organization(message: Message, other: Holding) -> str | None:
    now = other.now()
    if now.status == "cancelled":
        return None
    if other.name_key != name_key(message.name):
        return None
    same = {n: bool(message.values.get(n)) and message.values[n] == now.value(n) for n in (
        "registration_number", "legal_representative_name", "registered_address",
    )}  # fmt: skip
    strong = same["registration_number"] or (same["legal_representative_name"] and same["registered_address"])
    return HOLD if strong else WARNING


def identity(
    message: Message,
    others: Iterable[Code],
    allowed: set[tuple[str, frozenset[str]]],
    mapped: dict[tuple[str, str], str],
) -> tuple[Findings, dict[str, set[str]]]:
    """D02, D03, X01 against every other code; beside the findings, by rule, the codes in conflict."""
    found: Findings = set()
    conflicts: dict[str, set[str]] = {}
    number = message.values.get("registration_number", "")
    predecessor = message.predecessor
    for other in others:
        # Heir and predecessor are no conflict, whichever of them came first.
        heir = bool(other.holdings) and other.holdings[-1].predecessor == message.code
        if heir or other.uscc in (message.code, predecessor):
            continue
        rules: Findings = set()
        if other.holder and (same := _same_organization(message, other.holder)):
            rules.add(("D02", same))
        if other.holdings and other.uscc[8:17] == message.code[8:17]:
            rules.add(("D03", HOLD))
        if mapped.get((legacy_kind(number) or "", number)) == other.uscc:
            rules.add(("X01", HOLD))
        pair = frozenset((other.uscc, message.code))
        rules = {(rule, severity) for rule, severity in rules if (rule, pair) not in allowed}
        for rule, severity in rules:
            if severity == HOLD:
                conflicts.setdefault(rule, set()).add(other.uscc)
        found |= rules
    if ("D02", HOLD) in found:
        found.discard(("D02", WARNING))
    established = day(message.values.get("established_on"))
    if established and established < date(2015, 10, 1) and not number and message.member("load") != "stock":
        found.add(("X01", WARNING))
    return found, conflicts


def segment(message: Message, allocated: list[tuple[str, str, str, date]]) -> Findings:
    """S01; `allocated` are (office, first, last, date of allocation), empty while no table is loaded."""
    if message.operation != "assign" or message.member("load") == "stock":
        return set()
    body = message.code[8:16]
    if body.startswith("PDY") and body[3:].isdigit() and body != "PDY00000":
        return {("S01", HOLD)}
    approved = day(message.values.get("approved_on"))
    if not allocated or message.code[2:4] != "21" or approved is None or approved < min(row[3] for row in allocated):
        return set()
    own = any(office == message.office and first <= body <= last for office, first, last, _ in allocated)
    return set() if own else {("S01", HOLD)}
