"""A fourth office, judicial administration (first character 3), joins by configuration alone."""

from __future__ import annotations

import shutil
from importlib.resources import as_file, files
from pathlib import Path

import orjson
import pytest

from service.commands.migrate import prepare
from service.judging import decoder, rulings
from service.settings import Settings, load
from service.site import load_site
from sync.apply import Applier, Batch
from sync.kafka import KafkaSettings, Partition
from sync.records import Incoming, Source
from sync.store import ledger
from sync.store.connection import INGEST, Pool, open_pool, reading, writing
from sync.topics import submissions_topic
from tests.integration.ledger import NOON, body, read_returns

CODE = "31210000MD0000008D"
OFFICE = """
[judicial]
title_zh = "司法行政"
title_en = "judicial administration"
first_characters = ["3"]
order = "occurred_at"
calendar = "china"
profile = "ORG8"
mapping = "licences"
"""
MAPPING = """
encoding = "gb18030"

[message]
operation = { from = "ywlx", codes = { "设立" = "assign", "变更" = "change", "注销" = "cancel" } }
occurred_at = { from = "sprq", formats = ["%Y年%-m月%-d日"] }

[record]
uscc = "xydm"
name = "jgmc"
approved_on = { from = "sprq", formats = ["%Y年%-m月%-d日"] }
"""


@pytest.fixture
def config_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shipped configuration with one table and one mapping more."""
    folder = tmp_path / "config"
    with as_file(files("service").joinpath("config")) as shipped:
        shutil.copytree(shipped, folder)
    with (folder / "offices.toml").open("a", encoding="utf-8") as file:
        file.write(OFFICE)
    (folder / "mappings" / "judicial").mkdir()
    (folder / "mappings" / "judicial" / "licences.toml").write_text(MAPPING, "utf-8")
    monkeypatch.setenv("USCC_CONFIG_DIR", str(folder))
    return folder


async def _apply(applier: Applier, office: str, *bodies: bytes, mapping: str | None = None) -> None:
    place = Partition(submissions_topic(office), 0)
    async with writing(applier.pool) as connection:
        await ledger.begin_partition(connection, *place, office, 0)
    headers = {} if mapping is None else {"mapping": mapping.encode()}
    incoming = [
        Incoming(source=Source(*place, offset), received_at=NOON, body=each, headers=headers)
        for offset, each in enumerate(bodies)
    ]
    submissions = [applier.decode(each, office) for each in incoming]
    await applier.apply(Batch(place=place, office=office, position=0, next_offset=len(bodies), submissions=submissions))


def _applier(pool: Pool, settings: Settings) -> Applier:
    site = load_site(settings.config_dir)
    decode = decoder(settings, site).decode
    return Applier(pool=pool, rulings=rulings(settings, site), ruleset=site.ruleset, decode=decode)


async def test_its_topics_its_mapping_and_its_home_come_from_the_configuration(
    config_dir: Path, database: str, broker: KafkaSettings
) -> None:
    settings = load(database_dsn=database, kafka_bootstrap=broker.bootstrap)
    await prepare(settings, embedded_broker=False)
    again = await prepare(settings, embedded_broker=False)
    licence = {"ywlx": "设立", "sprq": "2026年11月9日", "xydm": CODE, "jgmc": "辽宁某律师事务所"}
    pool = await open_pool(
        database, role="uscc_ingest", limits=INGEST, size=2, name="test-ingest", prepare=ledger.prepare_session
    )
    try:
        applier = _applier(pool, settings)
        await _apply(applier, "commerce", body(1, uscc=CODE, name="某公司"))
        await _apply(applier, "judicial", orjson.dumps(licence).decode().encode("gb18030"), mapping="licences")
        told = {each["office"]: each for each in await read_returns(pool)}
        async with reading(pool) as connection:
            held = await connection.fetchrow("select uscc, office from registration")
    finally:
        await pool.close()

    assert [] == again.topics
    assert ("rejected", "accepted") == (told["commerce"]["disposition"], told["judicial"]["disposition"])
    assert ["judicial"] == [each["expected"] for each in told["commerce"]["findings"] if each["rule"] == "S02"]
    assert held is not None
    assert (CODE, "judicial") == tuple(held)


def test_the_shipped_offices_do_not_know_it() -> None:
    assert "judicial" not in load_site(None).offices
