"""The offices that send records, as configuration: who they are, which codes are theirs, what is asked of them.

`offices.toml` has a table for each office, named by its id:

    [commerce]
    title_zh = "市场监管"
    title_en = "market regulation"
    first_characters = ["9"]      # codes that begin with these are at home here
    order = "occurred_at"         # or "office_version": what orders the office's records
    calendar = "china"            # whose working days rule T01 counts
    profile = "COM18"             # the fields asked for
    mapping = "registration"      # optional: the mapping that files of this office are read with
    [commerce.profiles]           # optional: other profiles by organization category
    2 = "PUB11"
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, cast

from sync.errors import SyncError
from validators.authority import Authorities
from validators.calendar import CALENDARS, WorkingCalendar
from validators.profiles import PROFILES

Order = Literal["occurred_at", "office_version"]

_ORDERS: Final = ("occurred_at", "office_version")
_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_REQUIRED: Final = ("title_zh", "title_en", "first_characters", "order", "calendar", "profile")
_OPTIONAL: Final = ("mapping", "profiles")


class InvalidConfiguration(SyncError):
    """A configuration file is wrong; carries the file, the key and what is wrong with it."""

    def __init__(self, *, file: str, key: str, problem: str) -> None:
        super().__init__(f"{file}: {key}: {problem}")
        self.file = file
        self.key = key
        self.problem = problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """One office. `profiles` maps an organization category to a profile; the others are under `default_profile`."""

    id: str
    title_zh: str
    title_en: str
    first_characters: frozenset[str]
    order: Order
    calendar: str
    default_profile: str
    profiles: Mapping[str, str]
    mapping: str | None = None
    own_calendar: WorkingCalendar | None = None

    @property
    def working_calendar(self) -> WorkingCalendar:
        """The calendar by which it works: the site's own, else the one of this name that ships."""
        return self.own_calendar or WorkingCalendar.load(self.calendar)

    def profile(self, category: str) -> frozenset[str]:
        """Return the fields asked for of an organization category (position 2 of the code; "" where unknown)."""
        return PROFILES[self.profiles.get(category, self.default_profile)]


class Offices(Mapping[str, Office]):
    """Every office by its id, in the order of the file."""

    def __init__(self, offices: Mapping[str, Office]) -> None:
        self._offices = MappingProxyType(dict(offices))
        self._homes = {character: office.id for office in offices.values() for character in office.first_characters}

    def __getitem__(self, office: str) -> Office:
        """Return the office with an id."""
        return self._offices[office]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the ids."""
        return iter(self._offices)

    def __len__(self) -> int:
        """Count the offices."""
        return len(self._offices)

    def home_of(self, first_character: str) -> str | None:
        """Return the id of the office to which codes with this first character belong, None where there is none."""
        return self._homes.get(first_character)


def config_file(*names: str) -> Traversable:
    """Return a file of the configuration that ships with the program."""
    return files("service").joinpath("config", *names)


def load_offices(path: Path | None = None, *, china: WorkingCalendar | None = None) -> Offices:
    """Read the offices from a file, or those that ship with the program; `china` is a site's own calendar of China.

    Raises:
        InvalidConfiguration: names the file, the key and what is wrong.
        OSError: the file cannot be read.
    """
    source: Traversable = config_file("offices.toml") if path is None else path
    document = read_toml(source)
    if not document:
        raise InvalidConfiguration(file=str(source), key="(file)", problem="there is no office")
    offices = {office: _office(office, table, str(source), china) for office, table in document.items()}
    homes: dict[str, str] = {}
    for office in offices.values():
        for character in sorted(office.first_characters):
            if character in homes:
                problem = f"codes that begin with {character} are already at home in {homes[character]}"
                raise InvalidConfiguration(file=str(source), key=f"{office.id}.first_characters", problem=problem)
            homes[character] = office.id
    return Offices(offices)


def read_toml(source: Traversable) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        InvalidConfiguration: the file is no TOML in UTF-8.
    """
    try:
        return tomllib.loads(source.read_bytes().decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidConfiguration(file=str(source), key="(file)", problem=f"no TOML in UTF-8: {error}") from error


def _office(office: str, table: Any, file: str, china: WorkingCalendar | None) -> Office:
    for key, problem in _problems(office, table):
        raise InvalidConfiguration(file=file, key=f"{office}.{key}" if key else office, problem=problem)
    return Office(
        id=office,
        title_zh=table["title_zh"],
        title_en=table["title_en"],
        first_characters=frozenset(table["first_characters"]),
        order=cast("Order", table["order"]),
        calendar=table["calendar"],
        default_profile=table["profile"],
        profiles=MappingProxyType(dict(table.get("profiles", {}))),
        mapping=table.get("mapping"),
        own_calendar=china if table["calendar"] == "china" else None,
    )


def _problems(office: str, table: Any) -> Iterator[tuple[str, str]]:
    """Yield keys and what is wrong with them; what comes later may rest on what came before being right."""
    if not isinstance(table, dict):
        yield "", "an office is a table"
        return
    if _ID.fullmatch(office) is None:
        yield "", "an id is lower-case letters, digits and hyphens: it names topics"
    known = _REQUIRED + _OPTIONAL
    yield from ((key, f"there is no such key; known are {', '.join(known)}") for key in table if key not in known)
    yield from ((key, "is missing") for key in _REQUIRED if key not in table)
    for key in (*_REQUIRED, "mapping"):
        if key != "first_characters" and not (isinstance(table.get(key, "-"), str) and table.get(key, "-")):
            yield key, "must be a text"
    yield from _problems_of_characters(table["first_characters"])
    for key, values in (("order", _ORDERS), ("calendar", CALENDARS), ("profile", tuple(PROFILES))):
        if table[key] not in values:
            yield key, f"must be one of {', '.join(values)}"
    profiles = table.get("profiles", {})
    if not isinstance(profiles, dict):
        yield "profiles", "must be a table of profiles by organization category"
        return
    for category, profile in profiles.items():
        if not isinstance(profile, str) or profile not in PROFILES:
            yield f"profiles.{category}", f"must be one of {', '.join(PROFILES)}"


def _problems_of_characters(characters: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(characters, list) or not characters:
        yield "first_characters", "must be a list of one character or more"
        return
    for character in characters:
        if not isinstance(character, str) or not Authorities.load().known(character):
            yield "first_characters", f"{character!r} is no registration authority code"
