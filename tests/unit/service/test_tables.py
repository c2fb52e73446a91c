"""Tables of people: read whatever they were saved as, and written so that no text is a formula."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as arrow_parquet
import pytest
import xlsxwriter

from service.tables import UnreadableTable, find_columns, guarded, open_table, unguarded, write_table


def _rows(path: Path) -> list[tuple[int, int, dict[str, str]]]:
    return [(row.number, row.line, dict(row.cells)) for row in open_table(path).rows()]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_csv_file_is_read_in_the_encoding_that_it_has(tmp_path: Path, encoding: str, packed: bool) -> None:
    data = "代码,名称\r\n1,沈阳\r\n\r\n2,\r\n".encode(encoding)
    path = tmp_path / ("t.csv.gz" if packed else "t.csv")
    path.write_bytes(gzip.compress(data) if packed else data)

    assert [(1, 2, {"代码": "1", "名称": "沈阳"}), (2, 4, {"代码": "2"})] == _rows(path)
    assert ("gb18030" if encoding == "gb18030" else "utf-8") == open_table(path).encoding


def test_a_damaged_line_is_named_and_turns_no_other_line_into_another_text(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("代码,名称\n1,沈阳\n2,\xff\n3,大连\n".encode().replace(b"\xc3\xbf", b"\xff"))

    with pytest.raises(UnreadableTable, match=r"line 3, byte 3: 不是 · not UTF-8") as raised:
        _rows(path)
    assert ("not-encoded", "UTF-8 (line 3, byte 3)") == (raised.value.code, raised.value.expected)


def test_cells_beyond_the_columns_and_lacking_ones_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('a,,a\n1,2,3,4\n"x\ny"\n5\n', "utf-8")

    assert [
        (1, 2, {"a": "1", "column_2": "2", "a_3": "3", "column_4": "4"}),
        (2, 3, {"a": "x\ny"}),
        (3, 5, {"a": "5"}),
    ] == _rows(path)


def test_a_workbook_counts_a_formula_as_its_value_and_keeps_digits(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["code", "flag"])
    sheet.write_number(1, 0, 534100003414976)
    sheet.write_formula(1, 1, "=1+1", None, 2)
    book.close()

    assert [(1, 2, {"code": "534100003414976", "flag": "2"})] == _rows(path)


def test_parquet_is_read_as_texts(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    arrow_parquet.write_table(pa.table({"code": ["a", None], "count": [1, 2]}), path)

    assert [(1, 2, {"code": "a", "count": "1"}), (2, 3, {"count": "2"})] == _rows(path)


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_what_is_written_comes_back_the_same(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"t.{suffix}"
    cells = ["=1+1", "007", "-5", "@x", "沈阳,\n“一”", "91210100MA0000496X"]

    count = write_table(path, ["text"], [[cell] for cell in cells])

    assert len(cells) == count
    assert cells == [unguarded(row.cells["text"]) for row in open_table(path).rows()]


def test_only_what_a_spreadsheet_takes_for_a_formula_is_guarded() -> None:
    assert ["'=1", "'+a", "'@x", "-5", "+1.5", "a=b"] == [
        guarded(text) for text in ("=1", "+a", "@x", "-5", "+1.5", "a=b")
    ]


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("t.csv", b"", "no-records"),
        ("t.csv", b"\n1,2\n", "not-a-table"),
        ("t.csv", "a\n".encode("utf-16"), "not-encoded"),
        ("t.xlsx", b"PK", "not-xlsx"),
        ("t.doc", b"x", "not-a-table"),
        ("t.csv.gz", b"\x1f\x8b\x08broken", "not-a-table"),
        ("t.parquet", b"x", "not-a-table"),
    ],
)
def test_what_is_no_table_is_refused_with_its_reason(tmp_path: Path, name: str, content: bytes, code: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(UnreadableTable) as raised:
        list(open_table(path).rows())
    assert code == raised.value.code


def test_a_workbook_that_unpacks_beyond_its_limit_is_never_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.tables.MAX_UNPACKED_BYTES", 1000)
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("xl/worksheets/sheet1.xml", bytes(1001))

    with pytest.raises(UnreadableTable) as raised:
        open_table(path)
    assert "payload-too-large" == raised.value.code


def test_columns_are_found_under_any_of_their_names(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(" 统一社会信用代码 ,NAME,other\n", "utf-8")
    table = open_table(path)
    wanted = {"uscc": ("统一社会信用代码",), "name": ("机构名称",), "flag": ("标识",)}

    assert {"uscc": "统一社会信用代码", "name": "NAME"} == find_columns(table, wanted, ("uscc", "name"))
    with pytest.raises(UnreadableTable, match="flag / 标识"):
        find_columns(table, wanted, ("flag",))


# Without a time in it: the name of a test is the same in every process.
_PACKED = gzip.compress(b"a,b\n" * 99, mtime=0)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("none.csv", None, "没有这个文件 · there is no such file"),
        ("t.csv.gz", _PACKED[:-9], "文件损坏或不完整 · is damaged or ends too early"),
        ("t.csv.gz", b"\x1f\x8b\x08broken", "is damaged or ends too early"),
        ("t.csv.gz", _PACKED[:-8] + b"12345678", "不是完好的 gzip 文件 · is no sound gzip file"),
    ],
)
def test_why_a_file_cannot_be_read_is_said_in_both_languages(
    tmp_path: Path, name: str, content: bytes | None, words: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(UnreadableTable, match=words):
        list(open_table(path).rows())
