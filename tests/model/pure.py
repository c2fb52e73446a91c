"""The program's judgement without its database: the same decoding and the same Judge over facts kept in memory."""

from collections.abc import Sequence
from typing import Any

import orjson

from service.judging import decoder, rulings
from service.settings import Settings
from service.site import load_site
from sync.encoding import encode_return
from sync.facts import Facts
from sync.records import Incoming, Source
from sync.rules import Judge
from sync.topics import submissions_topic
from tests.model.feed import START, Item
from validators.exceptions import SHIPPED

_SETTINGS, _SITE = Settings(), load_site(None)
_DECODER, _RULINGS = decoder(_SETTINGS, _SITE), rulings(_SETTINGS, _SITE)


class PureProgram:
    """The judge over facts that no database gave."""

    def __init__(self) -> None:
        facts = Facts()
        for code in SHIPPED:
            facts.code(code).nonconforming = True
        self.judge = Judge(facts, rulings=_RULINGS, ruleset=_SITE.ruleset, now=START)
        self.offsets: dict[str, int] = {}
        self.numbers: dict[tuple[str, int], int] = {}
        self.receipts: dict[int, str] = {}
        self.cases: dict[int, str] = {}

    async def push(self, office: str, items: Sequence[Item]) -> list[dict[str, Any]]:
        """Decide one batch and return every return that it made."""
        first = len(self.judge.outcome.decisions)
        offset = self.offsets.get(office, 0)
        for item in items:
            self.numbers[office, offset] = item.number
            source = Source(submissions_topic(office), 0, offset)
            incoming = Incoming(source=source, received_at=item.received_at, body=item.body(self.receipts, self.cases))
            self.judge.decide(_DECODER.decode(incoming, office))
            offset += 1
        self.offsets[office] = offset
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
