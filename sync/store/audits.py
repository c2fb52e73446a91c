"""The audit: who did what to whom, for which purpose; written in the same transaction as what it records."""

from __future__ import annotations

import json
from collections.abc import Mapping

from sync.store.connection import WriteConn
from sync.store.statements import statements

_SQL = statements("audits")


async def write_audit(
    conn: WriteConn,
    *,
    actor: str,
    action: str,
    subject: str | None = None,
    purpose: str | None = None,
    request_id: str | None = None,
    detail: Mapping[str, object] | None = None,
) -> None:
    """Append one line to the audit."""
    text = json.dumps(detail or {}, ensure_ascii=False)
    await conn.execute(_SQL["insert_audit"], actor, action, subject, purpose, request_id, text)
