"""Files of codes: every format in and out, encodings, damage, and nothing that becomes a formula."""

from __future__ import annotations

import csv
import gzip
import io
import os
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as arrow_parquet
import pytest
import xlsxwriter
from click.testing import CliRunner
from python_calamine import CalamineWorkbook

from service.commands.validate import command
from service.validation_files import Report, UnreadableFile, validate_file
from service.validation_files.spreadsheets import UnreadableSpreadsheet, read_rows
from validators.rulebook import default_ruleset
from validators.uscc import CodeContext

CLEAN = "91210100MA00004960"
WRONG = "91210100MA0000496X"
FOREIGN = "911101080000000005"
CODES = [CLEAN, WRONG, CLEAN.lower(), "", "未办理"]
VERDICTS = ["valid", "repairable", "valid", "invalid", "invalid"]
RULES = ["", "E05", "E09", "Q01", "E01"]
NAMES = ["甲", "=1+1", "丙,丁", '戊"己', "庚"]
RULESET = default_ruleset()


def run(path: Path, output: Path | None = None, column: str | None = None, lines: io.BytesIO | None = None) -> Report:
    return validate_file(
        path,
        column=column,
        output=output,
        lines=lines,
        ruleset=RULESET,
        context=CodeContext(),
        progress=lambda _done: None,
    )


def table(encoding: str = "utf-8", newline: str = "\n") -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=newline)
    writer.writerow(["机构名称", "统一社会信用代码"])
    writer.writerows(zip(NAMES, CODES, strict=True))
    return text.getvalue().encode(encoding)


def write_csv(path: Path) -> Path:
    path.write_bytes(table())
    return path


def write_gzip(path: Path) -> Path:
    file = path.with_suffix(".csv.gz")
    file.write_bytes(gzip.compress(table()))
    return file


def write_ndjson(path: Path) -> Path:
    file = path.with_suffix(".ndjson")
    rows = [orjson.dumps({"name": name, "uscc": code}) for name, code in zip(NAMES, CODES, strict=True)]
    file.write_bytes(b"\r\n".join(rows))
    return file


def write_parquet(path: Path) -> Path:
    file = path.with_suffix(".parquet")
    arrow_parquet.write_table(pa.table({"name": NAMES, "uscc": pa.array(CODES, pa.large_string())}), file)
    return file


def write_xlsx(path: Path) -> Path:
    file = path.with_suffix(".xlsx")
    book = xlsxwriter.Workbook(str(file))
    sheet = book.add_worksheet()
    for row, cells in enumerate([("name", "uscc"), *zip(NAMES, CODES, strict=True)]):
        for place, cell in enumerate(cells):
            sheet.write_string(row, place, cell)
    book.close()
    return file


@pytest.mark.parametrize("write", [write_csv, write_gzip, write_ndjson, write_parquet, write_xlsx])
def test_every_format_is_judged_alike(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    report = run(write(tmp_path / "codes.csv"), tmp_path / "out.parquet")

    found = arrow_parquet.read_table(tmp_path / "out.parquet").to_pylist()
    assert [row["verdict"] for row in found] == VERDICTS
    assert [row["rules"] for row in found] == RULES
    assert [row["normalized"] for row in found][2] == CLEAN
    assert found[1]["position"] == 18
    assert found[1]["suggestion"] == CLEAN
    assert "0" in found[1]["message"]
    assert dict(report.counts.verdicts) == {"valid": 2, "repairable": 1, "invalid": 2}
    assert not report.good


@pytest.mark.parametrize(("encoding", "said"), [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("gb18030", "gb18030")])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_encodings_are_told_apart(tmp_path: Path, encoding: str, said: str, newline: str) -> None:
    path = tmp_path / "codes.csv"
    path.write_bytes(table(encoding, newline))

    report = run(path, tmp_path / "out.csv")

    assert report.notes.encoding == said
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["机构名称"] for row in rows] == ["甲", "'=1+1", "丙,丁", '戊"己', "庚"]
    assert [row["verdict"] for row in rows] == VERDICTS


def test_a_file_that_turns_gb18030_late_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    path.write_bytes(b"uscc,name\n" + f"{CLEAN},A\n".encode() * 30_000 + f"{CLEAN},沈阳\n".encode("gb18030"))

    report = run(path, tmp_path / "out.csv")

    assert (report.notes.encoding, report.counts.rows) == ("gb18030", 30_001)
    assert "沈阳" in (tmp_path / "out.csv").read_text("utf-8")


def test_values_may_have_line_breaks_across_blocks(tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    name = "沈阳\n" * 20
    row = f'{CLEAN},"{name}"\n'
    path.write_text("uscc,name\n" + row * 20_000, "utf-8")

    assert run(path).counts.verdicts == {"valid": 20_000}


def test_rows_of_another_width_are_counted_and_left_out(tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    path.write_text(f"uscc,name\n{CLEAN},甲\n{CLEAN},甲,乙\n{CLEAN}\n", "utf-8")

    report = run(path)

    assert (report.counts.rows, report.notes.skipped, report.good) == (1, 2, False)
    assert report.notes.skipped_lines == [
        "第 3 行 · line 3: 3 列，应为 · columns, expected 2",
        "第 4 行 · line 4: 1 列，应为 · columns, expected 2",
    ]


def test_lines_that_are_no_objects_are_counted_and_left_out(tmp_path: Path) -> None:
    path = tmp_path / "codes.ndjson"
    path.write_bytes(orjson.dumps({"uscc": CLEAN}) + b'\n[1]\n{"uscc":\n\n' + orjson.dumps({"uscc": CLEAN}))

    report = run(path)

    assert (report.counts.rows, report.notes.skipped_lines) == (
        2,
        ["第 2 行 · line 2: 不是 JSON 对象 · no JSON object", "第 3 行 · line 3: 不是 JSON 对象 · no JSON object"],
    )


def test_submissions_are_read_by_their_record(tmp_path: Path) -> None:
    path = tmp_path / "feed.ndjson"
    path.write_bytes(orjson.dumps({"message_id": "M-1", "record": {"uscc": WRONG, "name": "甲"}}))

    report = run(path, tmp_path / "out.csv")

    assert report.counts.verdicts == {"repairable": 1}
    assert (tmp_path / "out.csv").read_text("utf-8").startswith('"message_id","uscc","name","normalized"')


@pytest.mark.parametrize("content", ["uscc", "uscc,name", "\ufeffuscc\n", "uscc\r\n"])
def test_a_header_alone_is_a_table_without_rows(tmp_path: Path, content: str) -> None:
    path = tmp_path / "codes.csv"
    path.write_text(content, "utf-8", newline="")

    assert run(path).counts.rows == 0


def test_a_file_whose_name_is_in_another_encoding_is_read(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode("沈阳.csv".encode("gb18030"))
    path.write_bytes(table())

    assert run(path).counts.rows == len(CODES)


def test_sheets_that_are_not_read_are_named(tmp_path: Path) -> None:
    path = tmp_path / "codes.xlsx"
    book: Any = xlsxwriter.Workbook(str(path))
    book.add_worksheet("封面").write_row(0, 0, ["填表说明"])
    book.add_worksheet("数据").write_row(0, 0, ["uscc"])
    book.close()

    assert run(path).notes.sheets_left == ("数据",)
    shown = CliRunner().invoke(command, ["--file", str(path)]).output
    assert "只读第一张工作表 · the first sheet alone was read; 未读 · not read: 数据" in shown


def test_a_text_that_no_cell_can_hold_is_cut_where_it_would_be_lost(tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    path.write_text(f"uscc,name\n{CLEAN},{'长' * 40_000}\n", "utf-8")

    run(path, tmp_path / "out.xlsx")

    row = list(read_rows(tmp_path / "out.xlsx"))[1]
    assert (32_767, "长…") == (len(row[1]), row[1][-2:])


def test_an_output_in_a_folder_that_is_not_there_is_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="没有这个文件夹 · there is no folder"):
        run(write_csv(tmp_path / "codes.csv"), tmp_path / "none" / "out.csv")


def test_a_workbook_with_a_broken_part_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "codes.xlsx"
    book: Any = xlsxwriter.Workbook(str(path))
    book.add_worksheet().write_row(0, 0, ["uscc"] * 500)
    book.close()
    whole = path.read_bytes()
    name = b"xl/worksheets/sheet1.xml"
    begins = whole.index(name) + len(name)

    for place in range(begins, begins + 60, 3):
        path.write_bytes(whole[:place] + b"\xff\xff\xff" + whole[place + 3 :])
        with pytest.raises(UnreadableSpreadsheet):
            list(read_rows(path))


def test_a_list_of_codes_needs_no_header(tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    path.write_text(f"{CLEAN}\n{WRONG}\n", "utf-8")

    assert run(path).counts.rows == 2


def test_ndjson_is_the_validation_of_each_row(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "codes.csv")
    lines = io.BytesIO()
    run(path, tmp_path / "out.ndjson")
    run(path, lines=lines)

    items = [orjson.loads(line) for line in (tmp_path / "out.ndjson").read_bytes().splitlines()]
    assert [item["claimed"] for item in items] == CODES
    assert [item["verdict"] for item in items[:3]] == VERDICTS[:3]
    assert lines.getvalue() == (tmp_path / "out.ndjson").read_bytes()


def test_texts_are_text_cells_and_counts_are_numbers(tmp_path: Path) -> None:
    run(write_csv(tmp_path / "codes.csv"), tmp_path / "out.xlsx")

    rows = CalamineWorkbook.from_path(tmp_path / "out.xlsx").get_sheet_by_index(0).to_python()
    header: list[Any] = rows[0]
    assert header == [
        "机构名称", "统一社会信用代码", "normalized", "verdict", "rules", "position", "suggestion", "message",
    ]  # fmt: skip
    assert rows[2][0] == "=1+1"
    assert rows[2][5] == 18.0
    with zipfile.ZipFile(tmp_path / "out.xlsx") as package:
        assert b"<f>" not in package.read("xl/worksheets/sheet1.xml")


def test_signed_numbers_are_no_formulas(tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    path.write_text(f"uscc,a\n{CLEAN},-5\n{CLEAN},-cmd\n{CLEAN},@x\n{CLEAN},+86 24\n", "utf-8")
    run(path, tmp_path / "out.csv")

    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as stream:
        assert [row["a"] for row in csv.DictReader(stream)] == ["-5", "'-cmd", "'@x", "'+86 24"]


def test_an_output_validated_again_keeps_its_columns(tmp_path: Path) -> None:
    run(write_csv(tmp_path / "codes.csv"), tmp_path / "once.parquet")
    run(tmp_path / "once.parquet", tmp_path / "twice.parquet")

    assert arrow_parquet.read_table(tmp_path / "twice.parquet") == arrow_parquet.read_table(tmp_path / "once.parquet")


@pytest.mark.parametrize(
    ("name", "content", "column", "reason"),
    [
        ("codes.doc", b"x", None, "suffix"),
        ("codes.csv", b"PK\x03\x04\r\x00", None, "不是文本表格 · the first line is no text of a table"),
        (
            "codes.csv",
            b"uscc,name\n1," + b"x" * 10_000_000 + b"\n2,x\n",
            None,
            "有一行超过 4 MiB · a row is longer than 4 MiB",
        ),
        ("codes.csv", b"uscc\n\xff\xff\n", None, "neither UTF-8 nor GB18030"),
        ("codes.csv", b"", None, "empty"),
        ("codes.csv", b"a,b\n1,2\n", None, "--column"),
        (
            "codes.csv",
            b"uscc;name\n1;2\n",
            None,
            "各列须以逗号分隔（.tsv 以制表符） · its columns are to be separated by commas",
        ),
        ("codes.csv", b"uscc\tname\n1\t2\n", None, "separated by commas"),
        ("codes.tsv", b"uscc,name\n1,2\n", None, "those of a .tsv by tabs"),
        ("codes.csv", b"a,b\n1,2\n", "c", "no column c"),
        ("codes.csv", "uscc\n".encode("utf-16"), None, "UTF-16"),
        ("codes.csv.gz", gzip.compress(table())[:-20], None, "codes.csv.gz"),
        ("codes.parquet", b"PAR1", None, "Parquet"),
        ("codes.xlsx", b"PK", None, "workbook"),
        ("codes.ndjson", b"[]\n", None, "JSON object"),
    ],
)
def test_what_cannot_be_read_says_why(
    tmp_path: Path, name: str, content: bytes, column: str | None, reason: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(UnreadableFile, match=reason):
        run(path, tmp_path / "out.csv", column)
    assert sorted(each.name for each in tmp_path.iterdir()) == [name]


def test_the_input_is_never_replaced(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "codes.csv")

    with pytest.raises(UnreadableFile, match="replace the input"):
        run(path, path)


def test_a_sheet_counts_formulas_by_their_value_and_shows_damaged_codes(tmp_path: Path) -> None:
    path = tmp_path / "codes.xlsx"
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["uscc", "day", "flag", "number"])
    sheet.write_formula(2, 0, '="9121"&"0100MA00004960"', None, CLEAN)
    sheet.write_datetime(2, 1, date(2026, 11, 20), book.add_format({"num_format": "yyyy-mm-dd"}))
    sheet.write_boolean(2, 2, True)
    sheet.write_number(2, 3, 0.5)
    sheet.write_number(3, 0, 534100003414976000)
    book.close()

    assert list(read_rows(path)) == [
        ["uscc", "day", "flag", "number"],
        [],
        [CLEAN, "2026-11-20", "TRUE", "0.5"],
        ["534100003414976000"],
    ]


def test_a_workbook_that_unpacks_to_more_than_a_gibibyte_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.xlsx"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package,
        package.open("xl/workbook.xml", "w", force_zip64=True) as part,
    ):
        block = b" " * (64 * 1024 * 1024)
        for _ in range(17):
            part.write(block)

    with pytest.raises(UnreadableSpreadsheet, match="more than 1 GiB"):
        list(read_rows(path))


def test_a_workbook_with_a_document_type_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "entities.xlsx"
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("xl/workbook.xml", '<!DOCTYPE x [<!ENTITY a "b">]><workbook/>')

    with pytest.raises(UnreadableSpreadsheet, match="document type"):
        list(read_rows(path))


@pytest.mark.parametrize(
    ("arguments", "status"),
    [([CLEAN], 0), (["91350211M00013FA1N"], 0), ([CLEAN, WRONG], 1), ([], 2), (["--column", "a", CLEAN], 2)],
)
def test_the_exit_status_is_the_answer(arguments: list[str], status: int) -> None:
    assert CliRunner().invoke(command, arguments).exit_code == status


def test_json_is_one_validation_a_line() -> None:
    answer = CliRunner().invoke(command, ["--json", CLEAN, WRONG])

    items = [orjson.loads(line) for line in answer.output.splitlines()]
    assert [(item["claimed"], item["verdict"]) for item in items] == [(CLEAN, "valid"), (WRONG, "repairable")]


def test_a_file_ends_with_its_summary(tmp_path: Path) -> None:
    answer = CliRunner().invoke(command, ["--file", str(write_csv(tmp_path / "codes.csv"))])

    assert answer.exit_code == 1
    assert "row 2: 91210100MA0000496X" in answer.output
    assert "UTF-8" in answer.output


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".parquet"])
def test_a_column_of_structures_does_not_stop_the_output(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / "codes.parquet"
    columns = {"uscc": [CLEAN, WRONG], "contact": [{"name": "甲"}, None], "old": [["1", "2"], []]}
    arrow_parquet.write_table(pa.table(columns), path)

    report = run(path, tmp_path / f"out{suffix}")

    assert report.counts.rows == 2
    if suffix == ".csv":
        with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        assert ['{"name": "甲"}', ""] == [row["contact"] for row in rows]
        assert ['["1", "2"]', "[]"] == [row["old"] for row in rows]


def test_a_column_of_codes_that_is_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "codes.parquet"
    arrow_parquet.write_table(pa.table({"uscc": [[CLEAN]]}), path)

    with pytest.raises(UnreadableFile, match="列 uscc 不是文本，或文件损坏 · the column is no text"):
        run(path)
