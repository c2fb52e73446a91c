"""At rest means: nothing undecided, nothing unpublished, nothing halted, and a table that balances."""

from __future__ import annotations

import pytest

from service.commands.idle import Rest
from sync.store.standing import BalanceRow


def test_nothing_left_to_do_is_idle() -> None:
    assert Rest(offsets=10).idle


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        (Rest(undecided=3), "3 offsets are not decided"),
        (Rest(unpublished=2), "2 messages are not published"),
        (Rest(halted=["uscc.submissions.commerce/0 (reason)"]), "uscc.submissions.commerce/0 (reason) is halted"),
        (Rest(unbalanced=["commerce: received 5, +1 without disposition"]), "received 5, +1 without disposition"),
        (Rest(away="the database does not answer"), "the database does not answer"),
    ],
)
def test_whatever_is_in_the_way_is_said(rest: Rest, words: str) -> None:
    assert not rest.idle
    assert words in rest.describe()


def test_the_difference_of_an_office_is_what_has_no_disposition() -> None:
    row = BalanceRow(
        office="commerce", received=10, accepted=4, unchanged=1, superseded=1, rejected=1, held=1, quarantined=1
    )

    assert row.difference == 1
