"""The fold of `uscc verify` and the registry's own, written apart, agree on every history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from sync.holding import Event, Holding
from sync.invariants.fold import Applied, Key, fold
from sync.records import OrderKey
from validators.findings import Operation

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)
OPERATIONS = st.sampled_from(["assign", "change", "cancel", "revoke", "restore"])


@given(history=st.lists(st.tuples(OPERATIONS, st.integers(0, 6), st.integers(0, 3)), min_size=1, max_size=9))
def test_both_folds_give_the_same_state(history: list[tuple[str, int, int]]) -> None:
    applied, events = [], []
    for number, (operation, at, name) in enumerate(history):
        instant, message_id = NOON + timedelta(seconds=at), f"M-{number}"
        record = {"uscc": "91", "name": f"甲{name}"}
        applied.append(Applied(Key(at, instant, message_id), operation, record))
        events.append(
            Event(
                key=OrderKey(at, instant, message_id),
                operation=Operation(operation),
                version=number + 1,
                name_key=record["name"],
                record=record,
                office="commerce",
                receipt_id=message_id,
                recorded_at=NOON,
            )
        )
    folded, state = fold(applied), Holding(1, events).present()

    assert (folded.status, folded.record, folded.whole) == (state.status, state.particulars.record, state.whole)
    assert tuple(folded.particulars_key) == tuple(state.particulars.key)
    if not folded.reset:
        assert tuple(folded.status_key or ()) == (tuple(state.status_event.key) if state.status_event else ())
