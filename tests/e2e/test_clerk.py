"""A code centre's day at the terminal: files pushed, cases corrected, registers kept, and what goes up."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CODE = "91210100MA00004960"
OTHER = "91210100MA0000525B"
HEADER = "message_id,operation,occurred_at,uscc,name,approved_on,business_type,status\n"
TAIL = "2026-11-20,1,1\n"
NAMES = ("沈阳一号有限公司", "大连二号有限公司", "鞍山三号有限公司")


class Clerk:
    """The program, as a person at the terminal uses it."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir

    def run(self, *arguments: str, expected: int = 0) -> str:
        command = [sys.executable, "-m", "service", *arguments, "--data-dir", str(self.data_dir)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=110)
        assert expected == done.returncode, done.stderr + done.stdout
        return done.stdout

    def ask(self, method: str, path: str, body: bytes | None = None) -> Any:
        """Ask the API as the office itself does."""
        endpoints = json.loads((self.data_dir / "endpoints.json").read_text("utf-8"))
        request = urllib.request.Request(endpoints["http"] + path, data=body, method=method)
        request.add_header("authorization", f"Bearer {Path(endpoints['keys']['commerce']).read_text('utf-8').strip()}")
        request.add_header("content-type", "text/csv; charset=utf-8")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def json(self, *arguments: str, expected: int = 0) -> Any:
        return json.loads(self.run(*arguments, "--json", expected=expected))


@pytest.fixture(scope="module")
def clerk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clerk]:
    """A clerk before a running installation."""
    folder = tmp_path_factory.mktemp("clerk")
    process = subprocess.Popen(
        [sys.executable, "-m", "service", "up", "--data-dir", str(folder), "--port", "0"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 90
    while not (folder / "endpoints.json").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    yield Clerk(folder)
    process.terminate()
    process.wait(30)


def _line(number: int, uscc: str, name: str) -> str:
    return f"C-{number},assign,2026-11-20T09:0{number}:00+08:00,{uscc},{name},{TAIL}"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_day(clerk: Clerk, tmp_path: Path) -> None:
    """One story, because each step stands on the one before."""
    feed = tmp_path / "feed.csv.gz"
    lines = (_line(1, CODE, NAMES[0]), _line(2, CODE, NAMES[1]), _line(3, OTHER, NAMES[2]))
    feed.write_bytes(gzip.compress((HEADER + "".join(lines)).encode("gb18030")))

    tried = clerk.json("submit", "--office", "commerce", str(feed), "--dry-run")
    sent = clerk.json("submit", "--office", "commerce", str(feed), "--wait")
    again = clerk.json("submit", "--office", "commerce", str(feed), "--wait")
    over = clerk.json("submit", "--office", "commerce", str(feed), "--wait", "--url", _url(clerk))

    assert {"readable": 3} == tried["dispositions"]
    assert (3, 3, {"accepted": 2, "held": 1}) == (sent["rows"], sent["sent"], sent["dispositions"])
    assert (3, 0) == (again["rows"], again["sent"])
    assert {"unchanged": 3} == over["dispositions"]

    (case,) = clerk.json("cases", "list", "--status", "open")
    assert ("D01", CODE) == (case["rule"], case["uscc"])
    assert NAMES[1] in clerk.run("cases", "show", case["case_id"])

    form, back = tmp_path / "form.csv", tmp_path / "back.csv"
    clerk.run("cases", "export", "commerce", str(form))
    with form.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    for row in rows[1:]:
        row[2] = "1" if row[1] == NAMES[1] else "2"
    with back.open("w", encoding="gb18030", newline="") as file:
        csv.writer(file).writerows(rows)
    dry = clerk.json("cases", "apply", str(back), "--office", "commerce", "--dry-run")
    done = clerk.json("cases", "apply", str(back), "--office", "commerce", "--mode", "all")
    assert [["unchanged", "done"]] * 2 == [[answer["result"] for answer in each] for each in (dry, done)]
    assert [] == clerk.json("cases", "list", "--status", "open")

    summary = tmp_path / "汇总表.csv"
    summary.write_text(f"统一社会信用代码,机构名称,问题类型\n{OTHER},{NAMES[2]},错码\n", "gb18030")
    assert {"opened": 1, "joined": 0, "known": 0, "wrong": []} == clerk.json("cases", "import", str(summary))

    segments = tmp_path / "segments.csv"
    segments.write_text("first,last,office,allocated_on\nMA000049,MA00004A,commerce,2026-01-01\n", "utf-8")
    clerk.run("segments", "load", str(segments))
    (segment,) = clerk.json("segments", "list")
    assert (2, 1, 1) == (segment["size"], segment["used"], segment["left"])
    clerk.run("segments", "check", "--warn-below", "60", expected=1)

    clerk.run("exceptions", "add", "91210100MA0000496X", "--evidence", "执照", "--by", "zhang")
    assert "zhang" in [each["entered_by"] for each in clerk.json("exceptions", "list")]
    clerk.run("exceptions", "add", CODE, "--evidence", "执照", expected=1)
    clerk.run("exceptions", "allow", "D03", CODE, OTHER, "--evidence", "分立")
    assert 1 == len(clerk.json("exceptions", "conflicts"))

    old = tmp_path / "old.csv"
    old.write_text(f"注册号,统一社会信用代码\n2101000123456,{CODE}\n2101000123457,\n", "gb18030")
    clerk.run("legacy", "load", str(old), "--office", "commerce")
    assert [0.5, 0.5] == [each["rate"] for each in clerk.json("legacy", "report")]

    report = tmp_path / "report.ndjson"
    made = clerk.json("report", str(report))
    receipt = tmp_path / "receipt.csv"
    receipt.write_text(f"report_id,uscc,result,reason\n{made['report_id']},{CODE},失败,重复\n", "utf-8")
    clerk.run("report", "--receipt", str(receipt), expected=1)
    assert {CODE: "重复"} == clerk.json("report", "--list")[0]["refusals"]
    clerk.run("report", str(tmp_path / "nothing.ndjson"))

    assert 0 == clerk.json("replay", "--quarantined")["looked_at"]
    clerk.run("verify")


@pytest.mark.slow
@pytest.mark.timeout(200)
@pytest.mark.parametrize("first", ["topic", "http"])
def test_a_table_is_the_same_by_either_door(clerk: Clerk, tmp_path: Path, first: str) -> None:
    """Its rows have no ids: they go by the file's digest and their numbers, whichever way they come."""
    table = tmp_path / "table.csv"
    codes = {
        "topic": ("91210100MA00005336", "91210100MA00005411"),
        "http": ("91210100MA000055XQ", "91210100MA0000568Q"),
    }
    head, row = HEADER.removeprefix("message_id,"), "assign,2025-11-20T09:00:00+08:00,{},门{},2025-11-20,1,1\n"
    table.write_text(head + "".join(row.format(code, number) for number, code in enumerate(codes[first])), "utf-8")
    digest = hashlib.sha256(table.read_bytes()).hexdigest()[:16]

    for door in (first, "http" if first == "topic" else "topic"):
        if door == "topic":
            clerk.run("submit", "--office", "commerce", str(table), "--wait")
        else:
            posted = clerk.ask("POST", "/v1/submissions", table.read_bytes())
            while clerk.ask("GET", f"/v1/submissions/{posted['submission_id']}")["state"] != "done":
                time.sleep(0.2)

    ids = {f"{digest}/1", f"{digest}/2"}
    returns = [each for each in clerk.ask("GET", "/v1/returns?limit=1000")["items"] if each["message_id"] in ids]
    told = [(each["disposition"], each["batch_id"], each["duplicate_of"] is not None) for each in returns]
    batches = (digest, None) if first == "topic" else (None, digest)
    assert [("accepted", batches[0], False)] * 2 + [("unchanged", batches[1], True)] * 2 == told


def _url(clerk: Clerk) -> str:
    return str(json.loads((clerk.data_dir / "endpoints.json").read_text("utf-8"))["http"])
