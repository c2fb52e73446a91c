"""The demonstration feed of a data directory: pushed once, remembered, and the same when it was interrupted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TypedDict

from service.demo import generate, push
from service.demo.feed import today
from sync.kafka import KafkaSettings

_FIRST_SEED = 1


class Pushed(TypedDict):
    """One feed: the arguments that make it, and whether all of it was acknowledged."""

    records: int
    seed: int
    base: str
    done: bool


class Demonstration:
    """What was pushed, in `demo.json`. A feed of another length has another seed, so that it brings other codes."""

    def __init__(self, data_dir: Path) -> None:
        self._file = data_dir / "demo.json"

    def was_pushed(self, records: int) -> bool:
        """Say whether the feed of this length was pushed to its end."""
        return any(entry["records"] == records and entry["done"] for entry in self._entries())

    async def push(self, settings: KafkaSettings, records: int, progress: Callable[[int], None]) -> None:
        """Push the feed; one that was interrupted is pushed again as it was, and its first part is `unchanged`.

        Raises:
            NotDelivered: the broker did not take every record.
        """
        entries = self._entries()
        entry = next((each for each in entries if each["records"] == records), None)
        if entry is None:
            entry = Pushed(records=records, seed=_FIRST_SEED + len(entries), base=today().isoformat(), done=False)
            entries.append(entry)
            self._write(entries)
        feed = generate(records, entry["seed"], date.fromisoformat(entry["base"]))
        loop = asyncio.get_running_loop()

        def tell(sent: int) -> None:
            loop.call_soon_threadsafe(progress, sent)

        await asyncio.to_thread(push, settings, feed, tell)
        entry["done"] = True
        self._write(entries)

    def _entries(self) -> list[Pushed]:
        if not self._file.exists():
            return []
        entries: list[Pushed] = json.loads(self._file.read_text("utf-8"))
        return entries

    def _write(self, entries: list[Pushed]) -> None:
        self._file.write_text(json.dumps(entries, indent=1) + "\n", "utf-8")
