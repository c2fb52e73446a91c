"""Codes that were issued, are in use and fail the check: the register of exceptions that ships with the package.

Fujian's pilot codes (body `M000…`) were issued before the standard's check character was applied. The register in
the database begins with these and grows by approved `keep` resolutions; each entry has its evidence.

Source: data/nonconforming.csv.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from validators.tables import rows


@dataclass(frozen=True, slots=True, kw_only=True)
class NonconformingCode:
    """One code that fails the check and was issued all the same: what shows it, who lists it, since when we do."""

    uscc: str
    evidence: str
    listed_by: str
    added_on: date


SHIPPED: Mapping[str, NonconformingCode] = MappingProxyType(
    {
        row["uscc"]: NonconformingCode(
            uscc=row["uscc"],
            evidence=row["evidence"],
            listed_by=row["listed_by"],
            added_on=date.fromisoformat(row["added_on"]),
        )
        for row in rows("nonconforming")
    }
)
