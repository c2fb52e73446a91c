"""Sealed snapshots: the whole registry as it stood at one change of the feed, as files that anybody may take.

A snapshot and the changes behind its sequence are the registry. It is built from versions, code by code and in short
transactions, while records go on being applied: what came behind its change is left out, not waited for. The files
are made beside the others, put to the disk, moved into place and only then entered in the list.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from sync.errors import SyncError
from sync.outcome import View
from sync.past import registration_at
from sync.snapshot_files import SnapshotRow, SnapshotWriter, row_of
from sync.store import snapshots as store
from sync.store.connection import JOB, Pool, frozen, session, writing
from sync.store.snapshots import Snapshot, Stand

CODES_AT_A_TIME = 5_000
CHANGES_KEPT = timedelta(days=400)
_UNFINISHED = ".unfinished"

log = structlog.get_logger(__name__)
Progress = Callable[[int, int], None]


class SnapshotUnderWay(SyncError):
    """Another process makes a snapshot just now."""


async def make_snapshot(
    pool: Pool, folder: Path, *, kept: int, progress: Progress = lambda _done, _total: None
) -> Snapshot:
    """Make and seal a snapshot of the registry as it stands; return the last one where nothing has changed since.

    `folder` holds one folder for each snapshot; of them `kept` stay. `progress` is told how many codes are done, and of
    how many. Memory does not grow with the registry.

    Raises:
        SnapshotUnderWay: another process makes one.
        Retryable: the database does not answer.
    """
    folder.mkdir(parents=True, exist_ok=True)
    async with session(pool, JOB) as connection:
        if not await store.take_turn(connection):
            raise SnapshotUnderWay("another snapshot is being made")
        stand = await store.read_stand(connection)
        snapshot_id = f"{stand.sequence:015d}"
        made = await store.find_snapshot(connection, snapshot_id)
        if made is not None and all((folder / snapshot_id / file.name).exists() for file in made.files):
            await _drop_old_changes(pool)
            return made
        for left in folder.glob(f"*{_UNFINISHED}"):
            shutil.rmtree(left)
        unfinished = folder / (snapshot_id + _UNFINISHED)
        unfinished.mkdir()
        with SnapshotWriter(unfinished) as writer:
            await _write(pool, writer, stand, progress)
        files = await asyncio.to_thread(writer.describe)
        _put_in_place(unfinished, folder / snapshot_id)
        snapshot = Snapshot(
            snapshot_id=snapshot_id,
            sequence=stand.sequence,
            recorded_at=stand.recorded_at,
            rows=writer.rows,
            files=files,
            sealed_at=datetime.now(UTC),
        )
        if made is None:
            async with writing(pool, JOB) as sealing:
                await store.seal(sealing, snapshot)
        log.info("snapshot_sealed", snapshot_id=snapshot_id, rows=snapshot.rows)
        await _remove_old(pool, folder, kept)
        await _drop_old_changes(pool)
        return snapshot


async def _write(pool: Pool, writer: SnapshotWriter, stand: Stand, progress: Progress) -> None:
    """Write every registration, by code."""
    after = ""
    done = 0
    while True:
        async with frozen(pool, JOB) as connection:
            codes = await store.next_codes(connection, after, CODES_AT_A_TIME)
            applied = await store.read_applied(connection, codes, stand)
            withdrawn = await store.read_withdrawals(connection, codes, stand)
        if not codes:
            return
        found = (registration_at(code, applied.get(code, ()), withdrawn.get(code, ()), None) for code in codes)
        rows: list[SnapshotRow] = [row_of(view) for view in found if isinstance(view, View)]
        await asyncio.to_thread(writer.write, rows)
        after = codes[-1]
        done += len(codes)
        progress(done, max(stand.codes, done))


def _put_in_place(unfinished: Path, place: Path) -> None:
    """Move a finished folder to its name, and have the disk know it."""
    if place.exists():
        shutil.rmtree(place)
    unfinished.rename(place)
    directory = os.open(place.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


async def _drop_old_changes(pool: Pool) -> None:
    """Drop what of the feed is older than it is kept: whoever stands there has this snapshot to begin anew from."""
    async with writing(pool, JOB) as connection:
        through = await store.drop_changes(connection, datetime.now(UTC) - CHANGES_KEPT)
    if through:
        log.info("changes_dropped", through=through)


async def _remove_old(pool: Pool, folder: Path, kept: int) -> None:
    """Remove all but the newest: first from the list, then from the disk."""
    async with writing(pool, JOB) as connection:
        old = (await store.list_snapshots(connection, None, 1_000))[kept:]
        for snapshot in old:
            await store.note_removed(connection, snapshot.snapshot_id, datetime.now(UTC))
    for snapshot in old:
        shutil.rmtree(folder / snapshot.snapshot_id, ignore_errors=True)
        log.info("snapshot_removed", snapshot_id=snapshot.snapshot_id)
