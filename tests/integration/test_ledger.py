"""One disposition, one return and one effect a record, however the feed is cut, repeated or fought over."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from service.demo import generate
from sync.errors import Fenced
from sync.store.connection import Pool
from tests.integration.ledger import apply_all, body, by_office, open_ledger, read_registry, read_returns

CODE = "91210100MA00004960"


def _without_instants(returns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in each.items() if name != "decided_at"} for each in returns]


@pytest.fixture(scope="module")
def feed() -> dict[str, list[bytes]]:
    """A demonstration feed of three offices."""
    return by_office(generate(2_000, 11, date(2026, 11, 20)))


@pytest.mark.parametrize("batch", [1, 7])
async def test_a_feed_cut_otherwise_gives_the_same(
    batch: int, feed: dict[str, list[bytes]], database: str, twin: str, pool: Pool, twin_pool: Pool
) -> None:
    async with open_ledger(database) as one, open_ledger(twin) as other:
        for office, bodies in feed.items():
            await apply_all(one, bodies[:400], office=office, batch=5_000)
            await apply_all(other, bodies[:400], office=office, batch=batch)

    assert _without_instants(await read_returns(pool)) == _without_instants(await read_returns(twin_pool))
    assert await read_registry(pool) == await read_registry(twin_pool)


async def test_a_topic_replayed_into_its_own_ledger_is_fenced_and_changes_nothing(
    feed: dict[str, list[bytes]], database: str, pool: Pool
) -> None:
    async with open_ledger(database) as applier:
        await apply_all(applier, feed["commerce"][:300])
        before = (await read_returns(pool), await read_registry(pool))
        with pytest.raises(Fenced):
            await apply_all(applier, feed["commerce"][:300])

    assert before == (await read_returns(pool), await read_registry(pool))


async def test_every_record_has_one_first_disposition_and_one_return(
    feed: dict[str, list[bytes]], database: str, pool: Pool
) -> None:
    async with open_ledger(database) as applier:
        for office, bodies in feed.items():
            await apply_all(applier, bodies, office=office, batch=500)
    returns = await read_returns(pool)

    assert sum(map(len, feed.values())) == sum(each["attempt"] == 1 for each in returns)
    for office, bodies in feed.items():
        sequences = [each["sequence"] for each in returns if each["office"] == office]
        assert list(range(1, len(sequences) + 1)) == sequences
        assert len(bodies) == len({each["receipt_id"] for each in returns if each["office"] == office})


async def test_a_code_of_sixty_thousand_characters_is_only_wrong(database: str, pool: Pool) -> None:
    bodies = [body(1, uscc=CODE), body(2, uscc="9" * 60_000), body(3, "change", uscc=CODE, business_type="2")]
    async with open_ledger(database) as applier:
        await apply_all(applier, bodies)

    assert [each["disposition"] for each in await read_returns(pool)] == ["accepted", "rejected", "unchanged"]


async def test_history_survives_a_rename_a_restart_and_a_late_record(database: str, pool: Pool) -> None:
    """Each batch reads anew what the batches before it wrote: summaries and histories answer alike."""
    life = [
        body(1, uscc=CODE, at="2026-11-01T00:00:00Z", established_on="2020-01-01"),
        body(2, "cancel", uscc=CODE, at="2026-11-05T00:00:00Z"),
        body(3, "change", uscc=CODE, at="2026-11-03T00:00:00Z", business_type="2", name="大连二号有限公司"),
        body(4, "cancel", uscc=CODE, at="2026-11-06T00:00:00Z", name="大连二号有限公司"),
        body(5, "restore", uscc=CODE, at="2026-11-07T00:00:00Z"),
        body(6, "withdraw", uscc=CODE, at="2026-11-08T00:00:00Z"),
        body(7, "change", uscc=CODE, at="2026-11-04T00:00:00Z", business_type="2"),
        body(8, "change", uscc=CODE, at="2026-11-09T00:00:00Z", business_type="2"),
        body(9, uscc=CODE, at="2026-11-10T00:00:00Z"),
    ]
    async with open_ledger(database) as applier:
        await apply_all(applier, life, batch=1)

    assert [(each["disposition"], each["registration_version"]) for each in await read_returns(pool)] == [
        ("accepted", 1),
        ("accepted", 2),
        ("accepted", 3),
        ("unchanged", 2),
        ("accepted", 4),
        ("accepted", 5),
        ("superseded", 6),
        ("held", None),
        ("held", None),
    ]
