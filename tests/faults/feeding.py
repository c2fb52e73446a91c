"""What offices send while something goes wrong, through Kafka and by HTTP, and what the system made of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from random import Random

import httpx
import orjson

from service.demo import DemoRecord, generate, push
from service.demo.feed import today
from tests.faults.system import System
from tests.messages import code
from validators.uscc import ALPHABET

_SLICE = 25
_POST_RECORDS = 3
_POST_EVERY_SECONDS = 0.3
_POST_PATIENCE_SECONDS = 40.0


class Feed:
    """One feed: its seed names it in every message id, so that what became of it can be asked for."""

    def __init__(self, system: System, *, records: int, seed: int, seconds: float) -> None:
        self.records = records
        self.seed = seed
        self._system = system
        self._pause = seconds * _SLICE / records
        self._base = today()
        self.truth = list(generate(records, seed, self._base))

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Push the feed at an even pace while the block runs, and wait for its last acknowledgement behind it."""
        with ThreadPoolExecutor(1) as thread:
            pushed: Future[int] = thread.submit(push, self._system.kafka, self._paced(), lambda _: None)
            yield
            assert self.records == pushed.result()

    def _paced(self) -> Iterator[DemoRecord]:
        for number, record in enumerate(self.truth):
            if number % _SLICE == 0:
                time.sleep(self._pause)
            yield record

    def personal(self) -> set[str]:
        """Return the names of the organizations and the ID numbers of their representatives."""
        found: set[str] = set()
        for each in self.truth:
            if each.disposition == "accepted":
                record = orjson.loads(each.body)["record"]
                found |= {record.get(name, "") for name in ("name", "legal_representative_id_number")}
        return {text for text in found if len(text) > 5}

    def misjudged(self) -> list[str]:
        """Return the records that did not become what their truth says, where it says one thing."""
        expected = {each.message_id: each.disposition for each in self.truth if each.message_id and each.disposition}
        rows = self._system.query(
            "select message_id, disposition from disposition where attempt = 1 and message_id like $1",
            f"%-{self._base:%Y%m%d}-{self.seed}-%",
        )
        found: dict[str, set[str]] = {}
        for row in rows:
            found.setdefault(row["message_id"], set()).add(row["disposition"])
        return [
            f"{message_id}: {sorted(found.get(message_id, ()))} instead of {disposition}"
            for message_id, disposition in expected.items()
            if disposition not in found.get(message_id, ())
        ]


class Posts:
    """Small files that are posted one after the other, each again with its key until it is answered with 202."""

    def __init__(self, system: System, *, seed: int) -> None:
        self.accepted: list[str] = []
        self._system = system
        self._seed = seed

    @property
    def records(self) -> int:
        """How many records were acknowledged."""
        return len(self.accepted) * _POST_RECORDS

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Post while the block runs; behind it the last file is brought home."""
        enough = threading.Event()
        with ThreadPoolExecutor(1) as thread:
            posting = thread.submit(self._post_all, enough)
            try:
                yield
            finally:
                enough.set()
            posting.result()

    def _post_all(self, enough: threading.Event) -> None:
        key = Path(self._system.endpoints["keys"]["commerce"]).read_text("utf-8").strip()
        number = 0
        with httpx.Client(headers={"authorization": f"Bearer {key}"}, timeout=5) as client:
            while not enough.wait(_POST_EVERY_SECONDS):
                number += 1
                self._post(client, f"post-{self._seed}-{number}", number)

    def _post(self, client: httpx.Client, key: str, number: int) -> None:
        lines = b"\n".join(self._line(number, row) for row in range(_POST_RECORDS))
        headers = {"idempotency-key": key, "content-type": "application/x-ndjson"}
        deadline = time.monotonic() + _POST_PATIENCE_SECONDS
        while True:
            try:
                url = f"{self._system.endpoints['http']}/v1/submissions?office=commerce"
                answer = client.post(url, content=lines, headers=headers)
                if answer.status_code == 202:
                    self.accepted.append(answer.json()["submission_id"])
                    return
                assert answer.status_code == 503, answer.text
            except httpx.TransportError:
                pass
            assert time.monotonic() < deadline, f"{key} was never accepted"
            time.sleep(0.2)

    def _line(self, number: int, row: int) -> bytes:
        place = f"{self._seed}-{number}-{row}"
        subject = "".join(Random(place).choices(ALPHABET, k=8))
        record = {"uscc": code(subject=subject), "name": f"沈阳{place}有限公司", "approved_on": "2026-11-20"}
        envelope = {"schema": "submission/1", "operation": "assign", "occurred_at": "2026-11-20T09:00:00+08:00"}
        return orjson.dumps(envelope | {"record": record})

    def undone(self) -> list[str]:
        """Return the accepted submissions that are not done, or whose records were not all accepted."""
        key = Path(self._system.endpoints["keys"]["commerce"]).read_text("utf-8").strip()
        deadline = time.monotonic() + 10
        undone: list[str] = []
        with httpx.Client(
            headers={"authorization": f"Bearer {key}"}, base_url=self._system.endpoints["http"]
        ) as client:
            for submission in self.accepted:
                while True:
                    found = client.get(f"/v1/submissions/{submission}").json()
                    if found["state"] == "done" or time.monotonic() > deadline:
                        break
                    time.sleep(0.2)
                if (found["state"], found["counts"]["accepted"]) != ("done", _POST_RECORDS):
                    undone.append(f"{submission}: {found}")
        return undone
