"""A registry behind the API: records applied as ingest applies them, clients with keys, the application in process."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.app import create_app
from service.auth.scopes import OFFICE_SCOPES, SCOPES, Scope
from service.judging import judging
from service.resources import Resources, ServeConfig, open_resources
from service.settings import Settings
from service.site import load_site
from sync.apply import Applied, Applier, Batch
from sync.facts import Rulings
from sync.kafka import Partition
from sync.mappings import load_mappings
from sync.messages import Decoder
from sync.offices import load_offices
from sync.records import Incoming, Source
from sync.store import ledger
from sync.store.clients import create_client
from sync.store.connection import INGEST, Pool, open_pool, writing
from sync.topics import submissions_topic
from validators.check_character import mod11, mod31
from validators.code_rules import CodeContext
from validators.rulebook import default_ruleset

OFFICES = load_offices()
RULESET = default_ruleset()
_bodies = itertools.count(10_000_000)


def new_code(prefix: str = "91210100") -> str:
    """Make a well-formed code that no other test has; none of a real organization."""
    body = f"{next(_bodies):08d}"
    subject = body + mod11(body)
    return prefix + subject + mod31(prefix + subject)


def record_of(uscc: str, **members: Any) -> dict[str, Any]:
    """Make a record with every field that the profile of commerce asks for."""
    return {
        "uscc": uscc,
        "name": f"沈阳{uscc[8:16]}有限公司",
        "registered_address": "沈阳市和平区一号",
        "registered_division_code": "210102",
        "business_scope": "软件",
        "registered_capital": "100",
        "currency": "CNY",
        "legal_representative_name": "王一",
        "legal_representative_id_type": "10",
        "legal_representative_id_number": "210102199001011230",
        "established_on": "2026-11-02",
        "valid_from": "2026-11-02",
        "valid_to": "2046-11-02",
        "registrar_name": "沈阳市市场监督管理局",
        "approved_on": "2026-11-18",
        "registration_number": f"R{uscc[8:16]}",
        "contact_phone": "13812345678",
        "contact_name": "李二三",
        **members,
    }


@dataclass
class Registry:
    """Pushes records as an office does and applies them as ingest does."""

    pool: Pool
    received_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    offsets: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        decoder = Decoder(
            offices=OFFICES, ruleset=RULESET, mappings=load_mappings(OFFICES, None), codes=CodeContext(province="21")
        )
        homes = {character: office.id for office in OFFICES.values() for character in office.first_characters}
        self.decode = decoder.decode
        self.applier = Applier(
            pool=self.pool,
            rulings=Rulings(homes=homes, due_on=lambda _now: date(2026, 12, 4)),
            ruleset=RULESET,
            decode=decoder.decode,
        )

    async def push(self, *messages: bytes | dict[str, Any], office: str = "commerce") -> Applied:
        """Apply messages as one batch of partition 0 of an office."""
        place = Partition(submissions_topic(office), 0)
        position = self.offsets.get(office)
        if position is None:
            position = 0
            async with writing(self.pool) as connection:
                await ledger.begin_partition(connection, *place, office, 0)
        bodies = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in messages]
        incoming = [
            Incoming(source=Source(*place, offset), received_at=self.received_at, body=body)
            for offset, body in enumerate(bodies, start=position)
        ]
        self.offsets[office] = position + len(incoming)
        submissions = [self.decode(each, office) for each in incoming]
        return await self.applier.apply(
            Batch(
                place=place, office=office, position=position, next_offset=self.offsets[office], submissions=submissions
            )
        )

    def message(
        self, operation: str, record: dict[str, Any], *, at: str = "2026-11-18T09:00:00+08:00", **envelope: Any
    ) -> dict[str, Any]:
        """Make one submission/1."""
        return {
            "schema": "submission/1",
            "message_id": f"M-{next(_bodies)}",
            "operation": operation,
            "occurred_at": at,
            "record": record,
            **envelope,
        }

    async def register(self, uscc: str, *, office: str = "commerce", **members: Any) -> dict[str, Any]:
        """Assign a code; return the record."""
        record = record_of(uscc, **members)
        await self.push(self.message("assign", record), office=office)
        return record


@pytest.fixture
async def registry(database: str) -> AsyncIterator[Registry]:
    """An empty registry."""
    pool = await open_pool(
        database, role="uscc_ingest", limits=INGEST, size=2, name="test-ingest", prepare=ledger.prepare_session
    )
    yield Registry(pool)
    await pool.close()


@pytest.fixture
def config(database: str, tmp_path: Path) -> ServeConfig:
    """How the application of a test runs."""
    return ServeConfig(
        dsn=database,
        allowed_hosts=("registry.test",),
        offices={office.id: (office.title_zh, office.title_en) for office in OFFICES.values()},
        ruleset=RULESET,
        judging=judging(Settings(), load_site(None)),
        snapshot_folder=tmp_path / "snapshots",
        pool_size=4,
    )


@pytest.fixture
async def resources(config: ServeConfig) -> AsyncIterator[Resources]:
    """What the application of a test works with."""
    async with open_resources(config) as opened:
        yield opened


@dataclass
class Api:
    """The application in process, and keys to it."""

    client: httpx.AsyncClient
    keys: dict[str, str]
    pool: Pool

    async def add_client(self, name: str, scopes: Sequence[Scope], office: str | None = None, **limits: Any) -> None:
        """Make one more client."""
        async with writing(self.pool) as connection:
            self.keys[name] = await create_client(
                connection, name=name, scopes=scopes, office=office, actor="test", **limits
            )

    async def get(self, path: str, *, key: str | None = "admin", **arguments: Any) -> httpx.Response:
        """Ask as a client."""
        return await self.send("GET", path, key=key, **arguments)

    async def post(self, path: str, *, key: str | None = "admin", **arguments: Any) -> httpx.Response:
        """Post as a client."""
        return await self.send("POST", path, key=key, **arguments)

    async def send(self, method: str, path: str, *, key: str | None = "admin", **arguments: Any) -> httpx.Response:
        """Send a request as a client, or as nobody."""
        headers = dict(arguments.pop("headers", {}))
        if key is not None:
            headers["authorization"] = f"Bearer {self.keys.get(key, key)}"
        return await self.client.request(method, path, headers=headers, **arguments)


@pytest.fixture
async def api(resources: Resources, config: ServeConfig, pool: Pool) -> AsyncIterator[Api]:
    """The application with a client `admin` and one of each office."""
    transport = httpx.ASGITransport(create_app(resources, config), raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://registry.test", timeout=40) as client:
        made = Api(client, {}, pool)
        wanted: dict[str, tuple[Sequence[Scope], str | None]] = {
            "admin": (SCOPES, None),
            "reader": (("lookup", "changes"), None),
            **{office: (OFFICE_SCOPES, office) for office in ("commerce", "civil-affairs")},
        }
        async with writing(pool) as connection:
            for name, (scopes, office) in wanted.items():
                made.keys[name] = await create_client(connection, name=name, scopes=scopes, office=office, actor="test")
        yield made


def problem(response: httpx.Response) -> tuple[int, str]:
    """Return status and type of a problem, having checked its form."""
    document = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert document["status"] == response.status_code
    assert document["request_id"] == response.headers["x-request-id"]
    assert {"type", "title", "status", "detail", "instance", "request_id"} <= document.keys()
    return response.status_code, document["type"].removeprefix("/problems/")


def later(seconds: int) -> datetime:
    """Return an instant from now."""
    return datetime.now(UTC) + timedelta(seconds=seconds)
