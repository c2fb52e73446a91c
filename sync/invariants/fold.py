"""I5 order: the state of a code is the fold, by order key, of its accepted, unchanged and superseded records.

This fold is written from domain.md §6 alone, and shares nothing with the one that the registry uses.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg
import orjson

from sync.invariants.report import Progress, Result
from sync.invariants.snapshot import Snapshot
from validators.names import name_key

_STATUSES = {"cancel": "cancelled", "revoke": "revoked", "restore": "normal"}


class Key(NamedTuple):
    """The order key: office_version or microseconds, the instant, the message id."""

    major: int
    occurred_at: datetime
    message_id: str


class Applied(NamedTuple):
    """One record of a holding that was applied. `record` is that of the version that it made or confirmed."""

    key: Key
    operation: str
    record: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """What the records of a holding come to. Keys are None where no such record came."""

    status: str
    record: dict[str, str]
    whole: bool
    particulars_key: Key
    status_key: Key | None
    assign_key: Key | None
    reset: bool


def fold(records: Iterable[Applied]) -> Folded:
    """Fold the records of one holding, in whatever order they are given; there is at least one.

    `status_key` is that of the latest cancel, revoke or restore. `reset` says that the first assign stands behind a
    cancellation or revocation and made the status normal.
    """
    ordered = sorted(records, key=lambda each: each.key)
    described = [each for each in ordered if each.operation in ("assign", "change")]
    assigns = [each for each in ordered if each.operation == "assign"]
    turns = [each for each in ordered if each.operation in _STATUSES]
    if assigns:
        turns = sorted([*turns, assigns[0]], key=lambda each: each.key)
    latest = turns[-1] if turns else None
    particulars = described[-1] if described else ordered[0]
    closings = [each.key for each in ordered if each.operation in _STATUSES]
    return Folded(
        status=_STATUSES.get(latest.operation, "normal") if latest else "normal",
        record=particulars.record,
        whole=bool(described),
        particulars_key=particulars.key,
        status_key=closings[-1] if closings else None,
        assign_key=assigns[0].key if assigns else None,
        reset=latest is not None and latest.operation == "assign" and bool(closings),
    )


async def check_order(snapshot: Snapshot, progress: Progress) -> Result:
    """I5: fold every code again from its versions and marks and compare with the registry."""
    result = Result(id="I5", title="order", unit="codes")
    total = await snapshot.value("registrations_counted")
    versions = _Groups(snapshot.rows("versions"))
    marks = _Groups(snapshot.rows("marks"))
    async for row in snapshot.rows("registrations"):
        uscc = row["uscc"]
        async for stray, rows in versions.before(uscc):
            result.violate(f"{stray} has {len(rows)} versions and no registration")
        async for stray, rows in marks.before(uscc):
            result.violate(f"{stray} has {len(rows)} marks and no registration")
        for fault in _compare(row, await versions.at(uscc), await marks.at(uscc)):
            result.violate(f"{uscc} {fault}")
        result.checked += 1
        if result.checked % 1000 == 0:
            progress(result.checked, total)
    async for stray, rows in versions.before(None):
        result.violate(f"{stray} has {len(rows)} versions and no registration")
    async for stray, rows in marks.before(None):
        result.violate(f"{stray} has {len(rows)} marks and no registration")
    progress(result.checked, total)
    return result


def _compare(row: asyncpg.Record, versions: list[asyncpg.Record], marks: list[asyncpg.Record]) -> Iterable[str]:
    """Yield what of a registration is not as its records say."""
    if row["registered"] is row["withdrawn"]:
        yield f"is registered={row['registered']}, its tombstone says otherwise"
    if row["registered"] is not row["held"]:
        yield f"is registered={row['registered']}, its identity is there={row['held']}"
    yield from _broken_references(row, {each["version"]: each for each in versions})
    records = {each["version"]: orjson.loads(each["record"]) for each in versions}
    applied = [
        Applied(_key(each), each["operation"], records[each["version"]])
        for each in versions
        if each["holding"] == row["holding"] and each["operation"] not in ("withdraw", "keep")
    ]
    for each in marks:
        confirmed = records.get(each["confirms_version"])
        if confirmed is None:
            yield f"has a mark that confirms version {each['confirms_version']}, which is not there"
        elif each["holding"] == row["holding"] and each["operation"] not in ("withdraw", "keep"):
            applied.append(Applied(_key(each), each["operation"], confirmed))
    if not applied:
        yield f"has no record of holding {row['holding']}"
    elif row["registered"]:
        yield from _differences(row, fold(applied), records.get(row["particulars_version"]))


def _broken_references(row: asyncpg.Record, versions: Mapping[int, asyncpg.Record]) -> Iterable[str]:
    """Yield which versions a registration names and does not describe: readers that join the two lose the code."""
    shaped, particulars = versions.get(row["version"]), versions.get(row["particulars_version"])
    if shaped is None or any(row[name] != shaped[name] for name in ("receipt_id", "recorded_at", "office")):
        yield f"names version {row['version']} by another receipt, office or instant than that version's"
    if particulars is None or row["particulars_recorded_at"] != particulars["recorded_at"]:
        yield f"names version {row['particulars_version']} by another instant than that version's"


def _differences(row: asyncpg.Record, folded: Folded, record: dict[str, str] | None) -> Iterable[str]:
    expected: dict[str, tuple[Any, Any]] = {
        "status": (folded.status, row["status"]),
        "particulars are whole": (folded.whole, row["particulars_whole"]),
        "key of the particulars": (folded.particulars_key, _key_of(row, "particulars")),
        "key of the first assign": (folded.assign_key, _key_of(row, "assign")),
        "is_public": (folded.record.get("is_public") != "0", row["is_public"]),
        "name key": (name_key(folded.record["name"]), row["holder_name_key"]),
    }
    if not folded.reset:
        expected["key of the status"] = (folded.status_key, _key_of(row, "status"))
    for what, (wanted, found) in expected.items():
        if wanted != found:
            yield f"{what}: the records give {_shown(what, wanted)}, the registry has {_shown(what, found)}"
    if record != folded.record:
        yield f"version {row['particulars_version']} is not what its records come to"


def _shown(what: str, value: Any) -> str:
    """Show a value, names excepted: what is printed may be kept."""
    return "another" if what == "name key" else str(value)


def _key(row: asyncpg.Record) -> Key:
    return Key(row["key_major"], row["occurred_at"], row["message_id"])


def _key_of(row: asyncpg.Record, part: str) -> Key | None:
    if row[f"{part}_major"] is None:
        return None
    return Key(row[f"{part}_major"], row[f"{part}_at"], row[f"{part}_id"])


class _Groups:
    """Rows in order of their code, taken a code at a time beside another stream in the same order."""

    def __init__(self, rows: AsyncIterator[asyncpg.Record]) -> None:
        self._rows = rows
        self._head: asyncpg.Record | None = None
        self._begun = False

    async def at(self, uscc: str) -> list[asyncpg.Record]:
        """Return the rows of `uscc`; those before it have been taken."""
        taken: list[asyncpg.Record] = []
        head = await self._peek()
        while head is not None and head["uscc"] == uscc:
            taken.append(head)
            self._head = await anext(self._rows, None)
            head = self._head
        return taken

    async def before(self, uscc: str | None) -> AsyncIterator[tuple[str, list[asyncpg.Record]]]:
        """Yield the groups that stand before `uscc`; all that are left where it is None."""
        head = await self._peek()
        while head is not None and (uscc is None or head["uscc"] < uscc):
            stray: str = head["uscc"]
            yield stray, await self.at(stray)
            head = await self._peek()

    async def _peek(self) -> asyncpg.Record | None:
        if not self._begun:
            self._begun = True
            self._head = await anext(self._rows, None)
        return self._head
