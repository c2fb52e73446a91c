"""One feed through the model and through the real program, and what they say differently."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Protocol

import orjson

from sync.apply import Applier, Batch
from sync.cases import NoSuchCase, NotAwaiting, approve, propose, refuse
from sync.cases import Order as Wanted
from sync.errors import SyncError
from sync.four_eyes import NotPossible
from sync.kafka import Partition
from sync.records import Incoming, Source
from sync.segments import Segment
from sync.store import ledger
from sync.store.connection import INGEST, open_pool, reading, writing
from sync.store.segments import add_segments
from sync.topics import submissions_topic
from tests.integration.ledger import open_ledger
from tests.model.feed import OFFICES, START, Allocation, Item, Order
from tests.model.judging import Answer
from tests.model.messages import Received
from tests.model.registry import Registry
from validators.findings import Operation


class Judging(Protocol):
    """What both ways of the real program offer: the whole way over a database, and the judge alone."""

    offsets: dict[str, int]
    receipts: dict[int, str]
    cases: dict[int, str]

    async def push(self, office: str, items: Sequence[Item]) -> list[dict[str, Any]]: ...
    async def settle(self, order: Order) -> tuple[str, list[dict[str, Any]]]: ...
    async def allocate(self, segments: Sequence[Allocation]) -> None: ...
    async def registry(self) -> dict[str, tuple[Any, ...]]: ...


@dataclass
class Program:
    """The real program on one empty database."""

    applier: Applier
    dsn: str
    offsets: dict[str, int] = field(default_factory=dict)
    sequences: dict[str, int] = field(default_factory=dict)
    numbers: dict[tuple[str, int], int] = field(default_factory=dict)  # office, offset → number
    receipts: dict[int, str] = field(default_factory=dict)
    cases: dict[int, str] = field(default_factory=dict)

    async def push(self, office: str, items: Sequence[Item]) -> list[dict[str, Any]]:
        """Apply one batch and return every return that it made, whatever office it is for."""
        place = Partition(submissions_topic(office), 0)
        position = self.offsets.get(office, 0)
        if position == 0:
            async with writing(self.applier.pool) as connection:
                await ledger.begin_partition(connection, *place, office, 0)
        incoming = []
        for offset, item in enumerate(items, start=position):
            self.numbers[office, offset] = item.number
            body = item.body(self.receipts, self.cases)
            incoming.append(Incoming(source=Source(*place, offset), received_at=item.received_at, body=body))
        submissions = [self.applier.decode(each, office) for each in incoming]
        end = position + len(items)
        await self.applier.apply(
            Batch(place=place, office=office, position=position, next_offset=end, submissions=submissions)
        )
        self.offsets[office] = end
        return await self._new_returns()

    async def settle(self, order: Order) -> tuple[str, list[dict[str, Any]]]:
        """Let one person resolve a case, and another approve where four eyes are due; return what came of it."""
        case_id = self.cases.get(order.about, "")
        told = "done"
        try:
            if order.operation == "approve":
                await approve(self.applier, case_id, actor="li")
            elif order.operation == "refuse":
                await refuse(self.applier, case_id, actor="li")
            else:
                wanted = await self._wanted(order, case_id)
                if not await propose(self.applier, wanted):
                    told = "approved"
                    await approve(self.applier, case_id, actor="li")
        except (NotPossible, NoSuchCase, NotAwaiting):
            if told == "approved":
                await refuse(self.applier, case_id, actor="li")
            told = "refused"
        return told, await self._new_returns()

    async def _wanted(self, order: Order, case_id: str) -> Wanted:
        receipt = self.receipts.get(order.member, "") if isinstance(order.member, int) else None
        if receipt is None:
            async with reading(self.applier.pool) as connection:
                receipt = await connection.fetchval(
                    "select receipt_id from case_member"
                    " where case_id = $1 and uscc = $2 and role = 'holder' and ended_at is null",
                    case_id,
                    order.member,
                )
        return Wanted(
            case_id=case_id,
            operation=Operation(order.operation),
            receipt_id=receipt or "",
            new_uscc=order.new_uscc,
            actor="zhang",
            via="api",
        )

    async def allocate(self, segments: Sequence[Allocation]) -> None:
        """Load code segments, as their file does."""
        if not segments:
            return
        pool = await open_pool(self.dsn, role=None, limits=INGEST, size=1, name="model-segments")
        try:
            async with writing(pool) as connection:
                await add_segments(connection, segments_of(segments), source="model", now=START, actor="model")
        finally:
            await pool.close()

    async def _new_returns(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        async with reading(self.applier.pool) as connection:
            for office in OFFICES:
                rows = await connection.fetch(
                    "select return_text from disposition where office = $1 and sequence > $2 order by sequence",
                    office,
                    self.sequences.get(office, 0),
                )
                found += [orjson.loads(row["return_text"]) for row in rows]
        for each in found:
            self.sequences[each["office"]] = each["sequence"]
            number = self.numbers[each["office"], each["source"]["offset"]]
            each["number"] = number
            self.receipts[number] = each["receipt_id"]
            if each["case_id"]:
                self.cases[number] = each["case_id"]
        return found

    async def registry(self) -> dict[str, tuple[Any, ...]]:
        """Return code → (registered, status, particulars, last version)."""
        async with reading(self.applier.pool) as connection:
            rows = await connection.fetch(
                "select r.uscc, r.registered, r.status, r.last_version, v.record"
                " from registration r join registration_version v"
                " on v.uscc = r.uscc and v.version = r.particulars_version"
            )
        return {
            row["uscc"]: (
                row["registered"],
                row["status"] if row["registered"] else None,
                orjson.loads(row["record"]) if row["registered"] else None,
                row["last_version"],
            )
            for row in rows
        }


def segments_of(allocations: Sequence[Allocation]) -> list[Segment]:
    return [
        Segment(first_body=first, last_body=last, office=office, allocated_on=allocated_on)
        for office, first, last, allocated_on in allocations
    ]


@asynccontextmanager
async def open_program(dsn: str) -> AsyncIterator[Program]:
    async with open_ledger(dsn) as applier:
        yield Program(applier, dsn)


def cut(items: Sequence[Item], random: Random) -> list[list[Item]]:
    """Cut a feed into batches of one office each, of random size."""
    batches: list[list[Item]] = []
    size = random.choice((1, 2, 3, 10, 100))
    for item in items:
        alone = item.order is not None or (batches and batches[-1][0].order is not None)
        if batches and not alone and batches[-1][0].office == item.office and len(batches[-1]) < size:
            batches[-1].append(item)
        else:
            batches.append([item])
            size = random.choice((1, 2, 3, 10, 100))
    return batches


def answers_of(returns: Sequence[dict[str, Any]], numbers: dict[str, int]) -> dict[tuple[int, int], dict[str, Any]]:
    return {
        (each["number"], each["attempt"]): {
            "disposition": each["disposition"],
            "findings": sorted({f"{f['rule']} {f['severity']}" for f in each["findings"]}),
            "duplicate_of": numbers.get(each["duplicate_of"]) if each["duplicate_of"] else None,
            "version": each["registration_version"] if each["disposition"] in ("accepted", "superseded") else None,
            "case": each["case_id"],
        }
        for each in returns
    }


def as_dict(answer: Answer) -> dict[str, Any]:
    return {
        "disposition": answer.disposition,
        "findings": sorted(f"{rule} {severity}" for rule, severity in answer.findings),
        "duplicate_of": answer.duplicate_of,
        "version": answer.version,
        "case": answer.case,
    }


async def differences(
    program: Judging,
    batches: Sequence[Sequence[Item]],
    segments: Sequence[Allocation] = (),
    order: str = "occurred_at",
) -> list[str]:
    """Run a feed through both; return what the first batch that is judged differently says, empty when none is."""
    registry = Registry(segments=list(segments), order=order)
    await program.allocate(segments)
    named: dict[int, str] = {}  # the model's case → the program's
    for batch in batches:
        try:
            told = await _step(program, registry, batch, named)
        except SyncError as problem:
            return [f"the program stops: {problem}"]
        if told:
            return told
    return compare_registry(registry, await program.registry())


async def _step(program: Judging, registry: Registry, batch: Sequence[Item], named: dict[int, str]) -> list[str]:
    """Let both take one batch, or one person's order; return what differs."""
    ours: dict[tuple[int, int], dict[str, Any]] = {}
    order = batch[0].order
    if order is not None:
        if not program.cases:
            return []
        order = aimed(order, program.cases)
        case_id = program.cases[order.about]
        ending, returns = await program.settle(order)
        wanted, answers = registry.settle(order, case_id, named)
        told = [] if ending == wanted else [f"order {batch[0].number}: model {wanted}, program {ending}"]
        ours.update({(answer.number, answer.attempt): as_dict(answer) for answer in answers})
        return told + compare(ours, answers_of(returns, registry.receipts), named)
    office = batch[0].office
    offset = program.offsets.get(office, 0)
    bodies = [item.body(program.receipts, program.cases) for item in batch]
    returns = await program.push(office, batch)
    registry.receipts = {receipt: number for number, receipt in program.receipts.items()}
    registry.case_names = {case_id: number for number, case_id in named.items()}
    for place, item in enumerate(batch):
        topic = f"{submissions_topic(office)}/0/{offset + place}"
        for answer in registry.receive(Received(item.number, office, bodies[place], item.received_at, topic)):
            ours[answer.number, answer.attempt] = as_dict(answer)
    return compare(ours, answers_of(returns, registry.receipts), named)


def aimed(order: Order, cases: dict[int, str]) -> Order:
    """Return an order about a case that there is, of late, and mostly about one of its members."""
    known = sorted(cases)
    about = order.about if order.about in cases else known[-1 - order.about % min(3, len(known))]
    fellows = [number for number in known if cases[number] == cases[about]]
    member = order.member
    if isinstance(member, int) and member not in fellows:
        member = fellows[member % len(fellows)]
    return replace(order, about=about, member=member)


def compare(ours: dict[tuple[int, int], Any], theirs: dict[tuple[int, int], Any], named: dict[int, str]) -> list[str]:
    told = []
    for key in sorted(ours.keys() | theirs.keys()):
        mine, other = dict(ours.get(key, {})), dict(theirs.get(key, {}))
        if key[1] > 1:
            for each in (mine, other):
                each.pop("findings", None)
        if mine.get("case") is not None and other.get("case"):
            mine["case"] = named.setdefault(mine["case"], other["case"])
        if mine.get("disposition") != "held":
            mine.pop("case", None)
        if other.get("disposition") != "held":
            other.pop("case", None)
        if mine != other:
            told.append(f"record {key[0]} attempt {key[1]}:\n   model   {mine}\n   program {other}")
    return told


def compare_registry(registry: Registry, theirs: dict[str, tuple[Any, ...]]) -> list[str]:
    told = []
    for uscc in sorted({c.uscc for c in registry.codes.values() if c.holdings} | theirs.keys()):
        code = registry.codes.get(uscc)
        mine: tuple[Any, ...] | None = None
        if code and code.holdings:
            now = code.holder.now() if code.holder else None
            mine = (now is not None, now.status if now else None, dict(now.particulars) if now else None, code.versions)
        other = theirs.get(uscc)
        if mine != other:
            told.append(f"{uscc} in the end:\n   model   {mine}\n   program {other}")
    return told
