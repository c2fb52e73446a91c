"""`uscc migrate`: brings database and topics to this version. `uscc up` does the same at its start."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import structlog

from service import logs
from service.commands import options
from service.settings import Settings, dsn, kafka_settings, load, locate
from service.site import Site, digest, load_site, ruleset_body
from sync.kafka import create_topics
from sync.store.connection import JOB, open_pool, writing
from sync.store.migrate import ShippedCode, ensure_months, enter_nonconforming, enter_ruleset, migrate
from validators.exceptions import SHIPPED

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What was missing and is there now."""

    migrations: list[str]
    topics: list[str]


async def prepare(settings: Settings, *, embedded_broker: bool) -> Prepared:
    """Migrate the database of located settings, enter what ships with this version, make the topics.

    Raises:
        Fatal: the database or a topic is not fit; says why.
    """
    site = load_site(settings.config_dir)
    migrations = await migrate(dsn(settings))
    await _enter(settings, site)
    topics = await create_topics(
        kafka_settings(settings),
        list(site.offices),
        partitions=settings.topic_partitions,
        replication=settings.topic_replication_factor,
        embedded=embedded_broker,
    )
    log.info("prepared", migrations=migrations, topics=topics)
    return Prepared(migrations=migrations, topics=topics)


async def _enter(settings: Settings, site: Site) -> None:
    body = ruleset_body(site.ruleset)
    shipped = [ShippedCode(code.uscc, code.evidence, code.listed_by) for code in SHIPPED.values()]
    now = datetime.now(UTC)
    pool = await open_pool(dsn(settings), role=None, limits=JOB, size=1, name="uscc-migrate")
    try:
        async with writing(pool, JOB) as connection:
            await enter_ruleset(connection, version=site.ruleset.version, digest=digest(body), body=body)
            await enter_nonconforming(connection, shipped, entered_by="shipped")
            await ensure_months(connection, [now, now.replace(day=1) + timedelta(days=32)])
    finally:
        await pool.close()


@click.command("migrate")
@options.data_dir
def command(data_dir: Path | None) -> None:
    """建库、升级与建主题 · bring the database and the topics to this version; safe to repeat."""
    settings = load(data_dir=data_dir)
    logs.configure(settings.log_format, "warning", role="migrate")
    embedded = settings.kafka_bootstrap is None
    prepared = asyncio.run(prepare(locate(settings), embedded_broker=embedded))
    for migration in prepared.migrations:
        click.echo(f"applied {migration}")
    for topic in prepared.topics:
        click.echo(f"made {topic}")
    if not prepared.migrations and not prepared.topics:
        click.echo("已是最新 · up to date")
