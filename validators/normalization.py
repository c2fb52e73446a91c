"""How a number may be written, and what was changed to read it.

Three things are normalized and nothing else: full-width characters, case, surrounding blanks. A letter O for a
digit 0 and the like are never repaired, only suggested.

Source: domain.md §2 (input forms); full-width forms are U+FF01–FF5E and the ideographic blank U+3000.
"""

from __future__ import annotations

from validators.rulebook import Text

_NARROW = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_UPPER = {code: code - 0x20 for code in range(ord("a"), ord("z") + 1)}

FULL_WIDTH = Text(zh="全角字符", en="full-width characters")
LOWER_CASE = Text(zh="小写字母", en="lower case")
BLANKS = Text(zh="首尾空白", en="surrounding blanks")


def normalize(claimed: str) -> str:
    """Return a number as it is compared: ASCII, upper case, no surrounding blanks.

    Only ASCII letters change case: `str.upper` would make of "ß" two letters and of the dotless "ı" an I.
    Blanks are all that Unicode calls white space (a tab before a number, a no-break blank behind it).
    """
    if claimed.isascii():
        return claimed.strip().upper()
    return claimed.translate(_NARROW).strip().translate(_UPPER)


def changes(claimed: str) -> tuple[Text, ...]:
    """Return what `normalize` changes in a number: none, or up to three of the texts above."""
    narrow = claimed.translate(_NARROW)
    stripped = narrow.strip()
    steps = (
        (FULL_WIDTH, narrow.strip() != claimed.strip()),
        (LOWER_CASE, stripped.translate(_UPPER) != stripped),
        (BLANKS, stripped != narrow),
    )
    return tuple(text for text, changed in steps if changed)
