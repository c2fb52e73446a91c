"""The invariants of the registry, checked from outside: I1–I5 and I7–I10 of reliability.md.

A program of its own: it reads topics and tables with its own client, its own SQL and its own fold, and imports
nothing of `sync` that it is to judge. I6, I11 and I12 speak of faults and of logs; the fault tests check them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from sync.invariants.closure import check_closure
from sync.invariants.fold import check_order
from sync.invariants.ledger import (
    check_append_only,
    check_balance,
    check_feed,
    check_single_effect,
    check_uniqueness,
)
from sync.invariants.replay import RecordRules, check_replay
from sync.invariants.report import Progress, Result
from sync.invariants.returns import check_returns
from sync.invariants.snapshot import open_snapshot
from sync.invariants.topics import TopicReader, TopicUnreadable

__all__ = ["Progress", "RecordRules", "Result", "TopicUnreadable", "VerifyConfig", "verify"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyConfig:
    """What is verified: the registry at `dsn`, the brokers by librdkafka's settings, records by `rules`.

    `sample` limits how many records are judged again; None: all up to 200,000, else about as many.
    """

    dsn: str
    kafka: Mapping[str, Any]
    rules: RecordRules
    sample: int | None = None


async def verify(config: VerifyConfig, progress: Progress) -> AsyncIterator[Result]:
    """Check every invariant on one view of the database and yield each answer as it is found.

    Raises:
        TopicUnreadable: a topic could not be read to its end.
        asyncpg.PostgresError, OSError: the database does not answer.
        confluent_kafka.KafkaException: the brokers do not answer.
    """
    reader = TopicReader(config.kafka)
    try:
        async with open_snapshot(config.dsn) as snapshot:
            yield await check_closure(snapshot, reader, progress)
            yield await check_balance(snapshot, progress)
            yield await check_single_effect(snapshot, progress)
            yield await check_returns(snapshot, reader, progress)
            yield await check_order(snapshot, progress)
            yield await check_append_only(config.dsn, progress)
            yield await check_uniqueness(snapshot, progress)
            yield await check_replay(snapshot, config.rules, config.sample, progress)
            yield await check_feed(snapshot, progress)
    finally:
        await reader.close()
