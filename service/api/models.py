"""The bodies of the API as OpenAPI shows them. Answers are assembled elsewhere; tests hold them against these.

The four message formats (registration/1, return/1, change/1) have their JSON Schemas in deploy/kafka/schemas/.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Generic, Literal, TypeVar

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
