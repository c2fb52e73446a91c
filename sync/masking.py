"""How personal values are shown to those who may not see them. A masked value masks to itself.

Source: domain.md §8: an ID number as `210***********1234`, a phone as `138****5678`.
"""

from __future__ import annotations

from collections.abc import Mapping

from validators.fields import PERSONAL, Personal

_LONG = 11


def mask(value: str, kind: Personal) -> str:
    """Return a personal value as it may be shown.

    Of numbers the first three and the last four characters stay, of one shorter than 11 the first and the last;
    of an e-mail address, which some write into a phone's place, the first character and the domain; of a name the
    first character.
    """
    if kind == "person_name":
        return value[:1] + "*" * max(1, len(value) - 1)
    if "@" in value:
        local, _, domain = value.rpartition("@")
        return f"{local[:1]}***@{domain}"
    if len(value) >= _LONG:
        return value[:3] + "*" * (len(value) - 7) + value[-4:]
    if len(value) > 2:
        return value[0] + "*" * (len(value) - 2) + value[-1]
    return "*" * len(value)


def mask_record(record: Mapping[str, str]) -> dict[str, str]:
    """Return a record with every personal field masked."""
    masked = dict(record)
    for name, kind in PERSONAL.items():
        if name in masked:
            masked[name] = mask(masked[name], kind)
    return masked
