"""A log that is not the one that was decided halts its partition and says why; a person's word lets it go on."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient

from service.librdkafka import configuration
from sync.apply import Applier
from sync.errors import SyncError
from sync.kafka import KafkaSettings, Partition
from sync.store.connection import Pool
from tests.faults.own_topics import OwnTopics, good
from tests.integration.ledger import read_returns
from tests.messages import code


def _goods(first: int, last: int) -> list[bytes]:
    """Return good records by number: another number is another code and another message id."""
    return [good(number, code(subject=f"MA{number:06}")) for number in range(first, last + 1)]


class Site:
    """One office's topic of one partition, its ledger, and the program's own commands on both."""

    def __init__(self, topics: OwnTopics, dsn: str, pool: Pool) -> None:
        self.topics = topics
        self.dsn = dsn
        self.pool = pool
        self.place = Partition(topics.topic(), 0)

    async def decide(self, bodies: Sequence[bytes], *, group: str = "a") -> None:
        """Send records and let an ingest decide all that lies on the topic."""
        async with self.topics.applier(self.dsn) as applier, self.ingesting(applier, group):
            await self.topics.send_bodies(bodies)
            await self.topics.until_decided(self.pool)

    def ingesting(self, applier: Applier, group: str = "a") -> AbstractAsyncContextManager[None]:
        """Run an ingest while a block runs."""
        return self.topics.ingesting(applier, group=f"{self.place.topic}-{group}")

    async def recreate(self, bodies: Sequence[bytes]) -> None:
        """Delete the topic, make it anew and fill it."""
        admin = AdminClient(configuration(self.topics.kafka))
        (deleted,) = admin.delete_topics([self.place.topic]).values()
        await asyncio.to_thread(deleted.result, 10)
        deadline = time.monotonic() + 20
        while True:
            try:
                if self.place.topic in await self.topics.create():
                    break
            except SyncError:
                await asyncio.sleep(0.05)
            assert time.monotonic() < deadline, "the topic did not come back"
        await self.topics.send_bodies(bodies)

    async def remove_before(self, offset: int) -> None:
        """Let retention take the records before an offset."""
        admin = AdminClient(configuration(self.topics.kafka))
        (removed,) = admin.delete_records([TopicPartition(*self.place, offset)]).values()
        await asyncio.to_thread(removed.result, 10)

    async def uscc(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the program on this ledger and these topics."""
        where = {"USCC_DATABASE_DSN": self.dsn, "USCC_KAFKA_BOOTSTRAP": self.topics.kafka.bootstrap}
        return await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "service", *arguments],
            env=os.environ | where,
            capture_output=True,
            text=True,
            timeout=60,
        )

    async def decided(self) -> list[tuple[str, str]]:
        """Return message id and disposition of every record, in the order of decision."""
        return [(each["message_id"], each["disposition"]) for each in await read_returns(self.pool)]


@pytest.fixture
async def site(broker: KafkaSettings, suffix: str, database: str, pool: Pool) -> Site:
    """A site on which ten records were decided."""
    topics = OwnTopics(broker, suffix, partitions=1)
    await topics.create()
    made = Site(topics, database, pool)
    await made.decide(_goods(1, 10))
    return made


_ACCEPTED = [(f"M-{number}", "accepted") for number in range(1, 11)]


async def _halts(site: Site, reason: str) -> None:
    """See that ingest halts the partition, that the program says why, and that a bare resume does not hide it."""
    async with site.topics.applier(site.dsn) as applier, site.ingesting(applier):
        assert reason in await site.topics.until_halted(site.pool, site.place)
        listed = await site.uscc("partitions", "list", "--halted")
        assert (1, True) == (listed.returncode, reason in listed.stdout), listed.stderr
        assert 0 == (await site.uscc("partitions", "resume", "/".join(map(str, site.place)))).returncode
        assert reason in await site.topics.until_halted(site.pool, site.place)
    assert [] == [each for each in await site.decided() if each not in _ACCEPTED]


async def _goes_on_anew(site: Site, expected: list[tuple[str, str]]) -> None:
    """See that the present log is decided, once a person has accepted it."""
    async with site.topics.applier(site.dsn) as applier, site.ingesting(applier):
        resumed = await site.uscc("partitions", "resume", "/".join(map(str, site.place)), "--anew")
        assert 0 == resumed.returncode, resumed.stderr
        await site.topics.until_decided(site.pool)
    assert [*_ACCEPTED, *expected] == await site.decided()
    assert [] == await site.topics.broken_invariants(site.dsn)


async def test_a_topic_recreated_shorter_halts_its_partition(site: Site) -> None:
    await site.recreate(_goods(11, 14))

    await _halts(site, "the log ends at 4, before next_offset 10")
    await _goes_on_anew(site, [(f"M-{number}", "accepted") for number in range(11, 15)])


async def test_a_topic_recreated_longer_halts_at_other_bytes(site: Site) -> None:
    await site.recreate(_goods(8, 25))

    await _halts(site, "offset 9 holds other bytes than were decided")
    known = [(f"M-{number}", "unchanged") for number in range(8, 11)]
    await _goes_on_anew(site, known + [(f"M-{number}", "accepted") for number in range(11, 26)])


async def test_a_log_read_anew_leaves_what_was_decided_from_it(site: Site) -> None:
    """A broker that lost its tail has kept the rest: those records come again with the receipts that they have."""
    await site.pool.execute("update partition_progress set halted_at = now(), halted_reason = 'the tail was lost'")

    await _goes_on_anew(site, [])
    await site.decide(_goods(11, 12), group="b")

    assert [*_ACCEPTED, ("M-11", "accepted"), ("M-12", "accepted")] == await site.decided()
    assert [] == await site.topics.broken_invariants(site.dsn)


async def test_a_topic_restored_as_it_was_goes_on(site: Site) -> None:
    await site.recreate(_goods(1, 4))
    async with site.topics.applier(site.dsn) as applier, site.ingesting(applier):
        await site.topics.until_halted(site.pool, site.place)
        await site.topics.send_bodies(_goods(5, 12))
        await site.uscc("partitions", "resume", "/".join(map(str, site.place)))
        await site.topics.until_decided(site.pool)

    assert [*_ACCEPTED, ("M-11", "accepted"), ("M-12", "accepted")] == await site.decided()


@pytest.mark.parametrize("records", [3, 40])
async def test_a_topic_recreated_under_a_running_ingest_is_noticed(site: Site, records: int) -> None:
    async with site.topics.applier(site.dsn) as applier, site.ingesting(applier):
        await site.topics.send_bodies(_goods(11, 12))
        await site.topics.until_decided(site.pool)
        await site.recreate(_goods(101, 100 + records))
        reason = await site.topics.until_halted(site.pool, site.place)

    assert "before next_offset 12" in reason or "offset 11 holds other bytes" in reason
    assert 12 == len(await site.decided())


async def test_records_that_are_gone_undecided_halt_their_partition(site: Site) -> None:
    await site.topics.send_bodies(_goods(11, 20))
    await site.remove_before(15)

    await _halts(site, "the log begins at 15: from next_offset 10 on records are gone")
    await _goes_on_anew(site, [(f"M-{number}", "accepted") for number in range(16, 21)])


async def test_a_quiet_partition_whose_decided_records_are_gone_goes_on(site: Site) -> None:
    await site.remove_before(10)

    await site.decide(_goods(11, 12))
    assert [*_ACCEPTED, ("M-11", "accepted"), ("M-12", "accepted")] == await site.decided()


async def test_a_group_that_stands_elsewhere_is_not_believed(site: Site) -> None:
    """Kafka's own offset is for those who watch: one outside the log neither halts nor moves anything."""
    await site.decide(_goods(11, 11), group="elsewhere")
    admin = AdminClient(configuration(site.topics.kafka))
    places = [TopicPartition(*site.place, 5_000)]
    (altered,) = admin.alter_consumer_group_offsets(
        [ConsumerGroupTopicPartitions(f"{site.place.topic}-elsewhere", places)]
    ).values()
    await asyncio.to_thread(altered.result, 10)

    await site.decide(_goods(12, 12), group="elsewhere")
    assert [*_ACCEPTED, ("M-11", "accepted"), ("M-12", "accepted")] == await site.decided()
