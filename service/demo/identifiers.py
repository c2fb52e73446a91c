"""Numbers of the demonstration feed: valid in every check, and nobody's.

Subject codes begin with `MK` … `MY`, a range from which nothing has been issued, so that no generated code is a real
one. ID numbers carry the division 219900, which never existed. Everything is drawn from one counter each, spread over
its space by a fixed permutation: unique within a run without remembering what was given, and two runs that begin
elsewhere practically never meet.
"""

from __future__ import annotations

from random import Random

from validators.check_character import mod11, mod11_2, mod11_10, mod31
from validators.uscc import ALPHABET

NOWHERE = "219900"
_SECOND_LETTERS = "KLMNPQRTUWXY"
_SUBJECT_SPACE = len(_SECOND_LETTERS) * len(ALPHABET) ** 6
_SUBJECT_STRIDE = 4_294_967_291  # prime, so coprime to the space: a permutation
_REGISTRATION_SPACE = 10**8
_REGISTRATION_STRIDE = 61_803_399
_PRIVATE_SPACE = 99_999
_BIRTHS = [f"{year}{month:02}{day:02}" for year in range(1900, 1950) for month in range(1, 13) for day in range(1, 29)]


class Identifiers:
    """Gives out codes and numbers; every one of them once a run."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._next_subject = random.randrange(_SUBJECT_SPACE)
        self._next_registration = random.randrange(_REGISTRATION_SPACE)
        self._next_private = random.randrange(_PRIVATE_SPACE)
        self._next_doubtful = random.randrange(len(_BIRTHS) * 100)

    def subject_code(self) -> str:
        """Return an organization code of 9 characters whose check character holds."""
        self._next_subject += 1
        number = self._next_subject * _SUBJECT_STRIDE % _SUBJECT_SPACE
        number, second = divmod(number, len(_SECOND_LETTERS))
        body = "M" + _SECOND_LETTERS[second]
        for _ in range(6):
            number, digit = divmod(number, len(ALPHABET))
            body += ALPHABET[digit]
        return body + mod11(body)

    def private_subject_code(self) -> str:
        """Return an organization code of the range PDY00001–PDY99999, which is for private use."""
        self._next_private += 1
        body = f"PDY{self._next_private % _PRIVATE_SPACE + 1:05}"
        return body + mod11(body)

    def registration_number(self, division: str) -> str:
        """Return a registration number of 15 digits (GS15-2006)."""
        self._next_registration += 1
        body = f"{division}{self._next_registration * _REGISTRATION_STRIDE % _REGISTRATION_SPACE:08}"
        return body + mod11_10(body)

    def id_number(self, area: str = NOWHERE) -> str:
        """Return an ID card number of a person who cannot be: its division never existed."""
        birth = 1955 + int(self._random.random() * 45)
        day = int(self._random.random() * 336)
        body = f"{area}{birth}{day // 28 + 1:02}{day % 28 + 1:02}{int(self._random.random() * 1000):03}"
        return body + mod11_2(body)

    def id_number_as_code(self) -> str:
        """Return an ID card number that passes the check character of a code, but not its subject code's own."""
        while True:
            birth = self._random.choice(_BIRTHS)
            body = f"{NOWHERE}{birth}{int(self._random.random() * 1000):03}"
            number = body + mod11_2(body)
            if mod31(number[:17]) == number[17] and mod11(number[8:16]) != number[16]:
                return number

    def code_like_id_number(self) -> str:
        """Return a code of civil affairs that passes both its checks and is also an ID card number."""
        while True:
            self._next_doubtful = (self._next_doubtful + 1) % (len(_BIRTHS) * 100)
            birth, serial = divmod(self._next_doubtful, 100)
            body = f"519900{_BIRTHS[birth]}{serial:02}"
            body += mod11(body[8:16])
            if body.isdigit() and mod31(body) == mod11_2(body):
                return body + mod31(body)


def code(prefix: str, subject_code: str) -> str:
    """Return the code of `prefix` (positions 1–8) and `subject_code` (9–17) with its check character."""
    body = prefix + subject_code
    return body + mod31(body)


def without_complement(uscc: str) -> str | None:
    """Return the code as an issuer writes it who leaves out the complement; None where the two agree."""
    complement = ALPHABET[-ALPHABET.index(uscc[17]) % len(ALPHABET)]
    return uscc[:17] + complement if complement != uscc[17] else None


def other_character(uscc: str, position: int, random: Random) -> str:
    """Return the code with another digit or letter at `position` (from 1), the same kind as before."""
    old = uscc[position - 1]
    choices = [c for c in (ALPHABET[:10] if old.isdigit() else ALPHABET[10:]) if c != old]
    return uscc[: position - 1] + random.choice(choices) + uscc[position:]
