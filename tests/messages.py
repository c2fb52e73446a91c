"""Messages as an office sends them, for tests of decoding: a clean one of commerce, changed where a test says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

import orjson

from sync.mappings import load_mappings
from sync.messages import Decoder
from sync.offices import load_offices
from sync.records import Incoming, Source, Submission
from validators.check_character import mod11, mod11_2, mod31
from validators.findings import Finding
from validators.rulebook import default_ruleset
from validators.uscc import CodeContext

RECEIVED_AT = datetime(2026, 11, 20, 2, tzinfo=UTC)
"""A Friday morning in Shenyang."""


def code(prefix: str = "91210100", subject: str = "MA000049") -> str:
    """Make a code that passes both checks."""
    body = prefix + subject + mod11(subject)
    return body + mod31(body)


def identity_number(body: str = "21010219800101123") -> str:
    """Make an ID number; nobody has it but by chance."""
    return body + mod11_2(body)


CODE = code()

RECORD: Mapping[str, Any] = {
    "uscc": CODE,
    "name": "沈阳示例（集团）有限公司",
    "registered_address": "沈阳市和平区示例街 1 号",
    "registered_division_code": "210102",
    "business_scope": "示例",
    "registered_capital": "100.50",
    "currency": "CNY",
    "legal_representative_name": "张示例",
    "legal_representative_id_type": "10",
    "legal_representative_id_number": identity_number(),
    "established_on": "2026-11-18",
    "valid_from": "2026-11-18",
    "valid_to": "2046-11-17",
    "registrar_name": "沈阳市市场监督管理局",
    "approved_on": "2026-11-19",
    "business_type": "1",
    "status": "1",
}

MESSAGE: Mapping[str, Any] = {
    "schema": "submission/1",
    "message_id": "COM-20261120-000001",
    "batch_id": "COM-20261120",
    "operation": "assign",
    "occurred_at": "2026-11-20T09:00:00+08:00",
}


def record(**members: Any) -> dict[str, Any]:
    """Return the clean record with some members changed; `...` leaves one out."""
    return {name: value for name, value in {**RECORD, **members}.items() if value is not ...}


def message(sent: Mapping[str, Any] | None = None, /, **members: Any) -> dict[str, Any]:
    """Return the clean message around a record, with some members of the envelope changed; `...` leaves one out."""
    whole = {**MESSAGE, "record": dict(RECORD if sent is None else sent), **members}
    return {name: value for name, value in whole.items() if value is not ...}


def incoming(body: bytes, office: str = "commerce", /, **headers: bytes) -> Incoming:
    """Return bytes as they were fetched."""
    source = Source(f"uscc.submissions.{office}", 3, 1042)
    return Incoming(source=source, received_at=RECEIVED_AT, body=body, headers=headers)


@cache
def decoder() -> Decoder:
    """Return the decoder of the configuration that ships."""
    offices = load_offices()
    return Decoder(
        offices=offices, ruleset=default_ruleset(), mappings=load_mappings(offices), codes=CodeContext(province="21")
    )


def decode(body: bytes | Mapping[str, Any], office: str = "commerce", /, **headers: bytes) -> Submission:
    """Decode a message, or bytes, that an office sent."""
    sent = body if isinstance(body, bytes) else orjson.dumps(body)
    return decoder().decode(incoming(sent, office, **headers), office)


def fired(findings: list[Finding], *rules: str) -> list[tuple[str, str, str | None]]:
    """Return rule, severity and field of the findings, or of those of some rules."""
    return [(f.rule, f.severity.value, f.field) for f in findings if not rules or f.rule in rules]
