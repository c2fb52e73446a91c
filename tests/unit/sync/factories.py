"""Submissions as the decoder gives them, for tests of the judgement alone."""

from __future__ import annotations

import hashlib
import itertools
from datetime import UTC, date, datetime, timedelta

from sync.facts import Facts, Rulings
from sync.outcome import Outcome
from sync.records import Incoming, OrderKey, Source, Submission, receipt_id
from sync.rules import Judge
from validators.findings import Operation
from validators.record import name_key
from validators.rulebook import default_ruleset

CODE = "91210100MA00004960"
NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)
RULINGS = Rulings(
    homes={"9": "commerce", "5": "civil-affairs", "1": "establishment"}, due_on=lambda _now: date(2026, 12, 4)
)
_offsets = itertools.count()


def submission(
    operation: str = "assign",
    *,
    at: int = 0,
    name: str | None = "沈阳一号有限公司",
    uscc: str = CODE,
    office: str = "commerce",
    message_id: str | None = None,
    content: str | None = None,
    receipt_ref: str | None = None,
    transfer: str | None = None,
    **record: str,
) -> Submission:
    """Make the submission of one record that occurred `at` seconds after noon."""
    source = Source(f"uscc.submissions.{office}", 0, next(_offsets))
    occurred_at = NOON + timedelta(seconds=at)
    message_id = message_id or f"M-{source.offset:09d}"
    members = {"uscc": uscc, "name": name, **record}
    return Submission(
        incoming=Incoming(source=source, received_at=NOON, body=b"{}"),
        receipt_id=receipt_id(source, NOON),
        office=office,
        content_sha256=b"",
        content_digest=hashlib.sha256((content or message_id).encode()).digest(),
        message_id=message_id,
        operation=Operation(operation),
        uscc=uscc,
        name=name,
        name_key=name_key(name) if name else "",
        record={key: value for key, value in members.items() if value is not None},
        key=OrderKey(int(occurred_at.timestamp() * 1_000_000), occurred_at, message_id),
        receipt_ref=receipt_ref,
        transfer=transfer,
    )


def judge(*submissions: Submission, facts: Facts | None = None) -> Outcome:
    """Decide submissions in order over a registry that is empty, or is as `facts` says."""
    decider = Judge(facts or Facts(), rulings=RULINGS, ruleset=default_ruleset(), now=NOON)
    return decider.decide_all(submissions)


def told(outcome: Outcome) -> list[str]:
    """Return each decision as `disposition rule,rule`."""
    return [
        " ".join((str(d.disposition), ",".join(sorted({f.rule for f in d.findings})))).strip()
        for d in outcome.decisions
    ]
