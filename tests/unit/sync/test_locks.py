"""Advisory locks: all in one file, and no two by one number."""

from __future__ import annotations

import re
from importlib.resources import files

from sync.store.statements import statements

_NUMBER = re.compile(r"advisory_(?:xact_)?lock\((.+)\)")


def test_no_other_file_takes_an_advisory_lock() -> None:
    found = [
        file.name
        for file in files("sync.store").iterdir()
        if file.name.endswith(".sql") and file.name != "schema.sql" and "advisory" in file.read_text("utf-8")
    ]

    assert ["locks.sql"] == found


def test_no_two_locks_are_one() -> None:
    numbers = {name: found[1] for name, sql in statements("locks").items() if (found := _NUMBER.search(sql))}

    assert len(statements("locks")) - 1 == len(numbers)
    assert len(numbers) == len(set(numbers.values()))
