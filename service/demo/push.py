"""Sends the demonstration feed to the offices' topics, as an office's own producer would."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from service.bulk import BulkProducer
from service.demo.feed import DemoRecord
from sync.kafka import KafkaSettings
from sync.topics import submissions_topic


def push(settings: KafkaSettings, records: Iterable[DemoRecord], progress: Callable[[int], None]) -> int:
    """Produce records to `uscc.submissions.<office>`, keyed by code as claimed; return how many were acknowledged.

    The order within a key is that of the feed. `progress` is told how many records are acknowledged so far. Blocks: run
    it in a thread.

    Raises:
        NotDelivered: the broker refused a record or did not answer in time.
    """
    acknowledged = 0

    def taken(_partition: int, _offset: int) -> None:
        nonlocal acknowledged
        acknowledged += 1
        if acknowledged % 1000 == 0:
            progress(acknowledged)

    with BulkProducer(settings, taken) as producer:
        for record in records:
            producer.send(submissions_topic(record.office), record.key, record.body)
        producer.flush()
    progress(acknowledged)
    return acknowledged
