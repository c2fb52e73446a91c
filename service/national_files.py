"""The national centre's summary of duplicate and wrong codes (重错码汇总表) as a file: XLSX or CSV."""

from __future__ import annotations

import hashlib
from pathlib import Path

from service.tables import find_columns, open_table, unguarded
from sync.national import Claim
from validators.uscc import normalize

_COLUMNS = {
    "uscc": ("统一社会信用代码", "社会信用代码", "tyshxydm", "代码"),
    "name": ("机构名称", "单位名称", "企业名称", "主体名称", "jgmc", "名称"),
    "kind": ("问题类型", "重错码类型", "错误类型", "问题分类", "类型", "type"),
}


def read_summary(path: Path) -> list[Claim]:
    """Read the lines of a summary; columns beyond code, name and kind are kept as they are.

    Raises:
        UnreadableTable: no table, or a column is missing.
    """
    table = open_table(path)
    columns = find_columns(table, _COLUMNS, ("uscc", "name"))
    return [
        Claim(
            line=row.line,
            uscc=normalize(unguarded(row.cells.get(columns["uscc"], ""))),
            name=unguarded(row.cells.get(columns["name"], "")).strip(),
            kind=row.cells.get(columns["kind"], "").strip() if "kind" in columns else "",
            cells=row.cells,
        )
        for row in table.rows()
    ]


def digest_of(path: Path) -> bytes:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
