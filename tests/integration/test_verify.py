"""`uscc verify` against a real registry: it holds after a feed, and every way of breaking it is named."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from service.commands.verify import record_rules
from service.demo import DemoRecord, generate, push
from service.demo.feed import today
from service.judging import decoder, rulings
from service.librdkafka import configuration
from service.settings import Settings
from service.site import Site, load_site
from sync import ingest, relay
from sync.apply import Applier
from sync.invariants import RecordRules, Result, VerifyConfig, verify
from sync.kafka import KafkaSettings, create_topics
from sync.offices import Offices
from sync.store.connection import INGEST, open_pool
from sync.store.ledger import prepare_session
from tests.services import database_of

RECORDS = 1_200
CHECKS = ["I1", "I2", "I3", "I4", "I5", "I7", "I8", "I9", "I10"]


def site_of(suffix: str, no_mappings: Path) -> Site:
    """The default site under office names that no other test has, without mappings."""
    site = load_site(None)
    own = {office + suffix: replace(each, id=office + suffix, mapping=None) for office, each in site.offices.items()}
    return replace(site, offices=Offices(own), mappings=no_mappings)


def feed(suffix: str, records: int = RECORDS) -> list[DemoRecord]:
    """The demonstration feed of today, sent by the test's own offices."""
    return [replace(record, office=record.office + suffix) for record in generate(records, 1, today())]


def rules_of(site: Site) -> RecordRules:
    """What the test's own offices are judged by."""
    return replace(
        record_rules(Settings()),
        profile=lambda office, category: site.offices[office].profile(category),
        calendar=lambda office: site.offices[office].working_calendar,
    )


@asynccontextmanager
async def roles(broker: KafkaSettings, database: str, site: Site) -> AsyncIterator[None]:
    """Ingest and relay, running."""
    stop = asyncio.Event()
    offices = list(site.offices)
    decode = decoder(Settings(), site).decode
    writer = await open_pool(
        database, role="uscc_ingest", limits=INGEST, size=4, name="test-ingest", prepare=prepare_session
    )
    publisher = await open_pool(database, role="uscc_relay", limits=INGEST, size=2, name="test-relay")
    applier = Applier(
        pool=writer,
        rulings=rulings(Settings(), site),
        ruleset=site.ruleset,
        decode=decode,
    )
    tasks = [
        asyncio.create_task(
            ingest.run(ingest.IngestConfig(kafka=broker, offices=offices, applier=applier, batch_records=300), stop)
        ),
        asyncio.create_task(
            relay.run(relay.RelayConfig(kafka=broker, offices=offices, pool=publisher, limits=INGEST), stop)
        ),
    ]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*tasks)
        await writer.close()
        await publisher.close()


async def until_settled(connection: asyncpg.Connection[asyncpg.Record], records: int) -> None:
    """Wait until every record is decided and every return and change published."""
    while True:
        decided = await connection.fetchval("select coalesce(sum(decided_records), 0) from partition_progress")
        waiting = await connection.fetchval(
            """select count(*) from sequence_counter c join relay_progress p
               on p.topic = 'uscc.' || case when c.name = 'changes' then 'changes' else replace(c.name, ':', '.') end
               where p.sequence < c.value"""
        )
        if decided == records and waiting == 0:
            return
        await asyncio.sleep(0.1)


async def decided_feed(
    broker: KafkaSettings, database: str, suffix: str, empty: Path, records: int = RECORDS
) -> VerifyConfig:
    """Let a registry decide the demonstration feed and publish what it decided; nothing runs any more then."""
    site = site_of(suffix, empty)
    await create_topics(broker, list(site.offices), partitions=2)
    async with roles(broker, database, site):
        sent = await asyncio.to_thread(push, broker, feed(suffix, records), lambda _sent: None)
        assert sent == records
        connection = await asyncpg.connect(database)
        try:
            await until_settled(connection, records)
        finally:
            await connection.close()
    return VerifyConfig(dsn=database, kafka=configuration(broker), rules=rules_of(site))


async def results_of(config: VerifyConfig) -> dict[str, Result]:
    """Every check's answer."""
    return {result.id: result async for result in verify(config, lambda _done, _total: None)}


@pytest.mark.timeout(180)
async def test_everything_holds_after_a_feed(broker: KafkaSettings, database: str, suffix: str, tmp_path: Path) -> None:
    config = await decided_feed(broker, database, suffix, tmp_path)
    results = await results_of(config)

    assert list(results) == CHECKS
    assert {result.as_line() for result in results.values() if not result.ok} == set()
    assert results["I1"].checked == results["I2"].checked == RECORDS
    assert results["I4"].checked >= RECORDS


@pytest.mark.timeout(180)
async def test_the_pipeline_decides_as_the_truth_says(
    broker: KafkaSettings, database: str, suffix: str, tmp_path: Path
) -> None:
    config = await decided_feed(broker, database, suffix, tmp_path)
    connection = await asyncpg.connect(config.dsn)
    rows = await connection.fetch(
        """select office, content_sha256, disposition from disposition where attempt = 1
           order by topic, partition, "offset" """
    )
    await connection.close()

    # The same bytes are sent twice only under the same key, so their order is that of the feed.
    found: dict[tuple[str, bytes], list[str]] = defaultdict(list)
    for row in rows:
        found[row["office"], row["content_sha256"]].append(row["disposition"])
    expected: dict[tuple[str, bytes], list[str]] = defaultdict(list)
    grouped = set()
    for record in feed(suffix):
        place = (record.office, sha256(record.body).digest())
        expected[place].append(record.disposition)
        if record.group:
            grouped.add(place)
    assert {place: found[place] for place in expected if place not in grouped} == {
        place: told for place, told in expected.items() if place not in grouped
    }


TAMPERING = {
    "I1": (
        "a disposition vanishes",
        "delete from disposition where receipt_id = (select min(receipt_id) from disposition where attempt = 1)",
    ),
    "I2": (
        "stored bytes vanish",
        "delete from raw_message where receipt_id = (select min(receipt_id) from raw_message)",
    ),
    "I3": (
        "a version vanishes",
        "delete from registration_version where receipt_id = (select max(receipt_id) from registration_version)",
    ),
    "I4": (
        "a return is written anew",
        """update disposition set return_text = replace(return_text, '"class":', '"class": ')
           where receipt_id = (select min(receipt_id) from disposition where disposition = 'rejected')""",
    ),
    "I5": (
        "a status changes without a record",
        """update registration set status = 'revoked'
           where uscc = (select min(uscc) from registration where status = 'normal')""",
    ),
    "I8": (
        "a subject code gets a second code",
        """insert into holder select replace(uscc, substr(uscc, 3, 6), '210200'), name, name_key, subject_code,
           registration_number, established_on, '210200' from holder where substr(uscc, 3, 6) <> '210200' limit 1""",
    ),
    "I9": (
        "a finding is talked away",
        """update disposition set return_text = regexp_replace(return_text, '"findings":.*"registration_version"',
           '"findings":[],"registration_version"') where disposition = 'rejected' and 'Q02' = any(rules)""",
    ),
    "I10": ("a change vanishes", "delete from change where sequence = 5"),
}


@pytest.mark.timeout(300)
async def test_every_breach_is_named(
    broker: KafkaSettings, cluster: str, database: str, suffix: str, tmp_path: Path
) -> None:
    config = await decided_feed(broker, database, suffix, tmp_path, 400)
    owner = await asyncpg.connect(cluster)
    source = urlsplit(database).path.removeprefix("/")
    answers = {}
    for check, (_, statement) in TAMPERING.items():
        copy = f"{source}_{check.lower()}"
        await owner.execute(f"create database {copy} template {source}")
        try:
            tampered = await asyncpg.connect(database_of(cluster, copy))
            for table in ("disposition", "raw_message", "registration_version", "change"):
                await tampered.execute(f"alter table {table} disable trigger append_only")
            touched = await tampered.execute(statement)
            await tampered.close()
            assert touched.split()[-1] != "0", check
            answers[check] = await results_of(replace(config, dsn=database_of(cluster, copy)))
        finally:
            await owner.execute(f"drop database {copy} with (force)")
    await owner.close()

    assert [check for check, results in answers.items() if results[check].ok] == []
    assert answers["I1"]["I7"].offenders[0].startswith("owner may rewrite disposition")
