"""Registration authorities (登记管理部门代码) and organization categories (机构类别代码): positions 1 and 2.

Rows of status `listed` occur in banks' lists but not in the standard: codes that begin with them are exceptions of
rule E03, warned of and not rejected.

Source: GB 32100-2015 with amendment XG1-2016, data/authorities.csv.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from validators.rulebook import Text
from validators.tables import rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """One line of the table; both titles in both languages."""

    registration_authority_code: str
    organization_category_code: str
    authority: Text
    title: Text
    listed: bool


class Authorities:
    """The table of registration authorities and the categories of each; `codes` are those of the standard."""

    def __init__(self, categories: Iterable[Category]) -> None:
        by_prefix = {row.registration_authority_code + row.organization_category_code: row for row in categories}
        self._standard: Mapping[str, Category] = {key: row for key, row in by_prefix.items() if not row.listed}
        self._listed: Mapping[str, Category] = {key: row for key, row in by_prefix.items() if row.listed}
        self._titles = {row.registration_authority_code: row.authority for row in by_prefix.values()}
        self._known = frozenset(key[0] for key in self._standard)
        self.codes = "".join(sorted(self._known))

    @staticmethod
    @cache
    def load() -> Authorities:
        """Return the table that ships with the package; always the same object."""
        return Authorities(
            Category(
                registration_authority_code=row["registration_authority_code"],
                organization_category_code=row["organization_category_code"],
                authority=Text(zh=row["authority_zh"], en=row["authority_en"]),
                title=Text(zh=row["category_zh"], en=row["category_en"]),
                listed=row["status"] == "listed",
            )
            for row in rows("authorities")
        )

    def known(self, authority: str) -> bool:
        """Tell whether the standard lists a registration authority code."""
        return authority in self._known

    def category_known(self, authority: str, category: str) -> bool:
        """Tell whether the standard lists a category for an authority."""
        return authority + category in self._standard

    def categories(self, authority: str) -> str:
        """Return the categories that the standard lists for an authority, without separators."""
        return "".join(sorted(key[1] for key in self._standard if key[0] == authority))

    def listed(self, authority: str, category: str) -> bool:
        """Tell whether the two are an exception that lists in use know and the standard does not (G1, J1)."""
        return authority + category in self._listed

    def title(self, authority: str) -> Text | None:
        """Return the title of an authority, or None where no list knows it."""
        return self._titles.get(authority)

    def category_title(self, authority: str, category: str) -> Text | None:
        """Return the title of an authority's category, or None where no list knows it."""
        row = self._standard.get(authority + category) or self._listed.get(authority + category)
        return row.title if row else None
