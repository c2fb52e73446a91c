"""Organizations of the demonstration feed: who they are, and the whole record that an office sends of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from service.demo import words
from service.demo.identifiers import Identifiers, code

OFFICES = ("commerce", "civil-affairs", "establishment")
FIRST_CHARACTERS = {"commerce": "9", "civil-affairs": "5", "establishment": "1"}
_CATEGORIES = {"commerce": "1111111112223", "civil-affairs": "1112223", "establishment": "122222223"}
_ID_TYPES = {"commerce": "10", "civil-affairs": "111", "establishment": "111"}
_REGISTRARS = {"commerce": "市场监督管理局", "civil-affairs": "民政局", "establishment": "事业单位登记管理局"}
_SUPERVISORS = ("教育局", "文化旅游和广播电视局", "卫生健康局", "体育局", "民政局", "农业农村局")
_BRANDS = len(words.BRAND) ** 3
_NAME_STRIDE = 611_953


@dataclass(slots=True, kw_only=True)
class Organization:
    """An organization at one instant of its life. `record` holds its particulars by English names."""

    office: str
    uscc: str
    district: words.District
    record: dict[str, str]

    @property
    def name(self) -> str:
        """The name it bears now."""
        return self.record["name"]


class Registrars:
    """Founds organizations, and changes what is known of them."""

    def __init__(self, random: Random, identifiers: Identifiers, base: date) -> None:
        self._random = random
        self._identifiers = identifiers
        self._base = base
        self._next_name = random.randrange(10**9)
        self._next_room = 0

    def _pick(self, choices: str | tuple[str, ...]) -> str:
        return choices[int(self._random.random() * len(choices))]

    def found(self, office: str, established_on: date, *, prefix: str = "", uscc: str = "") -> Organization:
        """Found an organization: whole record, valid code, names and numbers that nobody else has.

        `prefix` sets positions 1–8 of its code, `uscc` the whole code.
        """
        random = self._random
        all_districts = words.districts()
        district = all_districts[int(random.random() * len(all_districts))]
        category = self._pick(_CATEGORIES[office])
        if not uscc:
            uscc = code(prefix or FIRST_CHARACTERS[office] + category + district.code, self._identifiers.subject_code())
        name, scope, industry = self.name(office, category, district)
        id_number = self._identifiers.id_number()
        record = {
            "uscc": uscc,
            "organization_code": uscc[8:17],
            "name": name,
            "registered_address": self.address(district),
            "registered_division_code": district.code,
            "business_scope": scope,
            "registered_capital": f"{(1, 2, 3, 5, 8)[int(random.random() * 5)] * 10 ** int(random.random() * 4)}.00",
            "currency": "CNY",
            "legal_representative_name": self.person(),
            "legal_representative_id_type": _ID_TYPES[office],
            "legal_representative_id_number": id_number,
            "established_on": established_on.isoformat(),
            "valid_from": established_on.isoformat(),
            "valid_to": (self._base + timedelta(days=7300)).isoformat(),
            "registrar_name": f"{district.city}{district.title}{_REGISTRARS[office]}",
            "registrar_code": district.code,
        }
        if office == "commerce":
            record["industry_code"] = industry
        else:
            record["supervising_unit"] = f"{district.city}{district.title}{self._pick(_SUPERVISORS)}"
        if established_on < date(2015, 10, 1):
            record["registration_number"] = self._identifiers.registration_number(district.code)
        if random.random() < 0.02:
            record["is_public"] = "0"
        return Organization(office=office, uscc=uscc, district=district, record=record)

    def name(self, office: str, category: str, district: words.District) -> tuple[str, str, str]:
        """Return a name that was not given before, with the scope and the industry code that go with it."""
        self._next_name += 1
        trade_kinds = len(words.TRADES)
        brand, kind = divmod(self._next_name * _NAME_STRIDE % (_BRANDS * trade_kinds), trade_kinds)
        size = len(words.BRAND)
        mark = words.BRAND[brand // size // size] + words.BRAND[brand // size % size] + words.BRAND[brand % size]
        place = district.city + district.title
        if office == "civil-affairs":
            return f"{place}{mark}{words.ASSOCIATIONS[kind % len(words.ASSOCIATIONS)]}", words.ASSOCIATION_SCOPE, ""
        if office == "establishment":
            return f"{place}{mark}{words.INSTITUTIONS[kind % len(words.INSTITUTIONS)]}", words.INSTITUTION_SCOPE, ""
        trade = words.TRADES[kind]
        if category == "2":
            return f"{place}{mark}{trade.word}经营部", trade.scope, trade.industry_code
        if category == "3":
            return f"{place}{mark}{trade.word}专业合作社", trade.scope, trade.industry_code
        return (
            f"{district.city.removesuffix('市')}{mark}{trade.word}（{district.title}）有限公司",
            trade.scope,
            trade.industry_code,
        )

    def address(self, district: words.District) -> str:
        """Return an address within a district, never the same as one of the last 9,000."""
        self._next_room += 1
        number = int(self._random.random() * 300) + 1
        street, room = self._pick(words.STREETS), self._next_room % 9000 + 101
        return f"辽宁省{district.city}{district.title}{street}{number}号{room}室"

    def person(self) -> str:
        """Return a person's name."""
        return self._pick(words.SURNAMES) + self._pick(words.GIVEN) + self._pick(words.GIVEN)

    def rename(self, organization: Organization) -> None:
        """Give the organization a name that it and nobody else bore before."""
        category = organization.uscc[1]
        organization.record["name"] = self.name(organization.office, category, organization.district)[0]

    def change(self, organization: Organization) -> None:
        """Change one of its particulars, never its name, and never to what it was."""
        match int(self._random.random() * 3):
            case 0:
                organization.record["registered_address"] = self.address(organization.district)
            case 1:
                grown = float(organization.record["registered_capital"]) + 10 + int(self._random.random() * 500)
                organization.record["registered_capital"] = f"{grown:.2f}"
            case _:
                organization.record["legal_representative_name"] = self.person()
                organization.record["legal_representative_id_number"] = self._identifiers.id_number()
