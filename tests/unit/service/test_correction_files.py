"""A correction form as it comes back from an office's spreadsheet."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.correction_files import read_form


@pytest.mark.parametrize(
    ("written", "flag"),
    [
        ("2", "2"),
        ("\uff12", "2"),
        (" 1 ", "1"),
        ("2 保持原码不变", "2"),
        ("\uff12\u3000保持原码不变", "2"),
        ("keep", "2"),
        ("", ""),
        ("9", "9"),
    ],
)
def test_a_flag_is_read_as_offices_write_it(tmp_path: Path, written: str, flag: str) -> None:
    file = tmp_path / "form.csv"
    file.write_text(f"统一社会信用代码,机构名称,数据操作标识位\n91210100MA00004960,甲,{written}\n", "utf-8")

    (row,) = read_form(file)

    assert flag == row.flag
