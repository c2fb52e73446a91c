"""The name key: what two spellings of one organization's name have in common.

NFKC, upper case, blanks removed, brackets of every kind and middle dots unified. The key only answers "the same name
or not"; it is never shown.

Source: domain.md §5.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

_OPENING = "[{<«‹〈《「『【〔〖〘〚⟦⟨⟪❨❪❬❮❰❲❴⦅（［｛＜｢"
_CLOSING = "]}>»›〉》」』】〕〗〙〛⟧⟩⟫❩❫❭❯❱❳❵⦆）］｝＞｣"
_DOTS = "•‧∙⋅・･·●⸱᛫ꞏ"
_INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad"

_UNIFIED = (
    dict.fromkeys(map(ord, _OPENING), "(")
    | dict.fromkeys(map(ord, _CLOSING), ")")
    | dict.fromkeys(map(ord, _DOTS), "·")
    | dict.fromkeys(map(ord, _INVISIBLE))
)
_BLANKS = re.compile(r"\s+")
_ORDINARY = _UNIFIED | {code: chr(code - 32) for code in range(ord("a"), ord("z") + 1)} | {0x20: None, 0x3000: None}
_PLAIN = re.compile(r"[\u4e00-\u9fff0-9A-Z()·]*")

_LONGEST = 255
_KEPT = 200


def name_key(name: str) -> str:
    """Return the key of a name; equal keys are equal names, and the key of a key is itself.

    A key longer than 255 characters is cut, and the rest stands in it as a digest, so that it can be indexed.
    """
    if len(name) <= _LONGEST:
        if _PLAIN.fullmatch(name):
            return name
        key = name.translate(_ORDINARY)
        if _PLAIN.fullmatch(key):
            return key
    key, before = name, ""
    while key != before:
        before = key
        key = unicodedata.normalize("NFKC", key).translate(_UNIFIED)
        key = unicodedata.normalize("NFKC", _BLANKS.sub("", key).upper())
    if len(key) > _LONGEST:
        key = key[:_KEPT] + hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32].upper()
    return key
