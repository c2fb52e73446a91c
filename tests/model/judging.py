"""One record after the other: its findings, its disposition, the case that it opens or joins (§5, §6)."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import date

from tests.model.codes import ERROR, HOLD, INFO, WARNING, Findings, name_key, shipped_exceptions
from tests.model.holdings import STATUS, Code, Holding
from tests.model.messages import Message, Received, Unreadable, decode, judge_record
from tests.model.rules import (
    another_organization,
    brings_identity,
    first_hold,
    foreign_sender,
    identity,
    life,
    reassigns,
    segment,
)

CLAIMS = ("D01", "L01", "L04")
SUBJECTS = ("D02", "D03", "X01")


@dataclass
class Answer:
    """One return: what became of a record at one attempt."""

    number: int
    attempt: int
    disposition: str
    findings: Findings = field(default_factory=set)
    duplicate_of: int | None = None
    version: int | None = None
    case: int | None = None


@dataclass
class Act:
    """A keep, a withdraw or an assign of a new code, by a message or by a person, and whom it names."""

    message: Message
    target: Message | str  # a held record, or the code whose holder is meant
    new_uscc: str | None = None
    shown: tuple[str, int] | None = None  # whom the case had as the holder that a message means, when it came

    @property
    def operation(self) -> str:
        return self.message.operation


@dataclass
class Case:
    """One conflict: the code it began at, the other codes whose holders are members, and the records held."""

    number: int
    rule: str
    code: str
    about: str  # what is in conflict: the code, a name, a subject code, a number
    holders: dict[str, tuple[str, int]] = field(default_factory=dict)  # code → its holder's name key and record
    held: list[Message] = field(default_factory=list)
    member_offices: dict[str, str] = field(default_factory=dict)  # code → the office of its holder, as a member
    acts: list["Act"] = field(default_factory=list)  # messages that wait for a person
    offices: set[str] = field(default_factory=set)
    open: bool = True
    joined: dict[str, int] = field(default_factory=dict)  # code → when it came to be spoken of here

    def codes(self) -> set[str]:
        """Return the codes that it speaks of: between them its resolution settles everything."""
        return {*self.holders, *(held.code for held in self.held), *(act.message.code for act in self.acts)}

    def claim(self, message: Message) -> list[Message]:
        """Return the held records of one organization for one code: they stand and fall together."""
        same = (message.code, name_key(message.name))
        return [held for held in self.held if (held.code, name_key(held.name)) == same]


def by_key(messages: list[Message]) -> list[Message]:
    return sorted(messages, key=lambda message: message.key)


class Judging(ABC):
    """Every record of every code, kept as it came."""

    def __init__(self, *, segments: list[tuple[str, str, str, date]] | None = None, order: str = "occurred_at") -> None:
        self.order = order
        self.codes: dict[str, Code] = {}
        self.cases: list[Case] = []
        self.firsts: dict[tuple[str, str], Message] = {}
        self.exceptions = set(shipped_exceptions())
        self.allowed: set[tuple[str, frozenset[str]]] = set()
        self.segments = segments or []
        self.case_names: dict[str, int] = {}  # case id → number of the case
        self.receipts: dict[str, int] = {}  # receipt → number of the record
        self.attempts: dict[int, int] = {}
        self.mapped: dict[tuple[str, str], str] = {}  # legacy number → the code that gave it first
        self.joins = 0
        self.orders = 0
        self.alone: str | None = None  # the code that is looked at as if nothing of it waited
        self.answers: list[Answer] = []
        self.came: list[tuple[Code, Holding, Message, bool, bool]] = []  # what a resolution folded into a holding
        self.assigned: list[Message] = []  # what it began a holding with

    # The way of one record ------------------------------------------------------------------------------------------

    def receive(self, source: Received) -> list[Answer]:
        """Decide one record: return its own return and the second returns that it caused."""
        self.answers = []
        try:
            message = decode(source, order=self.order)
        except Unreadable as problem:
            return [Answer(source.number, 1, "quarantined", {(problem.rule, ERROR)})]
        found = judge_record(message, exceptions=self.exceptions)
        first = self.firsts.setdefault((message.office, message.message_id), message)
        if first is not message:
            found = self._without_own_case(message, found)
            if first.content == message.content:
                self._answer(message, "unchanged", found, first=first)
            else:
                self._answer(message, "rejected", found | {("M01", ERROR)})
        elif message.operation in ("keep", "withdraw"):
            self._settle(message, self._without_own_case(message, found))
        elif has_error(found):
            self._answer(message, "rejected", found)
        else:
            self._judge(message, found)
        return self.answers

    def _answer(self, message: Message, disposition: str, found: Findings, *, first: Message | None = None) -> Answer:
        number = message.source.number
        self.attempts[number] = self.attempts.get(number, 0) + 1
        answer = Answer(number, self.attempts[number], disposition, found)
        self.answers.append(answer)
        if first is not None:  # A record sent twice is one record: what became of the office's last one stays.
            answer.duplicate_of = first.source.number
        elif message.code:
            self.code(message.code).last[message.office] = disposition
        return answer

    def code(self, uscc: str) -> Code:
        return self.codes.setdefault(uscc, Code(uscc))

    def open_cases(self, uscc: str) -> list[Case]:
        """Return the open cases that a record or the holder of this code is or was a member of, in that order."""
        return sorted((c for c in self.cases if c.open and uscc in c.joined), key=lambda case: case.joined[uscc])

    def _join(self, case: Case, uscc: str, office: str) -> None:
        self.joins += 1
        case.joined.setdefault(uscc, self.joins)
        case.offices.add(office)

    def waiting(self, uscc: str) -> list[tuple[Case, Message]]:
        if uscc == self.alone:
            return []
        return [(case, held) for case in self.open_cases(uscc) for held in case.held if held.code == uscc]

    def _judge(self, message: Message, found: Findings) -> None:
        """Decide a claim: assign, change, cancel, revoke, restore."""
        code = self.code(message.code)
        found = found | foreign_sender(message, code)
        if has_error(found):
            self._answer(message, "rejected", found)
            return
        holder = code.holder
        if holder is None:
            joined, judged, conflicts = self._unheld(message, code)
        else:
            joined, judged, conflicts = self._held(message, code, holder)
        found |= judged
        if first_hold(found):
            self._hold(message, joined or self._case_for(message, code, found, conflicts), found)
            return
        begins = code.holder is None
        self._apply(message, code, found)
        if begins and code.holder is not None and message.operation == "assign":
            self._end_old_claim(message)

    def _unheld(self, message: Message, code: Code) -> tuple[Case | None, Findings, dict[str, set[str]]]:
        found = segment(message, self.segments)
        waiting = self.waiting(code.uscc)
        if waiting:
            joined = waiting[0][0]
            return joined, found | {("L07", HOLD), (joined.rule, HOLD)}, {}
        ended = code.withdrawn_at
        if ended is not None and message.key < ended:
            return None, found, {}
        if ended is not None:
            found |= {("L04", HOLD)}
        elif message.operation != "assign" and not (message.operation == "change" and message.member("transfer")):
            found |= {("L02", HOLD if code.last.get(message.office) == "rejected" else WARNING)}
        judged, conflicts = self._identity(message, code)
        return None, found | judged, conflicts

    def _held(self, message: Message, code: Code, holder: Holding) -> tuple[Case | None, Findings, dict[str, set[str]]]:
        found: Findings = {("L01", HOLD)} if reassigns(message, holder) else set()
        theirs = name_key(message.name) in holder.names()
        if not (theirs and any(m.operation == "assign" for m in holder.applied)):
            found |= segment(message, self.segments)
        another = another_organization(message, holder)
        own = [case for case in self.open_cases(code.uscc) if case.code == code.uscc]
        if own and not theirs and (another or not self._awaited(message, code)):
            return own[0], found | {(own[0].rule, HOLD)}, {}
        if another:
            return None, found | {("D01", HOLD)}, {}
        judged, conflicts = self._identity(message, code)
        return None, found | life(message, holder) | judged, conflicts

    def _identity(self, message: Message, code: Code) -> tuple[Findings, dict[str, set[str]]]:
        if not brings_identity(message, code):
            return set(), {}
        return identity(message, self.codes.values(), self.allowed, self.mapped)

    def _awaited(self, message: Message, code: Code) -> bool:
        """Say whether nothing but cancels, revokes and restores of D01 cases waits under this name."""
        waiting = [w for w in self.waiting(code.uscc) if name_key(w[1].name) == name_key(message.name)]
        return bool(waiting) and all(case.rule == "D01" and held.operation in STATUS for case, held in waiting)

    def _hold(self, message: Message, case: Case, found: Findings) -> None:
        case.held.append(message)
        self._join(case, message.code, message.office)
        self._answer(message, "held", found).case = case.number

    def _case_for(self, message: Message, code: Code, found: Findings, conflicts: dict[str, set[str]]) -> Case:
        """Return the open case of the same conflict, or open one."""
        rule = first_hold(found)
        assert rule is not None
        others = sorted(conflicts.get(rule, set()))[:1]
        number = message.values.get("registration_number", "")
        about = {"D02": name_key(message.name), "D03": code.uscc[8:17], "X01": number}.get(rule, code.uscc)
        same = [case for case in self.cases if case.open and (case.rule, case.about) == (rule, about)]
        if same:
            case = same[0]
        else:
            case = Case(len(self.cases), rule, code.uscc, about)
            self.cases.append(case)
        for uscc in (code.uscc, *others):
            holder = self.code(uscc).holder
            if holder is not None:
                case.holders.setdefault(uscc, (holder.name_key, holder.shown))
                case.member_offices.setdefault(uscc, holder.office)
                self._join(case, uscc, holder.office)
        return case

    def _apply(self, message: Message, code: Code, found: Findings) -> None:
        """Fold a record in that nothing holds, and decide what it releases."""
        holder, ended = code.holder, code.withdrawn_at
        if holder is None and ended is not None and message.key < ended:
            code.holdings[-1].applied.append(message)
            code.holdings[-1].late.add(message.source.number)
            self._changed(message, code, "superseded", found)
            return
        if holder is None:
            self._begin(message, code, found)
            return
        names, was_whole = holder.names(), bool(holder.whole())
        self._changed(message, code, holder.add(message), found)
        self._release(code, holder, message, named=name_key(message.name) not in names, was_whole=was_whole)

    def _begin(self, message: Message, code: Code, found: Findings) -> None:
        """Begin a holding; the code's other cases are about this holder from now on."""
        code.holdings.append(Holding())
        self._changed(message, code, code.holdings[-1].add(message), found)
        self._renew(code)

    def _renew(self, code: Code) -> None:
        holder = code.holdings[-1]
        for case in self.open_cases(code.uscc):
            if case.code == code.uscc and code.uscc in case.holders:
                case.holders[code.uscc] = (holder.name_key, holder.shown)
                case.member_offices[code.uscc] = holder.office
                case.offices.add(holder.office)

    def _changed(self, message: Message, code: Code, disposition: str, found: Findings) -> None:
        if disposition == "superseded":
            found = found | {("L03", INFO)}
        answer = self._answer(message, disposition, found)
        holding = code.holdings[-1]
        for kind, given in holding.legacy():
            self.mapped.setdefault((kind, given), code.uscc)
        if disposition == "unchanged":
            holding.versions[message.source.number] = holding.confirmed(message)
        else:
            code.versions += 1
            answer.version = holding.versions[message.source.number] = code.versions
            holding.made[code.versions] = message.source.number

    def _release(self, code: Code, holder: Holding, message: Message, *, named: bool, was_whole: bool) -> None:
        """Decide again what overtook its rename, its restore, or the holder's first particulars."""
        first_particulars = not was_whole
        if code.holder is not holder or not (named or first_particulars or message.operation in STATUS):
            return
        for case in [c for c in self.open_cases(code.uscc) if c.code == code.uscc and c.rule in ("D01", "L01")]:
            if not case.open:  # A record that was released from another case has settled it.
                continue
            waiting = by_key(case.held)
            clear = [m for m in waiting if not another_organization(m, holder) and not reassigns(m, holder)]
            if len(clear) < len(waiting):
                wide = first_particulars or case.rule == "L01"
                clear = [m for m in clear if wide or m.operation in STATUS]
            elif not any(first_particulars or case.rule == "L01" or m.operation in STATUS for m in clear):
                clear = []
            for message in clear:
                case.held.remove(message)
            case.open = bool(case.held) or not clear
            for message in clear:
                self._judge_again(message)
            if not case.open:
                self._answer_acts(case)

    def _judge_again(self, message: Message) -> None:
        found = judge_record(message, exceptions=self.exceptions)
        if message.operation in ("keep", "withdraw"):
            self._settle(message, found)
        else:
            self._judge(message, found)

    @abstractmethod
    def _settle(self, message: Message, found: Findings) -> None: ...

    @abstractmethod
    def _without_own_case(self, message: Message, found: Findings) -> Findings: ...

    @abstractmethod
    def _end_old_claim(self, message: Message) -> None: ...

    @abstractmethod
    def _answer_acts(self, case: Case) -> None: ...


def has_error(found: Findings) -> bool:
    return any(severity == ERROR for _, severity in found)
