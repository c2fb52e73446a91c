"""An independent fuzzer reads our own OpenAPI and calls everything: no 5xx, no answer that is not documented.

`FUZZ_EXAMPLES` makes it longer: `make fuzz`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.demo import generate, push
from service.demo.feed import today
from tests.faults.system import System

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "4"))
SEED = os.environ.get("FUZZ_SEED", "20261120")
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "ignored_auth",
)
# A stream ends when its reader goes; a fuzzer never does.
ENDLESS = "/v1/changes/stream"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A registry with something in it."""
    running = System(tmp_path_factory.mktemp("fuzz"), {})
    running.start()
    push(running.kafka, generate(200, 3, today()), lambda _: None)
    running.settle(60)
    yield running
    running.stop()


@pytest.mark.slow
@pytest.mark.timeout(600 + 30 * EXAMPLES)
@pytest.mark.parametrize("client", ["admin", "commerce"])
def test_the_api_survives_a_fuzzer(system: System, client: str, tmp_path: Path) -> None:
    key = Path(system.endpoints["keys"][client]).read_text("utf-8").strip()
    command = [
        *(str(Path(sys.executable).with_name("st")), "run", f"{system.endpoints['http']}/openapi.json"),
        *("--header", f"Authorization: Bearer {key}", "--checks", ",".join(CHECKS), "--exclude-path", ENDLESS),
        *("--phases", "examples,coverage,fuzzing", "--max-examples", str(EXAMPLES), "--seed", SEED),
        *("--continue-on-failure", "--warnings", "off", "--request-timeout", "40"),
    ]

    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)

    assert done.returncode == 0, done.stdout[-8_000:]
    assert "passed" in done.stdout
    assert system.roles("serve"), "the API has died"
