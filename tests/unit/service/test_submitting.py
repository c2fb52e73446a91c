"""Files to push: every record once, in order, with an id; and progress that survives."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as arrow_parquet
import pytest
from click.testing import CliRunner

from service.commands.submit import command
from service.submitting.api import pieces
from service.submitting.files import OutgoingRow, opened
from service.submitting.progress import ProgressFile
from service.submitting.topic import Sent
from service.tables import UnreadableTable
from sync.mappings import load_mappings
from sync.offices import load_offices

CODE = "91210100MA00004960"
HEADER = "operation,occurred_at,uscc,name,office_version\n"
LINE = f"assign,2026-11-20T09:00:00+08:00,{CODE},沈阳一号有限公司,7\n"


def _read(path: Path, batch_id: str | None = None, *, mapping: bool = False) -> list[OutgoingRow]:
    found = load_mappings(load_offices())["commerce", "registration"] if mapping else None
    with opened(path, found, batch_id) as file:
        return list(file.rows())


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_row_of_a_table_becomes_the_submission_that_the_api_makes_of_it(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(HEADER + LINE, encoding)
    prefix = hashlib.sha256(path.read_bytes()).hexdigest()[:16]

    (row,) = _read(path)

    assert (1, CODE, f"{prefix}/1", prefix) == (row.number, row.key, row.fallback_id, row.batch_id)
    assert {
        "schema": "submission/1",
        "operation": "assign",
        "occurred_at": "2026-11-20T09:00:00+08:00",
        "office_version": 7,
        "record": {"uscc": CODE, "name": "沈阳一号有限公司"},
    } == orjson.loads(row.body)


def test_packed_files_and_parquet_are_read_like_any_other(tmp_path: Path) -> None:
    packed, parquet = tmp_path / "t.csv.gz", tmp_path / "t.parquet"
    packed.write_bytes(gzip.compress((HEADER + LINE).encode()))
    cells = dict(zip(HEADER.strip().split(","), LINE.strip().split(","), strict=True))
    arrow_parquet.write_table(pa.table({name: [value] for name, value in cells.items()}), parquet)

    records = [orjson.loads(row.body) for path in (packed, parquet) for row in _read(path, "B")]

    assert records[0] == records[1]


def test_lines_of_json_go_on_as_they_stand_whatever_they_hold(tmp_path: Path) -> None:
    path = tmp_path / "t.ndjson"
    lines = [b'{"schema":"submission/1", "batch_id":"B", "record":{"tyshxydm":"X1"}}', b"{broken", b"[1]", b"\xff"]
    path.write_bytes(b"\n".join(lines) + b"\n\n")

    rows = _read(path)

    assert lines == [row.body for row in rows]
    assert ("X1", "B") == (rows[0].key, rows[0].batch_id)
    assert [row.fallback_id for row in rows[1:]] == [row.key for row in rows[1:]]


def test_a_batch_that_is_named_is_that_of_records_that_name_none(tmp_path: Path) -> None:
    path = tmp_path / "t.ndjson"
    lines = [b'{"record":{}}', b'{"batch_id":"B"}', b'{"batch_id":""}', b'{"batch_id":7}', b"{broken"]
    path.write_bytes(b"\n".join(lines))

    rows = _read(path, "named")

    assert ["named", "B", "named", None, "named"] == [row.batch_id for row in rows]
    assert lines == [row.body for row in rows]


def test_what_goes_beside_a_record_names_its_id_the_mapping_and_the_batch_that_it_is_declared_in(
    tmp_path: Path,
) -> None:
    path = tmp_path / "t.ndjson"
    # Of the second nothing is decided but that it names B twice; the third names what is no batch.
    path.write_bytes(b'{}\n{"pch": "A", "batch_id": "B", "batch_id": "B"}\n{"batch_id": 7}')

    with opened(path, None, "一批") as file:
        plain = [file.headers_of(row) for row in file.rows()]
    with opened(path, load_mappings(load_offices())["commerce", "registration"], "一批") as file:
        mapped = file.headers_of(next(file.rows()))

    assert ["一批".encode(), b"B", None] == [headers.get("batch_id") for headers in plain]
    assert {"ce_id": f"{file.prefix}/1".encode(), "batch_id": "一批".encode()} == plain[0]
    assert plain[0] | {"mapping": b"registration"} == mapped


def test_under_a_mapping_a_row_is_an_object_of_the_offices_own_fields(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"uniscid,traname\n{CODE},沈阳\n", "utf-8")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]

    (row,) = _read(path, mapping=True)

    assert (CODE, digest, {"uniscid": CODE, "traname": "沈阳"}) == (row.key, row.batch_id, orjson.loads(row.body))


def test_under_a_mapping_a_batch_stands_in_the_offices_own_field(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"tyshxydm,pch\n{CODE},P1\n{CODE},\n", "utf-8")
    found = load_mappings(load_offices())["establishment", "registration"]

    with opened(path, found, "named") as file:
        rows = list(file.rows())

    assert ["P1", "named"] == [row.batch_id for row in rows]


@pytest.mark.parametrize(
    ("name", "content"), [("t.csv", b""), ("t.doc", b"x"), ("t.csv", b"a,b\n1,2\n"), ("t.gz", b"x")]
)
def test_a_file_that_holds_no_records_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(UnreadableTable):
        _read(path)


def test_pieces_are_the_same_each_time_and_lose_no_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.submitting.api.PIECE_ROWS", 2)
    rows = [OutgoingRow(number, "k", "i", None, b"{\n}") for number in range(1, 6)]

    assert [(1, 2, b"{ }\n{ }"), (3, 4, b"{ }\n{ }"), (5, 5, b"{ }")] == [
        (piece.first, piece.last, piece.body) for piece in pieces(rows)
    ]


def test_progress_is_of_one_file_and_one_target(tmp_path: Path) -> None:
    here = ProgressFile(tmp_path, sha256="a" * 64, office="commerce", mapping=None, target="kafka here")
    progress = here.read()
    progress.acknowledged = 42
    here.write(progress)
    there = ProgressFile(tmp_path, sha256="a" * 64, office="commerce", mapping=None, target="kafka there")

    assert (42, 0) == (here.read().acknowledged, there.read().acknowledged)


def test_sent_records_are_known_by_their_places() -> None:
    sent = Sent()
    for offset in (5, 6, 9):
        sent.add(1, offset)

    assert {1: [[5, 6], [9, 9]]} == sent.ranges
    assert [False, True, True, False, True] == [sent.holds(1, offset) for offset in (4, 5, 6, 7, 9)]
    assert not sent.holds(0, 5)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("t.csv", b"uscc,name\n", "没有一条记录 · there is no record"),
        ("t.csv", b"uscc,uscc\n1,2\n", "uscc: 重复出现 · it appears more than once"),
        ("t.csv", b'uscc,name\n"1,2\n', "不是合法的 CSV：line 2 · not CSV: line 2"),
        ("t.xlsx", b"PK", "不是可读的 XLSX 工作簿 · no workbook that can be read"),
        ("t.csv", b"\xff\xfe", "UTF-16"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_both_languages(
    tmp_path: Path, name: str, content: bytes, told: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(UnreadableTable, match=told):
        _read(path)


@pytest.mark.parametrize("url", ["notaurl", "ftp://x", "file:///etc/passwd", "http://", "http://x:99999", ""])
def test_what_is_no_address_of_an_api_is_wrong_use(tmp_path: Path, url: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(HEADER + LINE, "utf-8")

    result = CliRunner().invoke(command, ["--office", "commerce", str(path), "--url", url])

    assert result.exit_code == 2
    assert "不是接口地址 · is no address of an API" in result.output


def test_what_goes_wrong_while_a_file_is_open_is_not_the_files_fault(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(HEADER + LINE, "utf-8")

    with pytest.raises(BrokenPipeError), opened(path, None, None):
        raise BrokenPipeError(32, "Broken pipe")
