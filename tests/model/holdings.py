"""State is a fold (§6): what one holding of a code is at any instant, from all its applied records."""

from dataclasses import dataclass, field
from typing import NamedTuple

from tests.model.codes import legacy_kind, name_key
from tests.model.messages import WHOLE, Key, Message

STATUS = {"cancel": "cancelled", "revoke": "revoked", "restore": "normal"}


class State(NamedTuple):
    """What an organization is at one instant."""

    particulars: tuple[tuple[str, str], ...]
    status: str

    def value(self, name: str) -> str:
        return dict(self.particulars).get(name, "")


def fold(applied: list[Message]) -> State | None:
    """Return the state that these records give, in the order of their keys; None of none."""
    ordered = sorted(applied, key=lambda message: message.key)
    if not ordered:
        return None
    whole = [message for message in ordered if message.operation in WHOLE]
    latest = whole[-1] if whole else None
    values = latest.particulars() if latest else {"uscc": ordered[0].code, "name": ordered[0].name}
    status, assigned = "normal", False
    for message in ordered:
        if message.operation in STATUS:
            status = STATUS[message.operation]
        elif message.operation == "assign" and not assigned:
            status, assigned = "normal", True
    return State(tuple(sorted(values.items())), status)


@dataclass
class Holding:
    """One organization's time with a code: from its first record to its withdrawal."""

    applied: list[Message] = field(default_factory=list)
    ended: Key | None = None
    versions: dict[int, int] = field(default_factory=dict)  # record → the version that it made or confirms

    late: set[int] = field(default_factory=set)  # records that came when the code was taken back already
    made: dict[int, int] = field(default_factory=dict)  # version → the record that made it

    @property
    def shown(self) -> int:
        """The record that a case names as the holder's: the one that made the version of the particulars."""
        ordered = sorted(self.applied, key=lambda message: message.key)
        whole = [message for message in ordered if message.operation in WHOLE]
        return self.made[self.versions[(whole[-1] if whole else ordered[0]).source.number]]

    @property
    def version(self) -> int:
        """The latest version that shaped the present state."""
        ordered = sorted(self.applied, key=lambda message: message.key)
        whole = [message for message in ordered if message.operation in WHOLE]
        states = self._of_status(ordered)
        return max(self.versions.get(m.source.number, 0) for m in (*(whole[-1:] or ordered[:1]), *states[-1:]))

    def _of_status(self, ordered: list[Message]) -> list[Message]:
        """Return the records that gave the status: the first assign only where it was not normal before it."""
        first = next((message for message in ordered if message.operation == "assign"), None)
        then = self.before(first.key) if first is not None else None
        ended = then is not None and then.status != "normal"
        return [message for message in ordered if message.operation in STATUS or (ended and message is first)]

    @property
    def office(self) -> str:
        """The office whose record made the version of the present particulars."""
        return next(message.office for message in self.applied if message.source.number == self.shown)

    @property
    def predecessor(self) -> str | None:
        """The code that this holding takes the place of, as its first record that says so has it."""
        stated = (message.predecessor for message in self.applied if message.source.number not in self.late)
        return next((each for each in stated if each), None)

    def confirmed(self, message: Message) -> int:
        """Return the version that an unchanged record confirms: of the particulars, or of the status, at its key."""
        before = [m for m in sorted(self.applied, key=lambda m: m.key) if m.key < message.key]
        whole = [m for m in before if m.operation in WHOLE]
        states = self._of_status(before)
        source = (whole[-1:] or before[:1]) if message.operation in WHOLE or not states else states[-1:]
        return self.versions[source[0].source.number]

    def legacy(self) -> set[tuple[str, str]]:
        """Return the legacy numbers that its records gave, as (kind, number)."""
        return {(kind, number) for number in self.numbers() if (kind := legacy_kind(number))}

    def now(self) -> State:
        state = fold(self.applied)
        assert state is not None
        return state

    def before(self, key: Key) -> State | None:
        return fold([message for message in self.applied if message.key < key])

    @property
    def name_key(self) -> str:
        return name_key(self.now().value("name"))

    def particulars_key(self) -> Key | None:
        keys = [message.key for message in self.applied if message.operation in WHOLE]
        return max(keys) if keys else None

    def names(self) -> set[str]:
        return {name_key(message.name) for message in self.applied}

    def numbers(self) -> set[str]:
        return {m.values["registration_number"] for m in self.whole() if "registration_number" in m.values}

    def whole(self) -> list[Message]:
        return [message for message in self.applied if message.operation in WHOLE]

    def add(self, message: Message) -> str:
        """Fold one record in and return what it changed: accepted, superseded or unchanged."""
        present, then = fold(self.applied), self.before(message.key)
        self.applied.append(message)
        if fold(self.applied) != present:
            return "accepted"
        upto = fold([m for m in self.applied if m.key <= message.key])
        return "superseded" if upto != then else "unchanged"


@dataclass
class Code:
    """Everything that the model knows of one code."""

    uscc: str
    holdings: list[Holding] = field(default_factory=list)
    versions: int = 0
    home: str | None = None  # an approved transfer
    last: dict[str, str] = field(default_factory=dict)  # office → disposition of its last record

    @property
    def holder(self) -> Holding | None:
        return self.holdings[-1] if self.holdings and self.holdings[-1].ended is None else None

    @property
    def withdrawn_at(self) -> Key | None:
        return self.holdings[-1].ended if self.holdings else None
