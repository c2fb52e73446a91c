"""Registers: what is wrong with a file is said the same way wherever in it, and whatever library reads it."""

from __future__ import annotations

import gzip
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pyarrow as pa
import pyarrow.parquet as pa_parquet
import pytest

from sync.nightly.register_faults import Format, UnusableRegister
from sync.nightly.registers import open_register, open_registers

_ROWS = 30_000
_NAMES = ("uscc", "name", "business_scope")
_WHOLE = "\n".join([",".join(_NAMES), *(f"C{number},某某有限公司,技术开发与咨询" for number in range(_ROWS))]).encode()


def _read(files: tuple[Path, ...], form: Format) -> int:
    """Read a register as the comparison does: by a library that streams it."""
    with duckdb.connect() as connection, open_registers(files, form) as register:
        connection.register("office", register.reader)
        return len(connection.execute("select * from office").fetchall())


def _refused(path: Path, form: Format) -> tuple[str, dict[str, Any]]:
    with pytest.raises(UnusableRegister) as refused:
        _read((path,), form)
    return refused.value.code, refused.value.facts


def _broken(packed: bytes) -> bytes:
    middle = bytearray(packed)
    middle[-6] ^= 0xFF
    return bytes(middle)


@pytest.mark.parametrize(
    ("expected", "content"),
    [
        (("truncated", {}), gzip.compress(_WHOLE)[:-4]),
        (("damaged", {"error": "BadGzipFile"}), _broken(gzip.compress(_WHOLE))),
        (
            ("malformed", {"line": _ROWS + 2, "cells": 4, "expected": 3}),
            gzip.compress(_WHOLE + b"\nC,x,y,z\n"),
        ),
        (
            ("wrong-encoding", {"expected": "UTF-8", "line": _ROWS + 2, "byte": 3}),
            gzip.compress(_WHOLE + b"\nC,\xff,y\n"),
        ),
    ],
)
def test_what_is_wrong_at_the_end_of_a_file_is_told_as_at_its_beginning(
    tmp_path: Path, expected: tuple[str, dict[str, Any]], content: bytes
) -> None:
    path = tmp_path / "register.csv.gz"
    path.write_bytes(content)

    assert expected == _refused(path, "csv.gz")


def test_a_row_with_fewer_cells_is_named_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "register.csv.gz"
    path.write_bytes(gzip.compress(b'uscc,name\nA,"two\nlines"\n\nB\nC,x\n'))

    assert ("malformed", {"line": 5, "cells": 1, "expected": 2}) == _refused(path, "csv.gz")


def test_what_is_wrong_at_the_end_of_one_file_of_several_names_it(tmp_path: Path) -> None:
    files = (tmp_path / "a.csv.gz", tmp_path / "b.csv.gz")
    files[0].write_bytes(gzip.compress(_WHOLE))
    files[1].write_bytes(gzip.compress(_WHOLE)[:-4])

    with pytest.raises(UnusableRegister) as refused:
        _read(files, "csv.gz")
    assert ("truncated", {"file": "b.csv.gz"}) == (refused.value.code, refused.value.facts)


def test_an_error_that_is_not_the_files_stays_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "register.csv.gz"
    path.write_bytes(gzip.compress(_WHOLE))

    with pytest.raises(ConnectionResetError), open_register(path, "csv.gz"):
        raise ConnectionResetError


@pytest.mark.parametrize(
    ("column", "values", "kind"),
    [
        ("registered_capital", pa.array([5.0]), "double"),
        ("industry_code", pa.array([711]), "int64"),
        ("uscc", pa.array([1]), "int64"),
        ("name", pa.array([["某某有限公司"]]), "list<element: string>"),
        ("name", pa.array([b"\xc9\xf2"]), "binary"),
        ("is_public", pa.array([True]), "bool"),
    ],
)
def test_a_column_that_is_no_text_is_refused(tmp_path: Path, column: str, values: pa.Array, kind: str) -> None:
    path = tmp_path / "register.parquet"
    columns = {"uscc": pa.array(["A"]), column: values}
    pa_parquet.write_table(pa.table(columns), path)

    assert ("not-text", {"column": column, "type": kind}) == _refused(path, "parquet")


def test_a_column_whose_values_have_one_text_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "register.parquet"
    columns = {
        "uscc": pa.array(["A"]).dictionary_encode(),
        "approved_on": pa.array([date(2026, 11, 20)]),
        "employee_count": pa.array([25]),
        "name": pa.array(["某某"], pa.large_string()),
        "currency": pa.array([None]),
    }
    pa_parquet.write_table(pa.table(columns), path)

    with open_register(path, "parquet") as register:
        rows = register.reader.read_all().to_pylist()
    expected = {"uscc": "A", "approved_on": "2026-11-20", "employee_count": "25", "name": "某某", "currency": None}
    assert [expected] == rows


@pytest.mark.parametrize(
    ("column", "value", "kind"),
    [
        ("name", {"zh": "某某"}, "object"),
        ("name", ["某某"], "array"),
        ("registered_capital", 5.0, "number"),
        ("uscc", 123, "number"),
        ("is_public", True, "boolean"),
        ("employee_count", True, "boolean"),
    ],
)
def test_a_member_that_is_no_text_is_refused_by_its_line(tmp_path: Path, column: str, value: Any, kind: str) -> None:
    path = tmp_path / "register.ndjson.gz"
    rows = [{"uscc": "A", "employee_count": 25}, {"uscc": "B", column: value}]
    path.write_bytes(gzip.compress(b"\n".join(orjson.dumps(row) for row in rows)))

    assert ("not-text", {"column": column, "type": kind, "line": 2}) == _refused(path, "ndjson.gz")


def test_a_file_that_never_was_parquet_is_not_called_truncated(tmp_path: Path) -> None:
    path = tmp_path / "register.parquet"
    path.write_bytes(b"uscc,name\nA,x\n")
    assert ("not-parquet", {}) == _refused(path, "parquet")

    whole = tmp_path / "whole.parquet"
    pa_parquet.write_table(pa.table({"uscc": ["A"] * 1_000}), whole)
    path.write_bytes(whole.read_bytes()[:-20])
    assert ("truncated", {}) == _refused(path, "parquet")
