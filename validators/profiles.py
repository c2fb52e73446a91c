"""Which members an office owes: the profiles of required fields, by the sender and the category of the code.

Source: 发改办财金〔2017〕836号 counts them; its annex is not public, so data/profiles.csv holds configurable defaults.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from types import MappingProxyType

from validators.tables import rows


def _load() -> Mapping[str, frozenset[str]]:
    fields: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows("profiles"):
        fields[row["profile"]].add(row["field"])
    return MappingProxyType({name: frozenset(names) for name, names in fields.items()})


PROFILES: Mapping[str, frozenset[str]] = _load()
"""The required fields of every profile: ORG8, PUB11, CIV18, COM18."""
