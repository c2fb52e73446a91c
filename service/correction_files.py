"""The correction form (重错码): what goes out to an office, and what comes back in the same five columns.

The flag is left for the office to fill in; the reason says what is in conflict and what is suggested.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import Path

from service.tables import find_columns, open_table, unguarded, write_table
from sync.corrections import FLAGS, Correction
from sync.four_eyes import ONE_CODE, SEVERAL_CODES
from sync.store.corrections import ToCorrect
from validators.rulebook import RULES

HEADER = ("统一社会信用代码", "机构名称", "数据操作标识位", "新统一社会信用代码", "原因")
_COLUMNS = {
    "uscc": ("统一社会信用代码", "tyshxydm", "代码"),
    "name": ("机构名称", "jgmc", "名称"),
    "flag": ("数据操作标识位", "操作标识位", "sjczbsw", "operation"),
    "new_uscc": ("新统一社会信用代码", "新代码", "new uscc"),
    "reason": ("原因", "理由", "yy"),
}
_FLAGS = {
    **{flag: flag for flag in FLAGS},
    **{operation.value: flag for flag, operation in FLAGS.items()},
    "赋新码": "0",
    "删除": "1",
    "保持原码不变": "2",
}
_FLAG_TITLES = {"assign": "0 赋新码", "withdraw": "1 删除", "keep": "2 保持原码不变"}


def write_form(path: Path, lines: Iterable[ToCorrect]) -> int:
    """Write the form for an office, CSV or XLSX by the suffix; return how many lines.

    Raises:
        UnreadableTable: the suffix is neither.
    """
    return write_table(path, HEADER, ([line.uscc, line.name, "", "", _reason(line)] for line in lines))


def _reason(line: ToCorrect) -> str:
    title = RULES[line.rule].title.zh
    others = f"，另见 {'、'.join(line.others)}" if line.others else ""
    suggested = _FLAG_TITLES.get(_suggested(line), line.suggested_operation)
    role = {"holder": "现持有该代码", "held": "待定", "claimed": "全国汇总表所列"}[line.role]
    named = f"案件 {line.case_id}，记录 {line.receipt_id}"
    return f"{line.rule} {title}（{role}{others}）；建议 {suggested}；{line.due_on} 前办理；{named}"


def _suggested(line: ToCorrect) -> str:
    """Return what is suggested to this member: a holder keeps its code, the suggestion speaks of who came later."""
    is_settled = line.role == "holder" and line.rule in ONE_CODE | SEVERAL_CODES
    return "keep" if is_settled else line.suggested_operation


def read_form(path: Path, charset: str | None = None) -> list[Correction]:
    """Read a form that came back; a flag may be the number, the operation, or the form's words for it.

    Raises:
        UnreadableTable: no table, a column is missing, or bytes that are not of the charset.
    """
    table = open_table(path, "gb18030" if charset == "gb18030" else "utf-8" if charset == "utf-8" else None)
    columns = find_columns(table, _COLUMNS, ("uscc", "name", "flag"))
    rows = []
    for row in table.rows():
        cells = {key: unguarded(row.cells.get(column, "")).strip() for key, column in columns.items()}
        flag = cells["flag"]
        rows.append(
            Correction(
                line=row.line,
                uscc=cells["uscc"],
                name=cells["name"],
                flag=_flag(flag),
                new_uscc=cells.get("new_uscc", ""),
                reason=cells.get("reason", ""),
            )
        )
    return rows


def _flag(text: str) -> str:
    """Return a flag as its digit; as it stands where it is none. `2 保持原码不变` is how the form itself writes it.

    A digit may be of full width, as Chinese input methods give it.
    """
    text = unicodedata.normalize("NFKC", text)
    digit, _, words = text.partition(" ")
    return _FLAGS.get(text) or (digit if _FLAGS.get(words.strip()) == digit else text)
