"""The members of a record: English and short name, titles, form, and whether a person stands behind the value.

Source: GB/T 36104-2018; data/fields.csv, whose last member, `standing`, is the service's own (domain.md §6).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, cast

from validators.rulebook import Text
from validators.tables import rows

Personal = Literal["id_number", "phone", "person_name"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One member. `short_name` is "" where Chinese systems have none; `form` names the code list or format."""

    name: str
    short_name: str
    title: Text
    form: str
    personal: Personal | None


def _load() -> Mapping[str, Field]:
    return MappingProxyType(
        {
            row["name"]: Field(
                name=row["name"],
                short_name=row["short_name"],
                title=Text(zh=row["title_zh"], en=row["title_en"]),
                form=row["form"],
                personal=cast("Personal", row["personal"]) if row["personal"] else None,
            )
            for row in rows("fields")
        }
    )


FIELDS: Mapping[str, Field] = _load()
"""Every member by its English name, in the order in which a registration shows them."""

ENGLISH_NAMES: Mapping[str, str] = MappingProxyType(
    {name: name for name in FIELDS} | {field.short_name: name for name, field in FIELDS.items() if field.short_name}
)
"""The English name of every member, by either of its names."""

PERSONAL: Mapping[str, Personal] = MappingProxyType(
    {name: field.personal for name, field in FIELDS.items() if field.personal is not None}
)
"""The members that speak of a person, and how each is masked."""
