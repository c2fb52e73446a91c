"""What the characters of one code say: §2, §3 and the E rules of §5, and the name key."""

import csv
import functools
import re
import unicodedata
from datetime import date
from pathlib import Path

DATA = Path(__file__).resolve().parents[2] / "validators" / "data"
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
FULL = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ID_PROVINCES = {*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47), *range(50, 55), *range(61, 66)} | {
    71, 81, 82, 83,
}  # fmt: skip
HOLD, ERROR, WARNING, INFO = "hold", "error", "warning", "info"
Findings = set[tuple[str, str]]


def table(name: str) -> list[dict[str, str]]:
    """Return the rows of one shipped table."""
    with (DATA / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@functools.cache
def authorities() -> dict[str, str]:
    """Return every pair of authority and category with its status, standard or listed."""
    rows = table("authorities.csv")
    return {row["registration_authority_code"] + row["organization_category_code"]: row["status"] for row in rows}


@functools.cache
def divisions() -> dict[str, tuple[str, str]]:
    """Return division → (in_force, last_year)."""
    return {row["code"]: (row["in_force"], row["last_year"]) for row in table("divisions.csv")}


@functools.cache
def zones() -> frozenset[str]:
    return frozenset(row["division"] for row in table("zones.csv"))


@functools.cache
def shipped_exceptions() -> frozenset[str]:
    return frozenset(row["uscc"] for row in table("nonconforming.csv"))


def normalize(claimed: str) -> str:
    """Full width to ASCII, case, surrounding blanks."""
    plain = "".join(chr(ord(c) - 0xFEE0) if 0xFF01 <= ord(c) <= 0xFF5E else c for c in claimed)
    return "".join(c.upper() if c.isascii() else c for c in plain.replace("\u3000", " ").strip())


def _total(body: str) -> int:
    return sum(ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(body)) % 31


def check_character(body: str) -> str:
    return ALPHABET[(31 - _total(body)) % 31]


def without_complement(body: str) -> str:
    return ALPHABET[_total(body)]


def subject_check(body: str) -> str:
    weights = (3, 7, 9, 10, 5, 8, 4, 2)
    value = 11 - sum(FULL.index(c) * w for c, w in zip(body, weights, strict=True)) % 11
    return {10: "X", 11: "0"}.get(value, str(value))


def passes_both(code: str) -> bool:
    return check_character(code[:17]) == code[17] and subject_check(code[8:16]) == code[16]


def is_identity_number(number: str, received: date) -> bool:
    """Province, real date from 1900 to the day of receipt, MOD 11-2."""
    if not re.fullmatch(r"[0-9]{17}[0-9X]", number) or int(number[:2]) not in ID_PROVINCES:
        return False
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    expected = "10X98765432"[sum(int(c) * w for c, w in zip(number, weights, strict=False)) % 11]
    return date(1900, 1, 1) <= born <= received and number[17] == expected


def is_placeholder(code: str) -> bool:
    if len(code) >= 2 and len(set(code)) == 1:
        return True
    runs = ("0123456789" * 4, "9876543210" * 4)
    return len(code) >= 6 and any(code in run for run in runs)


def _division_doubtful(code: str, approved: date | None, province: str) -> bool:
    division = code[2:8]
    if division[:2] != province:
        return True
    if division in zones() or division == "100000" or division.startswith("99"):
        return False
    if division not in divisions():
        return True
    in_force, last_year = divisions()[division]
    return in_force == "0" and bool(last_year) and approved is not None and approved.year > int(last_year)


def _check(code: str, keep: bool, exceptions: set[str]) -> Findings:
    if check_character(code[:17]) == code[17]:
        return set()
    if code in exceptions:
        return {("E05", WARNING)}
    left_out = without_complement(code[:17]) == code[17]
    return {("E05", HOLD if left_out or keep else ERROR)}


def judge_code(
    claimed: str, *, approved: date | None, received: date, keep: bool, exceptions: set[str], province: str = "21"
) -> Findings:
    """Return the E findings of a code as claimed, as (rule, severity)."""
    code = normalize(claimed)
    found: Findings = {("E09", WARNING)} if code != claimed else set()
    if is_placeholder(code):
        found.add(("E08", ERROR))
    if len(code) != 18:
        return found | {("E01", ERROR)}
    bad = {i for i, c in enumerate(code) if c not in ALPHABET or (2 <= i <= 7 and not c.isdigit())}
    if bad:
        found.add(("E02", ERROR))
    elif is_identity_number(code, received):
        found.add(("E10", WARNING if passes_both(code) else ERROR))
    if 0 not in bad:
        found |= _authority(code, 1 in bad)
    if not bad & set(range(2, 8)) and _division_doubtful(code, approved, province):
        found.add(("E07", WARNING))
    if not bad:
        found |= _check(code, keep, exceptions)
        if subject_check(code[8:16]) != code[16]:
            found.add(("E06", WARNING))
    return found


def _authority(code: str, bad_category: bool) -> Findings:
    if code[0] not in {pair[0] for pair, status in authorities().items() if status == "standard"}:
        return {("E03", WARNING if authorities().get(code[:2]) == "listed" else ERROR)}
    return set() if bad_category or code[:2] in authorities() else {("E04", WARNING)}


def legacy_kind(number: str) -> str | None:
    """Return which form of §3 a registration number has; the check is not part of the form."""
    plain = number.strip().upper()
    if re.fullmatch(r"[0-9]{15}", plain):
        return "registration number"
    if re.fullmatch(r"[0-9]{13}", plain):
        return "registration number before 2007"
    return "co-operative" if re.fullmatch(r"[0-9]{6}NA[0-9]{6}X", plain) else None


def name_key(name: str) -> str:
    """NFKC, upper case, blanks removed, brackets and middle dots unified."""
    plain = "".join(unicodedata.normalize("NFKC", name).upper().split())
    for brackets in ("()", "[]", "{}", "【】", "〔〕", "〖〗", "「」", "『』", "《》", "〈〉", "<>"):
        plain = plain.replace(brackets[0], "(").replace(brackets[1], ")")
    return re.sub("[·・•‧∙⋅]", "·", plain)
