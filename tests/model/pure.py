"""The program's judgement without its database: the same decoding and the same Judge over facts kept in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson

from service.judging import decoder, rulings
from service.settings import Settings
from service.site import load_site
from sync.encoding import encode_return
from sync.facts import Case, Facts
from sync.four_eyes import NotPossible, needs_approval
from sync.identity import key_of_act
from sync.offices import Offices
from sync.outcome import Act
from sync.records import Disposition, Incoming, Source
from sync.rules import Judge
from sync.segments import Segments
from sync.topics import submissions_topic
from tests.model.differential import segments_of
from tests.model.feed import START, Allocation, Item, Order
from tests.model.registry import LATER
from validators import uscc
from validators.exceptions import SHIPPED
from validators.findings import Operation

_SETTINGS, _SITE = Settings(), load_site(None)
_RULINGS = rulings(_SETTINGS, _SITE)
_COUNTED = Offices({name: replace(office, order="office_version") for name, office in _SITE.offices.items()})
_DECODERS = {
    "occurred_at": decoder(_SETTINGS, _SITE),
    "office_version": decoder(_SETTINGS, replace(_SITE, offices=_COUNTED)),
}


class PureProgram:
    """The judge over facts that no database gave."""

    def __init__(self, order: str = "occurred_at") -> None:
        self.decoder = _DECODERS[order]
        self.is_counting = order == "office_version"
        facts = Facts()
        for code in SHIPPED:
            facts.code(code).nonconforming = True
        self.judge = Judge(facts, rulings=_RULINGS, ruleset=_SITE.ruleset, now=START)
        self.offsets: dict[str, int] = {}
        self.numbers: dict[tuple[str, int], int] = {}
        self.receipts: dict[int, str] = {}
        self.cases: dict[int, str] = {}
        self.settled = 0

    async def allocate(self, segments: Sequence[Allocation]) -> None:
        """Let the judge know code segments."""
        if segments:
            self.judge.facts.segments = Segments(segments_of(segments))

    async def settle(self, order: Order) -> tuple[str, list[dict[str, Any]]]:
        """Carry a person's order out as sync.cases does, without its database."""
        first = len(self.judge.outcome.decisions)
        self.settled += 1
        case = next((c for c in self.judge.facts.cases.values() if c.case_id == self.cases[order.about]), None)
        told = "refused"
        if case is not None:
            try:
                told = self._settle(order, case)
            except NotPossible:
                told = "refused"
        return told, self._returns(first)

    def _settle(self, order: Order, case: Case) -> str:
        if order.operation in ("approve", "refuse"):
            return self._answer(order, case)
        if case.is_awaiting:
            return "refused"
        receipt = self.receipts.get(order.member) if isinstance(order.member, int) else None
        members = [
            each
            for each in case.members
            if (each.receipt_id == receipt if receipt else each.role == "holder" and each.uscc == order.member)
            and each.role != "proposed"
        ]
        if not members:
            return "refused"
        member = members[0]
        if order.operation == "assign" and _RULINGS.homes.get((order.new_uscc or " ")[0]) != member.office:
            return "refused"
        if order.operation == "assign" and not uscc.is_valid(order.new_uscc or ""):
            return "refused"
        instant = LATER + timedelta(seconds=self.settled)
        act = Act(
            operation=Operation(order.operation),
            member=member,
            key=key_of_act(
                f"resolution-{self.settled}",
                instant,
                self.judge.facts.code(member.uscc),
                is_counting=self.is_counting,
            ),
            receipt_id=f"resolution-{self.settled}",
            office=member.office,
            actor="zhang",
            new_uscc=order.new_uscc,
        )
        told = "approved" if needs_approval(case, act, self.judge.facts) else "done"
        self.judge.resolve(case, act)
        return told

    def _answer(self, order: Order, case: Case) -> str:
        proposals = [each for each in self.judge.outcome.proposals if each.case is case]
        if not case.is_awaiting or not proposals:
            return "refused"
        if order.operation == "refuse":
            self.judge.refuse_proposals(case)
            return "done"
        act = proposals[-1].act
        message = next(each for each in case.proposals() if each.receipt_id == act.receipt_id)
        if act.member not in case.members:
            renewed = self.judge.renewed_member(case, message)
            if renewed is None:
                return "refused"
            act = replace(act, member=renewed)
        assert message.submission is not None
        findings = self.judge.own_findings(message.submission)
        case.is_awaiting = False
        self.judge.effects.docket.remove(case, message)
        try:
            self.judge.resolve(case, act)
        except NotPossible:
            case.is_awaiting = True
            case.members.append(message)
            raise
        code = self.judge.facts.code(message.uscc)
        self.judge.effects.close(
            message.submission,
            Disposition.ACCEPTED,
            findings,
            code,
            version=self.judge.settled_version(code, act),
            case_id=case.case_id,
            attempt=message.attempt + 1,
        )
        return "done"

    async def push(self, office: str, items: Sequence[Item]) -> list[dict[str, Any]]:
        """Decide one batch and return every return that it made."""
        first = len(self.judge.outcome.decisions)
        offset = self.offsets.get(office, 0)
        for item in items:
            self.numbers[office, offset] = item.number
            source = Source(submissions_topic(office), 0, offset)
            incoming = Incoming(source=source, received_at=item.received_at, body=item.body(self.receipts, self.cases))
            self.judge.decide(self.decoder.decode(incoming, office))
            offset += 1
        self.offsets[office] = offset
        return self._returns(first)

    def _returns(self, first: int) -> list[dict[str, Any]]:
        found = [
            orjson.loads(encode_return(decision, sequence=1, decided_at=START, ruleset=_SITE.ruleset.version))
            for decision in self.judge.outcome.decisions[first:]
        ]
        for each in found:
            number = self.numbers[each["office"], each["source"]["offset"]]
            each["number"] = number
            self.receipts[number] = each["receipt_id"]
            if each["case_id"]:
                self.cases[number] = each["case_id"]
        return found

    async def registry(self) -> dict[str, tuple[Any, ...]]:
        found: dict[str, tuple[Any, ...]] = {}
        for code in self.judge.facts.codes.values():
            if not code.last_version:
                continue
            state = code.holding.present() if code.holding else None
            found[code.uscc] = (
                state is not None,
                str(state.status) if state else None,
                dict(state.particulars.record) if state else None,
                code.last_version,
            )
        return found
