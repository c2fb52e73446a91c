"""Search: registrations by name, old number, subject code, division, office and status."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple

from fastapi import FastAPI, Query, Response
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from service.api.bodies import answer
from service.api.look_ups import registration_of
from service.api.parameters import Instant, Limit, Parameters, PlainText, instant_or_none
from service.api.registration_models import FoundRegistration, SearchPage
from service.api.registrations import personal_permitted
from service.auth.bearers import demand_known_office
from service.auth.policy import requires
from service.deps import BearerDep, ContextDep, ResourcesDep
from service.problems import Fault, invalid
from service.resources import Resources
from sync.searching import SHORTEST, RankedPlace, TailPlace
from sync.store import searches
from sync.store.connection import ReadConn, reading
from sync.store.registrations import look_up
from sync.store.searches import Filters
from validators import organization_code, tax_number
from validators.names import name_key
from validators.normalization import normalize

# How many holders a page looks at, at most, where only division, office and status are asked for.
WALKED = 10_000
WALK_STEP = 1_000
_MOST_CODES = 1_000
_BLANK = re.compile(r"\s")


def _name(value: str) -> str:
    """Let any blank pass, also those of full width: a name is compared without them."""
    if not _BLANK.sub(" ", value).isprintable():
        raise PydanticCustomError("bad_text", "holds characters that are not allowed")
    return value


Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_name)]


class SearchParameters(Parameters):
    """What to search for; all that is given must hold."""

    name: Name | None = None
    legacy_number: PlainText | None = None
    subject_code: Annotated[PlainText | None, Field(max_length=20)] = None
    division: Annotated[
        str | None, Field(pattern=r"^(\d{2}|\d{4}|\d{6})$", description="six digits, or their beginning")
    ] = None
    office: PlainText | None = None
    status: Literal["normal", "cancelled", "revoked"] | None = None
    purpose: PlainText | None = None
    min_watermark: Instant | None = None
    limit: Limit = 100
    after: Annotated[str | None, Field(max_length=1200)] = None


class _Match(NamedTuple):
    uscc: str
    score: float
    name: str | None


class _Answer(NamedTuple):
    matches: list[_Match]
    following: list[object] | None
    capped: bool = False


def add_routes(app: FastAPI) -> None:
    """Add the endpoint."""
    app.add_api_route(
        "/v1/registrations",
        search_registrations,
        methods=["GET"],
        tags=["registrations"],
        response_model=SearchPage[FoundRegistration],
        summary="检索 · Search by name, old number, subject code, division, office, status",
    )


@requires("search")
async def search_registrations(
    parameters: Annotated[SearchParameters, Query()], resources: ResourcesDep, context: ContextDep, bearer: BearerDep
) -> Response:
    """Return registrations, the best matches first; a page may be short, the list ends where `next` is null."""
    context.extra_headers += ((b"x-watermark", resources.watermarks.header),)
    resources.limits.demand_misses(bearer)
    resources.watermarks.demand(instant_or_none(parameters.min_watermark))
    demand_known_office(parameters.office, resources.offices)
    filters = Filters(
        division=parameters.division or "",
        office=parameters.office,
        status=parameters.status,
        hidden="restricted" in bearer.scopes,
    )
    cursor = None if parameters.after is None else _cursor(parameters.after)
    async with reading(resources.searches) as connection:
        found = await _search(connection, resources, parameters, filters, cursor)
    codes = [match.uscc for match in found.matches]
    if not codes and found.following is None:
        resources.limits.count_misses(bearer, 1)
    personal = await personal_permitted(resources, context, bearer, parameters.purpose, codes)
    await resources.limits.demand_budget(bearer, codes)
    async with reading(resources.pool if personal else resources.reads) as connection:
        known = await look_up(connection, codes, personal=personal)
    how = _how(parameters)
    items = []
    for match in found.matches:
        view = known[match.uscc].view if match.uscc in known else None
        if view is None or not (known[match.uscc].is_public or filters.hidden):
            continue  # It was withdrawn or hidden between the two statements.
        matched = how | ({"name": match.name} if match.name is not None else {})
        items.append(registration_of(view) | {"score": match.score, "matched": matched})
    following = None if found.following is None else _encoded(found.following)
    return answer({"items": items, "next": following, "capped": found.capped})


def _how(parameters: SearchParameters) -> dict[str, str]:
    """Return what was asked for beside a name: each holds for every item."""
    how = {name: "exact" for name in ("legacy_number", "subject_code", "office", "status") if getattr(parameters, name)}
    if parameters.division is not None:
        how["division"] = "exact" if len(parameters.division) == 6 else "prefix"
    return how


async def _search(
    connection: ReadConn,
    resources: Resources,
    parameters: SearchParameters,
    filters: Filters,
    cursor: list[object] | None,
) -> _Answer:
    key = None if parameters.name is None else name_key(parameters.name)
    if key is not None and len(key) < SHORTEST:
        raise invalid(Fault("too-short", "#/name", str(SHORTEST)))
    codes = await _codes_of(connection, parameters)
    if codes is not None:
        return await _by_codes(connection, codes, key, filters, parameters.limit, cursor)
    if key is not None:
        behind = _name_place(cursor)
        page = await resources.name_search.search(connection, key, filters, parameters.limit, behind)
        matches = [_Match(hit.uscc, hit.score, hit.how) for hit in page.hits]
        return _Answer(matches, _name_cursor(page.following), page.capped)
    if parameters.division is None and parameters.office is None and parameters.status is None:
        raise invalid(Fault("incomplete", "#", "name, legacy_number, subject_code, division, office, status"))
    return await _walk(connection, filters, parameters.limit, cursor)


async def _codes_of(connection: ReadConn, parameters: SearchParameters) -> set[str] | None:
    """Return the codes that the numbers asked for lead to, None where no number is asked for."""
    codes: set[str] | None = None
    if parameters.legacy_number is not None:
        number = normalize(parameters.legacy_number)
        codes = await searches.codes_of_numbers(connection, list({number, organization_code.normalize(number)}))
        subjects = []
        if organization_code.is_valid(number):
            subjects.append(organization_code.normalize(number))
        if tax_number.is_valid(number):
            subjects.append(tax_number.normalize(number)[6:])
        codes |= await searches.codes_of_subjects(connection, subjects) if subjects else set()
    if parameters.subject_code is not None:
        subject = organization_code.normalize(parameters.subject_code)
        held = await searches.codes_of_subjects(connection, [subject])
        codes = held if codes is None else codes & held
    return codes


async def _by_codes(
    connection: ReadConn, codes: set[str], key: str | None, filters: Filters, limit: int, cursor: list[object] | None
) -> _Answer:
    behind = _texts(cursor, "c", 1)
    found = await searches.by_codes(connection, sorted(codes)[:_MOST_CODES], filters, _MOST_CODES)
    wanted = [
        each for each in found if (key is None or key in each.name_key) and (behind is None or each.uscc > behind[0])
    ]
    page = wanted[:limit]
    how = None if key is None else "substring"
    matches = [_Match(each.uscc, 1.0, "exact" if key == each.name_key else how) for each in page]
    return _Answer(matches, ["c", page[-1].uscc] if len(wanted) > limit else None)


async def _walk(connection: ReadConn, filters: Filters, limit: int, cursor: list[object] | None) -> _Answer:
    """Walk along division and code until the page is full, the walk long enough, or everybody seen."""
    behind = _texts(cursor, "w", 2) or ("", "")
    matches: list[_Match] = []
    walked = 0
    while walked < WALKED:
        some = await searches.walk(connection, (behind[0], behind[1]), filters, WALK_STEP)
        for each in some:
            if each.wanted:
                matches.append(_Match(each.uscc, 1.0, None))
            behind = (each.division_code, each.uscc)
            if len(matches) == limit:
                return _Answer(matches, ["w", *behind])
        walked += len(some)
        if len(some) < WALK_STEP:
            return _Answer(matches, None)
    return _Answer(matches, ["w", *behind])


# --- cursors -----------------------------------------------------------------------------------------------------


def _encoded(cursor: Sequence[object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(cursor, separators=(",", ":")).encode()).decode().rstrip("=")


def _cursor(text: str) -> list[object]:
    try:
        found = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise _bad_cursor() from None
    if not isinstance(found, list) or not found:
        raise _bad_cursor()
    for each in found:
        if not isinstance(each, (str, float, int)) or (isinstance(each, str) and not each.isprintable()):
            raise _bad_cursor()
    return found


def _bad_cursor() -> Exception:
    return invalid(Fault("bad-cursor", "#/after"))


def _texts(cursor: list[object] | None, kind: str, count: int) -> tuple[str, ...] | None:
    """Return the texts of a cursor of one kind; None where there is no cursor."""
    if cursor is None:
        return None
    texts = tuple(each for each in cursor[1:] if isinstance(each, str))
    if cursor[0] != kind or len(texts) != len(cursor) - 1 or len(texts) != count:
        raise _bad_cursor()
    return texts


def _name_cursor(place: RankedPlace | TailPlace | None) -> list[object] | None:
    if isinstance(place, RankedPlace):
        return ["r", place.score, place.uscc]
    if isinstance(place, TailPlace):
        return ["t", place.place, place.uscc, *(place.prefixed or ())]
    return None


def _name_place(cursor: list[object] | None) -> RankedPlace | TailPlace | None:
    match cursor:
        case None:
            return None
        case ["r", float() | int() as score, str() as uscc]:
            return RankedPlace(float(score), uscc)
        case ["t", str() as place, str() as uscc]:
            return TailPlace(place, uscc, None)
        case ["t", str() as place, str() as uscc, str() as key, str() as last]:
            return TailPlace(place, uscc, (key, last))
    raise _bad_cursor()
