"""A case as JSON, for the API and for programs, and as the terminal shows it."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from sync.instants import SHANGHAI, format_instant
from sync.store.case_lists import CaseRow
from validators.rulebook import RULES

_OPERATIONS = {"assign": "0 赋新码", "withdraw": "1 删除", "keep": "2 保持原码不变"}
_ROLES = {"holder": "持有 holder", "held": "待定 held", "claimed": "全国汇总表所列 claimed"}


def case_json(case: CaseRow) -> dict[str, object]:
    """Return a case as the contract gives it."""
    due_at = datetime.combine(case.due_on + timedelta(days=1), time(), SHANGHAI)
    return {
        "case_id": case.case_id,
        "rule": case.rule,
        "uscc": case.uscc,
        "status": case.status,
        "opened_at": format_instant(case.opened_at),
        "due_at": format_instant(due_at),
        "due_on": case.due_on,
        "overdue": case.status != "resolved" and due_at <= datetime.now(UTC),
        "resolved_at": _instant(case.resolved_at),
        "offices": list(case.offices),
        "suggested_operation": case.suggested_operation,
        "reason": case.reason,
        "members": [
            {
                "receipt_id": member.receipt_id,
                "office": member.office,
                "uscc": member.uscc,
                "name": member.name,
                "role": member.role,
                "joined_at": format_instant(member.joined_at),
                "ended_at": _instant(member.ended_at),
            }
            for member in case.members
        ],
        "resolutions": [
            {
                "resolution_id": each.resolution_id,
                "operation": each.operation,
                "receipt_id": each.member_receipt,
                "new_uscc": each.new_uscc,
                "successor_uscc": each.successor_uscc,
                "reason": each.reason,
                "via": each.via,
                "status": each.status,
                "proposed_by": each.proposed_by,
                "proposed_at": format_instant(each.proposed_at),
                "approved_by": each.approved_by,
                "approved_at": _instant(each.approved_at),
                "approval_reason": each.approval_reason,
            }
            for each in case.resolutions
        ],
    }


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else format_instant(instant)


def case_row(case: CaseRow, now: datetime) -> str:
    """Return a case in one line."""
    late = case.status != "resolved" and now.astimezone(SHANGHAI).date() > case.due_on
    mark = "  逾期 OVERDUE" if late else ""
    return (
        f"{case.case_id}  {case.rule}  {case.uscc}  {case.status:17} {'/'.join(case.offices):30} "
        f"{case.due_on} 前办理 due  {len(case.members)} 方 members{mark}"
    )


def case_lines(case: CaseRow) -> list[str]:
    """Return a case as text: members, what is suggested and why, and what was done about it."""
    title = RULES[case.rule].title
    suggested = _OPERATIONS.get(case.suggested_operation, case.suggested_operation)
    offices = ", ".join(case.offices)
    lines = [
        f"{case.case_id}  {case.rule} {title.zh} · {title.en}",
        f"  {case.uscc}  {case.status}, opened {_shown(case.opened_at)}, due {case.due_on}, {offices}",
        f"  建议 · suggested: {suggested} — {case.reason}",
    ]
    lines += [
        f"  {_ROLES[each.role]:14} {each.uscc} {each.name} ({each.office}) {each.receipt_id}"
        f"{'' if each.ended_at is None else ', ended ' + _shown(each.ended_at)}"
        for each in case.members
    ]
    for each in case.resolutions:
        new = f" → {each.new_uscc}" if each.new_uscc else ""
        lines.append(
            f"  {_shown(each.proposed_at)}  {_OPERATIONS[each.operation]}{new} {each.member_receipt} by "
            f"{each.proposed_by} ({each.via}): {each.reason or '—'} [{each.status}]"
        )
        if each.approved_by is not None and each.approved_at is not None:
            why = each.approval_reason or "—"
            lines.append(f"      {_shown(each.approved_at)}  复核 · looked at by {each.approved_by}: {why}")
    return lines


def _shown(instant: datetime) -> str:
    return f"{instant.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}"
