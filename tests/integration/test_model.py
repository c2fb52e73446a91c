"""The program decides every record as an independent reading of the standard does (tests/model).

`MODEL_FEEDS=20000 MODEL_SEED=7 pytest tests/integration/test_model.py` searches long (`make fuzz` does); a feed that is
judged differently is printed as small as it could be made. `python -m tests.model` is the same by hand.
"""

from __future__ import annotations

import os
from random import Random

import pytest

from tests.model.__main__ import examine, templated
from tests.model.differential import compare, cut
from tests.model.feed import Feed

FEEDS = int(os.environ.get("MODEL_FEEDS", "120"))
pytestmark = pytest.mark.timeout(0 if FEEDS > 120 else 300)
FIRST = int(os.environ.get("MODEL_SEED", "1"))


async def test_the_judge_decides_as_the_model_does() -> None:
    wrong = [seed for seed in range(FIRST, FIRST + FEEDS) if not await examine(seed, None, "")]

    assert [] == wrong


async def test_ingest_decides_as_the_model_does_however_feeds_are_cut(cluster: str) -> None:
    async with templated(cluster) as template:
        wrong = [
            seed for seed in range(FIRST, FIRST + max(1, FEEDS // 20)) if not await examine(seed, cluster, template)
        ]

    assert [] == wrong


@pytest.mark.parametrize("seed", range(3))
async def test_a_feed_is_the_same_for_a_seed(seed: int) -> None:
    one, two = Feed(seed), Feed(seed)

    assert one.items == two.items
    assert cut(one.items, Random(seed)) == cut(two.items, Random(seed))


async def test_a_difference_would_be_told() -> None:
    """The comparison is no formality: another severity, another case and a return too many are differences."""
    held = {"disposition": "held", "findings": ["D01 hold"], "case": 0}
    ours = {(0, 1): held, (1, 1): held}
    theirs = {place: {**held, "case": "case-a"} for place in ours}

    assert [] == compare(ours, theirs, {})
    assert 1 == len(compare(ours, {**theirs, (1, 1): {**held, "case": "case-b"}}, {}))
    assert 1 == len(compare(ours, {**theirs, (1, 1): {**theirs[1, 1], "findings": ["D01 warning"]}}, {}))
    assert 1 == len(compare(ours, {**theirs, (0, 2): {"disposition": "accepted"}}, {}))
