"""Files as offices post them: every format gives the same messages, and bad ones say where they are bad."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import xlsxwriter

from service.submission_files import reading
from service.submission_files.formats import XLSX, Format, TooLargeFile, UnreadableFile, format_of
from service.submission_files.reading import read_submission_file
from sync.mappings import load_mappings
from sync.offices import load_offices
from sync.store.submissions import Row

CODE = "91210100MA0000496X"
HEADER = ["message_id", "operation", "occurred_at", "office_version", "uscc", "name"]
CELLS = ["A-1", "assign", "2026-11-20T09:00:00+08:00", "7", CODE, "沈阳一号有限公司"]
MESSAGE = {
    "schema": "submission/1",
    "message_id": "A-1",
    "operation": "assign",
    "occurred_at": "2026-11-20T09:00:00+08:00",
    "office_version": 7,
    "record": {"uscc": CODE, "name": "沈阳一号有限公司"},
}
Read = Callable[..., list[Row]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def run(content: bytes, content_type: str, mapping: str | None = None) -> list[Row]:
        path = tmp_path / "posted"
        path.write_bytes(content)
        found = format_of(content_type)
        assert found is not None
        chosen = load_mappings(load_offices())["commerce", mapping] if mapping else None
        return list(read_submission_file(path, found, chosen, "file"))

    return run


def csv_of(*rows: Sequence[str], end: str = "\r\n") -> str:
    return "".join(",".join(row) + end for row in rows)


def sheet_of(rows: Sequence[Sequence[object]], tmp_path: Path) -> bytes:
    book = xlsxwriter.Workbook(str(tmp_path / "book.xlsx"))
    sheet = book.add_worksheet()
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            sheet.write(number, column, cell)
    book.close()
    return (tmp_path / "book.xlsx").read_bytes()


def messages(rows: list[Row]) -> list[object]:
    return [json.loads(row.body) for row in rows]


def test_every_format_gives_the_same_message(read: Read, tmp_path: Path) -> None:
    line = json.dumps(MESSAGE, ensure_ascii=False)
    texts = {
        "application/x-ndjson": line.encode() + b"\n",
        "application/json": f" [ {line} ]\n".encode(),
        "text/csv": csv_of(HEADER, CELLS).encode(),
        "text/csv; charset=GB18030": csv_of(HEADER, CELLS).encode("gb18030"),
        XLSX: sheet_of([HEADER, CELLS], tmp_path),
    }

    found = {media_type: messages(read(body, media_type)) for media_type, body in texts.items()}

    assert {media_type: [MESSAGE] for media_type in texts} == found


def test_lines_go_on_byte_for_byte_with_id_and_code(read: Read) -> None:
    lines = [b'{"record": {"tyshxydm":"91210100MA0000496X"}}', b"\xff\xfe not json", b'{"record": 1}']

    rows = read(b"\xef\xbb\xbf" + b"\r\n".join([lines[0], b"", lines[1], b"  ", lines[2]]), "application/x-ndjson")

    assert [
        Row(1, CODE, "file/1", lines[0]),
        Row(2, "file/2", "file/2", lines[1]),
        Row(3, "file/3", "file/3", lines[2]),
    ] == rows


def test_elements_of_a_list_go_on_byte_for_byte(read: Read) -> None:
    elements = [b'{"a": "],\\"[{", "b": [1, {"c": null}]}', b"[]", b"1", b"nope", b'"\xff"', b"[" * 500 + b"]" * 500]

    rows = read(b"[" + b" ,\n".join(elements) + b"]", "application/json")

    assert elements == [row.body for row in rows]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"", "no-records"),
        (b"  \n", "no-records"),
        (b"\xef\xbb\xbf[ ]", "no-records"),
        (b'{"a": 1}', "wrong-type"),
        (b"[{}", "not-json"),
        (b"[{}]]", "not-json"),
        (b"[{]}", "not-json"),
        (b"[{}, ]", "not-json"),
        (b"[,]", "not-json"),
        (b'[{"a]', "not-json"),
    ],
)
def test_what_is_no_list_is_refused_as_a_whole(read: Read, text: bytes, code: str) -> None:
    with pytest.raises(UnreadableFile) as caught:
        read(text, "application/json")

    assert code == caught.value.code


def test_a_broken_list_says_where(read: Read) -> None:
    with pytest.raises(UnreadableFile) as caught:
        read(b'[{"a": 1},\n {"b": 2}\n', "application/json")

    assert (3, 1) == (caught.value.line, caught.value.byte)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_table_takes_mark_blank_lines_quotes_and_short_names(read: Read, end: str) -> None:
    text = (
        "\ufeff"
        + end
        + csv_of(["tyshxydm", " jgmc ", "operation", ""], [CODE, '"一,二""三\n四"', "assign", ""], end=end)
    )

    rows = read((text + end + end).encode(), "text/csv")

    record = {"tyshxydm": CODE, "jgmc": '一,二"三\n四'}
    assert [{"schema": "submission/1", "operation": "assign", "record": record}] == messages(rows)
    assert (CODE, "file/1") == (rows[0].key, rows[0].ce_id)


def test_a_row_of_another_width_is_left_to_quarantine(read: Read) -> None:
    rows = read(csv_of(["uscc", "name"], [CODE, "一"], [CODE], [CODE, "二", "三"]).encode(), "text/csv")

    assert [CODE] == messages(rows)[1]
    assert [CODE, "二", "三"] == messages(rows)[2]


@pytest.mark.parametrize(
    ("text", "content_type", "code", "where"),
    [
        (b"", "text/csv", "no-records", (None, None)),
        (b"uscc,name\r\n", "text/csv", "no-records", (None, None)),
        (b"uscc,name,uscc\r\n1,2,3\r\n", "text/csv", "repeated", (None, None)),
        (b"a,b\r\n1,2\r\n", "text/csv", "no-column", (None, None)),
        (b"uscc,name\r\n1,\xe6\xb2\x88\r\n1,ab\xff\r\n", "text/csv", "not-encoded", (3, 5)),
        (b"uscc,name\r\n1,\xff\r\n", "text/csv; charset=gbk", "not-encoded", (2, 3)),
        (b'uscc,name\r\n1,"a"b\r\n', "text/csv", "not-csv", (2, None)),
        (b'uscc,name\r\n1,"a\r\n', "text/csv", "not-csv", (2, None)),
        (b"PK nothing", XLSX, "not-xlsx", (None, None)),
        (b"\n \n", "application/x-ndjson", "no-records", (None, None)),
    ],
)
def test_a_bad_file_says_what_and_where(
    read: Read, text: bytes, content_type: str, code: str, where: tuple[int | None, int | None]
) -> None:
    with pytest.raises(UnreadableFile) as caught:
        read(text, content_type)

    assert (code, where) == (caught.value.code, (caught.value.line, caught.value.byte))


def test_a_sheet_gives_stored_values_and_instants_of_the_offices_clock(read: Read, tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(str(tmp_path / "b.xlsx"))
    sheet = book.add_worksheet()
    instant = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    for column, name in enumerate(["uscc", "name", "occurred_at", "registered_capital"]):
        sheet.write(0, column, name)
    sheet.write(2, 0, CODE)
    sheet.write_formula(2, 1, "=CONCATENATE(1,2)", None, "十二公司")
    sheet.write_number(2, 2, 46346.375, instant)
    sheet.write_number(2, 3, 100)
    book.close()

    rows = read((tmp_path / "b.xlsx").read_bytes(), XLSX)

    record = {"uscc": CODE, "name": "十二公司", "registered_capital": "100"}
    assert [{"schema": "submission/1", "occurred_at": "2026-11-20T09:00:00+08:00", "record": record}] == messages(rows)


def test_a_workbook_that_unpacks_to_too_much_is_refused_by_its_directory(read: Read) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("xl/workbook.xml", "<workbook/>")
    bomb = bytearray(packed.getvalue())
    place = bomb.index(b"PK\x01\x02") + 24
    bomb[place : place + 4] = (2**31).to_bytes(4, "little")

    with pytest.raises(TooLargeFile):
        read(bytes(bomb), XLSX)


def test_a_row_under_a_mapping_has_the_offices_own_fields(read: Read) -> None:
    rows = read(csv_of(["uniscid", "traname", "dom"], [CODE, "一", ""]).encode(), "text/csv", "registration")

    assert [{"uniscid": CODE, "traname": "一"}] == messages(rows)
    assert CODE == rows[0].key


def test_more_records_than_allowed_are_refused(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_RECORDS", 2)

    assert 2 == len(read(b"{}\n{}\n", "application/x-ndjson"))
    with pytest.raises(TooLargeFile, match="2 records"):
        read(b"{}\n{}\n{}\n", "application/x-ndjson")


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("text/csv", Format("csv", "utf-8")),
        ('Text/CSV; header=present; Charset="GB2312"', Format("csv", "gb18030")),
        ("application/json; charset=utf-8", Format("json", "utf-8")),
        ("application/json; charset=gb18030", None),
        ("text/csv; charset=utf-16", None),
        ("application/xml", None),
        ("", None),
        (None, None),
    ],
)
def test_a_content_type_names_a_format(content_type: str | None, expected: Format | None) -> None:
    assert expected == format_of(content_type)
