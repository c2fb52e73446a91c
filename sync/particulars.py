"""What a record says of an organization, with everything that is made of it kept beside it.

A batch is written while all others wait for its lock, so what follows from a record alone is made before, once:
its text, its number, and how registration/1 and change/1 show it. Asked for earlier or later, it is the same.

Source: contract.md §2 (change/1, registration/1).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import orjson

from sync.masking import mask, mask_record
from sync.row_hash import row_hash
from validators import organization_code, registration_number
from validators.code_lists import CODE_LISTS
from validators.fields import FIELDS, PERSONAL

NO_PARTICULARS: Final = ("business_type", "status")
"""What a record says and the operation decides."""

_STANDINGS: Final = CODE_LISTS["standing"]
SHOWN: Final = tuple(name for name in FIELDS if name not in NO_PARTICULARS)
"""The members that registration/1 shows, in its order."""

_PLACE: Final = {name: place for place, name in enumerate(SHOWN)}


class Particulars(dict[str, str]):
    """A record without business type and status, which the operation decides. It is never altered."""

    __slots__ = ("_hash", "_legacy", "_new", "_shown")

    def __init__(self, record: Mapping[str, str]) -> None:
        super().__init__(record)
        self._hash: tuple[str, int | None] | None = None
        self._shown: orjson.Fragment | None = None
        self._legacy: orjson.Fragment | None = None
        self._new: bytes | None = None

    @classmethod
    def of(cls, record: Mapping[str, str]) -> Particulars:
        """Return a record that holds no more than particulars as such."""
        return record if isinstance(record, Particulars) else cls(record)

    @property
    def text(self) -> bytes:
        """The JSON of the record, as a version keeps it; a version is written once, so it is not kept here."""
        return orjson.dumps(self)

    def row_hash(self, uscc: str) -> int | None:
        """Return the number by which an office's register is compared, for the code that these are particulars of."""
        if self._hash is None or self._hash[0] != uscc:
            self._hash = (uscc, row_hash(uscc, self))
        return self._hash[1]

    @property
    def standing(self) -> str:
        """The standing; what is outside its list was returned as Q02 and counts as normal."""
        return standing_of(self)

    @property
    def shown(self) -> orjson.Fragment:
        """The member `record` of registration/1, masked."""
        if self._shown is None:
            self._shown = orjson.Fragment(orjson.dumps(mask_record(shown_of(self))))
        return self._shown

    @property
    def legacy_numbers(self) -> orjson.Fragment:
        """The member `legacy_numbers` of registration/1."""
        if self._legacy is None:
            self._legacy = orjson.Fragment(orjson.dumps(legacy_numbers_of(self)))
        return self._legacy

    @property
    def as_new(self) -> bytes:
        """The members of `changed_fields` of which nothing was known before, each with a comma behind it."""
        if self._new is None:
            self._new = _as_new(mask_record(shown_of(self)))
        return self._new

    def prepare(self, *, is_new: bool) -> None:
        """Make everything that a version is written with; `is_new` says that it is likely a first one."""
        plain = dict(self)  # Members of a plain dict are found in half the time.
        uscc = plain.get("uscc", "")
        self._hash = (uscc, row_hash(uscc, plain))
        self._legacy = orjson.Fragment(orjson.dumps(legacy_numbers_of(plain)))
        masked = mask_record(shown_of(plain))
        written = orjson.dumps(masked)
        self._shown = orjson.Fragment(written)
        if is_new:
            self._new = _as_new(masked, written)

    def changed_from(self, old: Mapping[str, str]) -> dict[str, dict[str, str | None]]:
        """Return the members that differ from those of an older record, masked, in the order of a registration."""
        names = [name for name, value in self.items() if old.get(name) != value]
        if not old.keys() <= self.keys():
            names += [name for name in old if name not in self]
        names = [name for name in names if name in _PLACE]
        if len(names) > 1:
            names.sort(key=_PLACE.__getitem__)
        return {name: {"from": _masked(name, old.get(name)), "to": _masked(name, self.get(name))} for name in names}


def _as_new(masked: Mapping[str, str], written: bytes | None = None) -> bytes:
    """Return members as changed from nothing. `written` is their JSON, in which they are marked where that is certain.

    In a text without a backslash every quote is the end of a name or a value.
    """
    if not masked:
        return b""
    if written is None or b"\\" in written:
        return orjson.dumps({name: {"from": None, "to": value} for name, value in masked.items()})[1:-1] + b","
    marked = written[1:-1].replace(b'","', b'"},"').replace(b'":"', b'":{"from":null,"to":"')
    return marked + b"},"


def shown_of(record: Mapping[str, str]) -> dict[str, str]:
    """Return the members of a record that registration/1 shows, in its order."""
    names = _shown_names(tuple(record))
    return dict(zip(names, map(record.__getitem__, names), strict=True))


@lru_cache(maxsize=1_024)
def _shown_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return those that are shown, in their order: the records of an office have the same members, mostly."""
    return tuple(name for name in SHOWN if name in names)


def standing_of(record: Mapping[str, str]) -> str:
    """Return the standing; what is outside its list was returned as Q02 and counts as normal."""
    standing = record.get("standing", "normal")
    return standing if standing in _STANDINGS else "normal"


def legacy_numbers_of(record: Mapping[str, str]) -> list[dict[str, str]]:
    """Return the numbers by which the organization was known before, those whose form is known."""
    numbers = []
    number = record.get("registration_number")
    kind = registration_number.kind(number) if number is not None else None
    if number is not None and kind is not None:
        numbers.append({"kind": str(kind), "number": registration_number.normalize(number)})
    code = record.get("organization_code")
    if code is not None:
        code = organization_code.normalize(code)
        if len(code) == 9:
            numbers.append({"kind": "organization_code", "number": code})
    return numbers


def _masked(name: str, value: str | None) -> str | None:
    return mask(value, PERSONAL[name]) if value is not None and name in PERSONAL else value
