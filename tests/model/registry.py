"""The registry in plain Python: one record after the other, dispositions, cases and what ends them (§6)."""

from dataclasses import dataclass, field
from datetime import date

from tests.model.codes import ERROR, HOLD, INFO, WARNING, Findings, name_key, shipped_exceptions
from tests.model.holdings import STATUS, Code, Holding
from tests.model.messages import Message, Received, Unreadable, decode, judge_record, offices
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
class Case:
    """One conflict: the code it began at, the other codes whose holders are members, and the records held."""

    number: int
    rule: str
    code: str
    about: str  # what is in conflict: the code, a name, a subject code, a number
    holders: dict[str, str] = field(default_factory=dict)  # code → name key of a member that holds it
    held: list[Message] = field(default_factory=list)
    acts: list[Message] = field(default_factory=list)  # messages that wait for a person
    offices: set[str] = field(default_factory=set)
    open: bool = True
    joined: dict[str, int] = field(default_factory=dict)  # code → when it came to be spoken of here

    def claim(self, message: Message) -> list[Message]:
        """Return the held records of one organization for one code: they stand and fall together."""
        same = (message.code, name_key(message.name))
        return [held for held in self.held if (held.code, name_key(held.name)) == same]


def by_key(messages: list[Message]) -> list[Message]:
    return sorted(messages, key=lambda message: message.key)


class Registry:
    """Every record of every code, kept as it came."""

    def __init__(self, *, segments: list[tuple[str, str, str, date]] | None = None) -> None:
        self.codes: dict[str, Code] = {}
        self.cases: list[Case] = []
        self.firsts: dict[tuple[str, str], Message] = {}
        self.exceptions = set(shipped_exceptions())
        self.allowed: set[frozenset[str]] = set()
        self.segments = segments or []
        self.receipts: dict[str, int] = {}  # receipt → number of the record
        self.attempts: dict[int, int] = {}
        self.mapped: dict[tuple[str, str], str] = {}  # legacy number → the code that gave it first
        self.joins = 0
        self.alone: str | None = None  # the code that is looked at as if nothing of it waited
        self.answers: list[Answer] = []

    # The way of one record ------------------------------------------------------------------------------------------

    def receive(self, source: Received) -> list[Answer]:
        """Decide one record: return its own return and the second returns that it caused."""
        self.answers = []
        order = offices()[source.office].get("order", "occurred_at")
        try:
            message = decode(source, order=order)
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
        else:
            self._apply(message, code, found)

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
                case.holders[uscc] = holder.name_key
                self._join(case, uscc, holder.office)
        return case

    def _apply(self, message: Message, code: Code, found: Findings) -> None:
        """Fold a record in that nothing holds, and decide what it releases."""
        holder, ended = code.holder, code.withdrawn_at
        if holder is None and ended is not None and message.key < ended:
            code.holdings[-1].applied.append(message)
            self._changed(message, code, "superseded", found)
            return
        if holder is None:
            code.holdings.append(Holding())
            self._changed(message, code, code.holdings[-1].add(message), found)
            return
        names, was_whole = holder.names(), bool(holder.whole())
        self._changed(message, code, holder.add(message), found)
        if name_key(message.name) not in names or not was_whole or message.operation in STATUS:
            self._release(code, holder, first_particulars=not was_whole)

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

    def _release(self, code: Code, holder: Holding, *, first_particulars: bool) -> None:
        """Decide again what overtook its rename, its restore, or the holder's first particulars."""
        for case in [c for c in self.open_cases(code.uscc) if c.code == code.uscc and c.rule in ("D01", "L01")]:
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

    # Keep and withdraw ----------------------------------------------------------------------------------------------

    def _without_own_case(self, message: Message, found: Findings) -> Findings:
        """Exempt from E05 a keep or withdraw that names a member of an open case and comes from an office concerned."""
        return found - {("E05", ERROR), ("E05", HOLD)} if self._concerned(message) else found

    def _concerned(self, message: Message) -> bool:
        if message.operation not in ("keep", "withdraw"):
            return False
        receipt, key = message.member("receipt_id"), name_key(message.name)
        number = self.receipts.get(receipt, -1) if receipt else -1
        holder = self.code(message.code).holder
        for case in self.open_cases(message.code):
            held = [m for m in case.held if m.code == message.code]
            named = number in {m.source.number for m in held} if receipt else key in {name_key(m.name) for m in held}
            if holder is not None and message.code in case.holders:
                numbers = {m.source.number for m in holder.applied}
                named = named or (number in numbers if receipt else key in holder.names())
            if message.office in case.offices and named:
                return True
        return False

    def _settle(self, message: Message, found: Findings) -> None:
        code = self.code(message.code)
        case, target = self._named(message, code)
        if not has_error(found) and not self._concerned(message):
            found = found | foreign_sender(message, code)
        if not has_error(found) and target is None:
            found = found | {("L09", ERROR)}
        if has_error(found):
            self._answer(message, "rejected", found)
        elif first_hold(found):
            self._hold(message, self._case_for(message, code, found, {}), found)
        elif case is not None and self._needs_person(message, case, target, code):
            case.acts.append(message)
            self._join(case, message.code, message.office)
            self._answer(message, "held", found | {(case.rule, HOLD)}).case = case.number
        elif case is not None:
            self._resolve(message, code, case, target, found)
        elif message.operation == "keep":
            self._answer(message, "unchanged", found)
        else:
            self._withdraw(message, code, found)

    def _needs_person(self, message: Message, case: Case, target: Holding | Message | None, code: Code) -> bool:
        if message.operation == "withdraw":
            return isinstance(target, Holding) and message.office != target.office
        if case.rule in (*SUBJECTS, "S02"):
            return True
        return case.rule in CLAIMS and isinstance(target, Message) and self._displaces(target, code)

    def _displaces(self, target: Message, code: Code) -> bool:
        return code.holder is not None and name_key(target.name) not in code.holder.names()

    def _named(self, message: Message, code: Code) -> tuple[Case | None, Holding | Message | None]:
        """Return what a keep or withdraw names, and the open case of which that is a member."""
        cases = self.open_cases(code.uscc)
        receipt, key = message.member("receipt_id"), name_key(message.name)
        number = self.receipts.get(receipt, -1) if receipt else -1
        holder = code.holder
        if holder is not None:
            numbers = {m.source.number for m in holder.applied}
            if number in numbers if receipt else key in holder.names():
                return next((case for case in cases if code.uscc in case.holders), None), holder
        for case, held in self.waiting(code.uscc):
            if held.source.number == number if receipt else name_key(held.name) == key:
                return case, held
        return None, None

    def _withdraw(self, message: Message, code: Code, found: Findings) -> None:
        self._take_back(message, code)
        self._answer(message, "accepted", found).version = code.versions

    def _take_back(self, message: Message, code: Code) -> None:
        holder = code.holder
        assert holder is not None
        holder.ended = message.key
        code.versions += 1

    # Resolutions ----------------------------------------------------------------------------------------------------

    def _resolve(
        self, message: Message, code: Code, case: Case, target: Holding | Message | None, found: Findings
    ) -> None:
        """Carry out what an office's own message asks for."""
        version: int | None = None
        if message.operation == "keep":
            self._keep(message, case, target)
        else:
            if isinstance(target, Message):
                for held in by_key(case.claim(target) if case.rule in (*CLAIMS, *SUBJECTS) else [target]):
                    case.held.remove(held)
                    self._answer(held, "rejected", set())
            else:
                self._take_back(message, code)
                version = code.versions
                del case.holders[code.uscc]
            self._after_withdrawal(case)
        if not case.open:
            self._answer_acts(case)
        if version is None and code.holder is not None:
            version = code.holder.version
        self._answer(message, "accepted", found).version = version

    def _close(self, case: Case) -> list[Message]:
        case.open = False
        held, case.held = by_key(case.held), []
        return held

    def _keep(self, message: Message, case: Case, target: Holding | Message | None) -> None:
        claim = by_key(case.claim(target)) if isinstance(target, Message) else []
        held = self._close(case)
        if isinstance(target, Holding) or case.rule in CLAIMS:
            if isinstance(target, Message) and self._displaces(target, self.code(target.code)):
                self._take_back(message, self.code(target.code))
            for record in held:
                if record in claim:
                    self._force(record)
            for record in held:
                if record not in claim:
                    self._answer(record, "rejected", set())
            return
        if case.rule == "E05":
            self.exceptions.add(case.code)
        self._pass(held, claim)

    def _pass(self, waiting: list[Message], claim: list[Message]) -> None:
        """Apply in order what waits behind each other; what is of another organization than the rest is judged anew."""
        together, apart = self._sorted_out(waiting)
        if any(record in apart for record in claim):
            together, apart = self._sorted_out([*claim, *(record for record in waiting if record not in claim)])
        for record in together:
            self._force(record)
        for record in apart:
            self._judge_again(record)

    def _sorted_out(self, waiting: list[Message]) -> tuple[list[Message], list[Message]]:
        together: list[Message] = []
        apart: list[Message] = []
        for record in waiting:
            holder = self.code(record.code).holder
            before = [m for m in together if m.code == record.code and m.operation not in ("keep", "withdraw")]
            trial = Holding([*(holder.applied if holder else []), *before])
            act = record.operation in ("keep", "withdraw")
            fits = act or not trial.applied or not another_organization(record, trial)
            (together if fits else apart).append(record)
        return together, apart

    def _force(self, message: Message) -> None:
        """Apply a held record that a resolution lets pass."""
        code = self.code(message.code)
        if message.operation == "keep":
            self._answer(message, "unchanged", set())
            return
        if message.operation == "withdraw":
            if code.holder is None:
                self._answer(message, "rejected", set())
            else:
                self._withdraw(message, code, set())
            return
        if code.holder is None:
            code.holdings.append(Holding())
        self._changed(message, code, code.holdings[-1].add(message), set())

    def _after_withdrawal(self, case: Case) -> None:
        code = self.code(case.code)
        if not case.held:
            case.open = False
        elif case.rule in CLAIMS:
            if code.holder is None and len({name_key(m.name) for m in case.held}) == 1:
                self._pass(self._close(case), [])
        elif case.rule in SUBJECTS:
            if case.holders:
                return
            held = self._close(case)
            alone = len({record.code for record in held}) == 1
            if alone:
                self._pass(held, [])
            else:
                for record in held:
                    self._judge_again(record)
        else:
            self._take_place(case, code)

    def _take_place(self, case: Case, code: Code) -> None:
        """Let the oldest that waits be the record in doubt; where nothing is in doubt about it, decide all again."""
        oldest = case.held[0]
        self.alone = code.uscc
        found = judge_record(oldest, exceptions=self.exceptions) | foreign_sender(oldest, code)
        if code.holder is None:
            _, judged, _ = self._unheld(oldest, code)
        else:
            _, judged, _ = self._held(oldest, code, code.holder)
        self.alone = None
        if first_hold(found | judged):
            return
        case.open = False
        waiting, case.held = case.held, []
        for record in waiting:  # as if they came now
            self._judge_again(record)

    def _answer_acts(self, case: Case) -> None:
        """Answer the messages that waited for a person: the case was settled without them."""
        acts, case.acts = case.acts, []
        for act in acts:
            holder = self.code(act.code).holder
            confirmed = act.operation == "keep" and holder is not None and name_key(act.name) in holder.names()
            self._answer(act, "unchanged" if confirmed else "rejected", set())


def has_error(found: Findings) -> bool:
    return any(severity == ERROR for _, severity in found)
