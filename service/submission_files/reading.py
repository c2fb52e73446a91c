"""Reads a posted file of any format into rows: the messages as they will stand on the topic, each with key and id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from service.submission_files.flat_records import read_flat
from service.submission_files.formats import MAX_RECORD_BYTES, MAX_RECORDS, Format, TooLargeFile, UnreadableFile
from service.submission_files.json_records import read_lines, read_list
from sync.mappings import OfficeMapping
from sync.store.submissions import Row

_LONGEST_KEY = 200


def read_submission_file(path: Path, format: Format, mapping: OfficeMapping | None, id_prefix: str) -> Iterator[Row]:
    """Yield the records of a file; a record without a message id of its own goes by `<id_prefix>/<row>`.

    Raises:
        UnreadableFile: the file as a whole cannot be read, or holds no record.
        TooLargeFile: the file is beyond a limit.
    """
    number = 0
    for number, body in enumerate(_bodies(path, format, mapping), start=1):
        if number > MAX_RECORDS:
            raise TooLargeFile(f"{MAX_RECORDS} records · 条记录")
        if len(body) > MAX_RECORD_BYTES:
            raise TooLargeFile(f"{MAX_RECORD_BYTES} B a record")
        message_id = f"{id_prefix}/{number}"
        yield Row(number, read_head(body, mapping).code or message_id, message_id, body)
    if number == 0:
        raise UnreadableFile("no-records")


def _bodies(path: Path, format: Format, mapping: OfficeMapping | None) -> Iterator[bytes]:
    if format.kind == "ndjson":
        # Under a mapping the line is in the office's own encoding, and stays so.
        return read_lines(path, format.charset if mapping is None else "utf-8")
    if format.kind == "json":
        return read_list(path)
    return read_flat(path, format.kind, format.charset, mapping)


class Head(NamedTuple):
    """What a message is sent by: the code that it claims, "" where none can be read, and the batch that it names.

    The code only chooses the partition. `batch_id` is None where the message says nothing of a batch; whether what it
    says is one, the rules decide.
    """

    code: str
    batch_id: Any


def read_head(body: bytes, mapping: OfficeMapping | None) -> Head:
    """Return what a message is sent by."""
    try:
        message = orjson.loads(body if mapping is None else body.decode(mapping.encoding))
    except ValueError:
        return Head("", None)
    if not isinstance(message, dict):
        return Head("", None)
    if mapping is None:
        code, batch_id = _claimed(message), message.get("batch_id")
    else:
        batch = mapping.envelope.get("batch_id")
        code, batch_id = mapping.record["uscc"].read(message), batch.read(message) if batch is not None else None
    return Head(
        code[:_LONGEST_KEY].replace("\0", "") if isinstance(code, str) else "", None if batch_id == "" else batch_id
    )


def _claimed(message: Mapping[str, Any]) -> Any:
    record = message.get("record")
    return (record.get("uscc") or record.get("tyshxydm")) if isinstance(record, dict) else None
