"""Ordinary lives of organizations in the demonstration feed.

A story is the list of all drafts about one code, in the order in which they are sent; they share the code as claimed,
hence the key and the partition, so that every disposition follows from domain.md §6.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from service.demo.drafts import Desk, Draft
from service.demo.organizations import Organization

Story = Callable[[Desk, str], list[Draft]]


def begin(desk: Desk, office: str) -> tuple[Organization, Draft, datetime]:
    """Register an organization: two in five come with the converted stock, the others are new.

    Returns with it the draft, and the recent instant at which its life goes on.
    """
    if desk.random.random() < 0.4:
        at = desk.past()
        organization = desk.veteran(office, at)
        return organization, desk.submit(organization, "assign", at, "accepted", load="stock"), desk.recent()
    at = desk.recent()
    organization = desk.newcomer(office, at)
    return organization, desk.submit(organization, "assign", at, "accepted"), desk.later(at)


def with_change(desk: Desk, organization: Organization) -> Organization:
    """Change one of an organization's particulars and return it."""
    desk.registrars.change(organization)
    return organization


def repeated(draft: Draft) -> Draft:
    """Write a message once more with its members in another order."""
    envelope = dict(reversed(draft.envelope.items())) | {"record": dict(reversed(draft.record.items()))}
    return Draft(office=draft.office, envelope=envelope, disposition="unchanged")


def registered(desk: Desk, office: str) -> list[Draft]:
    """An organization is registered, and that is all."""
    return [begin(desk, office)[1]]


def changed(desk: Desk, office: str) -> list[Draft]:
    """A registered organization changes once or twice."""
    organization, first, at = begin(desk, office)
    drafts = [first, desk.submit(with_change(desk, organization), "change", at, "accepted")]
    if desk.random.random() < 0.3:
        drafts.append(desk.submit(with_change(desk, organization), "change", desk.later(at), "accepted"))
    return drafts


def renamed(desk: Desk, office: str) -> list[Draft]:
    """A registered organization takes another name."""
    organization, first, at = begin(desk, office)
    desk.registrars.rename(organization)
    return [first, desk.submit(organization, "change", at, "accepted")]


def cancelled(desk: Desk, office: str) -> list[Draft]:
    """An organization is cancelled; now and then the office says so twice."""
    organization, first, at = begin(desk, office)
    drafts = [first, desk.submit(organization, "cancel", at, "accepted")]
    if desk.random.random() < 0.1:
        drafts.append(desk.submit(organization, "cancel", desk.later(at), "unchanged"))
    return drafts


def revoked(desk: Desk, office: str) -> list[Draft]:
    """An organization is revoked; every other one is restored."""
    organization, first, at = begin(desk, office)
    drafts = [first, desk.submit(organization, "revoke", at, "accepted")]
    if desk.random.random() < 0.5:
        drafts.append(desk.submit(organization, "restore", desk.later(at), "accepted"))
    return drafts


def sent_twice(desk: Desk, office: str) -> list[Draft]:
    """The same message comes twice, the second time with its members in another order."""
    first = begin(desk, office)[1]
    return [first, repeated(first)]


def resent(desk: Desk, office: str) -> list[Draft]:
    """The same state comes again as a change under a new message id."""
    first = begin(desk, office)[1]
    return [first, desk.again(first, "unchanged", operation="change")]


def late(desk: Desk, office: str) -> list[Draft]:
    """A change arrives after a later one: only the past is another."""
    organization, first, at = begin(desk, office)
    delayed = desk.submit(with_change(desk, organization), "change", at, "superseded")
    present = desk.submit(with_change(desk, organization), "change", desk.later(at), "accepted")
    return [first, present, delayed]


def late_and_known(desk: Desk, office: str) -> list[Draft]:
    """What arrives late was already so at its instant."""
    organization, first, at = begin(desk, office)
    delayed = desk.again(first, "unchanged", operation="change")
    present = desk.submit(with_change(desk, organization), "change", at + timedelta(hours=1), "accepted")
    return [first, present, delayed]


def cancelled_late(desk: Desk, office: str) -> list[Draft]:
    """A cancellation arrives after a later change, and cancels all the same."""
    organization, first, at = begin(desk, office)
    cancellation = desk.submit(organization, "cancel", at, "accepted")
    return [first, desk.submit(with_change(desk, organization), "change", desk.later(at), "accepted"), cancellation]


def withdrawn(desk: Desk, office: str) -> list[Draft]:
    """A code is taken back."""
    organization, first, at = begin(desk, office)
    return [first, desk.submit(organization, "withdraw", at, "accepted", reason="赋码有误，收回")]


def withdrawn_then_late(desk: Desk, office: str) -> list[Draft]:
    """A change from before the withdrawal arrives behind it."""
    organization, first, at = begin(desk, office)
    tombstone = desk.submit(organization, "withdraw", desk.later(at), "accepted", reason="赋码有误，收回")
    return [first, tombstone, desk.submit(with_change(desk, organization), "change", at, "superseded")]


def replaced(desk: Desk, office: str) -> list[Draft]:
    """An organization moves, and gets a new code for the one that is taken back.

    It moves because the two codes may arrive in either order, and only the new one says that it follows the old (D02).
    """
    at = desk.recent()
    organization = desk.newcomer(office, at)
    first = desk.submit(organization, "assign", at, "accepted")
    uscc = desk.newcomer(office, at).uscc
    record = organization.record | {"uscc": uscc, "organization_code": uscc[8:17]}
    record["registered_address"] = desk.registrars.address(organization.district)
    heir = Organization(office=office, uscc=uscc, district=organization.district, record=record)
    at = desk.later(at)
    return [
        first,
        desk.submit(organization, "withdraw", at, "accepted", reason="换发新码", successor_uscc=uscc),
        desk.submit(heir, "assign", desk.later(at), "accepted", predecessor_uscc=organization.uscc),
    ]


def moved_in(desk: Desk, office: str) -> list[Draft]:
    """An organization moves in from elsewhere: the change is the first that is heard of it."""
    at = desk.recent()
    return [desk.submit(desk.veteran(office, at), "change", at, "accepted", transfer="in")]


def confirmed(desk: Desk, office: str) -> list[Draft]:
    """An office confirms a code about which there is no case."""
    organization, first, at = begin(desk, office)
    return [first, desk.submit(organization, "keep", at, "unchanged")]


NORMAL: tuple[tuple[Story, float], ...] = (
    (registered, 60.0),
    (changed, 17.0),
    (renamed, 4.0),
    (cancelled, 6.0),
    (revoked, 2.0),
    (sent_twice, 3.0),
    (resent, 2.5),
    (late, 1.5),
    (late_and_known, 0.5),
    (cancelled_late, 0.5),
    (withdrawn, 0.7),
    (withdrawn_then_late, 0.3),
    (replaced, 0.5),
    (moved_in, 1.0),
    (confirmed, 0.5),
)
