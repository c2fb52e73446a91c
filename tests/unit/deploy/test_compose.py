"""deploy/compose.yaml has a service for everything that `uscc up` runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    compose = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text("utf-8"))
    found: dict[str, dict[str, Any]] = compose["services"]
    return found


def test_every_role_has_a_service(services: dict[str, dict[str, Any]]) -> None:
    roles = {name: service["command"][0] for name, service in services.items() if service.get("image") == "uscc"}

    assert {name: name for name in ("migrate", "serve", "ingest", "relay", "nightly")} == roles


def test_what_the_night_exports_is_what_the_api_hands_out(services: dict[str, dict[str, Any]]) -> None:
    assert ["data:/var/lib/uscc"] == services["nightly"]["volumes"]
    assert ["data:/var/lib/uscc:ro"] == services["serve"]["volumes"]


def test_no_password_stands_in_the_file(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        for key, value in service.get("environment", {}).items():
            assert "PASSWORD" not in key or value.startswith("${"), (name, key)
