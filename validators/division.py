"""Division codes (行政区划代码, GB/T 2260): known or not, and in force on a date or not.

A code says where an organization was *first* registered, so an abolished division is no fault of an old code. Beside
the editions of GB/T 2260 three things are known: development zones that were seen in issued codes (zones.csv), 100000
for the nation, and 99xxxx for the Xinjiang Production and Construction Corps. Where no source knows a date, nothing
is said about force.

Source: data/divisions.csv, data/zones.csv, data/provinces.csv; data/SOURCES.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache

from validators.rulebook import Text
from validators.tables import rows

NATION = "100000"
CORPS = "99"
ALWAYS = 9999
"""The last year of a division that is in force, or whose end no source knows."""

_COLLECTIVE = frozenset({"市辖区", "县", "省直辖县级行政区划"})
"""Names of levels that group divisions and are no places."""
_LEVELS = {"province": "province", "prefecture": "prefecture-level division", "county": "county-level division"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """One division. `in_force` is today's state, None where no source says; years are None where unknown."""

    code: str
    name: str
    level: str
    in_force: bool | None
    first_year: int | None
    last_year: int | None


class Divisions:
    """Every known division.

    `last_years` maps each to the last year in which it was in force (ALWAYS while it is, or where that is unknown);
    the 99xxxx are not in it.
    """

    def __init__(self, divisions: Iterable[Division], provinces: Mapping[str, Text]) -> None:
        self._rows = {row.code: row for row in divisions}
        self._provinces = provinces
        self.last_years: Mapping[str, int] = {
            row.code: row.last_year if row.in_force is False and row.last_year is not None else ALWAYS
            for row in self._rows.values()
        }

    @staticmethod
    @cache
    def load() -> Divisions:
        """Return the divisions that ship with the package; always the same object."""
        states = {"1": True, "0": False, "": None}
        listed = [
            Division(
                code=row["code"],
                name=row["name"],
                level=row["level"],
                in_force=states[row["in_force"]],
                first_year=int(row["first_year"]) if row["first_year"] else None,
                last_year=int(row["last_year"]) if row["last_year"] else None,
            )
            for row in rows("divisions")
        ]
        zones = [
            Division(
                code=row["division"],
                name=f"{row['prefecture']}（国标未列的开发区等）",
                level="zone",
                in_force=None,
                first_year=None,
                last_year=None,
            )
            for row in rows("zones")
        ]
        nation = Division(code=NATION, name="全国", level="nation", in_force=True, first_year=None, last_year=None)
        provinces = {row["code"]: Text(zh=row["zh"], en=row["en"]) for row in rows("provinces")}
        return Divisions([nation, *zones, *listed], provinces)

    def known(self, code: str) -> bool:
        """Tell whether six digits are a division of any edition, an observed zone, the nation or the Corps."""
        return code in self._rows or _of_corps(code)

    def in_force(self, code: str, on: date) -> bool | None:
        """Tell whether a division was in force on a date; None where the division or its years are unknown."""
        if _of_corps(code):
            return True
        row = self._rows.get(code)
        if row is None or row.in_force is None:
            return None
        if row.first_year is not None and on.year < row.first_year:
            return False
        if row.in_force:
            return True
        return None if row.last_year is None else on.year <= row.last_year

    def abolished(self, code: str, on: date | None) -> int | None:
        """Return the last year of a division that had been abolished by a date, or None.

        Whatever is unknown (the date, the division, its years) gives None; the year of abolition itself counts as
        in force, because the sources know years only.
        """
        last_year = self.last_years.get(code, ALWAYS)
        return last_year if on is not None and on.year > last_year else None

    def province(self, code: str) -> Text | None:
        """Return the name of the province that two digits stand for."""
        return self._provinces.get(code)

    def title(self, code: str) -> Text | None:
        """Return the full name of a division ("辽宁省沈阳市和平区"), or None where it is unknown."""
        if _of_corps(code):
            return Text(zh="新疆生产建设兵团", en="Xinjiang Production and Construction Corps")
        row = self._rows.get(code)
        if row is None:
            return None
        if row.level == "nation":
            return Text(zh=row.name, en="the nation")
        province = self._provinces.get(code[:2])
        if row.level == "zone":
            zh, en = province.zh if province else "", "zone that GB/T 2260 does not list"
            return Text(zh=zh + row.name, en=f"{en}, {province.en}" if province else en)
        above = [self._rows.get(code[:2] + "0000"), self._rows.get(code[:4] + "00"), row]
        names = dict.fromkeys(step.name for step in above if step and step.name not in _COLLECTIVE)
        names.setdefault(row.name)
        if row.level == "province" and province:
            return Text(zh=row.name, en=province.en)
        place = province.en if province else "China"
        return Text(zh="".join(names), en=f"{_LEVELS[row.level]} {code} in {place}")


def _of_corps(code: str) -> bool:
    """Tell whether six digits belong to the Xinjiang Production and Construction Corps: 99 and any four."""
    return len(code) == 6 and code.startswith(CORPS) and code.isascii() and code.isdigit()
