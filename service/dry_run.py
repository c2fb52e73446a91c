"""Says what production would decide: the same rules over the same registry, and nothing is written.

The registry is read as it stands at one instant, without the writer's lock: what others send at the same time may
decide otherwise by the time the records come in earnest.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO

from service.submission_files.spool import RowSpool
from sync.encoding import encode_return
from sync.facts import Facts, Rulings
from sync.mappings import OfficeMapping
from sync.records import Decision, Incoming, Source, Submission
from sync.rules import Judge
from sync.store.connection import INGEST, Pool, frozen
from sync.store.facts import Decode, read_facts
from sync.topics import submissions_topic
from validators.rulebook import Ruleset

# No partition has this number, so no receipt made of it can be one that was given out.
_NOWHERE = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """What records are judged with; `mappings` are those of every office by office and name."""

    decode: Decode
    rulings: Rulings
    ruleset: Ruleset
    mappings: Mapping[tuple[str, str], OfficeMapping]


async def judge_rows(pool: Pool, judging: Judging, office: str, mapping: str | None, rows: RowSpool) -> IO[bytes]:
    """Return a temporary file with one return/1 for each row, in order, joined by commas.

    Raises:
        Retryable: the database does not answer.
    """
    now = datetime.now(UTC)
    submissions = await asyncio.to_thread(_decode, judging, office, mapping, rows, now)
    async with frozen(pool, INGEST) as connection:
        facts = await read_facts(connection, office, submissions, judging.decode)
    return await asyncio.to_thread(_judge, judging, facts, submissions, now)


def _decode(judging: Judging, office: str, mapping: str | None, rows: RowSpool, now: datetime) -> list[Submission]:
    """Decode rows as if they had just come from the office's topic."""
    topic = submissions_topic(office)
    headers = {} if mapping is None else {"mapping": mapping.encode()}
    return [
        judging.decode(
            Incoming(
                source=Source(topic, _NOWHERE, row.number),
                received_at=now,
                body=row.body,
                headers=headers | {"ce_id": row.ce_id.encode()},
            ),
            office,
        )
        for chunk in rows.slices()
        for row in chunk
    ]


def _judge(judging: Judging, facts: Facts, submissions: list[Submission], now: datetime) -> IO[bytes]:
    judge = Judge(facts, rulings=judging.rulings, ruleset=judging.ruleset, now=now)
    outcome = judge.decide_all(submissions)
    own = {submission.receipt_id for submission in submissions}
    opened = {case.case_id for case in outcome.cases_opened}
    first = {decision.submission.receipt_id: decision for decision in outcome.decisions if decision.attempt == 1}
    answers = tempfile.TemporaryFile(prefix="uscc-dry-run-")  # noqa: SIM115 — it goes with the answer that it becomes
    for text in _encoded(first, submissions, own, opened, now, judging.ruleset.version):
        answers.write(text)
    answers.seek(0)
    return answers


def _encoded(
    decisions: Mapping[str, Decision],
    submissions: list[Submission],
    own: set[str],
    opened: set[str],
    now: datetime,
    ruleset: str,
) -> Iterator[bytes]:
    separator = b""
    for submission in submissions:
        decision = decisions[submission.receipt_id]
        # Receipts and cases that only this run knows are nobody's to look up.
        if decision.duplicate_of in own:
            decision.duplicate_of = None
        if decision.case_id in opened:
            decision.case_id = None
        yield separator + encode_return(decision, sequence=None, decided_at=now, ruleset=ruleset)
        separator = b","
