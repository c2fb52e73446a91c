"""Faults that the demonstration feed plants into single records: in the code (E) and in the rest (Q, T, M).

Each fault names its rule, what it does to the record, and the members that it touches: two faults can stand on one
record when they touch nothing in common.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

import orjson

from service.demo.drafts import Desk, Draft
from service.demo.identifiers import code, without_complement
from service.demo.organizations import OFFICES
from validators.check_character import ALPHABET, mod11, mod31

Effect = Literal["error", "hold", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One way to spoil the assign of a new organization. `touches` are members of the envelope or the record.

    `apply` spoils the draft and returns the rules that stand on it because of that. `short` says that it also fits
    the operations that carry only code and name.
    """

    rule: str
    effect: Effect
    touches: frozenset[str]
    apply: Callable[[Desk, Draft], tuple[str, ...]]
    offices: tuple[str, ...] = OFFICES
    short: bool = False


def plant(desk: Desk, draft: Draft, *faults: Fault) -> Draft:
    """Apply faults to a draft and adjust what is expected of it.

    The rules of the registry (S02 of a code of nobody's) are not judged for a record with an error of its own.
    """
    rules = [rule for fault in faults for rule in fault.apply(desk, draft)]
    effects = {fault.effect for fault in faults}
    if "error" in effects:
        draft.disposition = "rejected"
    else:
        for fault in faults:
            if fault is LISTED_AUTHORITY:
                rules.append("S02")
                draft.disposition = "rejected"
        if "hold" in effects and draft.disposition != "rejected":
            draft.disposition = "held"
    draft.rules.update(rules)
    return draft


# --- codes (E01–E10) -----------------------------------------------------------------------------------------------


def _length(desk: Desk, draft: Draft) -> tuple[str, ...]:
    uscc = draft.record["uscc"]
    match int(desk.random.random() * 5):
        case 0:
            claimed = desk.identifiers.registration_number(uscc[2:8])
        case 1:
            claimed = uscc[8:17]
        case 2:
            claimed = uscc[:17]
        case 3:
            claimed = uscc + desk.pick(*ALPHABET)
        case _:
            claimed = desk.pick("办理中", "无", "待赋码", "见附件")
    return _claim(draft, claimed, "E01")


def _alphabet(desk: Desk, draft: Draft) -> tuple[str, ...]:
    uscc = draft.record["uscc"]
    position = 10 + int(desk.random.random() * 7)
    return _claim(draft, uscc[: position - 1] + desk.pick(*"IOSVZ") + uscc[position:], "E02")


def _letter_in_division(desk: Desk, draft: Draft) -> tuple[str, ...]:
    uscc = draft.record["uscc"]
    position = 3 + int(desk.random.random() * 6)
    return _claim(draft, uscc[: position - 1] + desk.pick(*"ABCDEFGH") + uscc[position:], "E02")


def _unknown_authority(desk: Desk, draft: Draft) -> tuple[str, ...]:
    uscc = draft.record["uscc"]
    return _claim(draft, code(desk.pick(*"0BCDEFHK") + uscc[1:8], uscc[8:17]), "E03")


def _listed_authority(desk: Desk, draft: Draft) -> tuple[str, ...]:
    uscc = draft.record["uscc"]
    return _claim(draft, code(desk.pick("G1", "J1") + uscc[2:8], uscc[8:17]), "E03")


def _unknown_category(_desk: Desk, draft: Draft) -> tuple[str, ...]:
    uscc = draft.record["uscc"]
    category = {"9": "9", "5": "4", "1": "4"}[uscc[0]]
    return _claim(draft, code(uscc[0] + category + uscc[2:8], uscc[8:17]), "E04")


def _check_character(desk: Desk, draft: Draft) -> tuple[str, ...]:
    uscc = draft.record["uscc"]
    excluded = {uscc[17], (without_complement(uscc) or uscc)[17]}
    wrong = desk.pick(*(character for character in ALPHABET if character not in excluded))
    return _claim(draft, uscc[:17] + wrong, "E05")


def _left_out_complement(desk: Desk, draft: Draft) -> tuple[str, ...]:
    uscc = draft.record["uscc"]
    while without_complement(uscc) is None:
        uscc = code(uscc[:8], desk.identifiers.subject_code())
    draft.record["organization_code"] = uscc[8:17]
    return _claim(draft, without_complement(uscc) or "", "E05")


def _spreadsheet(desk: Desk, draft: Draft) -> tuple[str, ...]:
    prefix = draft.record["uscc"][:8]
    claimed = prefix + "0000000" + "000"
    while mod31(claimed[:17]) == claimed[17] or ALPHABET[-ALPHABET.index(mod31(claimed[:17])) % 31] == claimed[17]:
        claimed = prefix + f"{int(desk.random.random() * 10**7):07}" + "000"
    return _claim(draft, claimed, "E05")


def _subject_check_character(desk: Desk, draft: Draft) -> tuple[str, ...]:
    uscc = draft.record["uscc"]
    wrong = desk.pick(*(character for character in "0123456789" if character != uscc[16]))
    subject = uscc[8:16] + wrong
    draft.record["organization_code"] = subject
    return _claim(draft, code(uscc[:8], subject), "E06")


def _in_division(*divisions: str) -> Callable[[Desk, Draft], tuple[str, ...]]:
    def apply(desk: Desk, draft: Draft) -> tuple[str, ...]:
        uscc = draft.record["uscc"]
        return _claim(draft, code(uscc[:2] + desk.pick(*divisions), uscc[8:17]), "E07")

    return apply


def _placeholder(desk: Desk, draft: Draft) -> tuple[str, ...]:
    claimed = desk.pick("123456789012345678", *(digit * 18 for digit in "0123456789"))
    rules = ["E08"]
    if claimed[0] == "0":
        rules.append("E03")
    if mod31(claimed[:17]) != claimed[17]:
        rules.append("E05")
    return _claim(draft, claimed, *rules)


def _unnormalized(desk: Desk, draft: Draft) -> tuple[str, ...]:
    uscc = draft.record["uscc"]
    match int(desk.random.random() * 3):
        case 0 if uscc.lower() != uscc:
            claimed = uscc.lower()
        case 0 | 1:
            claimed = "".join(chr(ord(character) + 0xFEE0) for character in uscc)
        case _:
            claimed = f" {uscc}\u3000"
    draft.record["uscc"] = claimed
    return ("E09",)


def _id_number(desk: Desk, draft: Draft) -> tuple[str, ...]:
    if desk.random.random() < 0.5:
        return _claim(draft, desk.identifiers.id_number_as_code(), "E10")
    claimed = desk.identifiers.id_number()
    while mod31(claimed[:17]) == claimed[17]:
        claimed = desk.identifiers.id_number()
    return _claim(draft, claimed, "E05", "E10")


def _like_id_number(desk: Desk, draft: Draft) -> tuple[str, ...]:
    claimed = desk.identifiers.code_like_id_number()
    draft.record["organization_code"] = claimed[8:17]
    return _claim(draft, claimed, "E10")


def _claim(draft: Draft, claimed: str, *rules: str) -> tuple[str, ...]:
    draft.record["uscc"] = claimed
    subject = claimed[8:17]
    if draft.record.get("organization_code") != subject or mod11(subject[:8]) != subject[8]:
        draft.record.pop("organization_code", None)
    return rules


CODE_MEMBERS = frozenset(("uscc", "organization_code"))
LISTED_AUTHORITY = Fault(rule="E03", effect="warning", touches=CODE_MEMBERS, apply=_listed_authority)
_ALPHABET = Fault(rule="E02", effect="error", touches=CODE_MEMBERS, apply=_alphabet)
_LETTER = Fault(rule="E02", effect="error", touches=CODE_MEMBERS, apply=_letter_in_division)
_AUTHORITY = Fault(rule="E03", effect="error", touches=CODE_MEMBERS, apply=_unknown_authority)
_CATEGORY = Fault(rule="E04", effect="warning", touches=CODE_MEMBERS, apply=_unknown_category)
_CHECK = Fault(rule="E05", effect="error", touches=CODE_MEMBERS, apply=_check_character)
_COMPLEMENT = Fault(rule="E05", effect="hold", touches=CODE_MEMBERS, apply=_left_out_complement)
_SUBJECT = Fault(rule="E06", effect="warning", touches=CODE_MEMBERS, apply=_subject_check_character)
_DIVISION = Fault(rule="E07", effect="warning", touches=CODE_MEMBERS, apply=_in_division("218877", "110108", "440305"))
_PLACEHOLDER = Fault(rule="E08", effect="error", touches=CODE_MEMBERS, apply=_placeholder)
_UNNORMALIZED = Fault(rule="E09", effect="warning", touches=CODE_MEMBERS, apply=_unnormalized)
_IDENTITY = Fault(rule="E10", effect="error", touches=CODE_MEMBERS, apply=_id_number)
CODE_FAULTS: tuple[Fault, ...] = (
    Fault(rule="E01", effect="error", touches=CODE_MEMBERS, apply=_length),
    _ALPHABET,
    _LETTER,
    _AUTHORITY,
    LISTED_AUTHORITY,
    _CATEGORY,
    _CHECK,
    Fault(rule="E05", effect="error", touches=CODE_MEMBERS, apply=_spreadsheet),
    _COMPLEMENT,
    _SUBJECT,
    _DIVISION,
    Fault(
        rule="E07",
        effect="warning",
        touches=CODE_MEMBERS | {"approved_on"},
        apply=_in_division("210122", "211121"),
    ),
    _PLACEHOLDER,
    _UNNORMALIZED,
    _IDENTITY,
    Fault(rule="E10", effect="warning", touches=CODE_MEMBERS, apply=_like_id_number, offices=("civil-affairs",)),
)


LASTING = (_CATEGORY, _SUBJECT, _DIVISION, _UNNORMALIZED)
"""The warnings about a code that stand on every record of it."""
CODE_PAIRS: tuple[tuple[Fault, Fault], ...] = (
    (_CATEGORY, _SUBJECT),
    (_CATEGORY, _DIVISION),
    (_SUBJECT, _DIVISION),
    (_CATEGORY, _ALPHABET),
    (_DIVISION, _ALPHABET),
    (_CATEGORY, _LETTER),
    (_SUBJECT, _AUTHORITY),
    (_DIVISION, _AUTHORITY),
    (_CATEGORY, _CHECK),
    (_SUBJECT, _CHECK),
    (_DIVISION, _CHECK),
    (_CATEGORY, _COMPLEMENT),
    (_DIVISION, _COMPLEMENT),
    *(
        (each, _UNNORMALIZED)
        for each in (
            *(_ALPHABET, _LETTER, _AUTHORITY, _CATEGORY, _CHECK, _COMPLEMENT, _SUBJECT, _DIVISION),
            *(_PLACEHOLDER, _IDENTITY),
        )
    ),
)
"""Two faults that stand on one code, in the order in which they are made: of all others the one stops the other."""


# --- the rest of the record (Q01–Q06, T01, M02, M05, M06) ------------------------------------------------------------


def _put(member: str, *values: Any, rule: str) -> Callable[[Desk, Draft], tuple[str, ...]]:
    def apply(desk: Desk, draft: Draft) -> tuple[str, ...]:
        draft.record[member] = values[int(desk.random.random() * len(values))]
        return (rule,)

    return apply


def _without(*members: str) -> Callable[[Desk, Draft], tuple[str, ...]]:
    def apply(desk: Desk, draft: Draft) -> tuple[str, ...]:
        draft.record.pop(desk.pick(*members))
        return ("Q01",)

    return apply


def _ends_before_it_begins(_desk: Desk, draft: Draft) -> tuple[str, ...]:
    begins = date.fromisoformat(draft.record["valid_from"])
    draft.record["valid_to"] = (begins - timedelta(days=365)).isoformat()
    return ("Q03",)


def _established_in_future(desk: Desk, draft: Draft) -> tuple[str, ...]:
    draft.record["established_on"] = (desk.base + timedelta(days=1826)).isoformat()
    return ("Q03",)


def _id_check_character(desk: Desk, draft: Draft) -> tuple[str, ...]:
    number = draft.record["legal_representative_id_number"]
    wrong = desk.pick(*(character for character in "0123456789" if character != number[17]))
    draft.record["legal_representative_id_number"] = number[:17] + wrong
    return ("Q04",)


def _another_organization_code(desk: Desk, draft: Draft) -> tuple[str, ...]:
    draft.record["organization_code"] = desk.identifiers.subject_code()
    return ("Q05",)


def _other_business_type(desk: Desk, draft: Draft) -> tuple[str, ...]:
    if draft.envelope["operation"] == "change" or desk.random.random() < 0.5:
        draft.record["business_type"] = "3"
    else:
        draft.record["status"] = "2"
    return ("Q06",)


def _late(desk: Desk, draft: Draft) -> tuple[str, ...]:
    approved_on = desk.base - timedelta(days=45 + int(desk.random.random() * 60))
    record = draft.record
    record["approved_on"] = approved_on.isoformat()
    for member in ("established_on", "valid_from"):
        if record.get(member, "") > record["approved_on"]:
            record[member] = record["approved_on"]
    return ("T01",)


def _unknown_member(desk: Desk, draft: Draft) -> tuple[str, ...]:
    draft.envelope[desk.pick("remark", "operator_no", "x_trace")] = desk.pick("补录", "A0017", "窗口3")
    return ("M02",)


def _unknown_operation(desk: Desk, draft: Draft) -> tuple[str, ...]:
    draft.envelope["operation"] = desk.pick("merge", "update", "ASSIGN")
    return ("M05",)


def _impossible_instant(desk: Desk, draft: Draft) -> tuple[str, ...]:
    draft.envelope["occurred_at"] = desk.pick("2026-02-30T09:00:00+08:00", "2026-11-20 九点", "20261120")
    return ("M05",)


def _without_schema(_desk: Desk, draft: Draft) -> tuple[str, ...]:
    del draft.envelope["schema"]
    return ("M05",)


def _lone_surrogate(_desk: Desk, draft: Draft) -> tuple[str, ...]:
    draft.record["supervising_unit"] = "@@"
    draft.body = orjson.dumps(draft.envelope).replace(b"@@", rb"\ud800")
    return ("M06",)


_COMMON_MEMBERS = ("registered_address", "registrar_name", "legal_representative_name")  # of every profile
RECORD_FAULTS: tuple[Fault, ...] = (
    Fault(rule="Q01", effect="error", touches=frozenset(("name",)), apply=_without("name")),
    Fault(rule="Q01", effect="error", touches=frozenset(("approved_on",)), apply=_without("approved_on")),
    Fault(
        rule="Q01",
        effect="warning",
        touches=frozenset(_COMMON_MEMBERS),
        apply=_without(*_COMMON_MEMBERS),
    ),
    Fault(
        rule="Q02",
        effect="error",
        touches=frozenset(("established_on", "valid_from")),
        apply=_put("established_on", "2019-02-30", "不详", "2019-13-01", rule="Q02"),
    ),
    Fault(
        rule="Q02",
        effect="error",
        touches=frozenset(("registered_capital",)),
        apply=_put("registered_capital", "壹佰万元整", "100万", "1,00,0", rule="Q02"),
    ),
    Fault(
        rule="Q02",
        effect="warning",
        touches=frozenset(("currency",)),
        apply=_put("currency", "RMB", "人民币元", rule="Q02"),
    ),
    Fault(
        rule="Q03",
        effect="warning",
        touches=frozenset(("valid_from", "valid_to", "established_on")),
        apply=_ends_before_it_begins,
    ),
    Fault(
        rule="Q03",
        effect="error",
        touches=frozenset(("established_on", "valid_from", "valid_to", "approved_on")),
        apply=_established_in_future,
    ),
    Fault(
        rule="Q04",
        effect="warning",
        touches=frozenset(("legal_representative_id_number",)),
        apply=_id_check_character,
    ),
    Fault(rule="Q05", effect="warning", touches=frozenset(("organization_code",)), apply=_another_organization_code),
    Fault(rule="Q06", effect="warning", touches=frozenset(("business_type", "status")), apply=_other_business_type),
    Fault(
        rule="T01",
        effect="warning",
        touches=frozenset(("approved_on", "established_on", "valid_from")),
        apply=_late,
        short=True,
    ),
    Fault(rule="M02", effect="warning", touches=frozenset(("remark",)), apply=_unknown_member, short=True),
    # What is asked for depends on the operation, so an unknown one never stands beside something that is missing.
    Fault(
        rule="M05",
        effect="error",
        touches=frozenset(("operation", "business_type", "name", "approved_on", *_COMMON_MEMBERS)),
        apply=_unknown_operation,
    ),
    Fault(rule="M05", effect="error", touches=frozenset(("occurred_at",)), apply=_impossible_instant),
    Fault(rule="M05", effect="error", touches=frozenset(("schema",)), apply=_without_schema),
    Fault(
        rule="M06",
        effect="error",
        touches=frozenset(("registered_capital",)),
        apply=_put("registered_capital", 500, True, ["500"], rule="M06"),
    ),
    Fault(
        rule="M06",
        effect="error",
        touches=frozenset(("investor_names",)),
        apply=_put("investor_names", "甲\0乙", rule="M06"),
    ),
)
WITHOUT_CODE = Fault(rule="Q01", effect="error", touches=CODE_MEMBERS, apply=_without("uscc"))
LONE_SURROGATE = Fault(rule="M06", effect="error", touches=frozenset(("body",)), apply=_lone_surrogate)


# --- what cannot be read (M03, M04) ----------------------------------------------------------------------------------


def undecodable(desk: Desk, draft: Draft) -> Draft:
    """Make the draft bytes of which no JSON object can be read (M03), in one of seven ways; always one line."""
    body = orjson.dumps(draft.envelope)
    match int(desk.random.random() * 7):
        case 0:
            body = body[: -2 - int(desk.random.random() * 40)]
        case 1:
            body = body.decode().encode("gb18030")
        case 2:
            body = body.replace(b'"operation":', b'"operation":"change","operation":', 1)
        case 3:
            body = b"[" + body + b"]"
        case 4:
            body = body.replace(b'"occurred_at":', b'"weight":NaN,"occurred_at":', 1)
        case 5:
            body = body[:-1] + b',"tree":' + b"[" * 64 + b"]" * 64 + b"}"
        case _:
            body = "统一社会信用代码,机构名称,注册地址".encode()
    return _quarantined(draft, body, "M03")


def oversized(_desk: Desk, draft: Draft) -> Draft:
    """Make the draft larger than 64 KiB (M04)."""
    draft.record["business_scope"] = "技术开发、技术咨询；" * 2300
    return _quarantined(draft, orjson.dumps(draft.envelope), "M04")


def _quarantined(draft: Draft, body: bytes, rule: str) -> Draft:
    draft.body, draft.disposition, draft.rules = body, "quarantined", {rule}
    return draft
