"""The bodies of the API as OpenAPI shows them. Answers are assembled elsewhere; tests hold them against these.

The four message formats (registration/1, return/1, change/1) have their JSON Schemas in deploy/kafka/schemas/.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

_Item = TypeVar("_Item")


def _iso_date(value: str) -> str:
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise PydanticCustomError("not_an_instant", "no ISO date") from None
    if day.isoformat() != value:
        raise PydanticCustomError("not_an_instant", "no ISO date")
    return value


IsoDate = Annotated[str, Field(json_schema_extra={"format": "date"}), AfterValidator(_iso_date)]


class Body(BaseModel):
    """The base of every body: unknown members are refused."""

    model_config = ConfigDict(extra="forbid")


class Localized(Body):
    """One text in both languages."""

    zh: str
    en: str


class Page(Body, Generic[_Item]):
    """A page of a list; `next` is the cursor for `after`, null behind the last page."""

    items: list[_Item]
    next: str | None


class FeedPage(Body, Generic[_Item]):
    """A page of a feed; `next` is the cursor behind the last item examined, filters included, and never null."""

    items: list[_Item]
    next: str


class Finding(Body):
    """What a rule has to say."""

    rule: str
    problem_class: Annotated[int, Field(alias="class")]
    severity: Literal["error", "hold", "warning", "info"]
    field: str | None
    position: int | None
    expected: str | None
    actual: str | None
    suggestions: list[str]
    message: Localized
    explanation: Localized | None = None


class Component(Body):
    """One part of a code."""

    value: str | None
    title: Localized | None
    known: bool


class Components(Body):
    """The five parts of a code."""

    registration_authority_code: Component
    organization_category_code: Component
    division_code: Component
    subject_identification_code: Component
    check_character: Component


class Validation(Body):
    """The verdict on one code. `claimed` is null where the item was no text."""

    claimed: str | None
    normalized: str | None
    verdict: Literal["valid", "repairable", "invalid", "nonconforming_issued"]
    components: Components
    findings: list[Finding]
    suggestions: list[str]


class Validations(Body):
    """The verdicts, in the order of the request."""

    items: list[Validation]


class ValidationRequest(Body):
    """Codes to validate; `explain` adds to each finding what its rule is about."""

    codes: Annotated[list[Any], Field(max_length=10_000)]
    explain: bool = False


class LegacyNumber(Body):
    """A number from before the unified code."""

    kind: str
    number: str


class SourceOfRegistration(Body):
    """The record that shaped the state."""

    receipt_id: str


class Registration(Body):
    """registration/1."""

    schema_: Annotated[Literal["registration/1"], Field(alias="schema")]
    uscc: str
    version: int
    status: Literal["normal", "cancelled", "revoked"]
    standing: str
    office: str
    record: dict[str, str]
    valid_from: datetime
    recorded_at: datetime
    predecessor_uscc: str | None
    successor_uscc: str | None
    legacy_numbers: list[LegacyNumber]
    open_case: str | None
    source: SourceOfRegistration


class HistoricRegistration(Registration):
    """registration/1 as one record left it; `superseded`: it was older on arrival."""

    superseded: bool
    kind: str


class FoundRegistration(Registration):
    """registration/1, how well it matches (1: exactly), and how each criterion matches.

    `matched` is "exact" or "prefix", of a name also "substring" or "typo".
    """

    score: float
    matched: dict[str, Literal["exact", "prefix", "substring", "typo"]]


class SearchPage(Page[_Item], Generic[_Item]):
    """A page of matches; `capped`: there are more than are ranked, the others follow unranked."""

    capped: bool


class LookupRequest(Body):
    """Codes to look up."""

    codes: Annotated[list[Any], Field(max_length=10_000)]


class LookupItem(Body):
    """The answer for one code."""

    code: str | None
    normalized: str | None
    result: Literal["found", "not_registered", "withdrawn", "malformed"]
    registration: Registration | None


class Lookup(Body):
    """The answers, in the order of the request."""

    items: list[LookupItem]


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


class ProblemClass(Body):
    """One of the five classes (大类) that provinces report."""

    problem_class: Annotated[int, Field(alias="class")]
    title: Localized


class RuleSeverity(Body):
    """One line of the severity table; null matches everything, and severity null switches the rule off."""

    circumstance: str | None
    operation: str | None
    office: str | None
    load: str | None
    severity: str | None


class Rule(Body):
    """One rule of the rulebook."""

    rule: str
    problem_class: Annotated[int, Field(alias="class")]
    title: Localized
    explanation: Localized
    advice: Localized
    fields: list[str]
    source: str
    example: str


class Rules(Body):
    """The rulebook; `edition` is the ruleset's version."""

    edition: str
    classes: list[ProblemClass]
    items: list[Rule]


class AuthorityCategory(Body):
    """One category of an authority; `listed`: it is in use but not in the standard."""

    organization_category_code: str
    title: Localized
    listed: bool


class Authority(Body):
    """One registration authority with its categories."""

    registration_authority_code: str
    title: Localized
    categories: list[AuthorityCategory]


class AuthorityTable(Body):
    """The published table of registration authorities."""

    edition: str
    items: list[Authority]


class Division(Body):
    """One division; years and force are null where no source knows them."""

    code: str
    title: Localized
    in_force: bool | None
    edition: str


class CaseMember(Body):
    """One record in a case."""

    receipt_id: str
    office: str
    uscc: str
    name: str
    role: Literal["holder", "held", "claimed"]
    joined_at: datetime
    ended_at: datetime | None


class CaseResolution(Body):
    """What was done or proposed about a case; `receipt_id` names the member."""

    resolution_id: str
    operation: Literal["keep", "withdraw", "assign"]
    receipt_id: str
    new_uscc: str | None
    successor_uscc: str | None
    reason: str | None
    via: str
    status: Literal["awaiting_approval", "done", "refused"]
    proposed_by: str
    proposed_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    approval_reason: str | None


class Case(Body):
    """A conflict (重错码) that must be settled; `due_at` is the end of the last day for it."""

    case_id: str
    rule: str
    uscc: str
    status: Literal["open", "awaiting_approval", "resolved"]
    opened_at: datetime
    due_at: datetime
    due_on: date
    overdue: bool
    resolved_at: datetime | None
    offices: list[str]
    suggested_operation: str
    reason: str
    members: list[CaseMember]
    resolutions: list[CaseResolution]


class FaultModel(Body):
    """One member at fault."""

    code: str
    pointer: str
    detail: str


class ProblemDocument(BaseModel):
    """RFC 9457."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    errors: list[FaultModel] | None = None


class ProblemTypeDocument(Body):
    """One type of problem."""

    type: str
    status: int
    title: Localized
    detail: Localized


class PartState(Body):
    """One part of the service: whether it is ready, and if not, why."""

    part: str
    ready: bool
    reason: Localized | None


class Readiness(Body):
    """Whether the service is ready, part by part."""

    ready: bool
    parts: list[PartState]
