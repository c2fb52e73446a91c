"""The bodies of codes, registrations and look-ups as OpenAPI shows them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import Field

from service.api.models import Body, Finding, Localized, Page

_Item = TypeVar("_Item")


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
