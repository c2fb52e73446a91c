"""What a mapping makes of a sample, field by field: what an office sees before it sends the first record."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from service.settings import Settings
from service.site import Site
from service.submission_files.formats import UnreadableFile
from service.submission_files.json_records import read_lines, read_list
from service.submitting.files import told_fault
from service.tables import UnreadableTable, open_table
from sync.json_objects import read_object
from sync.mappings import OfficeMapping, readable_fields
from sync.messages import Decoder
from sync.records import Incoming, Source, Submission
from sync.topics import submissions_topic
from validators.uscc import CodeContext


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One member: the field that it came from (None: nothing says it, or a default does), and its value."""

    member: str
    field: str | None
    raw: Any
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What becomes of one sample record. `lines` is empty where it cannot be read at all."""

    lines: tuple[Line, ...]
    ignored: tuple[str, ...]
    unknown: tuple[str, ...]
    submission: Submission


def sample_bodies(path: Path, mapping: OfficeMapping) -> Iterator[bytes]:
    """Yield the records of a sample as they would stand on the topic.

    A .json file holds one object or a list of them, .ndjson one a line; tables have a column a field.

    Raises:
        UnreadableTable: the file cannot be read.
    """
    name = path.name.lower()
    try:
        if name.endswith((".ndjson", ".jsonl")):
            yield from read_lines(path, "utf-8")
        elif name.endswith(".json"):
            body = path.read_bytes()
            yield from read_list(path) if body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[") else [body]
        else:
            for row in open_table(path).rows():
                yield json.dumps(row.cells, ensure_ascii=False).encode(mapping.encoding)
    except UnreadableFile as error:
        raise UnreadableTable(f"{path.name}: {told_fault(error)}", code=error.code) from None


def check_body(body: bytes, mapping: OfficeMapping, *, settings: Settings, site: Site) -> Check:
    """Say what becomes of one record: its members, what is not read, and the findings of the rules over one record."""
    now = datetime.now(UTC)
    decoder = Decoder(
        offices=site.offices,
        ruleset=site.ruleset,
        mappings={(mapping.office, mapping.name): mapping},
        codes=CodeContext(province=settings.province),
        late_after_working_days=settings.late_after_working_days,
    )
    incoming = Incoming(
        source=Source(submissions_topic(mapping.office), 0, 0),
        received_at=now,
        body=body,
        headers={"mapping": mapping.name.encode()},
    )
    submission = decoder.decode(incoming, mapping.office)
    fields = {} if submission.quarantined else read_object(body.decode(mapping.encoding).encode()).members
    return Check(
        lines=tuple(_lines(mapping, fields, now)) if fields else (),
        ignored=tuple(name for name in fields if name in mapping.known - _sources(mapping)),
        unknown=tuple(name for name in fields if name not in mapping.known),
        submission=submission,
    )


def _sources(mapping: OfficeMapping) -> frozenset[str]:
    members = (*mapping.envelope.values(), *mapping.record.values())
    return frozenset(source for member in members for source in member.sources)


def _lines(mapping: OfficeMapping, fields: Mapping[str, Any], now: datetime) -> Iterator[Line]:
    readable = readable_fields(fields, received_at=now, ce_time=None)
    operation = mapping.operation_of(readable)
    for prefix, members in (("", mapping.envelope), ("record.", mapping.record)):
        for name, member in members.items():
            field, raw = member.find(readable, operation)
            yield Line(member=prefix + name, field=field, raw=raw, value=member.read(readable, operation))
