"""A night that dies by SIGKILL at one step: `python -m tests.integration.nightly.dying_night STEP REACH ...`.

The step `snapshotting` is that of a snapshot that is there and was not noted yet.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

from service.judging import decoder
from service.settings import Settings
from service.site import load_site
from sync.kafka import KafkaSettings
from sync.nightly.comparisons import Means
from sync.nightly.days import BusinessDays
from sync.nightly.run import NightlyConfig, NightStep, Register, run_once
from sync.nightly.sealing import Closing
from sync.offices import Offices
from sync.snapshots import make_snapshot
from sync.store.connection import JOB, open_pool


async def run(step: str, reach: int, dsn: str, bootstrap: str, folder: Path, offices: list[str], file: Path) -> None:
    """Run a night on a test's registry and die when `step` is passed for the `reach`-th time."""
    left = reach

    def pass_by(passed: NightStep | Literal["snapshotting"]) -> None:
        nonlocal left
        left -= passed == step
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    async def snapshot() -> dict[str, Any]:
        made = await make_snapshot(pool, folder / "snapshots", kept=2)
        pass_by("snapshotting")
        return {"snapshot_id": made.snapshot_id, "rows": made.rows}

    shipped = load_site(None)
    kinds = list(shipped.offices.values())
    named = {name: replace(kind, id=name, mapping=None) for name, kind in zip(offices, kinds, strict=False)}
    site = replace(shipped, offices=Offices(named), mappings=folder / "mappings")
    pool = await open_pool(dsn, role="uscc_job", limits=JOB, size=4, name="test-dying")
    means = Means(
        pool=pool, dsn=dsn, role="uscc_job", kafka=KafkaSettings(bootstrap=bootstrap),
        decode=decoder(Settings(), site).decode, days=BusinessDays(), folder=folder / "nightly", memory_mib=256,
        progress=lambda _rows, _expected: None,
    )  # fmt: skip
    config = NightlyConfig(
        means=means,
        closing=Closing(days=BusinessDays(), silent_after=timedelta(hours=17)),
        offices=site.offices,
        reports=folder / "reports",
        patience=timedelta(seconds=20),
        snapshot=snapshot,
        pass_by=pass_by,
    )
    await run_once(config, register=Register(office=offices[0], date=date(2026, 11, 20), file=file, form="csv.gz"))


if __name__ == "__main__":
    _, named_step, number, address, brokers, work, names, register_file = sys.argv
    asyncio.run(run(named_step, int(number), address, brokers, Path(work), names.split(","), Path(register_file)))
