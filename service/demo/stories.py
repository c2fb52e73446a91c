"""Conflicts in the demonstration feed: what the rules of the registry are about.

As with ordinary lives (lives.py) the drafts of a story share the code as claimed. Where two codes or two partitions
meet and arrival decides, the drafts form a group.
"""

from __future__ import annotations

from datetime import timedelta

from service.demo.drafts import Desk, Draft
from service.demo.identifiers import code, other_character
from service.demo.lives import Story, begin, repeated, with_change
from service.demo.organizations import FIRST_CHARACTERS, OFFICES, Organization


def stranger(desk: Desk, office: str, holder: Organization) -> Organization:
    """Return another organization that claims the code of `holder`; nothing of the two agrees."""
    claimant = desk.registrars.found(office, desk.long_ago(desk.base - timedelta(days=400)), uscc=holder.uscc)
    while claimant.record["established_on"] == holder.record["established_on"]:
        claimant = desk.registrars.found(office, desk.long_ago(desk.base - timedelta(days=400)), uscc=holder.uscc)
    return claimant


# One code, several organizations (D01).


def second_holder(desk: Desk, office: str) -> list[Draft]:
    """Another organization is given a code that is held; the holder's own records go on."""
    holder, first, at = begin(desk, office)
    claimant = stranger(desk, office, holder)
    conflict = desk.submit(claimant, "assign", at, "held", "D01")
    return [first, conflict, desk.submit(with_change(desk, holder), "change", desk.later(at), "accepted")]


def change_by_stranger(desk: Desk, office: str) -> list[Draft]:
    """A change bears another name and another date of foundation, and its sender goes on under that name."""
    holder, first, at = begin(desk, office)
    claimant = stranger(desk, office, holder)
    conflict = desk.submit(claimant, "change", at, "held", "D01")
    return [first, conflict, desk.submit(with_change(desk, claimant), "change", desk.later(at), "held", "D01")]


def cancel_by_stranger(desk: Desk, office: str) -> list[Draft]:
    """A cancellation bears a name that the holder never had."""
    holder, first, at = begin(desk, office)
    claimant = stranger(desk, office, holder)
    return [first, desk.submit(claimant, "cancel", at, "held", "D01")]


def spelled_differently(desk: Desk, office: str) -> list[Draft]:
    """Two offices' clerks give one code to two organizations, and write it differently: arrival decides."""
    holder, first, at = begin(desk, office)
    claimant = stranger(desk, office, holder)
    claimant.record["uscc"] = claimant.uscc = holder.uscc.lower()
    second = desk.submit(claimant, "assign", at, "", "E09")
    return grouped(desk, [first, second], "1 accepted, 1 held")


# Order and status (L01–L09).


def assigned_after_cancellation(desk: Desk, office: str) -> list[Draft]:
    """A cancelled code is assigned again to the same organization."""
    organization, first, at = begin(desk, office)
    gone = desk.submit(organization, "cancel", at, "accepted")
    return [first, gone, desk.submit(with_change(desk, organization), "assign", desk.later(at), "held", "L01", "L08")]


def reused_after_cancellation(desk: Desk, office: str) -> list[Draft]:
    """A cancelled code is given to another organization."""
    organization, first, at = begin(desk, office)
    gone = desk.submit(organization, "cancel", at, "accepted")
    claimant = stranger(desk, office, organization)
    return [first, gone, desk.submit(claimant, "assign", desk.later(at), "held", "D01", "L01")]


def first_heard_by_change(desk: Desk, office: str) -> list[Draft]:
    """A change is the first that is heard of a code; its assign comes behind and makes another past."""
    at = desk.recent()
    organization = desk.veteran(office, at)
    older = desk.submit(organization, "assign", at - timedelta(minutes=30), "superseded")
    return [desk.submit(with_change(desk, organization), "change", at, "accepted", "L02"), older]


def first_heard_by_cancel(desk: Desk, office: str) -> list[Draft]:
    """A cancellation arrives first, its assign behind: nothing is lost."""
    at = desk.recent()
    organization = desk.veteran(office, at)
    older = desk.submit(organization, "assign", at - timedelta(minutes=30), "accepted")
    return [desk.submit(organization, desk.pick("cancel", "revoke"), at, "accepted", "L02"), older]


def first_heard_by_restore(desk: Desk, office: str) -> list[Draft]:
    """A restore is the first that is heard of a code."""
    at = desk.recent()
    return [desk.submit(desk.veteran(office, at), "restore", at, "accepted", "L02")]


def changed_after_rejection(desk: Desk, office: str) -> list[Draft]:
    """The assign was rejected, and the office goes on as if it were not."""
    at = desk.recent()
    organization = desk.newcomer(office, at)
    rejected = desk.submit(organization, "assign", at, "rejected", "Q02")
    rejected.record["registered_capital"] = "壹佰万元整"
    at = desk.later(at)
    follow = desk.submit(with_change(desk, organization), "change", at, "held", "L02")
    return [rejected, follow, desk.submit(organization, "cancel", desk.later(at), "held", "L02", "L07")]


def corrected(desk: Desk, office: str) -> list[Draft]:
    """A rejected assign is mended and sent again under a new id."""
    at = desk.recent()
    organization = desk.newcomer(office, at)
    rejected = desk.submit(organization, "assign", at, "rejected", "Q02")
    rejected.record["established_on"] = "2019-02-30"
    return [rejected, desk.submit(organization, "assign", desk.later(at), "accepted")]


def after_withdrawal(desk: Desk, office: str) -> list[Draft]:
    """A code was taken back, and somebody goes on with it; who comes next waits behind."""
    organization, first, at = begin(desk, office)
    tombstone = desk.submit(organization, "withdraw", at, "accepted", reason="赋码有误，收回")
    at = desk.later(at)
    held = desk.submit(with_change(desk, organization), desk.pick("assign", "change"), at, "held", "L04")
    return [
        first,
        tombstone,
        held,
        desk.submit(with_change(desk, organization), "change", desk.later(at), "held", "L04", "L07"),
    ]


def restored(desk: Desk, office: str) -> list[Draft]:
    """A cancelled organization is restored."""
    organization, first, at = begin(desk, office)
    gone = desk.submit(organization, "cancel", at, "accepted")
    return [first, gone, desk.submit(organization, "restore", desk.later(at), "accepted", "L05")]


def changed_after_cancellation(desk: Desk, office: str) -> list[Draft]:
    """A cancelled organization changes: its particulars only."""
    organization, first, at = begin(desk, office)
    gone = desk.submit(organization, "cancel", at, "accepted")
    return [first, gone, desk.submit(with_change(desk, organization), "change", desk.later(at), "accepted", "L06")]


def assigned_twice(desk: Desk, office: str) -> list[Draft]:
    """An organization is assigned its own code again, with something changed or with nothing changed."""
    organization, first, at = begin(desk, office)
    if desk.random.random() < 0.5:
        return [first, desk.again(first, "unchanged", "L08")]
    return [first, desk.submit(with_change(desk, organization), "assign", at, "accepted", "L08")]


def withdraw_of_nothing(desk: Desk, office: str) -> list[Draft]:
    """A withdrawal or a confirmation names a code that nobody holds."""
    at = desk.recent()
    return [desk.submit(desk.veteran(office, at), desk.pick("withdraw", "keep"), at, "rejected", "L09")]


def withdraw_of_another(desk: Desk, office: str) -> list[Draft]:
    """A withdrawal names an organization that does not hold the code."""
    organization, first, at = begin(desk, office)
    claimant = stranger(desk, office, organization)
    return [first, desk.submit(claimant, desk.pick("withdraw", "keep"), at, "rejected", "L09")]


def keep_of_wrong_code(desk: Desk, office: str) -> list[Draft]:
    """A confirmation names a code that fails its check and that nobody holds."""
    at = desk.recent()
    organization = desk.veteran(office, at)
    organization.uscc = other_character(organization.uscc, 16, desk.random)
    return [desk.submit(organization, "keep", at, "rejected", "E05", "L09")]


# Home office (S02), segments (S01), message ids (M01).


def foreign_assign(desk: Desk, office: str) -> list[Draft]:
    """An office assigns a code that belongs to another."""
    at = desk.recent()
    return [desk.submit(_foreigner(desk, office), "assign", at, "rejected", "S02")]


def foreign_change(desk: Desk, office: str) -> list[Draft]:
    """An office changes a code that belongs to another, and goes on with it."""
    at = desk.recent()
    organization = _foreigner(desk, office)
    held = desk.submit(organization, desk.pick("change", "cancel", "revoke"), at, "held", "L02", "S02")
    return [held, desk.submit(with_change(desk, organization), "change", desk.later(at), "held", "L07", "S02")]


def _foreigner(desk: Desk, office: str) -> Organization:
    return foreigner(desk, office, desk.registrars.found(office, desk.base - timedelta(days=900)))


def foreigner(desk: Desk, office: str, organization: Organization) -> Organization:
    """Give an organization of an office a code of another one."""
    other = desk.pick(*(each for each in OFFICES if each != office))
    return recoded(organization, FIRST_CHARACTERS[other] + "1" + organization.uscc[2:8], organization.uscc[8:17])


def recoded(organization: Organization, prefix: str, subject_code: str) -> Organization:
    """Give an organization another code."""
    organization.uscc = code(prefix, subject_code)
    organization.record |= {"uscc": organization.uscc, "organization_code": subject_code}
    return organization


def private_code(desk: Desk, office: str) -> list[Draft]:
    """A code of the range for private use is assigned."""
    at = desk.recent()
    organization = desk.newcomer(office, at)
    recoded(organization, organization.uscc[:8], desk.identifiers.private_subject_code())
    return [desk.submit(organization, "assign", at, "held", "S01")]


def id_used_again(desk: Desk, office: str) -> list[Draft]:
    """A message id comes again with other content; then the first comes again and is known."""
    organization, first, at = begin(desk, office)
    second = desk.submit(with_change(desk, organization), "change", at, "rejected", "M01")
    second.envelope["message_id"] = first.envelope["message_id"]
    return [first, second, repeated(first)] if desk.random.random() < 0.3 else [first, second]


def id_used_elsewhere(desk: Desk, office: str) -> list[Draft]:
    """One message id stands on two organizations: whichever is decided first keeps it."""
    first, second = begin(desk, office)[1], begin(desk, office)[1]
    second.envelope["message_id"] = first.envelope["message_id"]
    return grouped(desk, [first, second], "1 accepted, 1 rejected")


# One organization, several codes (D02, D03, X01).


def same_subject(desk: Desk, office: str) -> list[Draft]:
    """One subject code stands in two codes."""
    at = desk.recent()
    first, second = desk.newcomer(office, at), desk.newcomer(office, at)
    elsewhere = next(division for division in ("210102", "210202") if division != first.uscc[2:8])
    recoded(second, second.uscc[:2] + elsewhere, first.uscc[8:17])
    drafts = [desk.submit(each, "assign", at, "") for each in (first, second)]
    return grouped(desk, drafts, "1 accepted, 1 held")


PERSON = frozenset(("name", "legal_representative_name", "registered_address"))
"""What two codes of one organization have in common (D02)."""


def same_person(desk: Desk, office: str) -> list[Draft]:
    """One organization, by name, representative and address, is given two codes."""
    at = desk.recent()
    first, second = desk.newcomer(office, at), desk.newcomer(office, at)
    for member in (*sorted(PERSON), "legal_representative_id_number"):
        second.record[member] = first.record[member]
    drafts = [desk.submit(each, "assign", at, "") for each in (first, second)]
    return grouped(desk, drafts, "1 accepted, 1 held")


def same_registration_number(desk: Desk, office: str) -> list[Draft]:
    """One registration number from before 2015 is given two codes."""
    at = desk.recent()
    organizations = [desk.registrars.found(office, desk.base.replace(year=2009, day=1)) for _ in range(2)]
    organizations[1].record["registration_number"] = organizations[0].record["registration_number"]
    drafts = [desk.submit(each, "assign", at, "") for each in organizations]
    return grouped(desk, drafts, "1 accepted, 1 held")


def same_in_two_ways(*ways: str) -> Story:
    """Return the story of two codes that have two things in common, of name, subject and number: still one conflict."""

    def story(desk: Desk, office: str) -> list[Draft]:
        at = desk.recent()
        first, second = (desk.registrars.found(office, desk.base.replace(year=2009, day=1)) for _ in range(2))
        if "subject" in ways:
            elsewhere = next(division for division in ("210102", "210202") if division != first.uscc[2:8])
            recoded(second, second.uscc[:2] + elsewhere, first.uscc[8:17])
        if "number" in ways:
            second.record["registration_number"] = first.record["registration_number"]
        if "name" in ways:
            second.record |= {member: first.record[member] for member in PERSON}
        drafts = [desk.submit(each, "assign", at, "") for each in (first, second)]
        return grouped(desk, drafts, "1 accepted, 1 held")

    return story


def without_registration_number(desk: Desk, office: str) -> list[Draft]:
    """An organization founded before October 2015 comes without its old number."""
    at = desk.recent()
    organization = desk.registrars.found(office, desk.base.replace(year=2009, day=1))
    del organization.record["registration_number"]
    return [desk.submit(organization, "assign", at, "accepted", "X01")]


def grouped(desk: Desk, drafts: list[Draft], expectation: str) -> list[Draft]:
    """Leave it to arrival which of these records becomes what."""
    group = desk.group()
    for draft in drafts:
        draft.disposition, draft.group, draft.group_expectation = "", group, expectation
    return drafts


ACROSS: dict[tuple[str, str], Story] = {
    ("D02", "D03"): same_in_two_ways("name", "subject"),
    ("D02", "X01"): same_in_two_ways("name", "number"),
    ("D03", "X01"): same_in_two_ways("subject", "number"),
}
BORNE_BY_SHORT = frozenset(
    (
        *(cancel_by_stranger, first_heard_by_cancel, first_heard_by_restore, changed_after_rejection, restored),
        *(withdraw_of_nothing, withdraw_of_another, keep_of_wrong_code),
    )
)
"""The stories whose last conflict is in a record of no more than code and name."""
SEVERAL_CODES = frozenset((spelled_differently, id_used_elsewhere, same_person, same_subject, same_registration_number))
"""The stories whose drafts do not all bear one code, written in one way."""
OF_ANOTHER_CODE = frozenset((foreign_assign, foreign_change, private_code))
"""The stories that are about what code it is."""
CONFLICTS: dict[str, tuple[Story, ...]] = {
    "D01": (second_holder, change_by_stranger, cancel_by_stranger, spelled_differently, reused_after_cancellation),
    "D02": (same_person,),
    "D03": (same_subject,),
    "L01": (assigned_after_cancellation, reused_after_cancellation),
    "L02": (first_heard_by_change, first_heard_by_cancel, first_heard_by_restore, changed_after_rejection),
    "L04": (after_withdrawal,),
    "L05": (restored,),
    "L06": (changed_after_cancellation,),
    "L07": (changed_after_rejection, after_withdrawal),
    "L08": (assigned_twice,),
    "L09": (withdraw_of_nothing, withdraw_of_another, keep_of_wrong_code),
    "M01": (id_used_again, id_used_elsewhere),
    "Q02": (corrected,),
    "S01": (private_code,),
    "S02": (foreign_assign, foreign_change),
    "X01": (same_registration_number, without_registration_number),
}
