"""A case as the terminal shows it."""

from __future__ import annotations

from datetime import datetime

from sync.instants import SHANGHAI
from sync.store.case_lists import CaseRow
from validators.rulebook import RULES

_OPERATIONS = {"assign": "0 赋新码", "withdraw": "1 删除", "keep": "2 保持原码不变"}
_ROLES = {"holder": "持有 holder", "held": "待定 held", "claimed": "全国汇总表所列 claimed"}


def case_row(case: CaseRow, now: datetime) -> str:
    """Return a case in one line."""
    late = case.status != "resolved" and now.astimezone(SHANGHAI).date() > case.due_on
    mark = "  逾期 OVERDUE" if late else ""
    return (
        f"{case.case_id}  {case.rule}  {case.uscc}  {case.status:17} {'/'.join(case.offices):30} "
        f"due {case.due_on}  {len(case.members)} members{mark}"
    )


def case_lines(case: CaseRow) -> list[str]:
    """Return a case as text: members, what is suggested and why, and what was done about it."""
    title = RULES[case.rule].title
    suggested = _OPERATIONS.get(case.suggested_operation, case.suggested_operation)
    offices = ", ".join(case.offices)
    lines = [
        f"{case.case_id}  {case.rule} {title.zh} · {title.en}",
        f"  {case.uscc}  {case.status}, opened {_instant(case.opened_at)}, due {case.due_on}, {offices}",
        f"  建议 · suggested: {suggested} — {case.reason}",
    ]
    lines += [
        f"  {_ROLES[each.role]:14} {each.uscc} {each.name} ({each.office}) {each.receipt_id}"
        f"{'' if each.ended_at is None else ', ended ' + _instant(each.ended_at)}"
        for each in case.members
    ]
    for each in case.resolutions:
        new = f" → {each.new_uscc}" if each.new_uscc else ""
        lines.append(
            f"  {_instant(each.proposed_at)}  {_OPERATIONS[each.operation]}{new} {each.member_receipt} by "
            f"{each.proposed_by} ({each.via}): {each.reason or '—'} [{each.status}]"
        )
        if each.approved_by is not None and each.approved_at is not None:
            why = each.approval_reason or "—"
            lines.append(f"      {_instant(each.approved_at)}  复核 · looked at by {each.approved_by}: {why}")
    return lines


def _instant(instant: datetime) -> str:
    return f"{instant.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}"
