"""One number for all that an office's register is compared by: equal numbers say that a code's whole record is equal.

The *canonical text* of a code is the code and the values of its record's comparable members, in the order of
`COMPARED`, an absent one empty, joined by the unit separator. `standing` and `is_public` are absent where they say what
is usual. The number is the XXH3 of 64 bits of the text in UTF-8, without its last bit, so that it is a `bigint` of
PostgreSQL.

It is written with the present state of every code, because making it of six million records takes a night's run
longer than everything else. The status is the operation's and no member of a record: what is compared of a code with
its status is the number with the status mixed in (`SIGN_OF_STATUS`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from xxhash import xxh3_64_intdigest

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

SIGN_OF_STATUS: Final[Mapping[str, int]] = {status: ord(status[0]) for status in ("normal", "cancelled", "revoked")}
"""What a status does to a number, by exclusive or: its first letter, which PostgreSQL's `ascii` gives too."""

_ABSENT: Final = ("",) * len(COMPARED)
_SEPARATORS: Final = len(COMPARED)


def row_hash(uscc: str, record: Mapping[str, str]) -> int | None:
    """Return the number of a code's record, from 0 to 2**63 - 1; None where a value holds the separator."""
    if "standing" in record or "is_public" in record:
        record = {name: value for name, value in record.items() if USUAL.get(name) != value}
    text = SEPARATOR.join((uscc, *map(record.get, COMPARED, _ABSENT)))
    if text.count(SEPARATOR) != _SEPARATORS:
        return None
    return xxh3_64_intdigest(text.encode()) >> 1
