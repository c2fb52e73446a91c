"""I2 balance, I3 single effect, I7 append-only, I8 uniqueness and I10 feed: what the tables alone must hold."""

from __future__ import annotations

from collections.abc import Iterable

import asyncpg

from sync.invariants.report import Progress, Result
from sync.invariants.snapshot import SQL, Snapshot

_HISTORY = (
    "disposition",
    "raw_message",
    "registration_version",
    "registration_mark",
    "change",
    "message",
    "withdrawn_code",
    "audit",
)
_WITHOUT_VERSION = ("keep", "withdraw")


async def check_balance(snapshot: Snapshot, progress: Progress) -> Result:
    """I2: received equals the sum of the six dispositions, by office, day and batch, by partition and in total."""
    result = Result(id="I2", title="balance", unit="records")
    stored = await snapshot.value("stored_records")
    async for row in snapshot.rows("balance"):
        result.checked += row["decided"]
        progress(result.checked, stored)
        if row["received"] != row["decided"]:
            place = f"{row['office']} {row['day']} batch {row['batch_id']}"
            result.violate(f"{place}: received {row['received']}, decided {row['decided']}")
    if stored != result.checked:
        result.violate(f"in total: received {stored}, decided {result.checked}")
    for row in await snapshot.all("decided_by_partition"):
        result.violate(f"{row['topic']}/{row['partition']}: counts {row['counted']} decided, has {row['found']}")
    return result


async def check_single_effect(snapshot: Snapshot, progress: Progress) -> Result:
    """I3: one accepted or superseded record is one version; versions are dense; no version without its record.

    A keep that closes a case and a withdraw that only ends a held claim name their case and add no version of their
    own; a keep that takes the code from another holder makes that one's withdrawal, and confirms what its own has.
    """
    result = Result(id="I3", title="single effect", unit="records")
    total = await snapshot.value("versions_counted")
    async for row in snapshot.rows("effects"):
        result.checked += 1
        progress(result.checked, total)
        place = f"{row['receipt_id']} attempt {row['attempt']} ({row['operation']}, {row['disposition']})"
        settles = row["operation"] in _WITHOUT_VERSION and row["case_id"] is not None
        if settles and (row["versions"] == 0 or (row["versions"] == 1 and row["operation"] == "keep")):
            continue
        if row["versions"] != 1:
            result.violate(f"{place} made {row['versions']} versions")
        elif row["made"] != row["version"]:
            result.violate(f"{place} says version {row['version']}, made {row['made']} of {row['uscc']}")
        elif row["superseded"] != (row["disposition"] == "superseded"):
            result.violate(f"{place}: version {row['made']} of {row['uscc']} says superseded={row['superseded']}")
    for row in await snapshot.all("stray_versions"):
        result.violate(f"version {row['version']} of {row['uscc']} has no record ({row['receipt_id']})")
    for row in await snapshot.all("version_gaps"):
        found = f"{row['versions']} versions {row['lowest']}..{row['highest']}"
        result.violate(f"{row['uscc']} has {found}, the registry counts {row['last_version']}")
    return result


async def check_append_only(dsn: str, progress: Progress) -> Result:
    """I7: nobody rewrites history: an update and a delete of every history table are refused to owner and ingest.

    Each is tried on one row in a transaction that is rolled back, and never waits for a lock longer than 2 s.
    """
    result = Result(id="I7", title="append-only", unit="attempts")
    connection = await asyncpg.connect(
        dsn, server_settings={"application_name": "uscc-verify", "lock_timeout": "2000"}, timeout=10
    )
    empty: set[str] = set()
    try:
        for table in _HISTORY:
            for act in ("rewrite", "delete"):
                for role in ("owner", "ingest"):
                    outcome = await _attempt(connection, f"{act}_{table}", role)
                    result.checked += 1
                    progress(result.checked, len(_HISTORY) * 4)
                    if outcome == "UPDATE 0" or outcome == "DELETE 0":
                        empty.add(table)
                    elif outcome is not None:
                        result.violate(f"{role} may {act} {table}: {outcome}")
    finally:
        await connection.close()
    if empty:
        result.notes.append(f"empty, so not tried: {', '.join(sorted(empty))}")
    return result


async def _attempt(connection: asyncpg.Connection[asyncpg.Record], statement: str, role: str) -> str | None:
    """Try a statement and roll it back; return what it did, None when it was refused."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        if role == "ingest":
            await connection.execute(SQL["as_ingest"])
        return await connection.execute(SQL[statement])
    except (asyncpg.InsufficientPrivilegeError, asyncpg.RestrictViolationError):
        return None
    finally:
        await transaction.rollback()


async def check_uniqueness(snapshot: Snapshot, progress: Progress) -> Result:
    """I8: at most one holder of a code, one code of a subject code and of a number, allowed conflicts excepted.

    What a resolution applies stands beside other codes as an allowed conflict (domain.md §6). In registries of earlier
    releases a keep allowed only its case's own: such codes are told beside the answer, somebody answered for them.
    """
    result = Result(id="I8", title="uniqueness", unit="held codes")
    result.checked = await snapshot.value("holders_counted")
    progress(result.checked, result.checked)
    for row in await snapshot.all("stray_holders"):
        result.violate(f"{row['uscc']} has a holder, the registry says nobody holds it")
    allowed: set[frozenset[str]] = set()
    if await snapshot.value("allowed_conflicts_known"):
        allowed = {frozenset((row["uscc"], row["other_uscc"])) for row in await snapshot.all("allowed_conflicts")}
    for statement, what in (("subjects_twice", "subject_code"), ("numbers_twice", "registration_number")):
        for row in await snapshot.all(statement):
            if _are_allowed(row["codes"], allowed):
                continue
            settled = {each["uscc"] for each in await snapshot.all("settled_codes", row["codes"])}
            told = f"{what} {row[what]} stands under {', '.join(row['codes'])}"
            if len(settled) >= len(row["codes"]) - 1:
                result.notes.append(f"{told}: by a resolution")
            else:
                result.violate(told)
    return result


def _are_allowed(codes: Iterable[str], allowed: set[frozenset[str]]) -> bool:
    """Whether every two of the codes are an allowed conflict."""
    members = list(codes)
    return all(
        frozenset((one, other)) in allowed for place, one in enumerate(members) for other in members[place + 1 :]
    )


async def check_feed(snapshot: Snapshot, progress: Progress) -> Result:
    """I10: the change sequence has no gaps, and every version that was not superseded is in the feed."""
    result = Result(id="I10", title="feed", unit="changes")
    bounds = await snapshot.row("change_bounds")
    result.checked = bounds["changes"]
    progress(result.checked, result.checked)
    counted = {row["name"]: row["value"] for row in await snapshot.all("sequences")}.get("changes", 0)
    dropped = await snapshot.row("changes_dropped")
    if bounds["changes"] and bounds["lowest"] != dropped["through"] + 1:
        result.violate(f"the feed begins at {bounds['lowest']}; dropped it was through {dropped['through']}")
    if bounds["highest"] != counted:
        result.violate(f"the counter stands at {counted}, the last change is {bounds['highest']}")
    for row in await snapshot.all("change_gaps"):
        result.violate(f"behind {row['sequence']} comes {row['following']}")
    for row in await snapshot.all("changes_without_version"):
        result.violate(f"change {row['sequence']} is of version {row['version']} of {row['uscc']}, which is not there")
    for row in await snapshot.all("versions_without_change", dropped["recorded_before"]):
        result.violate(f"version {row['version']} of {row['uscc']} is not in the feed")
    return result
