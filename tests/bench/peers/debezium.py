"""Debezium's JDBC sink in Kafka Connect: the peer of ingest."""

from __future__ import annotations

from collections.abc import Iterable

from tests.bench.figures import Skipped
from tests.bench.services import Services


class Sink:
    def __init__(self, here: Services) -> None:
        raise Skipped("not yet")

    def fill(self, records: Iterable[tuple[bytes, bytes]]) -> None: ...
    def run(self, size: int) -> float: ...
