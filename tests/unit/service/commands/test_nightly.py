"""What `uscc nightly` refuses before it looks at anything: which register, whose, and what is to compare it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from service.__main__ import cli
from service.commands import nightly
from service.commands.nightly import open_private
from service.commands.nightly_texts import batch_line
from service.settings import load
from sync.store.connection import translated


@pytest.fixture
def registers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a register of two files; services that nobody runs."""
    monkeypatch.setenv("USCC_DATABASE_DSN", "postgresql://nobody@127.0.0.1:1/none")
    monkeypatch.setenv("USCC_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    for name in ("a.csv.gz", "b.csv.gz", ".hidden.csv.gz", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--engine", "spark"], "--engine and --master go with --against"),
        (["--against", "{folder}", "--office", "commerce", "--engine", "spark"], "needs --master spark://host:port"),
        (["--against", "{folder}"], "whose register is it?"),
        (["--against", "{folder}/nothing", "--office", "commerce"], "there is no register at"),
        (["--against", "{folder}/*.parquet", "--office", "commerce"], "there is no register at"),
        (["--against", "{folder}/notes.txt", "--office", "commerce"], "must end in .csv.gz"),
        (["--against", "{folder}/*", "--office", "commerce"], "all files of a register are of one of"),
        (["--records", "held"], "--records goes with --show"),
        (["--show", "--batch-id", "B"], "--batch-id goes with --records"),
        (["--show", "--records", "holds.new", "--batch-id", "B"], "not with holds"),
        (["--daemon", "--engine", "spark"], "--daemon goes with no other option"),
    ],
)
def test_a_comparison_that_is_not_fully_said_is_wrong_use(registers: Path, arguments: list[str], words: str) -> None:
    result = CliRunner().invoke(cli, ["nightly", *(each.format(folder=registers) for each in arguments)])

    assert result.exit_code == 2
    assert words in " ".join(result.output.replace("│", "").split())


def test_a_master_that_is_no_spark_cluster_is_refused_by_name(registers: Path) -> None:
    against = ["--against", str(registers), "--office", "commerce", "--engine", "spark", "--master", "http://x:7077"]
    result = CliRunner().invoke(cli, ["nightly", *against])

    assert result.exit_code != 0
    assert "USCC_SPARK_MASTER" in f"{result.output} {result.exception}"


@pytest.mark.parametrize(
    ("batch", "line"),
    [
        (
            {"declared": None, "received_to_date": 6, "not_received": None, "extra": None, "state": "undeclared"},
            "批次 batch B-1: 未申报 undeclared, 累计收到 received 6",
        ),
        (
            {"declared": 5, "received_to_date": 4, "not_received": 1, "extra": 0, "altered": 2, "state": "short"},
            "批次 batch B-1: 缺少 short, 申报 declared 5, 累计收到 received 4, 未到 not_received 1, 改动 altered 2",
        ),
    ],
)
def test_a_batch_is_named_with_what_differs(batch: dict[str, Any], line: str) -> None:
    assert line == batch_line({"batch_id": "B-1", "altered": 0} | batch)


def test_a_settlement_is_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "register.csv.gz.settlement.ndjson"
    file.write_bytes(b"what stood there before, for everybody")
    file.chmod(0o644)

    with open_private(file) as opened:
        opened.write(b"{}")
    assert (0o600, b"{}") == (file.stat().st_mode & 0o777, file.read_bytes())


async def test_a_reader_of_records_that_goes_away_is_no_trouble_of_the_database(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @asynccontextmanager
    async def opened(*_arguments: object, **_named: object) -> AsyncIterator[SimpleNamespace]:
        yield SimpleNamespace(means=SimpleNamespace(pool=None), offices=None, closing=None)

    @asynccontextmanager
    async def lent(*_arguments: object) -> AsyncIterator[None]:
        async with translated():
            yield None

    async def records(*_arguments: object, **_named: object) -> list[tuple[int, str]]:
        return [(1, "{}")]

    async def begun(*_arguments: object) -> None:
        return None

    def gone(_text: str) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr(nightly, "open_nightly", opened)
    monkeypatch.setattr(nightly, "reading", lent)
    monkeypatch.setattr(nightly, "read_records", records)
    monkeypatch.setattr(nightly, "_check_begun", begun)
    monkeypatch.setattr(nightly, "chosen", lambda *_arguments: [SimpleNamespace(id="commerce")])
    monkeypatch.setattr("click.echo", gone)

    with pytest.raises(BrokenPipeError):
        await nightly._print_records(load(), date(2026, 11, 20), None, "received", None)
