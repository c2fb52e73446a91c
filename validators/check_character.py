"""Check characters: weighted sums modulo 31 and 11, and ISO 7064 MOD 11-2 and MOD 11,10.

Nothing here knows what the numbers mean. Every function takes the characters before the check character, normalized
(ASCII, upper case), and raises InvalidCharacter with the position, from 1, of what it cannot weigh.

Sources: GB 32100-2015 (mod31), GB 11714-1997 (mod11), GB 11643-1999 (mod11_2), GS15-2006 and ISO 7064 (mod11_10);
data/SOURCES.md.
"""

from __future__ import annotations

from collections.abc import Mapping

from validators.errors import InvalidCharacter

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""The 31 characters of GB 32100: no I, O, S, V, Z."""

VALUES: Mapping[str, int] = {character: value for value, character in enumerate(ALPHABET)}
SUBJECT_VALUES: Mapping[str, int] = {
    character: value for value, character in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
}
"""The values of GB 11714: letters are 10..35 over the full A–Z, so from J on they differ from those of GB 32100."""
DIGITS: Mapping[str, int] = {character: value for value, character in enumerate("0123456789")}

WEIGHTS = tuple(3**index % 31 for index in range(17))
SUBJECT_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_IDENTITY_WEIGHTS = tuple(2**index % 11 for index in range(17, 0, -1))


def weighted_sum(body: str, weights: tuple[int, ...], values: Mapping[str, int]) -> int:
    """Return the sum of value × weight over the characters of `body`."""
    total = 0
    for position, (character, weight) in enumerate(zip(body, weights, strict=True), start=1):
        value = values.get(character)
        if value is None:
            raise InvalidCharacter(position=position, found=character)
        total += value * weight
    return total


def mod31(body: str) -> str:
    """Return the check character of the first 17 characters of a unified social credit code.

    The weight of position i (from 0) is 3**i mod 31. Remainder 0 gives "0" and remainder 1 gives "Y".
    """
    return ALPHABET[-weighted_sum(body, WEIGHTS, VALUES) % 31]


def mod31_without_complement(body: str) -> str:
    """Return the character that an issuer writes who forgets to subtract from 31 (161 of 191 wrong codes in use)."""
    return ALPHABET[weighted_sum(body, WEIGHTS, VALUES) % 31]


def mod11(body: str) -> str:
    """Return the check character of the 8 characters of an organization code: a digit or X."""
    return "0123456789X"[-weighted_sum(body, SUBJECT_WEIGHTS, SUBJECT_VALUES) % 11]


def mod11_2(digits: str) -> str:
    """Return the check character of the 17 digits of an identity card number: a digit or X (MOD 11-2)."""
    if len(digits) != 17 or not (digits.isascii() and digits.isdigit()):
        total = weighted_sum(digits, _IDENTITY_WEIGHTS, DIGITS)
    else:
        # The weights are powers of two, so Horner's scheme says the same four times as fast.
        total = 0
        for digit in digits.encode():
            total = 2 * total + digit - 48
        total *= 2
    return "0123456789X"[(1 - total) % 11]


def mod11_10(digits: str) -> str:
    """Return the check digit of the 14 digits of a registration number (hybrid system MOD 11,10)."""
    product = 10
    for position, character in enumerate(digits, start=1):
        value = DIGITS.get(character)
        if value is None:
            raise InvalidCharacter(position=position, found=character)
        product = ((product + value) % 10 or 10) * 2 % 11
    return str((11 - product) % 10)
