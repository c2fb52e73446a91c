"""PostgreSQL and Kafka for work by hand and for many short test runs: `python -m tests.services FOLDER`.

Serves until Ctrl-C. `TEST_SERVICES=FOLDER` makes the tests use it.
"""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from service.embedded.daemon import run
from service.embedded.kafka import EmbeddedKafka
from service.embedded.postgres import EmbeddedPostgres


class Addresses(NamedTuple):
    """Where the services are."""

    database: str
    kafka: str


def read_addresses(folder: Path) -> Addresses:
    """Read the addresses that `serve` wrote."""
    return Addresses(**json.loads((folder / "addresses.json").read_text("utf-8")))


def database_of(dsn: str, name: str) -> str:
    """Return the address of another database of the same cluster."""
    return urlsplit(dsn)._replace(path=f"/{name}").geturl()


def serve(folder: Path) -> None:
    """Run both services until SIGINT or SIGTERM."""
    postgres, kafka = EmbeddedPostgres(folder, shared_buffers_mib=256, durable=False), EmbeddedKafka(folder)
    running = [run(postgres), run(kafka)]
    addresses = Addresses(database=postgres.dsn, kafka=kafka.bootstrap)
    (folder / "addresses.json").write_text(json.dumps(addresses._asdict()), "utf-8")
    print(f"database {addresses.database}\nkafka    {addresses.kafka}\nCtrl-C ends both", flush=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        signal.pause()
    except KeyboardInterrupt:
        for service in running:
            service.stop()


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
