"""Every line of SOURCES.md speaks of a table that is there, as it stands there."""

from __future__ import annotations

import hashlib
import re
from importlib.resources import files

DATA = files("validators") / "data"


def test_every_line_has_the_digest_of_its_table() -> None:
    text = (DATA / "SOURCES.md").read_text(encoding="utf-8")
    recorded = dict(re.findall(r"^\| (\w+\.csv) \|.*\| ([0-9a-f]{64}) \|$", text, flags=re.MULTILINE))

    actual = {name: hashlib.sha256((DATA / name).read_bytes()).hexdigest() for name in recorded}

    assert recorded == actual
    assert {"authorities.csv", "divisions.csv", "zones.csv", "nonconforming.csv", "placeholders.csv"} <= set(recorded)
