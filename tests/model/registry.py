"""The registry in plain Python: what keep, withdraw and assign do, by message and by persons (§6)."""

import dataclasses
from datetime import date, timedelta

from tests.model.codes import ERROR, HOLD, Findings, judge_code, name_key
from tests.model.feed import START, Order
from tests.model.holdings import Code, Holding
from tests.model.judging import CLAIMS, SUBJECTS, Act, Answer, Case, Judging, by_key, has_error
from tests.model.messages import Message, Received, judge_record
from tests.model.rules import another_organization, first_hold, foreign_sender, home_office, identity

NEVER = date(9999, 1, 1)
LATER = START + timedelta(days=1)
"""When persons begin to settle cases: behind every record."""


class NotPossible(Exception):
    """An order cannot be carried out."""


class Registry(Judging):
    """Every record of every code, kept as it came."""

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
            held = [m for m in case.held if m.code == message.code != self.alone]
            named = number in {m.source.number for m in held} if receipt else key in {name_key(m.name) for m in held}
            if message.code in case.holders:
                name, shown = case.holders[message.code]
                numbers = {m.source.number for m in holder.applied} if holder else {shown}
                names = holder.names() if holder else {name}
                named = named or (number in numbers if receipt else key in names)
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
        if has_error(found) or target is None:
            self._answer(message, "rejected", found)
        elif first_hold(found):
            self._hold(message, self._case_for(message, code, found, {}), found)
        elif case is None and message.operation == "keep":
            self._answer(message, "unchanged", found)
        elif case is None:
            self._withdraw(message, code, found)
        elif self._needs_person(message, case, target):
            case.acts.append(Act(message, target, shown=case.holders.get(message.code)))
            self._join(case, message.code, message.office)
            self._answer(message, "held", found | {(case.rule, HOLD)}).case = case.number
        else:
            self._accept(case, Act(message, target), found)

    def _needs_person(self, message: Message, case: Case, target: Message | str) -> bool:
        """Say whether a message is not the office's own act."""
        if message.operation == "withdraw":
            return isinstance(target, str) and self._has(target, case) and message.office != case.member_offices[target]
        if self._lets_stand(case, Act(message, target)):
            return True
        return case.rule in (*SUBJECTS, "S02") or (case.rule in CLAIMS and self._displaces(target))

    def _has(self, uscc: str, case: Case) -> bool:
        """Say whether the member of a case that held this code holds it still."""
        holder = self.code(uscc).holder
        return holder is not None and case.holders[uscc][0] in holder.names()

    def _displaces(self, target: Message | str) -> bool:
        """Say whether somebody else holds the code that this held record claims."""
        if isinstance(target, str):
            return False
        holder = self.code(target.code).holder
        return holder is not None and name_key(target.name) not in holder.names()

    def _named(self, message: Message, code: Code) -> tuple[Case | None, Message | str | None]:
        """Return what a keep or withdraw names, and the open case of which that is a member."""
        cases = self.open_cases(code.uscc)
        receipt, key = message.member("receipt_id"), name_key(message.name)
        number = self.receipts.get(receipt, -1) if receipt else -1
        if self._names_holder(message):
            return next((case for case in cases if code.uscc in case.holders), None), code.uscc
        for case, held in self.waiting(code.uscc):
            if held.source.number == number if receipt else name_key(held.name) == key:
                return case, held
        return None, None

    def _names_holder(self, message: Message, uscc: str = "") -> bool:
        """Say whether a message names whoever has a code: by receipt where it gives one, else by name."""
        holder, receipt = self.code(uscc or message.code).holder, message.member("receipt_id")
        if holder is None:
            return False
        if receipt:
            return self.receipts.get(receipt, -1) in {m.source.number for m in holder.applied}
        return name_key(message.name) in holder.names()

    def _withdraw(self, message: Message, code: Code, found: Findings) -> None:
        self._take_back(message, code)
        self._answer(message, "accepted", found).version = code.versions

    def _take_back(self, message: Message, code: Code) -> None:
        holder = code.holder
        assert holder is not None
        holder.ended = message.key
        code.versions += 1

    def _end_old_claim(self, message: Message) -> None:
        """An assign that names a case gave the office's own member another code: its claim on the old one ends."""
        number = self.case_names.get(message.member("case_id") or "")
        case = next((c for c in self.cases if c.open and c.number == number), None)
        if case is None:
            return
        receipt, key = message.member("receipt_id"), name_key(message.name)
        member = self.receipts.get(receipt, -1) if receipt else -1
        for uscc, (name, shown) in case.holders.items():
            named = (shown == member if receipt else name == key) or self._names_holder(message, uscc)
            if named and uscc != message.code:
                if case.member_offices[uscc] == message.office:
                    self._end(case, Act(message, uscc))
                return
        for held in case.held:
            if (held.source.number == member if receipt else name_key(held.name) == key) and held.code != message.code:
                if held.office == message.office:
                    self._end(case, Act(message, held))
                return

    def _end(self, case: Case, act: Act) -> None:
        withdrawal = dataclasses.replace(act.message, operation="withdraw")
        self._give_up(case, Act(withdrawal, act.target), whole=True)
        self._settle_beside(case, act.target if isinstance(act.target, str) else act.target.code)
        self._release_all()
        if not case.open:
            self._answer_acts(case)

    # Persons --------------------------------------------------------------------------------------------------------

    def settle(self, order: Order, case_id: str, named: dict[int, str]) -> tuple[str, list[Answer]]:
        """Carry out what two persons want of a case; say whether it was done, done when approved, or refused."""
        self.answers = []
        self.orders += 1
        case = next((c for c in self.cases if c.open and named.get(c.number) == case_id), None)
        try:
            if case is None:
                raise NotPossible
            return self._ordered(order, case), self.answers
        except NotPossible:
            return "refused", self.answers

    def _ordered(self, order: Order, case: Case) -> str:
        if order.operation == "refuse":
            if not case.acts:
                raise NotPossible
            self._refuse(case)
            return "done"
        if order.operation == "approve":
            self._approve(case)
            return "done"
        if case.acts:
            raise NotPossible
        act = self._act(order, case)
        needed = self._needs_approval(case, act)
        self._carry_out(case, act)
        return "approved" if needed else "done"

    def _act(self, order: Order, case: Case) -> Act:
        target: Message | str | None
        if isinstance(order.member, str):
            target = order.member if order.member in case.holders else None
        else:
            target = next((m for m in case.held if m.source.number == order.member), None)
            shown = [uscc for uscc, (_, number) in case.holders.items() if number == order.member]
            target = target or (shown[0] if shown else None)
        if target is None:
            raise NotPossible
        office = case.member_offices[target] if isinstance(target, str) else target.office
        new = order.new_uscc or ""
        judged = judge_code(new, approved=None, received=NEVER, keep=False, exceptions=set())
        lawful = len(new) == 18 and not {rule for rule, _ in judged} & {"E01", "E02", "E03", "E05", "E08", "E10"}
        if order.operation == "assign" and not (lawful and home_office(Code(new)) == office):
            raise NotPossible
        moment = LATER + timedelta(seconds=self.orders)
        identity = f"resolution-{self.orders}"
        source = Received(-self.orders, office, b"", moment, identity)
        code = target if isinstance(target, str) else target.code
        # Where offices count their versions, a person's act stands behind those that the holder has.
        holder = self.code(code).holder
        versions = [held.key[0] for held in holder.applied] if holder else []
        key = (moment if self.order == "occurred_at" else max(versions, default=0), moment, identity)
        message = Message(source, identity, order.operation, None, code, code, {}, key, {}, set())
        return Act(message, target, order.new_uscc)

    def _needs_approval(self, case: Case, act: Act) -> bool:
        """Four eyes: a holder loses its code, a code that fails a check stays, a conflict is allowed, a transfer."""
        if self._lets_stand(case, act):
            return True
        if act.operation == "keep":
            doubt = case.rule in ("E05", "S02") and isinstance(act.target, Message)
            return case.rule in SUBJECTS or doubt or (case.rule in CLAIMS and self._displaces(act.target))
        return isinstance(act.target, str) and self._has(act.target, case)

    def _beyond(self, message: Message, settled: set[str]) -> dict[str, set[str]]:
        """Return what a record is in conflict with, by rule, but for codes that its case has settled."""
        code = self.code(message.code)
        _, conflicts = self._identity(message, code)
        if code.holder is None and message.operation in ("assign", "change"):  # A withdrawal does not count here.
            _, conflicts = identity(message, self.codes.values(), self.allowed, self.mapped)
        found = {rule: others - settled for rule, others in conflicts.items()}
        return {rule: others for rule, others in found.items() if others}

    def _lets_stand(self, case: Case, act: Act) -> bool:
        """Say whether a keep or an assign allows a conflict with codes beyond the case."""
        if isinstance(act.target, str) or act.operation == "withdraw":
            return False
        applied = case.claim(act.target) if case.rule in CLAIMS or act.operation == "assign" else case.held
        if act.operation == "assign":
            applied = [self._recoded(held, act.new_uscc or "") for held in applied]
        settled = case.codes()
        return any(self._beyond(held, settled) for held in applied)

    def _recoded(self, held: Message, uscc: str) -> Message:
        return dataclasses.replace(held, code=uscc, members={**held.members, "predecessor_uscc": held.code})

    def _stand(self, message: Message, settled: set[str]) -> None:
        """Let a record's conflicts with codes beyond its case stand, because somebody spoke of it."""
        for rule, others in self._beyond(message, settled).items():
            self.allowed |= {(rule, frozenset((message.code, other))) for other in others}

    def _approve(self, case: Case) -> None:
        if not case.acts:
            raise NotPossible
        act = case.acts[0]
        there = act.target in case.holders if isinstance(act.target, str) else act.target in case.held
        renewed = isinstance(act.target, str) and case.holders.get(act.target) != act.shown
        if not there or (renewed and not self._names_holder(act.message)):
            raise NotPossible
        self._check(case, act)
        case.acts.remove(act)
        self._accept(case, act, set())

    def _refuse(self, case: Case) -> None:
        acts, case.acts = case.acts, []
        for act in acts:
            self._answer(act.message, "rejected", set())

    # Resolutions ----------------------------------------------------------------------------------------------------

    def _accept(self, case: Case, act: Act, found: Findings) -> None:
        """Carry out what a message asks for, and answer it."""
        code = self.code(act.message.code)
        before = code.versions
        takes_back = act.operation == "withdraw" and isinstance(act.target, str) and self._has(act.target, case)
        try:
            self._carry_out(case, act)
        except NotPossible:
            self._answer(act.message, "rejected", found | {("L09", ERROR)})
            return
        answer = self._answer(act.message, "accepted", found)
        if takes_back:
            answer.version = before + 1
        elif code.holder is not None:
            answer.version = code.holder.version

    def _check(self, case: Case, act: Act) -> None:
        """Refuse what cannot be done before anything is done."""
        one = case.rule in CLAIMS or (case.rule not in SUBJECTS and isinstance(act.target, str))
        lost = isinstance(act.target, str) and not self._has(act.target, case)
        if act.operation == "keep" and one and lost and self.code(act.message.code).holder is not None:
            raise NotPossible
        if act.operation == "assign":
            new = self.code(act.new_uscc or "")
            taken = {c.uscc[8:17] for c in self.codes.values() if c.holdings and c is not self.code(act.message.code)}
            if new.holdings or self.waiting(new.uscc) or lost or new.uscc[8:17] in taken:
                raise NotPossible

    def _carry_out(self, case: Case, act: Act) -> None:
        self._check(case, act)
        if act.operation == "keep":
            self._keep(case, act)
        else:
            self._give_up(case, act)
        self._settle_beside(case, act.target if isinstance(act.target, str) else act.target.code)
        self._release_all()
        if not case.open:
            self._answer_acts(case)

    def _settle_beside(self, settled: Case, uscc: str) -> None:
        """A code that nobody holds any more has no holder in its other cases either: settle what is left of them."""
        code = self.code(uscc)
        for case in self.open_cases(uscc):
            concerned = case is not settled and uscc in case.holders and case.rule in (*CLAIMS, *SUBJECTS)
            if code.holder is not None or not case.open or not concerned:
                continue
            codes = case.codes()
            del case.holders[uscc]
            self._after_withdrawal(case, code, codes)
            self._answer_if_settled(case)

    def _answer_if_settled(self, case: Case) -> None:
        if not case.open:
            self._answer_acts(case)

    def _give_up(self, case: Case, act: Act, *, whole: bool = False) -> None:
        """End a claim: by withdrawing it, or by giving its organization a code of its own."""
        codes = case.codes()
        if isinstance(act.target, str):
            code = self.code(act.target)
            if self._has(act.target, case):
                state = code.holdings[-1].now()
                self._take_back(act.message, code)
                if act.operation == "assign":
                    self._assign_holder(act, code, dict(state.particulars))
            del case.holders[act.target]
            self._after_withdrawal(case, code, codes)
            return
        whole = whole or case.rule in (*CLAIMS, *SUBJECTS) or act.operation == "assign"
        claim = by_key(case.claim(act.target) if whole else [act.target])
        for held in claim:
            case.held.remove(held)
        for held in claim:
            if act.operation == "assign":
                recoded = self._recoded(held, act.new_uscc or "")
                self._stand(recoded, codes)
                self._force(recoded)
            else:
                self._answer(held, "rejected", set())
        self._after_withdrawal(case, self.code(act.target.code), codes)

    def _assign_holder(self, act: Act, code: Code, particulars: dict[str, str]) -> None:
        new = self.code(act.new_uscc or "")
        members = {"predecessor_uscc": code.uscc}
        record = dataclasses.replace(
            act.message, operation="assign", code=new.uscc, claimed=new.uscc, values=particulars, members=members
        )
        holding = Holding([record])
        new.holdings.append(holding)
        new.versions += 1
        holding.versions[record.source.number] = new.versions
        holding.made[new.versions] = record.source.number

    def _close(self, case: Case) -> list[Message]:
        case.open = False
        held, case.held = by_key(case.held), []
        return held

    def _keep(self, case: Case, act: Act) -> None:
        target, codes = act.target, case.codes()
        claim = by_key(case.claim(target)) if isinstance(target, Message) else []
        if case.rule in CLAIMS or (case.rule not in SUBJECTS and isinstance(target, str)):
            held = self._close(case)
            if isinstance(target, Message) and self._displaces(target):
                self._take_back(act.message, self.code(target.code))
            for record in held:
                if record in claim:
                    self._stand(record, codes)
                    self._force(record)
            for record in held:
                if record not in claim:
                    self._answer(record, "rejected", set())
            return
        if case.rule in SUBJECTS:
            self._allow(case)
        elif case.rule == "E05":
            self.exceptions.add(case.code)
        elif case.rule == "S02" and isinstance(target, Message):
            self.code(target.code).home = target.office
        self._pass(self._close(case), claim, codes, spoken_of=True)

    def _allow(self, case: Case) -> None:
        """Let every conflict stand that the held records are in; without any, that of the codes that stand."""
        for held in case.held:
            _, conflicts = self._identity(held, self.code(held.code))
            for rule, others in conflicts.items():
                self.allowed |= {(rule, frozenset((held.code, other))) for other in others}
        codes = {held.code for held in case.held} or set(case.holders)
        pairs = {frozenset((one, other)) for one in codes for other in case.holders if one != other}
        self.allowed |= {(case.rule, pair) for pair in pairs}

    def _pass(self, waiting: list[Message], claim: list[Message], codes: set[str], *, spoken_of: bool) -> None:
        """Apply in order what waits behind each other; what is of another organization than the rest is judged anew.

        So is what nobody spoke of and is in conflict with codes beyond the case.
        """
        together, apart = self._sorted_out(waiting)
        if any(record in apart for record in claim):
            together, apart = self._sorted_out([*claim, *(record for record in waiting if record not in claim)])
        held_again: set[str] = set()
        for record in together:
            code = self.code(record.code)
            if record.code in held_again:
                self._judge_again(record)
                continue
            beyond = {} if spoken_of else self._beyond(record, codes)
            if beyond:
                found = {(rule, HOLD) for rule in beyond}
                self._hold(record, self._case_for(record, code, found, beyond), found)
                held_again.add(record.code)
                continue
            self._stand(record, codes)
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
            self._begin(message, code, set())
            self.assigned += [message] if message.operation == "assign" else []
        else:
            holder, named = code.holder, name_key(message.name) not in code.holder.names()
            self.came.append((code, holder, message, named, bool(holder.whole())))
            self._changed(message, code, holder.add(message), set())

    def _release_all(self) -> None:
        """Decide again what waited in other cases for what a resolution has applied."""
        came, self.came = self.came, []
        for code, holder, message, named, was_whole in came:
            self._release(code, holder, message, named=named, was_whole=was_whole)
        assigned, self.assigned = self.assigned, []
        for message in assigned:
            self._end_old_claim(message)

    def _after_withdrawal(self, case: Case, code: Code, codes: set[str]) -> None:
        if not case.held:
            case.open = False
        elif case.rule in CLAIMS:
            if code.holder is None and len({name_key(m.name) for m in case.held}) == 1:
                self._pass(self._close(case), [], codes, spoken_of=False)
        elif case.rule in SUBJECTS:
            if case.holders:
                return
            held = self._close(case)
            alone = len({record.code for record in held}) == 1
            if alone:
                self._pass(held, [], codes, spoken_of=False)
            else:
                for record in held:
                    self._judge_again(record)
        else:
            self._take_place(case, code)

    def _take_place(self, case: Case, code: Code) -> None:
        """Let the oldest that waits be the record in doubt; where nothing is in doubt about it, decide all again."""
        oldest = case.held[0]
        self.alone = code.uscc
        found = judge_record(oldest, exceptions=self.exceptions)
        if not self._concerned(oldest):
            found |= foreign_sender(oldest, code)
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
            confirmed = act.operation == "keep" and self._names_holder(act.message)
            self._answer(act.message, "unchanged" if confirmed else "rejected", set())
