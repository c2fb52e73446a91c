"""Says what production would decide: the same rules over the same registry, and nothing is written.

The registry is read as it stands at one instant, without the writer's lock: what others send at the same time may
decide otherwise by the time the records come in earnest.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import IO

from service.submission_files.spool import RowSpool
from sync.encoding import encode_return
from sync.facts import Facts, Rulings
from sync.mappings import OfficeMapping
from sync.records import Incoming, Source, Submission
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


async def judge_rows(
    pool: Pool, judging: Judging, office: str, headers: Mapping[str, bytes], rows: RowSpool
) -> IO[bytes]:
    """Return a temporary file with one return/1 for each row, in order, joined by commas.

    `headers` go beside every record, as on the topic.

    Raises:
        Retryable: the database does not answer.
    """
    now = datetime.now(UTC)
    submissions = await asyncio.to_thread(_decode, judging, office, headers, rows, now)
    async with frozen(pool, INGEST) as connection:
        facts = await read_facts(connection, office, submissions, judging.decode)
    return await asyncio.to_thread(_judge, judging, facts, submissions, now)


def _decode(
    judging: Judging, office: str, headers: Mapping[str, bytes], rows: RowSpool, now: datetime
) -> list[Submission]:
    """Decode rows as if they had just come from the office's topic; their bytes are not kept: nothing reads them."""
    topic = submissions_topic(office)
    submissions = []
    for chunk in rows.slices():
        for row in chunk:
            incoming = Incoming(
                source=Source(topic, _NOWHERE, row.number),
                received_at=now,
                body=row.body,
                headers={**headers, "ce_id": row.ce_id.encode()},
            )
            submission = judging.decode(incoming, office)
            submission.incoming = replace(incoming, body=b"", headers={})
            submissions.append(submission)
    return submissions


def _judge(judging: Judging, facts: Facts, submissions: list[Submission], now: datetime) -> IO[bytes]:
    """Decide one record after the other, write its return, and let go of what would have been written."""
    judge = Judge(facts, rulings=judging.rulings, ruleset=judging.ruleset, now=now)
    own = {submission.receipt_id for submission in submissions}
    opened: set[str] = set()
    submissions.reverse()
    answers = tempfile.TemporaryFile(prefix="uscc-dry-run-")  # noqa: SIM115 — it goes with the answer that it becomes
    while submissions:
        submission = submissions.pop()
        judge.decide(submission)
        decision = next(each for each in judge.outcome.decisions if each.submission is submission)
        opened.update(case.case_id for case in judge.outcome.cases_opened)
        # Receipts and cases that only this run knows are nobody's to look up.
        if decision.duplicate_of in own:
            decision.duplicate_of = None
        if decision.case_id in opened:
            decision.case_id = None
        answers.write(encode_return(decision, sequence=None, decided_at=now, ruleset=judging.ruleset.version))
        if submissions:
            answers.write(b",")
        for part in fields(judge.outcome):
            getattr(judge.outcome, part.name).clear()
    answers.seek(0)
    return answers
