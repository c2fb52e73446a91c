"""The upward report (上报) to the national centre: what changed since the last one, and the receipt that comes back.

A report holds every code that changed, as it stands after its last change, under the short names that Chinese systems
exchange. Personal values are masked and hidden organizations are a stub, unless their release is asked for and
audited. The next report begins where this one ends.
"""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import orjson

from service.submission_files.json_records import read_lines
from service.tables import Row, UnreadableTable, find_columns, guarded, open_table
from sync.errors import SyncError
from sync.instants import SHANGHAI, format_instant
from sync.store import upward
from sync.store.audits import write_audit
from sync.store.connection import JOB, Pool, writing
from sync.store.upward import ReportLine
from validators.fields import FIELDS
from validators.uscc import normalize

_BUSINESS_TYPES = {"assigned": "1", "changed": "2", "cancelled": "3"}
_OTHER = "4"
_STATUSES = {"normal": "1", "cancelled": "2", "revoked": "3", "withdrawn": "9"}
_SHORT = {name: field.short_name or name for name, field in FIELDS.items() if name not in ("business_type", "status")}
_OWN = ("sequence", "version", "kind", "office", "recorded_at", "djywlx", "zt", "successor_uscc", "reason")
_RECEIPT = {
    "report_id": ("上报编号", "批次号"),
    "uscc": ("统一社会信用代码", "tyshxydm"),
    "result": ("结果", "处理结果", "status"),
    "reason": ("原因", "失败原因", "message"),
}
_ACCEPTED = frozenset(("accepted", "ok", "success", "1", "成功", "入库", "通过"))
_REFUSED = frozenset(("refused", "rejected", "failed", "error", "0", "失败", "退回", "不通过"))


class NotOurs(SyncError):
    """A receipt does not fit a report of ours; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A report that was made."""

    report_id: str
    behind: int
    up_to: int
    codes: int
    sha256: bytes


@dataclass(slots=True, kw_only=True)
class Receipt:
    """What a receipt says: codes that were taken, and those that were refused with the reason."""

    report_id: str
    accepted: int = 0
    refusals: dict[str, str] = field(default_factory=dict)


async def make_report(
    pool: Pool, path: Path, *, actor: str, personal: bool = False, purpose: str | None = None
) -> Made | None:
    """Write what changed since the last report; None, and no file, where nothing did.

    The file is complete under its name before the report counts as made; one that was cut off is made again.

    Raises:
        UnreadableTable: the suffix is neither .ndjson nor .csv.
        OSError: the file cannot be written.
    """
    if not path.name.lower().endswith((".ndjson", ".csv")):
        raise UnreadableTable(f"{path.name}: 请写为 .ndjson 或 .csv · write .ndjson or .csv")
    async with writing(pool, JOB) as connection:
        await upward.freeze(connection)
        behind, up_to = await upward.bounds(connection)
        if up_to <= behind:
            return None
        now = datetime.now(UTC)
        report_id = f"report-{now.astimezone(SHANGHAI):%Y%m%d}-{up_to}"
        unfinished = path.with_name(path.name + ".part")
        with unfinished.open("wb") as file:
            lines = upward.lines(connection, behind, up_to, personal=personal)
            codes = await _write(file, path, report_id, lines)
            file.flush()
            os.fsync(file.fileno())
        with unfinished.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").digest()
        unfinished.replace(path)
        if personal:
            detail = {"codes": codes, "from_sequence": behind, "to_sequence": up_to}
            await write_audit(
                connection, actor=actor, action="personal_reported", subject=report_id, purpose=purpose, detail=detail
            )
        await upward.keep_report(
            connection,
            report_id=report_id,
            behind=behind,
            up_to=up_to,
            codes=codes,
            file_name=path.name,
            sha256=sha256,
            now=now,
            actor=actor,
        )
    return Made(report_id=report_id, behind=behind, up_to=up_to, codes=codes, sha256=sha256)


async def _write(file: IO[bytes], path: Path, report_id: str, lines: AsyncIterator[ReportLine]) -> int:
    codes = 0
    if path.name.lower().endswith(".ndjson"):
        async for line in lines:
            file.write(orjson.dumps({"schema": "report/1", "report_id": report_id} | _document(line)) + b"\n")
            codes += 1
        return codes
    columns = ("report_id", *_OWN, *_SHORT.values())
    text = _Text(file)
    writer = csv.writer(text)
    file.write("\ufeff".encode())
    writer.writerow(columns)
    async for line in lines:
        document = _document(line)
        flat = document | document["record"] | {"report_id": report_id}
        writer.writerow([guarded(str(flat.get(column) or "")) for column in columns])
        codes += 1
    return codes


class _Text:
    """Lets the writer of CSV write into bytes, as UTF-8."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, text: str) -> int:
        return self._file.write(text.encode())


def _document(line: ReportLine) -> dict[str, Any]:
    """Return what is reported of one code."""
    return {
        "sequence": line.sequence,
        "uscc": line.uscc,
        "version": line.version,
        "kind": line.kind,
        "office": line.office,
        "recorded_at": format_instant(line.recorded_at),
        "djywlx": _BUSINESS_TYPES.get(line.kind, _OTHER),
        "zt": _STATUSES[line.status],
        "successor_uscc": line.successor_uscc,
        "reason": line.reason,
        "restricted": not line.is_shown,
        "record": {"tyshxydm": line.uscc}
        | {_SHORT[name]: value for name, value in line.record.items() if name in _SHORT},
    }


# --- the receipt -------------------------------------------------------------------------------------------------


def read_receipt(path: Path) -> Receipt:
    """Read the receipt of a report: a line a code, with its result and the reason of a refusal.

    Raises:
        UnreadableTable: no table, or a column is missing.
        NotOurs: the lines are of several reports, of none, or a result is unknown.
    """
    receipt: Receipt | None = None
    for line, cells in _receipt_lines(path):
        report_id, result = cells.get("report_id", ""), cells.get("result", "").strip().lower()
        if receipt is None:
            receipt = Receipt(report_id=report_id)
        if not report_id or report_id != receipt.report_id:
            what = "一份回执只对应一次上报 · a receipt is of one report, and each line names it"
            raise NotOurs(f"{path.name}, 第 {line} 行 · line {line}: {what}")
        if result in _ACCEPTED:
            receipt.accepted += 1
        elif result in _REFUSED:
            receipt.refusals[normalize(cells.get("uscc", ""))] = cells.get("reason", "")
        else:
            raise NotOurs(
                f"{path.name}, 第 {line} 行 · line {line}: “{result}” 不是结果 · is no result; "
                "应为 · known are 成功/accepted, 失败/refused"
            )
    if receipt is None:
        raise NotOurs(f"{path.name}: 没有一行 · holds no line")
    return receipt


def _receipt_lines(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    if path.name.lower().endswith((".ndjson", ".jsonl")):
        for line, text in enumerate(read_lines(path, "utf-8"), start=1):
            try:
                document = orjson.loads(text)
            except orjson.JSONDecodeError:
                document = None
            if not isinstance(document, dict):
                raise UnreadableTable(f"{path.name}, 第 {line} 行 · line {line}: 不是 JSON 对象 · no JSON object")
            yield line, {name: str(value) for name, value in document.items() if value is not None}
        return
    table = open_table(path)
    columns = find_columns(table, _RECEIPT, ("report_id", "uscc", "result"))
    for row in table.rows():
        yield row.line, _cells(row, columns)


def _cells(row: Row, columns: Mapping[str, str]) -> dict[str, str]:
    return {key: row.cells.get(column, "") for key, column in columns.items()}


async def take_receipt(pool: Pool, path: Path) -> tuple[Receipt, bool]:
    """Take the receipt of a report; False where it was taken before.

    Raises:
        NotOurs: the report is unknown, has another receipt, or has fewer codes than its receipt speaks of.
    """
    receipt = read_receipt(path)
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").digest()
    async with writing(pool, JOB) as connection:
        found = await upward.find_report(connection, receipt.report_id)
        if found is None:
            raise NotOurs(f"没有上报 {receipt.report_id} · there is no such report")
        codes, taken = found
        if taken == sha256:
            return receipt, False
        if taken is not None:
            raise NotOurs(f"{receipt.report_id}: 已收过另一份回执 · has another receipt already")
        if receipt.accepted + len(receipt.refusals) > codes:
            raise NotOurs(
                f"{receipt.report_id}: 回执多于上报的 {codes} 个代码 · has {codes} codes, its receipt speaks of more"
            )
        await upward.keep_receipt(
            connection,
            receipt.report_id,
            sha256=sha256,
            now=datetime.now(UTC),
            accepted=receipt.accepted,
            refusals=sorted(receipt.refusals.items()),
        )
    return receipt, True
