"""Faults that the demonstration feed plants into single records.

Each fault names its rule, what it does to the record, and the members that it touches: two faults can stand on one
record when they touch nothing in common.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from service.demo.drafts import Desk, Draft
from service.demo.organizations import OFFICES

Effect = Literal["error", "hold", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One way to spoil the assign of a new organization. `touches` are members of the envelope or the record.

    `apply` spoils the draft and returns the rules that stand on it because of that. `short` says that it also fits
    the operations that carry only code and name, `foreign` that the code is then no office's (S02).
    """

    rule: str
    effect: Effect
    touches: frozenset[str]
    apply: Callable[[Desk, Draft], tuple[str, ...]]
    offices: tuple[str, ...] = OFFICES
    short: bool = False
    foreign: bool = False


def plant(desk: Desk, draft: Draft, *faults: Fault) -> Draft:
    """Apply faults to a draft and adjust what is expected of it.

    The rules of the registry (S02 of a code of nobody's) are not judged for a record with an error of its own.
    """
    rules = [rule for fault in faults for rule in fault.apply(desk, draft)]
    effects = {fault.effect for fault in faults}
    if "error" in effects:
        draft.disposition = "rejected"
    else:
        for fault in faults:
            if fault.foreign:
                rules.append("S02")
                draft.disposition = "rejected"
        if "hold" in effects and draft.disposition != "rejected":
            draft.disposition = "held"
    draft.rules.update(rules)
    return draft
