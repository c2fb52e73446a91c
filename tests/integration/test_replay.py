"""Quarantined records are decided again once they can be read: same receipt, second attempt."""

from __future__ import annotations

import dataclasses

import orjson

from service.site import load_site
from sync.apply import Applier, Batch
from sync.kafka import Partition
from sync.mappings import load_mappings
from sync.messages import Decoder
from sync.records import Incoming, Source
from sync.replay import Replayed, replay_quarantined
from sync.store import ledger
from sync.store.connection import Pool, reading, writing
from sync.topics import submissions_topic
from tests.integration.ledger import NOON, apply_all, body, open_ledger, read_returns
from validators.uscc import CodeContext

CODE = "91210100MA00004960"
NAME = "沈阳一号有限公司"
FIELDS = {"uniscid": CODE, "traname": NAME, "apprdate": "2026-11-19", "id": "C-1"}


async def _send(applier: Applier, *messages: bytes, ce_time: str = "2026-11-19T09:00:00+08:00") -> None:
    """Apply messages of commerce under its mapping."""
    place = Partition(submissions_topic("commerce"), 1)
    async with writing(applier.pool) as connection:
        await ledger.begin_partition(connection, *place, "commerce", 0)
    headers = {"mapping": b"registration", "ce_time": ce_time.encode(), "batch_id": b"B"}
    incoming = [
        Incoming(source=Source(*place, offset), received_at=NOON, body=each, headers=headers)
        for offset, each in enumerate(messages)
    ]
    submissions = [applier.decode(each, "commerce") for each in incoming]
    await applier.apply(
        Batch(place=place, office="commerce", position=0, next_offset=len(messages), submissions=submissions)
    )


def _mended(applier: Applier) -> Applier:
    """Return an applier whose mapping of commerce reads GB 18030."""
    site = load_site(None)
    mappings = dict(load_mappings(site.offices))
    mappings["commerce", "registration"] = dataclasses.replace(mappings["commerce", "registration"], encoding="gb18030")
    mended = Decoder(
        offices=site.offices,
        ruleset=site.ruleset,
        mappings=mappings,
        codes=CodeContext(province="21", register=frozenset()),
    )
    return dataclasses.replace(applier, decode=mended.decode)


async def _replay(applier: Applier, *, dry_run: bool = False) -> Replayed:
    return [total async for total in replay_quarantined(applier, ["commerce"], dry_run=dry_run)][-1]


async def _told(pool: Pool) -> list[tuple[str, int, str | None]]:
    return [(each["disposition"], each["attempt"], each["uscc"]) for each in await read_returns(pool)]


async def test_what_a_mended_mapping_can_read_is_decided_with_the_same_receipt(database: str, pool: Pool) -> None:
    sent = orjson.dumps(FIELDS).decode().encode("gb18030")
    async with open_ledger(database) as applier:
        await _send(applier, sent, b"{broken")
        before = await _replay(applier)
        after = await _replay(_mended(applier))
        again = await _replay(_mended(applier))

    assert (2, 2) == (before.looked_at, before.unreadable)
    assert ({"accepted": 1}, 1) == (dict(after.dispositions), after.unreadable)
    assert (1, 1, {}) == (again.looked_at, again.unreadable, dict(again.dispositions))
    returns = await read_returns(pool)
    assert [("quarantined", 1), ("quarantined", 1), ("accepted", 2)] == [
        (each["disposition"], each["attempt"]) for each in returns
    ]
    assert returns[0]["receipt_id"] == returns[2]["receipt_id"]
    assert ["B", "B", "B"] == [each["batch_id"] for each in returns]
    async with reading(pool) as connection:
        occurred_at = await connection.fetchval("select occurred_at from registration_version")
    assert "2026-11-19T01:00:00+00:00" == occurred_at.isoformat()


async def test_a_dry_replay_changes_nothing(database: str, pool: Pool) -> None:
    async with open_ledger(database) as applier:
        await _send(applier, orjson.dumps(FIELDS).decode().encode("gb18030"))
        told = await _replay(_mended(applier), dry_run=True)

    assert {"accepted": 1} == dict(told.dispositions)
    assert [("quarantined", 1, None)] == await _told(pool)


async def test_a_record_whose_id_was_used_meanwhile_is_rejected(database: str, pool: Pool) -> None:
    sent = orjson.dumps(FIELDS | {"id": "M-1"}).decode().encode("gb18030")
    async with open_ledger(database) as applier:
        await _send(applier, sent)
        await apply_all(applier, [body(1, uscc=CODE)], partition=2)
        told = await _replay(_mended(applier))

    assert ({"rejected": 1}, 1) == (dict(told.dispositions), told.rules["M01"])


async def test_a_replayed_record_may_be_held_and_gets_its_next_return_when_its_case_is_settled(
    database: str, pool: Pool
) -> None:
    async with open_ledger(database) as applier:
        await apply_all(applier, [body(1, uscc=CODE, name="大连二号有限公司")])
        await _send(applier, orjson.dumps(FIELDS).decode().encode("gb18030"))
        await _replay(_mended(applier))
        mended = _mended(applier)
        await apply_all(mended, [body(2, "withdraw", uscc=CODE, name=NAME)], partition=3)

    assert [
        ("accepted", 1, CODE),
        ("quarantined", 1, None),
        ("held", 2, CODE),
        ("rejected", 3, CODE),
        ("accepted", 1, CODE),
    ] == await _told(pool)
    assert [None, "B", "B", "B", None] == [each["batch_id"] for each in await read_returns(pool)]
