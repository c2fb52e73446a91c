"""Strict JSON: one object from bytes, without duplicate members, NaN or deep nesting, and a digest of its content.

The quick way is orjson, which accepts duplicate members and makes floats of large integers. Both are found out by
counting, without walking pairs: every string of the text has two quotes that are not escaped, so a text whose quotes
are more than twice the strings of the parsed object has lost a member; and an object with a float is read again,
exactly, with the standard library.

Two objects have the same digest when they are equal as JSON: whatever the order of members and the blanks, however
characters are escaped, and 1.0 equal to 1 (but true unequal to 1).

Source: RFC 8259; contract.md §2 (submission/1), §4.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import orjson

MAX_DEPTH: Final = 64
"""How deep an object may be nested, itself being 1."""

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKET: Final = re.compile(r"[\[\]{}]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_NUMBER: Final = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]{1,18}))?")


class Undecodable(Exception):
    """No JSON object can be read; carries the circumstance of rule M03 and its facts."""

    def __init__(self, circumstance: str, **facts: Any) -> None:
        super().__init__(circumstance)
        self.circumstance = circumstance
        self.facts = facts


class ExactNumber:
    """A number that is no integer of 64 bits, by the one text that all its spellings share."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


@dataclass(frozen=True, slots=True)
class Document:
    """A JSON object. `may_be_foul` is False only when no text in it can hold NUL or a lone surrogate."""

    members: dict[str, Any]
    may_be_foul: bool

    def digest(self) -> bytes:
        """Return the SHA-256 of the canonical text."""
        try:
            text = orjson.dumps(self.members, option=orjson.OPT_SORT_KEYS)
        except orjson.JSONEncodeError:
            text = "".join(_canonical(self.members)).encode()
        return hashlib.sha256(text).digest()


def read_object(body: bytes) -> Document:
    """Read one JSON object from UTF-8 bytes; a byte order mark before it is dropped.

    Raises:
        Undecodable: the bytes are empty, no UTF-8, no JSON, no object, nested too deep, or repeat a member.
    """
    sent = len(body)
    body = body.removeprefix(_BYTE_ORDER_MARK)
    if not body:
        raise Undecodable("empty")
    if body.count(b"{") + body.count(b"[") > MAX_DEPTH:
        _refuse_depth(body.decode("utf-8", "replace"))
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return Document(_read_exactly(body, before=sent - len(body)), may_be_foul=True)
    if type(value) is not dict:
        raise Undecodable("object", expected="object", actual=type_name(value))
    if 2 * _count_strings(value) != _count_quotes(body):
        value = _read_exactly(body)
    return Document(value, may_be_foul=b"\\u0000" in body)


def type_name(value: Any) -> str:
    """Return what JSON calls the type of a value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    names = {dict: "object", list: "array", str: "string", int: "number", float: "number", ExactNumber: "number"}
    return names[type(value)]


def foul_texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield path and fault ("nul", "surrogate") of every text in a value that holds one; paths join names by `/`."""
    if isinstance(value, str):
        if "\0" in value:
            yield path, "nul"
        if _SURROGATE.search(value):
            yield path, "surrogate"
    elif isinstance(value, dict):
        for name, member in value.items():
            inner = f"{path}/{printable(name)}"
            yield from foul_texts(name, inner)
            yield from foul_texts(member, inner)
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from foul_texts(member, f"{path}/{index}")


def printable(text: str, longest: int = 64) -> str:
    """Return a text that a finding may carry: cut to `longest` characters, what does not print written as `\\uXXXX`."""
    shown = text if len(text) <= longest else text[:longest] + "…"
    if shown.isprintable():
        return shown
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in shown)


def _count_strings(members: dict[str, Any]) -> int:
    """Count the strings in a parsed object, names of members included; -1 where a float asks for an exact reading."""
    count = 0
    waiting: list[Any] = [members]
    for container in waiting:
        values = container
        if type(container) is dict:
            count += len(container)
            values = container.values()
        kinds = list(map(type, values))
        if kinds.count(str) == len(kinds):
            count += len(kinds)
            continue
        for value in values:
            kind = type(value)
            if kind is str:
                count += 1
            elif kind is dict or kind is list:
                waiting.append(value)
            elif kind is float:
                return -1
    return count


def _count_quotes(body: bytes) -> int:
    """Count the quotes that are not escaped in a text that is JSON."""
    if b"\\" in body:
        body = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    return body.count(b'"')


def _refuse_depth(text: str) -> None:
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > MAX_DEPTH:
            raise Undecodable("depth", expected=str(MAX_DEPTH))


def _read_exactly(body: bytes, *, before: int = 0) -> dict[str, Any]:
    """Read an object with the standard library: exact numbers, lone surrogates kept, duplicate members refused.

    `before` is how many bytes were sent before `body`: positions count from the first byte that was sent.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Undecodable("encoding", expected="UTF-8", position=before + error.start + 1) from None
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_int=_number,
            parse_float=_number,
            parse_constant=_refuse_constant,
        )
    except json.JSONDecodeError as error:
        raise Undecodable("syntax", line=error.lineno, column=error.colno) from None
    if not isinstance(value, dict):
        raise Undecodable("object", expected="object", actual=type_name(value))
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise Undecodable("duplicate", actual=printable(name))
            seen.add(name)
    return members


def _refuse_constant(text: str) -> None:
    raise Undecodable("constant", actual=text)


def _number(text: str) -> int | ExactNumber:
    """Return an integer of 64 bits as int and any other number by digits and exponent, without trailing zeros."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        # An exponent of more than 18 digits: equal only to itself.
        return ExactNumber(text.lower())
    sign, whole, fraction, exponent = match.group(1), match.group(2), match.group(3) or "", match.group(4) or "0"
    digits = (whole + fraction).lstrip("0")
    power = int(exponent) - len(fraction) + len(digits)
    digits = digits.rstrip("0")
    power -= len(digits)
    if not digits:
        return 0
    if power >= 0 and len(digits) + power <= 20:
        number = int(sign + digits + "0" * power)
        if -(2**63) <= number < 2**64:
            return number
    return ExactNumber(f"{sign}{digits}e{power}")


def _canonical(value: Any) -> Iterator[str]:
    """Yield the canonical text of what orjson cannot write; what it can, is written as it would."""
    if isinstance(value, dict):
        separator = "{"
        for name in sorted(value):
            yield separator
            yield from _canonical(name)
            yield ":"
            yield from _canonical(value[name])
            separator = ","
        yield "{}" if separator == "{" else "}"
    elif isinstance(value, list):
        separator = "["
        for member in value:
            yield separator
            yield from _canonical(member)
            separator = ","
        yield "[]" if separator == "[" else "]"
    elif isinstance(value, ExactNumber):
        yield value.text
    else:
        yield json.dumps(value)
