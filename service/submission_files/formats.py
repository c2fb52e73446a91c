"""What a posted file is, by its Content-Type, and what can be wrong with it as a whole."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

Kind = Literal["ndjson", "json", "csv", "xlsx"]
Charset = Literal["utf-8", "gb18030"]

MAX_FILE_BYTES: Final = 64 * 1024 * 1024
MAX_RECORDS: Final = 100_000
MAX_UNPACKED_BYTES: Final = 1024**3
# What a topic takes (12 MiB), less what surrounds a message there.
MAX_RECORD_BYTES: Final = 12 * 1024 * 1024 - 64 * 1024

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MEDIA_TYPES: Final[dict[str, Kind]] = {
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
    "application/jsonl": "ndjson",
    "application/x-jsonlines": "ndjson",
    "application/json": "json",
    "text/csv": "csv",
    "application/csv": "csv",
    XLSX: "xlsx",
}
_CHARSETS: Final[dict[str, Charset]] = {
    "": "utf-8",
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "utf-8",
    "gb18030": "gb18030",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "cp936": "gb18030",
}


class Format(NamedTuple):
    """How the bytes of a file are to be read."""

    kind: Kind
    charset: Charset


class UnreadableFile(Exception):
    """The file as a whole cannot be read, so nothing of it is taken.

    `code` is one of service.problems.FAULTS, `expected` what would have been right; `line` and `byte` of that line
    count from 1 where they are known, `column` is the name of a column at fault.
    """

    def __init__(
        self,
        code: str,
        expected: str = "",
        *,
        line: int | None = None,
        byte: int | None = None,
        column: str | None = None,
    ) -> None:
        super().__init__(f"{code} {expected}".strip())
        self.code = code
        self.expected = expected
        self.line = line
        self.byte = byte
        self.column = column


class TooLargeFile(Exception):
    """The file is beyond a limit; carries the limit as a text to show."""

    def __init__(self, limit: str) -> None:
        super().__init__(limit)
        self.limit = limit


def format_of(content_type: str | None) -> Format | None:
    """Return the format that a Content-Type names, None where it names none that is taken."""
    media_type, *parameters = (part.strip() for part in (content_type or "").split(";"))
    kind = MEDIA_TYPES.get(media_type.lower())
    if kind is None:
        return None
    given = dict(part.partition("=")[::2] for part in parameters if part)
    named = next((value for name, value in given.items() if name.strip().lower() == "charset"), "")
    charset = _CHARSETS.get(named.strip().strip('"').lower())
    if charset is None or (kind == "json" and charset != "utf-8"):
        return None
    return Format(kind, "utf-8" if kind == "xlsx" else charset)
