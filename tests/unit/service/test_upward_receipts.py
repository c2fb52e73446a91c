"""A receipt of the national centre that is none is refused with the line at fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.tables import UnreadableTable
from service.upward_reports import NotOurs, read_receipt


@pytest.mark.parametrize("line", ["[1]", "7", "null", "not json"])
def test_a_line_that_is_no_object_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "receipt.ndjson"
    file.write_text('{"report_id": "report-1", "uscc": "91210100MA00004960", "result": "accepted"}\n' + line, "utf-8")

    with pytest.raises(UnreadableTable, match="第 2 行 · line 2: 不是 JSON 对象 · no JSON object"):
        read_receipt(file)


def test_a_receipt_without_lines_is_none(tmp_path: Path) -> None:
    file = tmp_path / "receipt.ndjson"
    file.touch()

    with pytest.raises(NotOurs, match="holds no line"):
        read_receipt(file)
