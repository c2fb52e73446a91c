"""What the demonstration feed says must become of a record is what decoder and judgement make of it."""

from __future__ import annotations

import zlib
from collections import Counter, defaultdict, deque
from datetime import UTC, date, datetime
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.demo.apart import apart, every_two
from service.demo.catalogue import ACTIVE, pairs, singles
from service.demo.drafts import Desk
from service.demo.feed import DemoRecord, generate, record_of
from service.judging import decoder, rulings
from service.settings import Settings
from service.site import load_site
from sync.facts import Facts
from sync.records import Decision, Incoming, Source
from sync.rules import Judge
from validators.findings import Severity

BASE = date(2026, 11, 20)
NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)
SITE = load_site(None)
PARTITIONS = 6


def arrivals(records: list[DemoRecord], random: Random) -> list[tuple[DemoRecord, Source]]:
    """Return the records in an order in which partitions may be read: within each as sent, across them anyhow."""
    partitions: dict[tuple[str, int], deque[DemoRecord]] = defaultdict(deque)
    for record in records:
        number = zlib.crc32(record.key) % PARTITIONS if record.key else random.randrange(PARTITIONS)
        partitions[record.office, number].append(record)
    offsets: Counter[tuple[str, int]] = Counter()
    order = []
    while partitions:
        place = random.choice(list(partitions))
        for _ in range(random.randrange(1, 60)):
            if not partitions[place]:
                del partitions[place]
                break
            office, number = place
            source = Source(f"uscc.submissions.{office}", number, offsets[place])
            order.append((partitions[place].popleft(), source))
            offsets[place] += 1
    return order


def decide(order: list[tuple[DemoRecord, Source]]) -> list[tuple[DemoRecord, Decision]]:
    """Decode and judge records in their order; return each with its first decision."""
    defaults = Settings()
    decode = decoder(defaults, SITE).decode
    judge = Judge(Facts(), rulings=rulings(defaults, SITE), ruleset=SITE.ruleset, now=NOON)
    receipts = []
    for record, source in order:
        submission = decode(Incoming(source=source, received_at=NOON, body=record.body), record.office)
        receipts.append((record, submission.receipt_id))
        judge.decide(submission)
    first = {each.submission.receipt_id: each for each in judge.outcome.decisions if each.attempt == 1}
    return [(record, first[receipt]) for record, receipt in receipts]


def hold_against_truth(decided: list[tuple[DemoRecord, Decision]]) -> None:
    groups: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for record, decision in decided:
        found = {finding.rule for finding in decision.findings}
        if record.group:
            groups[record.group, record.group_expectation][decision.disposition.value] += 1
            assert set(record.rules) <= found, (record, found)
            continue
        grave = {each.rule for each in decision.findings if each.severity in (Severity.ERROR, Severity.HOLD)}
        assert decision.disposition.value == record.disposition, (record, found)
        assert grave <= set(record.rules) <= found, (record, found)
    for (group, expectation), counts in groups.items():
        assert ", ".join(f"{counts[name]} {name}" for name in sorted(counts)) == expectation, group


def test_every_two_rules_are_planted_together_or_kept_apart_for_a_reason() -> None:
    desk = Desk(1, BASE)
    plantings = [(planting, office) for planting in (*singles(), *pairs()) for office in planting.offices]
    # Two codes that meet name no rule of what they have in common (D02, D03): the planting does.
    planted = {frozenset(planting.rules) for planting in pairs()}
    for _ in range(3):
        for planting, office in plantings:
            for draft in planting.write(desk, office):
                planted |= every_two(frozenset(draft.rules))

    together = {each for each in planted if len(each) == 2}

    assert every_two(ACTIVE) == together | apart()
    assert not together & apart()


def test_what_is_kept_apart_never_stands_on_one_record() -> None:
    decided = decide(arrivals(list(generate(6_000, 11, BASE)), Random(11)))
    found = {two for _, each in decided for two in every_two(frozenset(finding.rule for finding in each.findings))}

    assert not found & apart()


@given(seed=st.integers(0, 10_000), interleaving=st.integers(0, 10_000))
@settings(max_examples=8, deadline=None)
def test_the_truth_holds_however_partitions_interleave(seed: int, interleaving: int) -> None:
    hold_against_truth(decide(arrivals(list(generate(2_500, seed, BASE)), Random(interleaving))))


@pytest.mark.parametrize("seed", range(2))
def test_every_planting_of_one_rule_and_of_two_becomes_what_its_truth_says(seed: int) -> None:
    desk = Desk(seed, BASE)
    order, found, offsets = [], set(), Counter[str]()
    for planting in (*singles(), *pairs()):
        for office in planting.offices:
            drafts = planting.write(desk, office)
            for draft in drafts:
                source = Source(f"uscc.submissions.{office}", 0, offsets[office])
                offsets[office] += 1
                order.append((record_of(draft, source.offset + 1), source))
            # What a group has in common no single record of it shows.
            if drafts[0].group or any(draft.rules.issuperset(planting.rules) for draft in drafts):
                found.add(frozenset(planting.rules))
    decided = decide(order)

    hold_against_truth(decided)
    assert {each.rule for _, decision in decided for each in decision.findings} - {"L03"} == ACTIVE
    assert {frozenset(planting.rules) for planting in (*singles(), *pairs())} == found
