"""Arrival order cannot matter for records without a conflict."""

from __future__ import annotations

import copy

from hypothesis import given
from hypothesis import strategies as st

from sync.facts import Facts
from sync.records import Disposition, Submission
from tests.unit.sync.factories import CODE, judge, submission

NAMES = ("沈阳一号有限公司", "沈阳二号有限公司", "沈阳三号有限公司")
_STEPS = st.lists(st.sampled_from(("move", "rename", "cancel", "restore", "revoke", "again")), max_size=6)


def _life(steps: list[str]) -> list[Submission]:
    """Return one organization's records in the order in which they happened, none of them in conflict."""
    name, address, status = 0, 0, "normal"
    particulars = {"established_on": "2020-01-01", "registered_address": "0"}
    records = [submission(at=0, name=NAMES[0], **particulars)]
    for at, step in enumerate(steps, start=1):
        if step == "rename":
            name = (name + 1) % len(NAMES)
            records.append(submission("change", at=at, name=NAMES[name], **particulars))
        elif step in ("move", "again"):
            address += step == "move"
            particulars = {**particulars, "registered_address": str(address)}
            records.append(submission("change", at=at, name=NAMES[name], **particulars))
        elif (step == "restore") != (status == "normal"):
            status = "normal" if step == "restore" else step
            records.append(submission(step, at=at, name=NAMES[name]))
    return records


def _ends(records: list[Submission]) -> tuple[object, ...]:
    facts = Facts()
    outcome = judge(*copy.deepcopy(records), facts=facts)
    code = facts.code(CODE)
    assert code.holding is not None
    state = code.holding.present()
    rejected = [d for d in outcome.decisions if d.disposition is Disposition.REJECTED]
    return (state.status, dict(state.particulars.record), [], len(code.waiting()), rejected)


@given(st.data())
def test_the_registry_ends_the_same_in_whatever_order_records_arrive(data: st.DataObject) -> None:
    records = _life(data.draw(_STEPS))
    arrival = data.draw(st.permutations(records))

    assert _ends(records) == _ends(arrival)
