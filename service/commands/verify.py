"""`uscc verify`: check the invariants against database and topics."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
import click
from confluent_kafka import KafkaException
from rich.console import Console

from service.commands import options, output
from service.commands.progress import Meter
from service.librdkafka import configuration
from service.settings import Settings, dsn, kafka_settings, load, locate
from service.site import load_site
from sync.errors import Retryable
from sync.invariants import RecordRules, Result, TopicUnreadable, VerifyConfig, verify
from validators.uscc import CodeContext


@click.command("verify")
@click.option(
    "--sample",
    type=click.IntRange(min=1),
    help="About how many records I9 judges again (default: all, of more than 200,000 about as many).",
)
@options.as_json
@options.data_dir
def command(sample: int | None, as_json: bool, data_dir: Path | None) -> None:
    """核查不变量 · check the invariants against database and topics, one line each; exit status 1 on a violation."""
    settings = locate(load(data_dir=data_dir))
    results = asyncio.run(_run(settings, sample, as_json))
    if as_json:
        answer = {"ok": all(result.ok for result in results), "checks": [result.as_json() for result in results]}
        output.show_json(answer)
    if not all(result.ok for result in results):
        raise click.exceptions.Exit(1)


async def _run(settings: Settings, sample: int | None, as_json: bool) -> list[Result]:
    config = VerifyConfig(
        dsn=dsn(settings),
        kafka=configuration(kafka_settings(settings)),
        rules=record_rules(settings),
        sample=sample,
    )
    results = []
    with Meter(Console(stderr=True), "verify", None) as meter:
        try:
            async for result in verify(config, meter.advance_to):
                results.append(result)
                if not as_json:
                    click.echo(result.as_line())
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            raise Retryable(f"the database does not answer: {error}") from error
        except (TopicUnreadable, KafkaException) as error:
            raise Retryable(f"the brokers do not answer: {error}") from error
    return results


def record_rules(settings: Settings) -> RecordRules:
    """Return what this installation judges records by."""
    site = load_site(settings.config_dir)
    return RecordRules(
        ruleset=site.ruleset,
        codes=CodeContext(province=settings.province),
        late_after_working_days=settings.late_after_working_days,
        profile=lambda office, category: site.offices[office].profile(category),
        calendar=lambda office: site.offices[office].working_calendar,
    )
