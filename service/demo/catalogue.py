"""What the demonstration feed plants: every rule alone, then every two that can stand on one record, in rotation.

A *planting* writes the drafts of one story at the desk. `ACTIVE` says which rules are planted at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import combinations, product

from service.demo import record_faults, stories
from service.demo.code_faults import (
    CODE_FAULTS,
    CODE_MEMBERS,
    CODE_PAIRS,
    DOUBLE_FAULTS,
    ERRORS,
    LASTING,
    LIKE_ID_NUMBER,
)
from service.demo.drafts import Desk, Draft
from service.demo.faults import Fault, plant
from service.demo.identifiers import code
from service.demo.lives import Story
from service.demo.organizations import OFFICES
from service.demo.record_faults import (
    LONE_SURROGATE,
    NO_REGISTRAR,
    OTHER_ORGANIZATION_CODE,
    RECORD_FAULTS,
    RECORD_PAIRS,
    WITHOUT_CODE,
)
from service.demo.together import TOGETHER, id_used_again_on
from validators.uscc import normalize

ACTIVE = frozenset(
    (
        *("E01", "E02", "E03", "E04", "E05", "E06", "E07", "E08", "E09", "E10"),
        *("Q01", "Q02", "Q03", "Q04", "Q05", "Q06", "T01", "M01", "M02", "M03", "M04", "M05", "M06"),
        *("D01", "D02", "D03", "S01", "S02", "L01", "L02", "L04", "L05", "L06", "L07", "L08", "L09", "X01"),
    )
)
"""The rules that are planted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planting:
    """One thing to plant: its rules, the offices that can send it, and how its drafts are written."""

    rules: tuple[str, ...]
    offices: tuple[str, ...]
    write: Callable[[Desk, str], list[Draft]]


@cache
def singles() -> tuple[Planting, ...]:
    """Return every planting of one rule."""
    single_faults = [*CODE_FAULTS, *RECORD_FAULTS, WITHOUT_CODE, LONE_SURROGATE]
    found = [Planting(rules=(fault.rule,), offices=fault.offices, write=_spoilt(fault)) for fault in single_faults]
    found += [
        Planting(rules=("M03",), offices=OFFICES, write=_unreadable(record_faults.undecodable)),
        Planting(rules=("M04",), offices=OFFICES, write=_unreadable(record_faults.oversized)),
    ]
    found += [
        Planting(rules=(rule,), offices=OFFICES, write=story)
        for rule, written in stories.CONFLICTS.items()
        for story in written
    ]
    return tuple(planting for planting in found if ACTIVE.issuperset(planting.rules))


@cache
def pairs() -> tuple[Planting, ...]:
    """Return every planting of two rules that can stand on one record (apart.py says which cannot)."""
    free = [*product(CODE_FAULTS, RECORD_FAULTS), *combinations(RECORD_FAULTS, 2)]
    ordered = [(fault, OTHER_ORGANIZATION_CODE) for fault in CODE_FAULTS if fault.rule != "E01"]
    found = [
        Planting(rules=(one.rule, other.rule), offices=one.offices, write=_spoilt(one, other))
        for one, other in (
            *(two for two in free if not two[0].touches & two[1].touches),
            *ordered,
            *RECORD_PAIRS,
            *CODE_PAIRS,
        )
    ]
    found += [Planting(rules=rules, offices=OFFICES, write=_spoilt(fault)) for rules, fault in DOUBLE_FAULTS]
    found += [
        Planting(rules=(rule, fault.rule), offices=OFFICES, write=_beside(story, fault))
        for rule, written in stories.CONFLICTS.items()
        for story, fault in product(written, RECORD_FAULTS)
        if _fits_beside(story, fault)
    ]
    found += [
        Planting(rules=(rule, fault.rule), offices=fault.offices, write=_on_code(story, fault))
        for rule, written in stories.CONFLICTS.items()
        for story, fault in product(written, LASTING)
        if story not in stories.SEVERAL_CODES and story is not stories.keep_of_wrong_code
        # A code like an ID number has its digits, whatever its office and segment.
        if fault is not LIKE_ID_NUMBER or story not in stories.OF_ANOTHER_CODE
    ]
    found += [
        Planting(rules=(rule, fault.rule), offices=fault.offices, write=_on_first(story, fault))
        for rule, story in (("D02", stories.same_person), ("D03", stories.same_subject))
        for fault in LASTING
    ]
    found.append(Planting(rules=("D02", "Q01"), offices=OFFICES, write=_beside(stories.same_person, NO_REGISTRAR)))
    found += [Planting(rules=("M01", fault.rule), offices=OFFICES, write=id_used_again_on(fault)) for fault in ERRORS]
    found += [Planting(rules=rules, offices=OFFICES, write=story) for rules, story in stories.ACROSS.items()]
    found += [Planting(rules=rules, offices=offices, write=story) for rules, offices, story in TOGETHER]
    return tuple(planting for planting in found if ACTIVE.issuperset(planting.rules))


def _fits_beside(story: Story, fault: Fault) -> bool:
    """Tell whether a fault can stand beside a story's conflict and leaves it what it is.

    Nothing of the registry is judged beside an error, but for the message id, which is asked first.
    """
    if fault.effect != "warning" and story is not stories.id_used_again:
        return False
    if story is stories.same_person and fault.touches & stories.PERSON:
        return False
    return fault.short or story not in stories.BORNE_BY_SHORT


def _spoilt(*planted: Fault) -> Callable[[Desk, str], list[Draft]]:
    """Spoil the assign of a new organization. Alone, a fault of the code that is no error comes back with a change."""

    def write(desk: Desk, office: str) -> list[Draft]:
        at = desk.recent()
        organization = desk.newcomer(office, at)
        first = plant(desk, desk.submit(organization, "assign", at, "accepted"), *planted)
        if len(planted) > 1 or planted[0] not in CODE_FAULTS or first.disposition == "rejected":
            return [first]
        organization.record.pop("organization_code")
        organization.record |= {name: first.record[name] for name in CODE_MEMBERS if name in first.record}
        desk.registrars.change(organization)
        follow = desk.submit(organization, "change", desk.later(at), first.disposition, *first.rules)
        if follow.disposition == "held":
            follow.rules.add("L07")
        return [first, follow]

    return write


def _on_code(story: Story, fault: Fault) -> Callable[[Desk, str], list[Draft]]:
    """Tell a story about a code that is itself in doubt: the warning stands on every draft."""

    def write(desk: Desk, office: str) -> list[Draft]:
        drafts = story(desk, office)
        spoilt = Draft(office=office, envelope={"record": dict(drafts[0].record)}, disposition="")
        rules = fault.apply(desk, spoilt)
        for draft in drafts:
            draft.record["uscc"] = spoilt.record["uscc"]
            if "organization_code" in draft.record:
                draft.record["organization_code"] = normalize(spoilt.record["uscc"])[8:17]
            draft.rules.update(rules)
        return drafts

    return write


def _on_first(story: Story, fault: Fault) -> Callable[[Desk, str], list[Draft]]:
    """Tell a story of two codes, the first of them in doubt; where they share their subject code they go on to."""

    def write(desk: Desk, office: str) -> list[Draft]:
        first, second = drafts = story(desk, office)
        shares = first.record["uscc"][8:17] == second.record["uscc"][8:17]
        first.rules.update(fault.apply(desk, first))
        spoilt = normalize(first.record["uscc"])
        first.record["organization_code"] = spoilt[8:17]
        if shares:
            divisions = ("210102", "210202", "210302")
            division = next(each for each in divisions if each not in (spoilt[2:8], second.record["uscc"][2:8]))
            second.record["uscc"] = code(second.record["uscc"][:2] + division, spoilt[8:17])
            second.record["organization_code"] = spoilt[8:17]
        return drafts

    return write


def _unreadable(spoil: Callable[[Desk, Draft], Draft]) -> Callable[[Desk, str], list[Draft]]:
    def write(desk: Desk, office: str) -> list[Draft]:
        at = desk.recent()
        return [spoil(desk, desk.submit(desk.newcomer(office, at), "assign", at, "accepted"))]

    return write


def _beside(story: Story, fault: Fault) -> Callable[[Desk, str], list[Draft]]:
    """Add a fault to the draft that bears a story's conflict, or to all of a group; never to one that must be equal."""

    def write(desk: Desk, office: str) -> list[Draft]:
        bearing: list[Draft] = []
        while not bearing:
            drafts = story(desk, office)
            bearing = [draft for draft in drafts if draft.group]
            bearing += [draft for draft in drafts if draft.rules and draft.disposition not in ("", "unchanged")][-1:]
        for draft in bearing:
            plant(desk, draft, fault)
        return drafts

    return write
