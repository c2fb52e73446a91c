"""Faults of the rest of a record in the demonstration feed (Q01–Q06, T01, M02–M06)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import orjson

from service.demo.code_faults import CODE_MEMBERS
from service.demo.drafts import Desk, Draft
from service.demo.faults import Fault


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
    draft.envelope.pop("load", None)  # The stock is never late.
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
_LATE = Fault(
    rule="T01",
    effect="warning",
    touches=frozenset(("approved_on", "established_on", "valid_from")),
    apply=_late,
    short=True,
)
_ENDS_EARLY = Fault(
    rule="Q03",
    effect="warning",
    touches=frozenset(("valid_from", "valid_to", "established_on")),
    apply=_ends_before_it_begins,
)
OTHER_ORGANIZATION_CODE = Fault(
    rule="Q05", effect="warning", touches=frozenset(("organization_code",)), apply=_another_organization_code
)
NO_REGISTRAR = Fault(
    rule="Q01", effect="warning", touches=frozenset(("registrar_name",)), apply=_without("registrar_name")
)
RECORD_PAIRS: tuple[tuple[Fault, Fault], ...] = ((_LATE, _ENDS_EARLY),)
"""Two faults that touch the same members and still go together, in the order in which they are made."""
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
    _ENDS_EARLY,
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
    OTHER_ORGANIZATION_CODE,
    Fault(rule="Q06", effect="warning", touches=frozenset(("business_type", "status")), apply=_other_business_type),
    _LATE,
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
