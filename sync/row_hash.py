"""One number for all that an office's register is compared by: equal numbers say that a whole record is equal.

The *canonical text* of a record is the values of its comparable members, in the order of `COMPARED`, an absent one
empty, joined by the unit separator. `standing` and `is_public` are absent where they say what is usual. The status is
the operation's and no member of it. The number is the first 63 bits of the MD5 of the text in UTF-8, its first eight
bytes read with the least first: DuckDB, PostgreSQL (function `row_hash`) and Python come to the same one.

It is written with the present state of every code, because making it of six million records takes a night's run
longer than everything else. A register that lacks columns is compared by `row_hash(record - lacking)` instead.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

SEPARATOR: Final = "\x1f"

COMPARED: Final = (
    "approved_on", "business_scope", "contact_name", "contact_phone", "currency", "economic_type_code",
    "employee_count", "established_on", "industry_code", "investor_names", "is_public", "last_updated_on",
    "legal_representative_id_number", "legal_representative_id_type", "legal_representative_name", "name",
    "operating_address", "operating_division_code", "organization_code", "registered_address", "registered_capital",
    "registered_division_code", "registrar_code", "registrar_name", "registration_number", "standing",
    "supervising_unit", "supervising_unit_code", "valid_from", "valid_to",
)  # fmt: skip
"""The members that are compared, in the order of the canonical text. Another list needs a migration: every number that
is stored would be another one."""

USUAL: Final[Mapping[str, str]] = {"standing": "normal", "is_public": "1"}
"""What an absent member means, so that nobody need send it."""

_ABSENT: Final = ("",) * len(COMPARED)
_SEPARATORS: Final = len(COMPARED) - 1


def row_hash(record: Mapping[str, str]) -> int | None:
    """Return the number of a record, from 0 to 2**63 - 1; None where a value holds the separator."""
    if "standing" in record or "is_public" in record:
        record = {name: value for name, value in record.items() if USUAL.get(name) != value}
    text = SEPARATOR.join(map(record.get, COMPARED, _ABSENT))
    if text.count(SEPARATOR) != _SEPARATORS:
        return None
    return int.from_bytes(hashlib.md5(text.encode(), usedforsecurity=False).digest()[:8], "little") >> 1
