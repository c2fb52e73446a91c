"""Two rules on one record of the demonstration feed, where one story has to bring both about.

Elsewhere the one is a fault beside the other's story (catalogue.py). Here too the drafts of a story share the code as
claimed, and follow one another.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from service.demo.drafts import Desk, Draft
from service.demo.faults import Fault
from service.demo.identifiers import without_complement
from service.demo.lives import Story, begin, with_change
from service.demo.organizations import OFFICES, Organization
from service.demo.stories import foreigner, recoded, restored, stranger, withdraw_of_nothing

_OTHERS = tuple(office for office in OFFICES if office != "civil-affairs")
Maker = Callable[[Desk, str, datetime], Organization]
"""Founds the organization that a story is about."""


# Organizations that bring one rule with them.


def _plain(desk: Desk, office: str, at: datetime) -> Organization:
    return desk.veteran(office, at)


def _numberless(desk: Desk, office: str, _at: datetime) -> Organization:
    """Found an organization from before October 2015 that comes without its old number (X01)."""
    organization = desk.registrars.found(office, desk.base.replace(year=2009, day=1))
    del organization.record["registration_number"]
    return organization


def _private(maker: Maker) -> Maker:
    """Give its code out of the range for private use (S01)."""

    def make(desk: Desk, office: str, at: datetime) -> Organization:
        organization = maker(desk, office, at)
        return recoded(organization, organization.uscc[:8], desk.identifiers.private_subject_code())

    return make


def _foreign(maker: Maker) -> Maker:
    """Give it a code of another office (S02)."""
    return lambda desk, office, at: foreigner(desk, office, maker(desk, office, at))


def _listed(maker: Maker) -> Maker:
    """Give it a code of one of the two prefixes that only lists know (E03), which are no office's (S02)."""

    def make(desk: Desk, office: str, at: datetime) -> Organization:
        organization = maker(desk, office, at)
        return recoded(organization, desk.pick("G1", "J1") + organization.uscc[2:8], organization.uscc[8:17])

    return make


def _without_complement(maker: Maker) -> Maker:
    """Leave the complement out of its check character (E05)."""

    def make(desk: Desk, office: str, at: datetime) -> Organization:
        organization = maker(desk, office, at)
        while (wrong := without_complement(organization.uscc)) is None:
            organization = maker(desk, office, at)
        organization.uscc = organization.record["uscc"] = wrong
        return organization

    return make


def _like_id_number(desk: Desk, office: str, at: datetime) -> Organization:
    """Give an organization a code of civil affairs that may be somebody's ID number (E10)."""
    organization, claimed = desk.veteran(office, at), desk.identifiers.code_like_id_number()
    return recoded(organization, claimed[:8], claimed[8:17])


# What happens to them.


def _once(maker: Maker, operation: str, disposition: str, *rules: str) -> Story:
    """One record is all that is heard of a code."""

    def story(desk: Desk, office: str) -> list[Draft]:
        at = desk.recent()
        return [desk.submit(maker(desk, office, at), operation, at, disposition, *rules)]

    return story


def _waiting(maker: Maker, operation: str, *rules: str) -> Story:
    """A record is held, and a change waits behind it (L07). `rules` stand on both; a change heard first is L02."""

    def story(desk: Desk, office: str) -> list[Draft]:
        at = desk.recent()
        organization = maker(desk, office, at)
        first = desk.submit(organization, operation, at, "held", *rules, *(("L02",) if operation == "change" else ()))
        behind = desk.submit(with_change(desk, organization), "change", desk.later(at), "held", *rules, "L07")
        return [first, behind]

    return story


def _after(maker: Maker, begins: str, first: str, follows: str, disposition: str, *rules: str) -> Story:
    """A code is first heard of by `begins`, which bears the rule `first`, and an hour later by `follows`."""

    def story(desk: Desk, office: str) -> list[Draft]:
        at = desk.recent()
        organization = maker(desk, office, at)
        heard = desk.submit(organization, begins, at, "accepted", first)
        return [heard, desk.submit(organization, follows, desk.later(at), disposition, *rules)]

    return story


def _after_withdrawal(maker: Maker, begins: str, first: str, follows: str, *rules: str) -> Story:
    """A code is heard of, taken back, and claimed again (L04)."""

    def story(desk: Desk, office: str) -> list[Draft]:
        at = desk.recent()
        organization = maker(desk, office, at)
        heard = desk.submit(organization, begins, at, "accepted", first)
        at = desk.later(at)
        taken = desk.submit(organization, "withdraw", at, "accepted", reason="赋码有误，收回")
        return [heard, taken, desk.submit(organization, follows, desk.later(at), "held", "L04", *rules)]

    return story


def _assigned_to_another(desk: Desk, office: str) -> list[Draft]:
    """A private code that a change has made known is assigned to another organization."""
    at = desk.recent()
    holder = _private(_plain)(desk, office, at)
    first = desk.submit(holder, "change", at, "accepted", "L02")
    return [first, desk.submit(stranger(desk, office, holder), "assign", desk.later(at), "held", "D01", "S01")]


def _claimed_by_two_that_are_left(desk: Desk, office: str) -> list[Draft]:
    """The holder gives way to two others that claim its code; who of them has it is open, and one goes on."""
    holder, first, at = begin(desk, office)
    claimants = [stranger(desk, office, holder) for _ in range(2)]
    claims = [desk.submit(each, "assign", at, "held", "D01") for each in claimants]
    at = desk.later(at)
    gives_way = desk.submit(holder, "withdraw", at, "accepted", reason="赋码有误，收回")
    goes_on = desk.submit(with_change(desk, claimants[0]), "change", desk.later(at), "held", "D01", "L07")
    return [first, *claims, gives_way, goes_on]


def _undated(story: Story) -> Story:
    """The last record of a story does not say when it was approved, which only new particulars must (Q01)."""

    def told(desk: Desk, office: str) -> list[Draft]:
        drafts = story(desk, office)
        del drafts[-1].record["approved_on"]
        drafts[-1].rules.add("Q01")
        return drafts

    return told


def id_used_again_on(fault: Fault) -> Story:
    """Return the story of a message id that comes again with other content, both times on the same wrong code (M01).

    M01 is asked before the registry: all that `fault` brings by itself stands beside it.
    """

    def story(desk: Desk, office: str) -> list[Draft]:
        at = desk.recent()
        organization = desk.newcomer(office, at)
        first = desk.submit(organization, "assign", at, "held" if fault.effect == "hold" else "rejected")
        first.rules.update(fault.apply(desk, first))
        second = desk.again(first, "rejected", *first.rules, "M01")
        second.envelope["message_id"] = first.envelope["message_id"]
        return [first, second]

    return story


TOGETHER: tuple[tuple[tuple[str, str], tuple[str, ...], Story], ...] = (
    (("L07", "S01"), OFFICES, _waiting(_private(_plain), "assign", "S01")),
    (("S01", "X01"), OFFICES, _once(_private(_numberless), "assign", "held", "S01", "X01")),
    (("D01", "S01"), OFFICES, _assigned_to_another),
    (("L01", "S01"), OFFICES, _after(_private(_plain), "cancel", "L02", "assign", "held", "L01", "S01")),
    (("L04", "S01"), OFFICES, _after_withdrawal(_private(_plain), "change", "L02", "assign", "S01")),
    (("E05", "S01"), OFFICES, _once(_without_complement(_private(_plain)), "assign", "held", "E05", "S01")),
    (("S02", "X01"), OFFICES, _once(_foreign(_numberless), "change", "held", "L02", "S02", "X01")),
    (("L09", "S02"), OFFICES, _once(_foreign(_plain), "withdraw", "rejected", "L09", "S02")),
    (("E05", "S02"), OFFICES, _once(_without_complement(_foreign(_plain)), "change", "held", "E05", "L02", "S02")),
    (("E10", "S02"), _OTHERS, _once(_like_id_number, "change", "held", "E10", "L02", "S02")),
    (("E03", "L07"), OFFICES, _waiting(_listed(_plain), "change", "E03", "S02")),
    (("E03", "X01"), OFFICES, _once(_listed(_numberless), "change", "held", "E03", "L02", "S02", "X01")),
    (("E03", "L09"), OFFICES, _once(_listed(_plain), "withdraw", "rejected", "E03", "L09", "S02")),
    (("E05", "L02"), OFFICES, _once(_without_complement(_plain), "change", "held", "E05", "L02")),
    (("E05", "X01"), OFFICES, _once(_without_complement(_numberless), "assign", "held", "E05", "X01")),
    (("L02", "X01"), OFFICES, _once(_numberless, "change", "accepted", "L02", "X01")),
    (("L01", "X01"), OFFICES, _after(_numberless, "cancel", "L02", "assign", "held", "L01", "X01")),
    (("L06", "X01"), OFFICES, _after(_numberless, "cancel", "L02", "change", "accepted", "L06", "X01")),
    (("L04", "X01"), OFFICES, _after_withdrawal(_numberless, "assign", "X01", "change", "X01")),
    (("D01", "L07"), OFFICES, _claimed_by_two_that_are_left),
    (("L05", "Q01"), OFFICES, _undated(restored)),
    (("L09", "Q01"), OFFICES, _undated(withdraw_of_nothing)),
)
"""Two rules, the offices that can send it, and the story."""
