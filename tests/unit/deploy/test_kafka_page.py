"""The commands of docs/operations/kafka.md: what they would give to Kafka's own scripts is what the page says."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "operations" / "kafka.md"
_RECORDER = '#!/bin/sh\necho "$(basename "$0") $*" >> "$RECORDED"\n'


def test_the_commands_of_the_page_give_every_login_its_rights(tmp_path: Path) -> None:
    for script in ("kafka-acls.sh", "kafka-configs.sh"):
        (tmp_path / script).write_text(_RECORDER, "utf-8")
        (tmp_path / script).chmod(0o755)
    recorded = tmp_path / "recorded"
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "RECORDED": str(recorded)}
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)

    listed = [
        subprocess.run(["bash", "-ec", block], cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
        for block in blocks
    ][-1].stdout.splitlines()
    calls = recorded.read_text("utf-8").splitlines()

    assert "User:office-commerce\ttopic\tuscc.submissions.commerce\tliteral\tWrite" in listed
    assert (
        "kafka-acls.sh --bootstrap-server kafka:9093 --command-config admin.properties --add --allow-principal "
        "User:reader-tax-bureau --operation Read --topic uscc.changes --resource-pattern-type literal"
    ) in calls
    assert len(listed) == sum(call.startswith("kafka-acls.sh") for call in calls)
    assert 1 == sum(call.startswith("kafka-configs.sh") for call in calls)


def test_every_login_of_the_script_stands_on_the_page() -> None:
    done = subprocess.run(
        [str(ROOT / "deploy" / "kafka" / "acls"), "list", "--offices", "x", "--readers", "y"],
        capture_output=True,
        text=True,
        check=True,
    )
    logins = {line.split("\t")[0].removeprefix("User:") for line in done.stdout.splitlines()}
    named = {login.replace("-x", "-<id>").replace("-y", "-<name>") for login in logins}

    assert named == set(re.findall(r"^\| `((?:office|reader|uscc)-[^`]+)` \|", PAGE.read_text("utf-8"), re.MULTILINE))


def test_a_wrong_use_says_how(tmp_path: Path) -> None:
    done = subprocess.run([str(ROOT / "deploy" / "kafka" / "acls"), "remove"], capture_output=True, text=True)

    assert (2, True) == (done.returncode, "deploy/kafka/acls list" in done.stderr)
