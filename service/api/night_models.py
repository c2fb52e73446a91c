"""The bodies of statements, comparisons and figures as OpenAPI shows them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from service.api.models import Body

Count = Annotated[int, Field(ge=0)]


class HoldsBody(Body):
    """Records that wait in cases; closing is the next day's opening."""

    opening: int
    new: int
    resolved: int
    closing: int


class BatchBody(Body):
    """One batch: declared null where nobody declared it."""

    batch_id: str
    declared: int | None
    received: int
    not_received: int | None
    received_to_date: int
    extra: int | None
    altered: int
    state: Literal["complete", "short", "extra", "undeclared"]


class PendingBody(Body):
    """What is younger than the register or not decided yet, on each side; null until the comparison is done."""

    office: int | None
    registry: int | None


class ComparisonSummary(Body):
    """What a comparison came to."""

    comparison_id: str
    office_total: int
    registry_total: int
    equal: int
    different: int
    missing_here: int
    missing_there: int
    pending: PendingBody


class StatementBody(Body):
    """statement/1: counts are first dispositions; the digest is of everything but itself and sealed_at."""

    schema_: Annotated[Literal["statement/1"], Field(alias="schema")]
    date: date
    office: str
    begins_at: datetime
    ends_at: datetime
    received: Count
    accepted: Count
    unchanged: Count
    superseded: Count
    rejected: Count
    held: Count
    quarantined: Count
    holds: HoldsBody
    batches: list[BatchBody]
    silent: bool
    comparison: ComparisonSummary | None
    balanced: bool
    sealed_at: datetime | None
    digest: str


class ComparisonAccepted(Body):
    """The register was stored and waits for its turn."""

    comparison_id: str
    state: Literal["running"]


class ComparisonBody(Body):
    """A comparison; the figures are null until it is done, `problem` says why it failed."""

    comparison_id: str
    office: str
    date: date
    state: Literal["running", "done", "failed"]
    problem: dict[str, Any] | None
    office_total: int | None
    registry_total: int | None
    equal: int | None
    different: int | None
    missing_here: int | None
    missing_there: int | None
    pending: PendingBody
    format: str
    forced: bool
    columns: list[str] | None
    handed_in_at: datetime
    finished_at: datetime | None


class SidesBody(Body):
    """One member on both sides; null where it is absent. Personal values are masked."""

    office: str | None
    registry: str | None


class ComparisonItem(Body):
    """One code that is not equal, for how many nights, and since when."""

    kind: Literal["different", "missing_here", "missing_there", "pending"]
    uscc: str
    fields: dict[str, SidesBody]
    receipt_id: str | None
    nights: int
    since: date


class DigestBody(Body):
    """Codes that begin with `prefix`: how many, sum (modulo 2^64) and xor of their hashes, as 16 hexadecimal digits."""

    prefix: str
    count: int
    sum: str
    xor: str


class DigestsBody(Body):
    """Digests of the registry at a sequence of the feed of changes."""

    sequence: int
    recorded_at: datetime | None
    hash: str
    items: list[DigestBody]


class CompletenessBody(Body):
    """Of the fields asked for, the share that is there."""

    fields_required: int
    fields_missing: int
    share: float | None


class DaysBody(Body):
    """Calendar days from approval to arrival."""

    p50: int | None
    p90: int | None
    p99: int | None


class TimelinessBody(Body):
    """Of the records with a date of approval, the share within the limit."""

    records: int
    late: int
    within_limit: float | None
    days: DaysBody


class AccuracyBody(Body):
    """Rejected, held and quarantined records; of these, those with a wrong or repeated code (重错码)."""

    unqualified: int
    unqualified_rate: float | None
    wrong_codes: int
    wrong_code_rate: float | None


class ConversionBody(Body):
    """Organizations from before the unified code, and those of them that have one."""

    stock: int
    converted: int
    share: float | None


class CasesBody(Body):
    """Cases at the day's end."""

    open: int
    overdue: int


class QualityBody(Body):
    """The figures of an office, division and day; division null is the whole office."""

    date: date
    office: str
    division: str | None
    received: int
    accepted: int
    unchanged: int
    superseded: int
    rejected: int
    held: int
    quarantined: int
    completeness: CompletenessBody
    timeliness: TimelinessBody
    accuracy: AccuracyBody
    conversion: ConversionBody
    cases: CasesBody
