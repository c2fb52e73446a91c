"""The bodies of what goes in and comes out: submissions, batches, returns, changes, snapshots."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from service.api.models import Body, Finding, IsoDate


class Place(Body):
    """Where a record lies in Kafka."""

    topic: str
    partition: int
    offset: int


class Return(Body):
    """return/1."""

    schema_: Annotated[Literal["return/1"], Field(alias="schema")]
    receipt_id: str
    attempt: int
    sequence: int
    office: str
    message_id: str | None
    batch_id: str | None
    source: Place
    content_sha256: str
    operation: str | None
    uscc: str | None
    disposition: Literal["accepted", "unchanged", "superseded", "rejected", "held", "quarantined"]
    findings: list[Finding]
    registration_version: int | None
    duplicate_of: str | None
    case_id: str | None
    received_at: datetime
    decided_at: datetime
    ruleset: str


class DryRunReturn(Return):
    """return/1 of a dry run: nothing was stored, so there is no receipt, no sequence and no source."""

    receipt_id: None  # type: ignore[assignment]  # the one difference
    sequence: None  # type: ignore[assignment]
    source: None  # type: ignore[assignment]


class DryRun(Body):
    """What production would decide, record by record."""

    items: list[DryRunReturn]


class Submission(Body):
    """What was stored; it is on its way to the topic."""

    submission_id: str
    records: int


class SubmissionCounts(Body):
    """First dispositions."""

    accepted: int
    unchanged: int
    superseded: int
    rejected: int
    held: int
    quarantined: int


class SubmissionProgress(Body):
    """How far a submission is; `by_rule` counts records with a finding of that rule."""

    submission_id: str
    office: str
    state: Literal["accepted", "producing", "deciding", "done"]
    records: int
    produced: int
    decided: int
    counts: SubmissionCounts
    by_rule: dict[str, int]
    accepted_at: datetime
    done_at: datetime | None


class BatchDeclarationRequest(Body):
    """How many records an office says it sent under a batch id, and for which business day."""

    records: Annotated[int, Field(ge=0, le=2_147_483_647)]
    date: IsoDate


class BatchDeclaration(Body):
    """A declared batch."""

    office: str
    batch_id: str
    records: int
    date: date
    declared_at: datetime


class AcknowledgementRequest(Body):
    """How far the office has read: a cursor of GET /v1/returns."""

    through: Annotated[str, Field(max_length=19)]


class Acknowledgement(Body):
    """How far the office has read, the cursor of its last return, and how many returns lie between."""

    through: str
    tip: str
    lag: int


class Change(Body):
    """change/1; a restricted one has no member after `restricted`."""

    model_config = ConfigDict(extra="allow")

    schema_: Annotated[Literal["change/1"], Field(alias="schema")]
    sequence: int
    uscc: str
    version: int
    kind: str


class SnapshotFile(Body):
    """One file of a snapshot; `sha256` is hexadecimal."""

    name: str
    format: Literal["parquet", "ndjson.gz", "csv.gz"]
    bytes: int
    sha256: str


class Snapshot(Body):
    """The whole registry as it stood at change `sequence`; `recorded_at` is that change's, null before the first."""

    snapshot_id: str
    sequence: int
    recorded_at: datetime | None
    rows: int
    files: list[SnapshotFile]
    sealed_at: datetime


class ChangesTip(Body):
    """The end of the feed; 0 and null before the first change."""

    sequence: int
    recorded_at: datetime | None
