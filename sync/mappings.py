"""Office mappings: how an office's own fields become a submission/1, as data.

`mappings/<office>/<name>.toml`:

    encoding = "gb18030"                     # of the office's messages
    ignored = ["rowid"]                      # fields that are known and not wanted; others are reported (M02)
    [message]                                # members of the envelope
    operation = { from = "state", codes = { "1" = "assign", "2" = "cancel" }, default = "assign" }
    occurred_at = { from = ["@ce_time", "apprdate"], formats = ["%Y%m%d"] }
    [record]                                 # members of the record, by their English names
    uscc = "uniscid"
    valid_to = { from = "until", formats = ["%Y/%-m/%-d"], absent = ["长期"] }

`from` names fields; the first that is not empty is taken. `@ce_time` is that header, `@received_at` the instant of
receipt. `only_for = { "since" = ["assign"] }` names the operations for which a field is read, where for others it says
something else. `codes` translates values, for all fields or (one level more) for each; `formats` reads dates and
instants of Shanghai's clock, `%m` with two digits and `%-m` with one or two; `absent` lists texts that mean nothing;
`default` is taken where no field says anything. A value that codes and formats do not know goes on without the blanks
around it, so that the rules name it; a code keeps them, because rule E09 reports what was normalized.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from sync.instants import SHANGHAI, format_instant
from sync.json_objects import ExactNumber
from sync.offices import InvalidConfiguration, Offices, config_file, read_toml
from validators.fields import FIELDS
from validators.findings import Operation

ENVELOPE: Final = frozenset(
    (
        *("message_id", "batch_id", "operation", "occurred_at", "office_version", "load", "reason", "case_id"),
        *("receipt_id", "predecessor_uscc", "successor_uscc", "transfer"),
    )
)
"""The members of the envelope that a mapping may fill."""

ENCODINGS: Final = ("utf-8", "gb18030", "gbk", "gb2312", "utf-16")
"""The encodings that an office's messages may have; none of them can spell a lone surrogate."""

_OUTSIDE: Final = ("@ce_time", "@received_at")
_DIRECTIVES: Final = {
    "Y": "[0-9]{4}",
    "m": "[0-9]{2}",
    "d": "[0-9]{2}",
    "H": "[0-9]{2}",
    "M": "[0-9]{2}",
    "S": "[0-9]{2}",
}
_DIRECTIVE: Final = re.compile(r"%(-?)(.)")
_WRITABLE: Final = re.compile(r"-?[0-9]{1,100}e-?[0-9]{1,2}")


@dataclass(frozen=True, slots=True)
class DateFormat:
    """One way to write a date or an instant."""

    pattern: re.Pattern[str]

    @staticmethod
    def compile(text: str) -> DateFormat:
        """Compile a format of `%Y %m %d %H %M %S` and `%-m` and the like; raises ValueError for others."""
        pieces, end, seen = [], 0, set()
        for match in _DIRECTIVE.finditer(text):
            short, letter = match.groups()
            if letter not in _DIRECTIVES or letter in seen:
                raise ValueError(f"{match.group()} is no directive, or stands twice")
            seen.add(letter)
            digits = "[0-9]{1,2}" if short and letter != "Y" else _DIRECTIVES[letter]
            pieces += [re.escape(text[end : match.start()]), f"(?P<{letter}>{digits})"]
            end = match.end()
        if not {"Y", "m", "d"} <= seen:
            raise ValueError("a format has at least %Y, %m and %d")
        return DateFormat(re.compile("".join([*pieces, re.escape(text[end:])])))

    def read(self, text: str) -> datetime | None:
        """Return the instant by Shanghai's clock (midnight for a date); None for another text or an impossible day."""
        match = self.pattern.fullmatch(text)
        if match is None:
            return None
        parts = {letter: int(digits) for letter, digits in match.groupdict().items()}
        hour, minute, second = (parts.get(letter, 0) for letter in "HMS")
        try:
            return datetime(parts["Y"], parts["m"], parts["d"], hour, minute, second, tzinfo=SHANGHAI)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Where one member comes from. `codes` is by source; the source "" stands for all of them.

    `is_code` says that the member is the code itself, whose blanks are the rules' to report.
    """

    sources: tuple[str, ...]
    codes: Mapping[str, Mapping[str, str]]
    formats: tuple[DateFormat, ...]
    absent: frozenset[str]
    default: str | None
    only_for: Mapping[str, tuple[str, ...]]
    is_instant: bool
    is_code: bool

    def read(self, fields: Mapping[str, Any], operation: Any = None) -> Any:
        """Return the member's value: a text, None where nothing says anything, or what is no text, as it is.

        `operation` is the record's, where it is known: some fields are read for some operations only.
        """
        source, value = self.find(fields, operation)
        if source is None:
            return self.default
        return self._translate(source, value) if isinstance(value, str) else value

    def find(self, fields: Mapping[str, Any], operation: Any = None) -> tuple[str | None, Any]:
        """Return the field that says something, and what it says before any translation; None where none does."""
        for source in self.sources:
            if source in self.only_for and operation not in self.only_for[source]:
                continue
            value = _text(fields.get(source))
            stripped = value.strip() if isinstance(value, str) else value
            if stripped is None or stripped == "" or (isinstance(stripped, str) and stripped in self.absent):
                continue
            return source, value if self.is_code else stripped
        return None, None

    def _translate(self, source: str, value: str) -> str:
        codes = self.codes.get(source) or self.codes.get("", {})
        if value in codes:
            return codes[value]
        for form in self.formats:
            instant = form.read(value)
            if instant is not None:
                return format_instant(instant) if self.is_instant else instant.date().isoformat()
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """An office's fields as a submission/1, and the names of the fields that the mapping does not know."""

    message: dict[str, Any]
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficeMapping:
    """One mapping."""

    office: str
    name: str
    encoding: str
    envelope: Mapping[str, Member]
    record: Mapping[str, Member]
    known: frozenset[str]

    def translate(self, fields: Mapping[str, Any], *, received_at: datetime, ce_time: str | None) -> Translation:
        """Turn an office's fields into a submission/1. Numbers become texts; other values go on as they are."""
        readable = readable_fields(fields, received_at=received_at, ce_time=ce_time)
        operation = self.operation_of(readable)
        message: dict[str, Any] = {"schema": "submission/1"}
        message |= {
            name: operation if name == "operation" else member.read(readable, operation)
            for name, member in self.envelope.items()
        }
        version = message.get("office_version")
        if isinstance(version, str) and re.fullmatch("-?[0-9]{1,18}", version):
            message["office_version"] = int(version)
        message["record"] = {name: member.read(readable, operation) for name, member in self.record.items()}
        return Translation(message=message, unknown=tuple(name for name in fields if name not in self.known))

    def operation_of(self, readable: Mapping[str, Any]) -> Any:
        """Return what the fields say that was done."""
        return self.envelope["operation"].read(readable)


def readable_fields(fields: Mapping[str, Any], *, received_at: datetime, ce_time: str | None) -> dict[str, Any]:
    """Return everything that a mapping may read: the office's fields, and what came beside them."""
    outside = {"@received_at": format_instant(received_at), "@ce_time": ce_time}
    return {name: value for name, value in fields.items() if name not in outside} | outside


class Mappings(Mapping[tuple[str, str], OfficeMapping]):
    """Every mapping by office and name."""

    def __init__(self, mappings: Mapping[tuple[str, str], OfficeMapping]) -> None:
        self._mappings = MappingProxyType(dict(mappings))

    def __getitem__(self, key: tuple[str, str]) -> OfficeMapping:
        """Return the mapping of an office with a name."""
        return self._mappings[key]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Iterate over offices and names."""
        return iter(self._mappings)

    def __len__(self) -> int:
        """Count the mappings."""
        return len(self._mappings)


def load_mappings(offices: Offices, directory: Path | None = None) -> Mappings:
    """Read every mapping of every office from a directory, or those that ship with the program.

    Raises:
        InvalidConfiguration: names the file, the key and what is wrong.
    """
    root: Traversable = config_file("mappings") if directory is None else directory
    mappings: dict[tuple[str, str], OfficeMapping] = {}
    for folder in sorted(root.iterdir(), key=lambda entry: entry.name) if root.is_dir() else ():
        if not folder.is_dir():
            continue
        if folder.name not in offices:
            raise InvalidConfiguration(file=str(folder), key="(folder)", problem=f"there is no office {folder.name}")
        for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
            if file.name.endswith(".toml"):
                name = file.name.removesuffix(".toml")
                mappings[folder.name, name] = read_mapping(file, folder.name, name)
    for office in offices.values():
        if office.mapping is not None and (office.id, office.mapping) not in mappings:
            problem = f"there is no mapping {office.id}/{office.mapping}.toml"
            raise InvalidConfiguration(file=str(root), key=f"{office.id}.mapping", problem=problem)
    return Mappings(mappings)


def read_mapping(file: Traversable, office: str, name: str) -> OfficeMapping:
    """Read one mapping.

    Raises:
        InvalidConfiguration: names the file, the key and what is wrong.
    """
    table = read_toml(file)
    where = str(file)
    _refuse_unknown(table, ("encoding", "ignored", "message", "record"), where, "")
    encoding = table.get("encoding", "utf-8")
    if encoding not in ENCODINGS:
        problem = f"{encoding!r} is none of {', '.join(ENCODINGS)}"
        raise InvalidConfiguration(file=where, key="encoding", problem=problem)
    ignored = _texts(table.get("ignored", []), where, "ignored")
    members: dict[str, dict[str, Member]] = {}
    for part, names in (("message", ENVELOPE), ("record", frozenset(FIELDS))):
        entries = table.get(part, {})
        if not isinstance(entries, dict):
            raise InvalidConfiguration(file=where, key=part, problem="must be a table")
        _refuse_unknown(entries, names, where, f"{part}.")
        members[part] = {
            key: _member(entry, where, f"{part}.{key}", is_instant=key == "occurred_at", is_code=key == "uscc")
            for key, entry in entries.items()
        }
    if "uscc" not in members["record"]:
        raise InvalidConfiguration(file=where, key="record.uscc", problem="is missing")
    for key in ("operation", "occurred_at"):
        if key not in members["message"]:
            raise InvalidConfiguration(file=where, key=f"message.{key}", problem="is missing")
    read = {source for part in members.values() for member in part.values() for source in member.sources}
    return OfficeMapping(
        office=office,
        name=name,
        encoding=encoding,
        envelope=MappingProxyType(members["message"]),
        record=MappingProxyType(members["record"]),
        known=frozenset(read | set(ignored)) - set(_OUTSIDE),
    )


def _member(entry: Any, file: str, key: str, *, is_instant: bool, is_code: bool) -> Member:
    if isinstance(entry, str):
        entry = {"from": entry}
    if not isinstance(entry, dict):
        raise InvalidConfiguration(file=file, key=key, problem="must be a field's name or a table")
    _refuse_unknown(entry, ("from", "only_for", "codes", "formats", "absent", "default"), file, f"{key}.")
    origin = entry.get("from", [])
    sources = _texts([origin] if isinstance(origin, str) else origin, file, f"{key}.from")
    for source in sources:
        if source.startswith("@") and source not in _OUTSIDE:
            raise InvalidConfiguration(
                file=file, key=f"{key}.from", problem=f"{source} is none of {', '.join(_OUTSIDE)}"
            )
    default = entry.get("default")
    if default is not None and not isinstance(default, str):
        raise InvalidConfiguration(file=file, key=f"{key}.default", problem="must be a text")
    if not sources and default is None:
        raise InvalidConfiguration(file=file, key=key, problem="needs `from` or `default`")
    formats = []
    for text in _texts(entry.get("formats", []), file, f"{key}.formats"):
        try:
            formats.append(DateFormat.compile(text))
        except ValueError as error:
            raise InvalidConfiguration(file=file, key=f"{key}.formats", problem=f"{text!r}: {error}") from error
    return Member(
        sources=sources,
        codes=_codes(entry.get("codes", {}), sources, file, f"{key}.codes"),
        only_for=_only_for(entry.get("only_for", {}), sources, file, key),
        formats=tuple(formats),
        absent=frozenset(_texts(entry.get("absent", []), file, f"{key}.absent")),
        default=default,
        is_instant=is_instant,
        is_code=is_code,
    )


def _only_for(table: Any, sources: tuple[str, ...], file: str, member: str) -> Mapping[str, tuple[str, ...]]:
    key = f"{member}.only_for"
    if not isinstance(table, dict):
        raise InvalidConfiguration(file=file, key=key, problem="must map fields of `from` to lists of operations")
    if table and member == "message.operation":
        raise InvalidConfiguration(file=file, key=key, problem="the operation cannot depend on itself")
    _refuse_unknown(table, sources, file, f"{key}.")
    operations = {source: _texts(value, file, f"{key}.{source}") for source, value in table.items()}
    for source, named in operations.items():
        for operation in named:
            if operation not in set(Operation):
                raise InvalidConfiguration(
                    file=file, key=f"{key}.{source}", problem=f"there is no operation {operation}"
                )
    return operations


def _codes(table: Any, sources: tuple[str, ...], file: str, key: str) -> Mapping[str, Mapping[str, str]]:
    if isinstance(table, dict) and all(isinstance(value, str) for value in table.values()):
        return {"": table}
    if isinstance(table, dict) and all(isinstance(value, dict) for value in table.values()):
        _refuse_unknown(table, sources, file, f"{key}.")
        if all(isinstance(value, str) for codes in table.values() for value in codes.values()):
            return table
    raise InvalidConfiguration(
        file=file, key=key, problem="must map texts to texts, or fields of `from` to such tables"
    )


def _texts(value: Any, file: str, key: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) and text for text in value):
        raise InvalidConfiguration(file=file, key=key, problem="must be a list of texts")
    return tuple(value)


def _refuse_unknown(table: Mapping[str, Any], known: tuple[str, ...] | frozenset[str], file: str, prefix: str) -> None:
    for key in table:
        if key not in known:
            problem = f"there is no such key; known are {', '.join(sorted(known))}"
            raise InvalidConfiguration(file=file, key=prefix + key, problem=problem)


def _text(value: Any) -> Any:
    """Return a number as the text that a record has for it, anything else as it is."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, ExactNumber):
        return f"{Decimal(value.text):f}" if _WRITABLE.fullmatch(value.text) else value.text
    return value
