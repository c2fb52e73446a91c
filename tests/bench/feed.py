"""A feed of commerce: organizations are assigned their codes, and every second one changes later.

Generated with a seed and quickly: a few thousand organizations of the demonstration feed lend their texts, and each
record puts a code, a name and ids of its own between them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import orjson

from service.demo.drafts import Desk, Draft
from service.demo.feed import today
from service.demo.words import BRAND
from tests.bench.codes import codes
from validators.check_character import mod11_10
from validators.names import name_key

OFFICE = "commerce"
_LENDERS = 2_000
# Characters of the private use area stand for what is put in: no text has them, and a name key keeps them.
_PLACES = _CODE, _BODY, _MARK, _ID, _ROOM, _NUMBER = tuple("\ue000\ue001\ue002\ue003\ue004\ue005")


@dataclass(frozen=True, slots=True)
class Text:
    """A text with places in it: what stands before, between and behind them, and which place follows each part."""

    parts: tuple[tuple[str, str | None], ...]

    def written(self, values: dict[str, str]) -> bytes:
        """Return the text with values in its places."""
        return "".join([part if place is None else part + values[place] for part, place in self.parts]).encode()


@dataclass(frozen=True, slots=True)
class Lender:
    """The texts of one organization's assign and change."""

    assign: Text
    change: Text
    is_numbered: bool


def records(count: int, *, seed: int = 1, flat: bool = False) -> Iterator[tuple[bytes, bytes]]:
    """Yield `count` records as key and body; two assigns, then a change of an organization that was assigned before.

    The bodies are submission/1, or with `flat` the record alone with its name key, as a plain upsert wants it.
    """
    lent = _lent(seed, flat=flat)
    column = [code.decode() for code in codes(count - count // 3, seed).tolist()]
    assigned = 0
    for number in range(count):
        change = number % 3 == 2
        if change:
            organization = number // 3
        else:
            organization, assigned = assigned, assigned + 1
        code = column[organization]
        values = {
            _CODE: code,
            _BODY: code[8:17],
            _MARK: mark(organization),
            _ID: f"B{seed}-{number:09}",
            _ROOM: f"{number}室" if change else "",
        }
        lender = lent[organization % len(lent)]
        if lender.is_numbered:
            values[_NUMBER] = f"{code[2:8]}{organization:08}"
            values[_NUMBER] += mod11_10(values[_NUMBER])
        yield code.encode(), (lender.change if change else lender.assign).written(values)


def _lent(seed: int, *, flat: bool) -> list[Lender]:
    desk = Desk(seed, today())
    lent = []
    for _ in range(_LENDERS):
        at = desk.recent()
        organization = desk.newcomer(OFFICE, at) if desk.random.random() < 0.6 else desk.veteran(OFFICE, at)
        record = organization.record
        record |= {"uscc": _CODE, "organization_code": _BODY, "name": record["name"][:2] + _MARK + record["name"][2:]}
        if "registration_number" in record:
            record["registration_number"] = _NUMBER
        assign = desk.submit(organization, "assign", at, "")
        record["registered_address"] += _ROOM
        change = desk.submit(organization, "change", at + timedelta(hours=1), "")
        numbered = "registration_number" in record
        lent.append(Lender(_text(assign, flat=flat), _text(change, flat=flat), numbered))
    return lent


def _text(draft: Draft, *, flat: bool) -> Text:
    draft.envelope["message_id"] = _ID
    written = draft.envelope
    if flat:
        record = draft.record
        identity = {"name_key": name_key(record["name"]), "subject_code": _BODY}
        written = record | identity | {"division_code": record["registered_division_code"]}
    rest = orjson.dumps(written).decode()
    parts: list[tuple[str, str | None]] = []
    while rest:
        found = [(rest.index(place), place) for place in _PLACES if place in rest]
        if not found:
            parts.append((rest, None))
            break
        where, place = min(found)
        parts.append((rest[:where], place))
        rest = rest[where + len(place) :]
    return Text(tuple(parts))


def mark(number: int) -> str:
    """Return five characters that make a name its own."""
    mark = ""
    for _ in range(5):
        number, place = divmod(number, len(BRAND))
        mark += BRAND[place]
    return mark
