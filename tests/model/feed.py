"""Seeded feeds that are hard on purpose: few codes, few names, shared numbers, every operation, everything late."""

import copy
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any, TypeAlias

from tests.model.codes import check_character, subject_check, without_complement

OFFICES = ("commerce", "civil-affairs", "establishment")
START = datetime(2026, 11, 20, 1, tzinfo=UTC)
OPERATIONS = ("assign", "change", "cancel", "revoke", "restore", "withdraw", "keep")
WEIGHTS = (32, 22, 9, 3, 8, 12, 14)
NAMES = (
    "沈阳一号有限公司", "大连（二号）有限公司", "大连(二号)有限公司", "鞍山·三号商店", "鞍山•三号商店", "抚顺测试协会",
    "Acme 沈阳", "ACME沈阳",
)  # fmt: skip
ADDRESSES = ("和平区一街1号", "沙河口区二街2号")
PEOPLE = ("张三", "李四")
NUMBERS = (
    "210100000000018",
    "210100000000026",
    "2101001234567",
    "210100NA000001X",
    "证字第0001号",
    "证字第0002号",
    "2101002234567",
)
DATES = ("2010-05-01", "2014-03-02", "2016-07-08", "2020-01-02")
APPROVED = ("2026-11-19", "2026-11-18", "2026-11-20", "2026-11-02", "2014-03-03")


Allocation: TypeAlias = tuple[str, str, str, date]
"""A code segment: office, first and last body, the day of its allocation."""


@dataclass
class Order:
    """What two persons do about the case of the record `about`: approve a message, or resolve it for a member."""

    operation: str  # keep, withdraw, assign, approve, refuse
    about: int
    member: int | str  # the number of a held record, or the code whose holder is meant
    new_uscc: str | None = None


@dataclass
class Item:
    """One record to send. In `message`, {"$receipt": n} and {"$case": n} stand for what the n-th record was given."""

    number: int
    office: str
    message: dict[str, Any] | bytes
    order: "Order | None" = None  # what a person does about a case, instead of a record

    @property
    def received_at(self) -> datetime:
        return START + timedelta(minutes=self.number)

    def body(self, receipts: dict[int, str], cases: dict[int, str]) -> bytes:
        if isinstance(self.message, bytes):
            return self.message
        message = copy.deepcopy(self.message)
        for member in ("receipt_id", "case_id"):
            value = message.get(member)
            if isinstance(value, dict):
                known = receipts if "$receipt" in value else cases
                message[member] = known.get(next(iter(value.values())), "01NOTHINGOFTHATNAME")
        return json.dumps(message, ensure_ascii=False).encode("utf-8", "surrogatepass")


def make_code(prefix: str, body: str, *, fault: str = "") -> str:
    """Return a code: lawful, with the complement left out, or with another wrong check character."""
    front = prefix + body + subject_check(body)
    if fault == "subject":
        front = front[:16] + ("0" if front[16] != "0" else "1")
    right, left_out = check_character(front), without_complement(front)
    if fault == "complement":
        return front + left_out
    if fault == "check":
        return front + next(c for c in "0123" if c not in (right, left_out))
    return front + right


def _pool(random: Random) -> list[str]:
    """Return the codes of one feed; the first are drawn most."""
    bodies = [f"MA{random.randrange(10**6):06d}" for _ in range(4)]
    main = [
        make_code("91210100", bodies[0]),
        make_code("91210102", bodies[0]),  # the same subject code
        make_code("92210100", bodies[1]),
        make_code("51210100", bodies[2]),
        make_code("12210100", bodies[3]),
        make_code("11210100", f"{random.randrange(10**8):08d}"),
        _with_complement(random, "91210100"),
    ]
    rare = [
        _with_complement(random, "52210100"),
        make_code("91210100", bodies[2], fault="check"),
        make_code("91210100", "PDY00017"),
        make_code("94210100", bodies[1]),
        make_code("91110101", bodies[3]),
        make_code("91210282", "MA000777"),
        make_code("91219876", "MA000778"),
        make_code("91100000", "MA000779"),
        make_code("91210100", bodies[1], fault="subject"),
        make_code("31210100", "MA000123"),
        make_code("G1210100", "MA000124"),
        "91350211M00013FA1N",
        "000000000000000000",
        "110105194912310025"[:17] + "X",
        "9121010OMA0000496X",
        "210100000000018",
    ]
    random.shuffle(main)
    count = random.choice((1, 1, 2, 2, 3, 3, 4, 5, 7))
    return main[:count] + (random.sample(rare, random.choice((1, 2, 3))) if random.random() < 0.4 else [])


def _with_complement(random: Random, prefix: str) -> str:
    while True:
        code = make_code(prefix, f"MA{random.randrange(10**6):06d}", fault="complement")
        if check_character(code[:17]) != code[17]:
            return code


class Feed:
    """One feed, drawn record by record from a seed."""

    def __init__(self, seed: int, *, size: int | None = None) -> None:
        self.random = Random(seed)
        self.codes = _pool(self.random)
        self.noise = self.random.choice((0.0, 0.02, 0.1))
        self.persons = self.random.choice((0.0, 0.1, 0.25))
        self.strangers = self.random.choice((0.0, 0.03, 0.15))
        names = self.random.sample(NAMES, self.random.choice((1, 2, 3, 5)))
        self.organizations = [self._organization(names) for _ in range(self.random.choice((1, 2, 3, 4)))]
        self.order = self.random.choice(("occurred_at", "occurred_at", "occurred_at", "office_version"))
        self.segments: list[Allocation] = []
        if self.random.random() < 0.25:
            first, last = self.random.choice(
                (("00000000", "MA499999"), ("MA000000", "MA999999"), ("MA500000", "Y9999999"))
            )
            office = self.random.choice(OFFICES)
            self.segments.append((office, first, last, self.random.choice((date(2014, 1, 1), date(2026, 11, 19)))))
        self.items: list[Item] = []
        count = size or self.random.choice((3, 4, 5, 6, 8, 12, 20, 30))
        while len(self.items) < count:
            self.items.append(self._next(len(self.items)))

    def _organization(self, names: list[str]) -> dict[str, str]:
        random = self.random
        drawn = {
            "name": random.choice(names),
            "established_on": random.choice(DATES),
            "registration_number": random.choice(NUMBERS),
            "legal_representative_name": random.choice(PEOPLE),
            "registered_address": random.choice(ADDRESSES),
        }
        return {k: v for k, v in drawn.items() if k == "name" or random.random() < 0.7}

    def _home(self, code: str) -> str:
        return {"9": "commerce", "5": "civil-affairs", "1": "establishment"}.get(code[:1], "commerce")

    def _next(self, number: int) -> Item:
        random = self.random
        if self.items and random.random() < 0.05:
            return self._again(number)
        if self.items and random.random() < self.persons:
            return self._order(number)
        if random.random() < self.noise / 4:
            return Item(number, random.choice(OFFICES), random.choice(JUNK))
        code = random.choice(self.codes)
        office = random.choice(OFFICES) if random.random() < self.strangers else self._home(code)
        operation = random.choices(OPERATIONS, WEIGHTS)[0]
        message: dict[str, Any] = {
            "schema": "submission/1",
            "message_id": f"{office[:3]}-{number:03d}",
            "operation": operation,
            "occurred_at": self._instant(),
            "record": self._record(code, operation),
        }
        if self.order == "office_version" and random.random() < 0.96:
            message["office_version"] = random.randrange(12)
        self._extras(message, code, operation)
        if random.random() < self.noise:
            self._spoil(message)
        return Item(number, office, message)

    def _order(self, number: int) -> Item:
        """Let a person speak of the case of an earlier record, its own or another member."""
        random = self.random
        about = random.choice(self.items)
        code = _code_of(about.message) if isinstance(about.message, dict) else None
        others = [i.number for i in self.items if isinstance(i.message, dict) and _code_of(i.message) == code]
        member: int | str = random.choice((about.number, about.number, *others))
        if random.random() < 0.35:
            member = random.choice((str(code), random.choice(self.codes)))
        operation = random.choice(("keep", "keep", "withdraw", "withdraw", "assign", "approve", "approve", "refuse"))
        new = None
        if operation == "assign":
            prefix = {"5": "51210100", "1": "12210100"}.get(str(code)[:1], "91210100")
            new = random.choice((make_code(prefix, f"MA9{random.randrange(10**5):05d}"), random.choice(self.codes)))
        return Item(number, about.office, b"", Order(operation, about.number, member, new))

    def _again(self, number: int) -> Item:
        """Send an earlier message again: as it was, in another order, or with other content."""
        earlier = self.random.choice(self.items)
        if isinstance(earlier.message, bytes):
            return Item(number, earlier.office, b"{}" if earlier.order else earlier.message)
        message = copy.deepcopy(earlier.message)
        if self.random.random() < 0.4 and isinstance(message.get("record"), dict):
            message["record"]["name"] = self.random.choice(NAMES)
        return Item(number, earlier.office, dict(reversed(message.items())))

    def _instant(self) -> str:
        moment = START - timedelta(days=1) + timedelta(hours=self.random.randrange(12))
        zone = self.random.choice(("+08:00", "Z"))
        local = moment + timedelta(hours=8) if zone == "+08:00" else moment
        return local.strftime("%Y-%m-%dT%H:%M:%S") + zone

    def _record(self, code: str, operation: str) -> dict[str, Any]:
        random = self.random
        organization = self.organizations[self.codes.index(code) % len(self.organizations)]
        if random.random() < 0.3:
            organization = random.choice(self.organizations)
        record: dict[str, Any] = {"uscc": code, "approved_on": random.choice(APPROVED[:3])} | organization
        if random.random() < 0.15:
            record["approved_on"] = random.choice(APPROVED)
        if random.random() < 0.1:
            record["name"] = random.choice(NAMES)
        if random.random() < 0.1:
            record["registration_number"] = random.choice(NUMBERS)
        if random.random() < 0.2:
            record["business_scope"] = random.choice(("零售", "批发"))
        types = {"assign": "1", "change": "2", "cancel": "3", "restore": "4"}
        if operation in types and random.random() < 0.8:
            record["business_type"] = types[operation]
        if random.random() < 0.5:
            record["status"] = {"cancel": "2", "revoke": "3"}.get(operation, "1")
        return record

    def _extras(self, message: dict[str, Any], code: str, operation: str) -> None:
        random = self.random
        if random.random() < 0.06:
            message["load"] = "stock"
        if operation == "change" and random.random() < 0.12:
            message["transfer"] = "in"
        if operation == "assign" and random.random() < 0.1:
            message["predecessor_uscc"] = random.choice(self.codes)
        if operation == "assign" and self.items and random.random() < 0.1:
            self._assign_anew(message, code)
        if operation in ("withdraw", "keep"):
            self._name_member(message, code)

    def _assign_anew(self, message: dict[str, Any], code: str) -> None:
        """Let an assign end its organization's claim in a case: it names that, and comes under a code of its own."""
        random = self.random
        about = random.choice(self.items)
        if not isinstance(about.message, dict) or not isinstance(about.message.get("record"), dict):
            return
        message["case_id"] = {"$case": about.number}
        message["record"] = {**message["record"], **about.message["record"], "uscc": code}
        if random.random() < 0.5:
            message["record"]["uscc"] = (
                make_code(code[:8], f"MA8{random.randrange(10**5):05d}") if _is_plain(code) else code
            )
        if random.random() < 0.8:
            message["predecessor_uscc"] = str(_code_of(about.message))
        if random.random() < 0.3:
            message["receipt_id"] = {"$receipt": about.number}

    def _name_member(self, message: dict[str, Any], code: str) -> None:
        random = self.random
        theirs = [i.number for i in self.items if isinstance(i.message, dict) and _code_of(i.message) == code]
        if theirs and random.random() < 0.35:
            message["receipt_id"] = {"$receipt": random.choice(theirs)}
            if random.random() < 0.6:
                del message["record"]["name"]
        if theirs and random.random() < 0.1:
            message["case_id"] = {"$case": random.choice(theirs)}
        if random.random() < 0.3:
            message["successor_uscc"] = random.choice(self.codes)

    def _spoil(self, message: dict[str, Any]) -> None:
        """Make one thing wrong or strange."""
        random = self.random
        record = message["record"]
        where, name, value = random.choice(SPOILS)
        target = record if where == "record" else message
        if value is None:
            target.pop(name, None)
        else:
            target[name] = value
        if random.random() < 0.15:
            record["uscc"] = random.choice((" {}", "{}\u3000", "{}")).format(record.get("uscc", "")).lower()


def _is_plain(code: str) -> bool:
    return len(code) == 18 and code[2:8].isdigit() and code[:2] in ("91", "92", "51", "52", "11", "12")


def _code_of(message: dict[str, Any]) -> Any:
    record = message.get("record")
    return record.get("uscc") if isinstance(record, dict) else None


JUNK: tuple[bytes, ...] = (
    b"", b"[]", b"{", b'{"a": NaN}', b'{"a": 1, "a": 1}', b"\xff\xfe{}", b'"text"', b" " * 70_000,
    b'{"a":' * 64 + b"1" + b"}" * 64, b'{"a":' * 65 + b"1" + b"}" * 65, b"{}",
)  # fmt: skip
SPOILS: tuple[tuple[str, str, Any], ...] = (
    ("record", "uscc", None), ("record", "name", None), ("record", "approved_on", None), ("record", "name", ""),
    ("record", "approved_on", "2026-02-30"), ("record", "approved_on", "2027-01-01"), ("record", "status", "9"),
    ("record", "business_type", "3"), ("record", "status", "2"), ("record", "registered_capital", "abc"),
    ("record", "registered_capital", "12.50"), ("record", "employee_count", "many"), ("record", "is_public", "2"),
    ("record", "currency", "RMB"), ("record", "currency", "CNY"), ("record", "currency", "156"),
    ("record", "standing", "licence_revoked"), ("record", "standing", "gone"), ("record", "valid_to", "2001-01-01"),
    ("record", "valid_from", "2002-01-01"), ("record", "established_on", "2027-05-05"), ("record", "colour", "red"),
    ("record", "legal_representative_id_type", "10"), ("record", "legal_representative_id_type", "01"),
    ("record", "legal_representative_id_number", "210102199001011234"),
    ("record", "legal_representative_id_number", "11010519491231002X"), ("record", "organization_code", "MA000049-6"),
    ("record", "last_updated_on", "2026-12-31"), ("record", "name", 12), ("record", "name", "坏\0名"),
    ("record", "name", "坏\ud800名"), ("record", "is_public", "0"), ("record", "jgmc", "别名"),
    ("message", "schema", None), ("message", "schema", "submission/2"), ("message", "message_id", None),
    ("message", "message_id", "x" * 129), ("message", "message_id", ""), ("message", "operation", "delete"),
    ("message", "operation", None), ("message", "occurred_at", "2026-02-30T00:00:00Z"),
    ("message", "occurred_at", None),
    ("message", "occurred_at", "2026-11-19T09:00:00"), ("message", "occurred_at", "2026-11-25T09:00:00Z"),
    ("message", "office_version", 3), ("message", "office_version", 1.5), ("message", "load", "all"),
    ("message", "transfer", "out"), ("message", "record", "text"), ("message", "record", None),
    ("message", "colour", 1), ("message", "batch_id", "B-1"), ("message", "reason", "因故"), ("message", "reason", 5),
)  # fmt: skip
