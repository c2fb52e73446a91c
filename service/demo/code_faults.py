"""Faults of the code (E01–E10) in the demonstration feed."""

from __future__ import annotations

from collections.abc import Callable

from service.demo.drafts import Desk, Draft
from service.demo.faults import Fault
from service.demo.identifiers import NOWHERE, code, without_complement
from validators.check_character import ALPHABET, mod11, mod31


def _length(desk: Desk, draft: Draft) -> tuple[str, ...]:
    uscc = draft.record["uscc"]
    match int(desk.random.random() * 5):
        case 0:
            claimed = desk.identifiers.registration_number(uscc[2:8])
        case 1:
            claimed = uscc[8:17]
        case 2:
            claimed = uscc[:17]
        case 3:
            claimed = uscc + desk.pick(*ALPHABET)
        case _:
            claimed = desk.pick("办理中", "无", "待赋码", "见附件")
    return _claim(draft, claimed, "E01")


def _alphabet(desk: Desk, draft: Draft) -> tuple[str, ...]:
    uscc = draft.record["uscc"]
    position = 10 + int(desk.random.random() * 7)
    return _claim(draft, uscc[: position - 1] + desk.pick(*"IOSVZ") + uscc[position:], "E02")


def _letter_in_division(desk: Desk, draft: Draft) -> tuple[str, ...]:
    uscc = draft.record["uscc"]
    position = 3 + int(desk.random.random() * 6)
    return _claim(draft, uscc[: position - 1] + desk.pick(*"ABCDEFGH") + uscc[position:], "E02")


def _unknown_authority(desk: Desk, draft: Draft) -> tuple[str, ...]:
    uscc = draft.record["uscc"]
    return _claim(draft, code(desk.pick(*"0BCDEFHK") + uscc[1:8], uscc[8:17]), "E03")


def _listed_authority(desk: Desk, draft: Draft) -> tuple[str, ...]:
    uscc = draft.record["uscc"]
    return _claim(draft, code(desk.pick("G1", "J1") + uscc[2:8], uscc[8:17]), "E03")


def _unknown_category(_desk: Desk, draft: Draft) -> tuple[str, ...]:
    uscc = draft.record["uscc"]
    category = {"9": "9", "5": "4", "1": "4"}[uscc[0]]
    return _claim(draft, code(uscc[0] + category + uscc[2:8], uscc[8:17]), "E04")


def _check_character(desk: Desk, draft: Draft) -> tuple[str, ...]:
    uscc = draft.record["uscc"]
    excluded = {uscc[17], (without_complement(uscc) or uscc)[17]}
    wrong = desk.pick(*(character for character in ALPHABET if character not in excluded))
    return _claim(draft, uscc[:17] + wrong, "E05")


def _left_out_complement(desk: Desk, draft: Draft) -> tuple[str, ...]:
    uscc = draft.record["uscc"]
    while without_complement(uscc) is None:
        uscc = code(uscc[:8], desk.identifiers.subject_code())
    draft.record["organization_code"] = uscc[8:17]
    return _claim(draft, without_complement(uscc) or "", "E05")


def _spreadsheet(desk: Desk, draft: Draft) -> tuple[str, ...]:
    prefix = draft.record["uscc"][:8]
    claimed = prefix + "0000000" + "000"
    while mod31(claimed[:17]) == claimed[17] or ALPHABET[-ALPHABET.index(mod31(claimed[:17])) % 31] == claimed[17]:
        claimed = prefix + f"{int(desk.random.random() * 10**7):07}" + "000"
    return _claim(draft, claimed, "E05")


def _subject_check_character(desk: Desk, draft: Draft) -> tuple[str, ...]:
    uscc = draft.record["uscc"]
    wrong = desk.pick(*(character for character in "0123456789" if character != uscc[16]))
    subject = uscc[8:16] + wrong
    draft.record["organization_code"] = subject
    return _claim(draft, code(uscc[:8], subject), "E06")


def _in_division(*divisions: str) -> Callable[[Desk, Draft], tuple[str, ...]]:
    def apply(desk: Desk, draft: Draft) -> tuple[str, ...]:
        uscc = draft.record["uscc"]
        return _claim(draft, code(uscc[:2] + desk.pick(*divisions), uscc[8:17]), "E07")

    return apply


def _placeholder(desk: Desk, draft: Draft) -> tuple[str, ...]:
    claimed = desk.pick("123456789012345678", *(digit * 18 for digit in "0123456789"))
    rules = ["E07", "E08"]
    if claimed[0] == "0":
        rules.append("E03")
    if claimed[0] in "2456789":
        rules.append("E04")
    if mod31(claimed[:17]) != claimed[17]:
        rules.append("E05")
    if mod11(claimed[8:16]) != claimed[16]:
        rules.append("E06")
    return _claim(draft, claimed, *rules)


def _unnormalized(desk: Desk, draft: Draft) -> tuple[str, ...]:
    uscc = draft.record["uscc"]
    match int(desk.random.random() * 3):
        case 0 if uscc.lower() != uscc:
            claimed = uscc.lower()
        case 0 | 1:
            claimed = "".join(chr(ord(character) + 0xFEE0) for character in uscc)
        case _:
            claimed = f" {uscc}\u3000"
    draft.record["uscc"] = claimed
    return ("E09",)


def _id_number(desk: Desk, draft: Draft) -> tuple[str, ...]:
    if desk.random.random() < 0.5:
        return _claim(draft, desk.identifiers.id_number_as_code(), "E06", "E07", "E10")
    return _identity(desk, draft)


def _identity(desk: Desk, draft: Draft, area: str = NOWHERE) -> tuple[str, ...]:
    claimed = desk.identifiers.id_number(area)
    while mod31(claimed[:17]) == claimed[17]:
        claimed = desk.identifiers.id_number(area)
    rules = ("E05", "E07", "E10") if mod11(claimed[8:16]) == claimed[16] else ("E05", "E06", "E07", "E10")
    return _claim(draft, claimed, *rules)


def _identity_elsewhere(desk: Desk, draft: Draft) -> tuple[str, ...]:
    """Claim an ID number of a province whose digits name no category: there is none of 外交 (2) but 1 and 9."""
    return "E04", *_identity(desk, draft, "229900")


def _shortened(_desk: Desk, draft: Draft) -> tuple[str, ...]:
    return _claim(draft, draft.record["uscc"][:17], "E01")


def _short_placeholder(desk: Desk, draft: Draft) -> tuple[str, ...]:
    return _claim(draft, desk.pick("0" * 15, "9" * 17, "123456789"), "E01", "E08")


def _one_letter(desk: Desk, draft: Draft) -> tuple[str, ...]:
    return _claim(draft, desk.pick(*"IOSVZ") * 18, "E02", "E08")


def _like_id_number(desk: Desk, draft: Draft) -> tuple[str, ...]:
    claimed = desk.identifiers.code_like_id_number()
    draft.record["organization_code"] = claimed[8:17]
    return _claim(draft, claimed, "E07", "E10")


def _claim(draft: Draft, claimed: str, *rules: str) -> tuple[str, ...]:
    draft.record["uscc"] = claimed
    subject = claimed[8:17]
    if draft.record.get("organization_code") != subject or mod11(subject[:8]) != subject[8]:
        draft.record.pop("organization_code", None)
    return rules


CODE_MEMBERS = frozenset(("uscc", "organization_code"))
LISTED_AUTHORITY = Fault(rule="E03", effect="warning", touches=CODE_MEMBERS, apply=_listed_authority, foreign=True)
_ALPHABET = Fault(rule="E02", effect="error", touches=CODE_MEMBERS, apply=_alphabet)
_LETTER = Fault(rule="E02", effect="error", touches=CODE_MEMBERS, apply=_letter_in_division)
_AUTHORITY = Fault(rule="E03", effect="error", touches=CODE_MEMBERS, apply=_unknown_authority)
_CATEGORY = Fault(rule="E04", effect="warning", touches=CODE_MEMBERS, apply=_unknown_category)
_CHECK = Fault(rule="E05", effect="error", touches=CODE_MEMBERS, apply=_check_character)
_COMPLEMENT = Fault(rule="E05", effect="hold", touches=CODE_MEMBERS, apply=_left_out_complement)
_SUBJECT = Fault(rule="E06", effect="warning", touches=CODE_MEMBERS, apply=_subject_check_character)
_DIVISION = Fault(rule="E07", effect="warning", touches=CODE_MEMBERS, apply=_in_division("218877", "110108", "440305"))
_PLACEHOLDER = Fault(rule="E08", effect="error", touches=CODE_MEMBERS, apply=_placeholder)
_UNNORMALIZED = Fault(rule="E09", effect="warning", touches=CODE_MEMBERS, apply=_unnormalized)
_IDENTITY = Fault(rule="E10", effect="error", touches=CODE_MEMBERS, apply=_id_number)
LIKE_ID_NUMBER = Fault(
    rule="E10", effect="warning", touches=CODE_MEMBERS, apply=_like_id_number, offices=("civil-affairs",)
)
CODE_FAULTS: tuple[Fault, ...] = (
    Fault(rule="E01", effect="error", touches=CODE_MEMBERS, apply=_length),
    _ALPHABET,
    _LETTER,
    _AUTHORITY,
    LISTED_AUTHORITY,
    _CATEGORY,
    _CHECK,
    Fault(rule="E05", effect="error", touches=CODE_MEMBERS, apply=_spreadsheet),
    _COMPLEMENT,
    _SUBJECT,
    _DIVISION,
    Fault(
        rule="E07",
        effect="warning",
        touches=CODE_MEMBERS | {"approved_on"},
        apply=_in_division("210122", "211121"),
    ),
    _PLACEHOLDER,
    _UNNORMALIZED,
    _IDENTITY,
    LIKE_ID_NUMBER,
)
LASTING = (_CATEGORY, _SUBJECT, _DIVISION, _UNNORMALIZED, LIKE_ID_NUMBER)
"""The warnings about a code that stand on every record of it."""
ERRORS = (CODE_FAULTS[0], _ALPHABET, _AUTHORITY, _CHECK, _COMPLEMENT, _PLACEHOLDER, _IDENTITY)
"""One fault of each rule about codes that is no warning."""
CODE_PAIRS: tuple[tuple[Fault, Fault], ...] = (
    (_CATEGORY, _SUBJECT),
    (_CATEGORY, _DIVISION),
    (_SUBJECT, _DIVISION),
    (_CATEGORY, _ALPHABET),
    (_DIVISION, _ALPHABET),
    (_CATEGORY, _LETTER),
    (_SUBJECT, _AUTHORITY),
    (_DIVISION, _AUTHORITY),
    (_CATEGORY, _CHECK),
    (_SUBJECT, _CHECK),
    (_DIVISION, _CHECK),
    (_CATEGORY, _COMPLEMENT),
    (_DIVISION, _COMPLEMENT),
    (_AUTHORITY, _ALPHABET),
    (_AUTHORITY, _CHECK),
    *(
        (each, _UNNORMALIZED)
        for each in (
            *(_ALPHABET, _LETTER, _AUTHORITY, _CATEGORY, _CHECK, _COMPLEMENT, _SUBJECT, _DIVISION),
            *(_PLACEHOLDER, _IDENTITY),
            Fault(rule="E01", effect="error", touches=CODE_MEMBERS, apply=_shortened),
        )
    ),
)
"""Two faults that stand on one code, in the order in which they are made."""
DOUBLE_FAULTS: tuple[tuple[tuple[str, str], Fault], ...] = (
    (("E01", "E08"), Fault(rule="E01", effect="error", touches=CODE_MEMBERS, apply=_short_placeholder)),
    (("E02", "E08"), Fault(rule="E02", effect="error", touches=CODE_MEMBERS, apply=_one_letter)),
    (("E04", "E10"), Fault(rule="E10", effect="error", touches=CODE_MEMBERS, apply=_identity_elsewhere)),
)
"""One fault that is two at once."""
