"""What is put together from parts made before is, to the byte, what is written member by member."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson
from hypothesis import example, given
from hypothesis import strategies as st

from sync.encoding import encode_change, encode_return, return_json
from sync.holding import Status
from sync.outcome import ChangeWrite, View
from sync.particulars import SHOWN, Particulars
from sync.records import Decision, Disposition
from tests.messages import RECEIVED_AT, decode, message, record
from tests.plain_changes import plain_change

NOW = datetime(2026, 11, 20, 2, 0, 1, 250_001, tzinfo=UTC)
# Pieces of JSON itself, in the places where they could be taken for it.
TRICKY = st.sampled_from(['"', '":"', '","', "\\", '\\"', '","name":"', "甲", "null", "{", "\x1f", "\n"])
texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8)
values = texts | st.lists(TRICKY, min_size=1, max_size=4).map("".join)
records = st.dictionaries(st.sampled_from(SHOWN), values, max_size=8).map(lambda each: each | {"name": "甲"})
names = st.none() | values


@st.composite
def views(draw: st.DrawFn) -> View:
    """A registration of any content."""
    return View(
        uscc=draw(values),
        version=draw(st.integers(1, 9)),
        status=draw(st.sampled_from(Status)),
        office=draw(values),
        record=Particulars(draw(records)),
        valid_from=NOW - timedelta(days=1),
        recorded_at=NOW,
        predecessor_uscc=draw(names),
        successor_uscc=draw(names),
        open_case=draw(names),
        receipt_id=draw(values),
    )


@given(before=st.none() | views(), after=views(), prepared=st.booleans(), is_new=st.booleans())
@example(before=None, after=None, prepared=True, is_new=True)
def test_a_change_is_what_it_is_member_by_member(
    before: View | None, after: View | None, prepared: bool, is_new: bool
) -> None:
    after = after or _usual()
    if prepared:
        Particulars.of(after.record).prepare(is_new=is_new)
    change = ChangeWrite(
        uscc=after.uscc, version=after.version, kind="changed", effective_at=NOW, before=before, after=after
    )

    shown = encode_change(change, sequence=7, recorded_at=NOW)

    assert plain_change(change, sequence=7, recorded_at=NOW).decode() == shown.decode()


def _usual() -> View:
    """A registration of every member, none of them with a backslash in it."""
    members = dict.fromkeys(SHOWN, "值") | {"contact_phone": "13812345678", "registration_number": "210102000012345"}
    return View(
        uscc="91210100MA00004960", version=1, status=Status.NORMAL, office="commerce",
        record=Particulars(members | {"is_public": "1"}), valid_from=NOW, recorded_at=NOW, predecessor_uscc=None,
        successor_uscc=None, open_case=None, receipt_id="R",
    )  # fmt: skip


@given(
    disposition=st.sampled_from(Disposition),
    own=st.booleans(),
    version=st.none() | st.integers(1, 9),
    duplicate_of=names,
    case_id=names,
    attempt=st.integers(1, 3),
    currency=st.sampled_from(["CNY", '元"', "\\"]),
    batch_id=values,
)
def test_a_return_is_what_it_is_member_by_member(
    disposition: Disposition, own: bool, version: int | None, duplicate_of: str | None, case_id: str | None,
    attempt: int, currency: str, batch_id: str,
) -> None:  # fmt: skip
    body = message(record(currency=currency), batch_id=batch_id)
    submission = decode(b"[]" if disposition is Disposition.QUARANTINED else body)
    decision = Decision(
        submission=submission, disposition=disposition, findings=submission.findings if own else [], version=version,
        duplicate_of=duplicate_of, case_id=case_id, attempt=attempt,
    )  # fmt: skip

    shown = encode_return(decision, sequence=1042, decided_at=RECEIVED_AT, ruleset='2026"')

    plain = orjson.dumps(return_json(decision, sequence=1042, decided_at=RECEIVED_AT, ruleset='2026"'))
    assert plain.decode() == shown.decode()


@given(disposition=st.sampled_from(Disposition))
def test_a_return_that_is_written_twice_has_its_own_findings(disposition: Disposition) -> None:
    submission = decode(message(record(currency="元")))
    first, second = (
        Decision(submission=submission, disposition=disposition, findings=findings)
        for findings in (submission.findings, list(submission.findings[:0]))
    )

    shown = [
        orjson.loads(encode_return(each, sequence=1, decided_at=RECEIVED_AT, ruleset="1"))["findings"]
        for each in (first, second)
    ]

    assert [[finding.as_json() for finding in submission.findings], []] == shown
