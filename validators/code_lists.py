"""Code lists and formats of a record's members, each a predicate over a text.

Only the form of GB/T 4754, GB/T 12402 and GB 11714 is asked, because their editions differ and a right value that is
called wrong does more harm than the reverse. Currencies include withdrawn ones: old capital is written in them.

Source: GB/T 36104-2018; data/code_lists.csv, data/currencies.csv; data/SOURCES.md.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from types import MappingProxyType

from validators.division import Divisions
from validators.rulebook import Text
from validators.tables import rows

Predicate = Callable[[str], object]

_INDUSTRY = re.compile(r"[A-T](?:[0-9]{2,4})?|[0-9]{2,4}")
_ECONOMIC_TYPE = re.compile(r"[0-9]{3}")
_ORGANIZATION_CODE = re.compile(r"[0-9A-Z]{8}-?[0-9X]", re.IGNORECASE)
_DIVISION = re.compile(r"[0-9]{6}")
_DECIMAL = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
_INTEGER = re.compile(r"[+-]?[0-9]+")


def _load() -> Mapping[str, Mapping[str, Text]]:
    lists: defaultdict[str, dict[str, Text]] = defaultdict(dict)
    for row in rows("code_lists"):
        lists[row["list"]][row["code"]] = Text(zh=row["title_zh"], en=row["title_en"])
    return MappingProxyType(dict(lists))


CODE_LISTS: Mapping[str, Mapping[str, Text]] = _load()
"""Every short code list: its codes and their titles."""

ID_CARD_TYPES = frozenset(CODE_LISTS["id_card_type"])
"""The document types that mean an ID card; the lists of the offices differ, so Q02 never judges the type."""

CURRENCIES = frozenset(code for row in rows("currencies") for code in (row["code"], row["number"]))
"""ISO 4217 letters and GB/T 12406 digits, withdrawn currencies included."""


@lru_cache(maxsize=65_536)
def read_date(text: str) -> date | None:
    """Return the date that `YYYY-MM-DD` says, or None where the text has another form or the day does not exist."""
    if len(text) != 10 or text[4] != "-" or text[7] != "-":
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What a member's value must be. Where it is a date or a number, a value that is none cannot be read at all."""

    holds: Predicate
    expected: str
    readable_only: bool = False


def _listed(name: str) -> Form:
    return Form(holds=CODE_LISTS[name].__contains__, expected=" ".join(CODE_LISTS[name]))


@lru_cache(maxsize=8)
def forms(divisions: Divisions) -> Mapping[str, Form]:
    """Return every form by its name in data/fields.csv; texts and codes (`text`, `uscc`) have none."""
    return MappingProxyType(
        {
            "business_type": _listed("business_type"),
            "status": _listed("status"),
            "is_public": _listed("is_public"),
            "standing": _listed("standing"),
            "currency": Form(holds=CURRENCIES.__contains__, expected="ISO 4217, GB/T 12406"),
            "division": Form(
                holds=lambda text: _DIVISION.fullmatch(text) and divisions.known(text), expected="GB/T 2260"
            ),
            "industry": Form(holds=_INDUSTRY.fullmatch, expected="GB/T 4754"),
            "economic_type": Form(holds=_ECONOMIC_TYPE.fullmatch, expected="GB/T 12402"),
            "organization_code": Form(holds=_ORGANIZATION_CODE.fullmatch, expected="GB 11714"),
            "date": Form(holds=read_date, expected="YYYY-MM-DD", readable_only=True),
            "decimal": Form(holds=_DECIMAL.fullmatch, expected="[+-]1234.56", readable_only=True),
            "integer": Form(holds=_INTEGER.fullmatch, expected="1234", readable_only=True),
        }
    )
