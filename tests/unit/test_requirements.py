"""Pins: exact, with hashes, and without the address of any package index."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMPILED = sorted((ROOT / "requirements").glob("*.txt"))


@pytest.mark.parametrize("file", COMPILED, ids=lambda file: file.name)
def test_every_requirement_is_pinned_and_hashed(file: Path) -> None:
    requirements = re.split(
        r"\n(?=[a-z])", re.sub(r"^\s*#.*\n", "", file.read_text("utf-8"), flags=re.MULTILINE).strip()
    )

    unpinned = [text for text in requirements if "==" not in text or "--hash=sha256:" not in text]

    assert unpinned == []


@pytest.mark.parametrize("file", [*COMPILED, ROOT / "pyproject.toml", ROOT / "Makefile"], ids=lambda file: file.name)
def test_no_address_of_an_index_is_recorded(file: Path) -> None:
    assert re.findall(r"https?://|--index-url|--find-links|--trusted-host", file.read_text("utf-8")) == []


def test_our_package_names_are_never_installed_from_an_index() -> None:
    names = {match for file in COMPILED for match in re.findall(r"^([\w.-]+)==", file.read_text("utf-8"), re.MULTILINE)}

    assert names.isdisjoint({"validators", "service", "sync"})
