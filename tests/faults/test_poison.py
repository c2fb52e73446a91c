"""Poison between good records: each gets its disposition, and its neighbours do not notice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import orjson
import pytest

from sync.kafka import KafkaSettings, Partition
from sync.quarantine import FAILURES_IN_A_ROW
from sync.records import Incoming, Submission
from sync.store.connection import Pool, writing
from sync.store.standing import resume_partition
from tests.faults.own_topics import OwnTopics, good
from tests.integration.ledger import body, read_returns
from tests.messages import code

_MIB = 1024 * 1024

POISON: dict[str, tuple[bytes, str, str]] = {
    "nul_in_a_text": (body(1, uscc=code(), registered_address="沈阳\0市"), "rejected", "M06"),
    "nul_in_the_code": (body(2, uscc="91210100\0MA0000496X"), "rejected", "M06"),
    "nul_in_the_message_id": (body(3, uscc=code()).replace(b"M-3", rb"M\u0000-3"), "rejected", "M06"),
    "nul_in_an_unknown_member": (body(4, uscc=code(), else_="\0"), "rejected", "M06"),
    "nul_bytes": (bytes(64), "quarantined", "M03"),
    "lone_surrogate": (body(5, uscc=code()).replace("沈阳一号".encode(), rb"\ud800"), "rejected", "M06"),
    "surrogate_in_a_name_of_a_member": (body(6, uscc=code(), x=1).replace(b'"x"', rb'"\udfff"'), "rejected", "M06"),
    "ten_megabytes": (body(7, uscc=code(), business_scope="x" * (10 * _MIB)), "quarantined", "M04"),
    "ten_megabytes_of_noise": (bytes(range(256)) * (40 * 1024), "quarantined", "M04"),
    "json_nested_a_thousand_deep": (b'{"record":' + b"[" * 1000 + b"]" * 1000 + b"}", "quarantined", "M03"),
    "json_nested_deep_and_unclosed": (b"[" * 60_000, "quarantined", "M03"),
    "gb18030": (orjson.loads(body(8, uscc=code()))["record"]["name"].encode("gb18030"), "quarantined", "M03"),
    "json_in_gb18030": (body(9, uscc=code()).decode().encode("gb18030"), "quarantined", "M03"),
    "json_in_utf_16": (body(10, uscc=code()).decode().encode("utf-16"), "quarantined", "M03"),
    "cut_in_a_character": (body(11, uscc=code()).partition("阳".encode())[0] + b"\xe9", "quarantined", "M03"),
    "nothing": (b"", "quarantined", "M03"),
    "a_number_of_sixty_thousand_digits": (b'{"schema":' + b"9" * 60_000 + b"}", "rejected", "M06"),
    "a_code_of_sixty_thousand_characters": (body(12, uscc="9" * 60_000), "rejected", "E01"),
    "an_instant_of_the_year_0": (body(13, uscc=code(), at="0000-01-01T00:00:00Z"), "rejected", "M05"),
    "an_instant_at_the_end_of_time": (body(14, uscc=code(), at="9999-12-31T23:59:59-14:00"), "rejected", "M05"),
    "a_version_beyond_64_bits": (
        body(15, uscc=code()).replace(b'"operation"', b'"office_version":' + b"9" * 40 + b',"operation"'),
        "rejected",
        "M06",
    ),
}


async def test_poison_between_good_records_harms_nobody(
    broker: KafkaSettings, suffix: str, database: str, pool: Pool
) -> None:
    topics = OwnTopics(broker, suffix, partitions=1)
    await topics.create()
    bodies: list[bytes] = []
    for number, (poison, _, _) in enumerate(POISON.values()):
        bodies += [good(100 + number, code(subject=f"MA{number:06}")), poison]
    bodies.append(good(100 + len(POISON), code(subject=f"MA{len(POISON):06}")))
    async with topics.applier(database) as applier, topics.ingesting(applier, group=suffix, batch_records=7):
        await topics.send_bodies(bodies)
        await topics.until_decided(pool)
    returns = {each["source"]["offset"]: each for each in await read_returns(pool)}

    assert ["accepted"] * (len(POISON) + 1) == [returns[offset]["disposition"] for offset in range(0, len(bodies), 2)]
    for number, (name, (_, disposition, rule)) in enumerate(POISON.items()):
        answer = returns[2 * number + 1]
        assert (name, disposition, True) == (
            name,
            answer["disposition"],
            rule in {finding["rule"] for finding in answer["findings"]},
        )
    assert [] == await topics.broken_invariants(database)


def _failing(decode: Callable[[Incoming, str], Submission], word: bytes) -> Callable[[Incoming, str], Submission]:
    def decode_or_fail(incoming: Incoming, office: str) -> Submission:
        if word in incoming.body:
            raise ZeroDivisionError
        return decode(incoming, office)

    return decode_or_fail


async def test_a_record_on_which_our_own_code_fails_is_put_aside(
    broker: KafkaSettings, suffix: str, database: str, pool: Pool
) -> None:
    topics = OwnTopics(broker, suffix, partitions=1)
    await topics.create()
    bodies = [good(number, code(subject=f"MA{number:06}")) for number in range(1, 30)]
    async with topics.applier(database) as applier:
        failing = replace(applier, decode=_failing(applier.decode, "7号".encode()))
        async with topics.ingesting(failing, group=suffix, batch_records=5):
            await topics.send_bodies(bodies)
            await topics.until_decided(pool)
    returns = await read_returns(pool)

    assert [7, 17, 27] == [each["source"]["offset"] + 1 for each in returns if each["disposition"] == "quarantined"]
    assert 26 == sum(each["disposition"] == "accepted" for each in returns)
    assert [] == await topics.broken_invariants(database)


async def test_failures_of_our_own_code_in_a_row_halt_the_partition_until_it_is_mended(
    broker: KafkaSettings, suffix: str, database: str, pool: Pool
) -> None:
    topics = OwnTopics(broker, suffix, partitions=1)
    await topics.create()
    place = Partition(topics.topic(), 0)
    bodies = [good(number, code(subject=f"MA{number:06}")) for number in range(1, FAILURES_IN_A_ROW + 31)]
    async with topics.applier(database) as applier:
        failing = replace(applier, decode=_failing(applier.decode, "号".encode()))
        async with topics.ingesting(failing, group=suffix):
            await topics.send_bodies(bodies)
            reason = await topics.until_halted(pool, place)
        async with topics.ingesting(applier, group=suffix):
            async with writing(pool) as connection:
                assert await resume_partition(connection, *place)
            await topics.until_decided(pool)

    assert f"our own code failed on {FAILURES_IN_A_ROW} records in a row: ZeroDivisionError" == reason
    assert ["accepted"] * len(bodies) == [each["disposition"] for each in await read_returns(pool)]


@pytest.mark.parametrize("number", [1, 2])
async def test_a_record_that_the_database_refuses_is_found_and_put_aside(
    broker: KafkaSettings, suffix: str, database: str, pool: Pool, number: int
) -> None:
    """A check that a code of the feed violates stands for whatever no rule of ours has foreseen."""
    topics = OwnTopics(broker, suffix, partitions=1)
    await topics.create()
    codes = [code(subject=f"MA{each:06}") for each in range(1, 41)]
    async with writing(pool) as connection:
        refused = ", ".join(f"'{each}'" for each in codes[10 : 10 + number])
        await connection.execute(f"alter table registration_version add check (uscc not in ({refused}))")
    async with topics.applier(database) as applier, topics.ingesting(applier, group=suffix):
        await topics.send_bodies([good(each, uscc) for each, uscc in enumerate(codes)])
        await topics.until_decided(pool)
    returns = await read_returns(pool)

    assert list(range(10, 10 + number)) == [
        each["source"]["offset"] for each in returns if each["disposition"] == "quarantined"
    ]
    assert 40 - number == sum(each["disposition"] == "accepted" for each in returns)
