"""Conflicts at random, and clerks who settle them at random, while processes die: by message, by the API, by file.

Everything turns round few codes and few names, so that hardly a record is without a conflict: codes that share a
subject identification code, a code whose complement was left out, one of the private zone. Keys are random, so that
the partitions bring the records in any order.
"""

from __future__ import annotations

import csv
import io
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, NamedTuple

import asyncpg
import httpx
import orjson
from confluent_kafka import Producer

from service.librdkafka import configuration
from sync.topics import submissions_topic
from tests.faults.system import System
from tests.messages import code
from validators.check_character import mod31_without_complement

_NAMES = ("沈阳一号有限公司", "大连二号有限公司", "鞍山三号有限公司")
_OPERATIONS = ("assign",) * 5 + ("change",) * 3 + ("cancel", "restore", "revoke", "withdraw", "keep")
_SETTLEMENTS = ("withdraw",) * 3 + ("keep",) * 3 + ("assign",) * 2
_FLAGS = {"assign": "0", "withdraw": "1", "keep": "2"}
_NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)
_REPEATED = 0.1
_FOREIGN = 0.1
_AWAY = (httpx.TransportError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)
_MOST_ROUNDS = 400
_LEAST = 10
_PATIENCE_SECONDS = 40.0


class Claim(NamedTuple):
    """One member of a case that a clerk may settle."""

    case_id: str
    status: str
    receipt_id: str
    uscc: str
    name: str
    role: str


class Dispute:
    """One dispute: its seed names it in every message id and every code."""

    def __init__(self, system: System, *, records: int, seed: int, seconds: float) -> None:
        self.records = records
        self.seed = seed
        self._system = system
        self._seconds = seconds
        subjects = [f"T{seed % 1000:03}{number:04}" for number in range(4)]
        self.codes = [code(prefix, subject) for subject in subjects for prefix in ("91210100", "91210200")]
        body = next(each[:17] for each in self.codes if mod31_without_complement(each[:17]) != each[17])
        self.codes += [body + mod31_without_complement(body), code(subject=f"PDY{seed % 90000 + 1:05}")]

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Produce the records at an even pace while the block runs."""
        with ThreadPoolExecutor(1) as thread:
            produced = thread.submit(self._produce)
            yield
            produced.result()

    def _produce(self) -> None:
        random = Random(self.seed)
        producer = Producer(configuration(self._system.kafka) | {"acks": "all"})
        sent: list[tuple[str, bytes]] = []
        for number in range(self.records):
            office, body = self._record(random, number)
            if sent and random.random() < _REPEATED:
                office, body = random.choice(sent)
            sent.append((office, body))
            producer.produce(submissions_topic(office), body, key=str(random.randrange(100)))
            producer.poll(0)
            time.sleep(self._seconds / self.records)
        assert 0 == producer.flush(30)

    def _record(self, random: Random, number: int) -> tuple[str, bytes]:
        operation = random.choice(_OPERATIONS)
        foreign = operation != "assign" and random.random() < _FOREIGN
        at = _NOON + timedelta(minutes=random.randrange(40))
        record = {"uscc": random.choice(self.codes), "name": random.choice(_NAMES), "approved_on": "2026-11-20"}
        if random.random() < 0.3:
            record["established_on"] = f"2026-11-{random.randrange(1, 20):02}"
        message = {
            "schema": "submission/1",
            "message_id": f"DSP-{self.seed}-{number}",
            "operation": operation,
            "occurred_at": at.isoformat(),
            "record": record,
        }
        return "civil-affairs" if foreign else "commerce", orjson.dumps(message)

    # --- looks --------------------------------------------------------------------------------------------------

    def claims(self) -> list[Claim]:
        """Return whoever has a claim in a case of this dispute that is not resolved."""
        rows = self._system.query(
            "select c.case_id, c.status, m.receipt_id, m.uscc, m.name, m.role from code_case c join case_member m "
            "using (case_id) where c.status <> 'resolved' and m.ended_at is null and m.role <> 'proposed' "
            "and c.uscc = any($1) order by c.opened_at, c.case_id, m.role <> 'held', m.place",
            self.codes,
        )
        return [Claim(*row) for row in rows]

    def dispositions(self) -> Counter[str]:
        """Return how the records of this dispute were first decided."""
        rows = self._system.query(
            "select disposition, count(*) as n from disposition where attempt = 1 and message_id like $1 group by 1",
            f"DSP-{self.seed}-%",
        )
        return Counter({row["disposition"]: row["n"] for row in rows})

    def unanswered(self) -> list[str]:
        """Return the records whose last return still says that they are held."""
        rows = self._system.query(
            "select distinct on (receipt_id) message_id, disposition from disposition where message_id like $1 "
            "order by receipt_id, attempt desc",
            f"DSP-{self.seed}-%",
        )
        return [row["message_id"] for row in rows if row["disposition"] == "held"]


class Clerks:
    """Two persons of the centre: one proposes, either approves what the other proposed.

    `acknowledged` is every resolution that was answered with 200 or 202: case, operation and member.
    """

    def __init__(self, system: System, dispute: Dispute) -> None:
        self.acknowledged: list[tuple[str, str, str]] = []
        self.answers: Counter[str] = Counter()
        self._system = system
        self._dispute = dispute
        self._random = Random(-dispute.seed)
        self._new_codes = 0
        self._keys = [self._person(name) for name in (f"zhang-{dispute.seed}", f"li-{dispute.seed}")]

    def _person(self, name: str) -> str:
        made = self._system.uscc("clients", "create", name, "--scopes", "cases", "--person")
        assert made.returncode == 0, made.stderr
        return made.stdout.strip()

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Settle at random while the block runs."""
        enough = threading.Event()
        with ThreadPoolExecutor(1) as thread:
            working = thread.submit(self._work, enough)
            try:
                yield
            finally:
                enough.set()
            working.result()

    def _work(self, enough: threading.Event) -> None:
        """Settle until told to stop, and on a slow machine until some are settled."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not enough.wait(0.05) or (len(self.acknowledged) < _LEAST and time.monotonic() < deadline):
            try:
                claims = self._dispute.claims()
                if claims:
                    self._settle_one(claims)
            except _AWAY:
                self.answers["away"] += 1
                time.sleep(0.3)

    def _settle_one(self, claims: list[Claim]) -> None:
        random = self._random
        claim = random.choice(claims)
        if claim.status == "awaiting_approval":
            self.approve(claim.case_id, key=random.choice(self._keys), word=random.random() < 0.8)
        elif random.random() < 0.25:
            self._file(random.sample(claims, min(len(claims), 4)), random.choice(("rows", "all")))
        else:
            self.settle(claim, random.choice(_SETTLEMENTS), key=random.choice(self._keys))

    def settle(self, claim: Claim, operation: str, *, key: str | None = None) -> int:
        """Settle one claim by the API; return the status of the answer."""
        wanted: dict[str, Any] = {"operation": operation, "receipt_id": claim.receipt_id, "reason": "核实"}
        if operation == "assign":
            wanted["new_uscc"] = self._new_code()
        answer = self._post(f"/v1/cases/{claim.case_id}/resolutions", key or self._keys[0], json=wanted)
        if answer.status_code in (200, 202):
            self.acknowledged.append((claim.case_id, operation, claim.receipt_id))
        return answer.status_code

    def approve(self, case_id: str, *, key: str, word: bool = True) -> int:
        """Approve or refuse what waits in a case; return the status of the answer."""
        return self._post(f"/v1/cases/{case_id}/approvals", key, json={"approve": word}).status_code

    def approve_by_either(self, case_id: str) -> None:
        """Approve what waits in a case, by the one of the two who did not propose it."""
        if 200 not in [self.approve(case_id, key=key) for key in self._keys]:
            # The registry has moved on since it was proposed: it can only be refused.
            for key in self._keys:
                self.approve(case_id, key=key, word=False)

    def _file(self, claims: list[Claim], mode: str) -> None:
        form = io.StringIO()
        rows = csv.writer(form)
        rows.writerow(("统一社会信用代码", "机构名称", "数据操作标识位", "新统一社会信用代码", "原因"))
        for claim in claims:
            operation = self._random.choice(_SETTLEMENTS)
            new = self._new_code() if operation == "assign" else ""
            rows.writerow((claim.uscc, claim.name, _FLAGS[operation], new, f"核实，记录 {claim.receipt_id}"))
        headers = {"content-type": "text/csv; charset=utf-8"}
        self._post(
            f"/v1/cases/resolutions?mode={mode}", self._keys[0], content=form.getvalue().encode(), headers=headers
        )

    def _new_code(self) -> str:
        self._new_codes += 1
        return code(subject=f"U{self._dispute.seed % 1000:03}{self._new_codes:04}")

    def _post(self, path: str, key: str, *, headers: dict[str, str] | None = None, **content: Any) -> httpx.Response:
        answer = httpx.post(
            self._system.endpoints["http"] + path,
            headers={"authorization": f"Bearer {key}"} | (headers or {}),
            timeout=20,
            **content,
        )
        kind = "file" if headers else path.rpartition("/")[2]
        self.answers[f"{kind} {answer.status_code}"] += 1
        assert answer.status_code in (200, 202, 403, 409, 422, 503), f"{path}: {answer.status_code} {answer.text}"
        return answer

    def settle_all(self) -> None:
        """Settle what is left, the oldest case first: every claim is given up until none contradicts another."""
        for _ in range(_MOST_ROUNDS):
            claims = self._dispute.claims()
            if not claims:
                return
            claim = claims[0]
            if claim.status == "awaiting_approval":
                self.approve_by_either(claim.case_id)
            elif self.settle(claim, "withdraw") not in (200, 202):
                self.settle(claim, "keep")
        raise AssertionError(f"cases that never end: {self._dispute.claims()}")

    def lost(self) -> list[tuple[str, str, str]]:
        """Return the acknowledged resolutions of which the registry knows nothing."""
        rows = self._system.query("select case_id, operation, member_receipt from case_resolution")
        return sorted(set(self.acknowledged) - {tuple(row) for row in rows})
