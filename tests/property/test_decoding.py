from __future__ import annotations

import json
import math
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.json_objects import Undecodable, read_object
from sync.messages import encode_return
from sync.records import Decision, Disposition
from tests.messages import MESSAGE, RECEIVED_AT, RECORD, decode, message, record
from validators.names import name_key

texts = st.text(st.characters(codec=None, exclude_categories=()), max_size=12)
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
objects = st.dictionaries(texts, values, max_size=6)
members = st.sampled_from([*MESSAGE, "office_version", "load", "receipt_id", "record"])
fields = st.sampled_from([*RECORD, "organization_code", "employee_count", "jgmc", "is_public"])
headers = st.dictionaries(
    st.sampled_from(["ce_id", "ce_time", "mapping", "batch_id"]), st.binary(max_size=20) | st.just(b"registration")
)


def answer(body: bytes, **sent: bytes) -> None:
    """Check that a body has an answer: a return that can be written, and that rejects whatever could not be read."""
    submission = decode(body, **sent)
    disposition = Disposition.QUARANTINED if submission.quarantined else Disposition.REJECTED
    decision = Decision(submission=submission, disposition=disposition, findings=submission.findings)

    written = encode_return(decision, sequence=1, decided_at=RECEIVED_AT, ruleset="2026.11.1")

    assert b"\\u0000" not in written.replace(b"\\\\", b"")
    assert submission.has_error or submission.key is not None
    assert submission.quarantined == (submission.content_digest is None)
    for value in [submission.message_id, submission.reason, *submission.record.values()]:
        assert value is None or "\0" not in value.encode().decode()


@given(st.binary(max_size=400), headers)
def test_any_bytes_have_an_answer(body: bytes, sent: dict[str, bytes]) -> None:
    answer(body, **sent)


@given(objects, headers)
def test_any_object_has_an_answer(value: dict[str, Any], sent: dict[str, bytes]) -> None:
    answer(json.dumps(value).encode(), **sent)


@given(st.dictionaries(members, values, max_size=3), st.dictionaries(fields, values, max_size=4), headers)
def test_a_clean_message_with_any_values_in_it_has_an_answer(
    envelope: dict[str, Any], sent: dict[str, Any], with_headers: dict[str, bytes]
) -> None:
    answer(json.dumps(message(record(**sent), **envelope)).encode(), **with_headers)


@given(st.integers(min_value=0, max_value=700), st.binary(min_size=1, max_size=3))
def test_a_damaged_message_has_an_answer(place: int, damage: bytes) -> None:
    body = orjson.dumps(message())

    answer(body[:place] + damage + body[place + len(damage) :])


@given(objects)
def test_content_has_one_digest_however_it_is_written(value: dict[str, Any]) -> None:
    turned = dict(reversed(value.items()))

    plain = read_object(json.dumps(value, separators=(",", ":")).encode())
    spread = read_object(json.dumps(turned, indent=2).encode())

    assert plain.digest() == spread.digest()


@given(objects)
def test_literal_characters_and_escaped_ones_have_one_digest(value: dict[str, Any]) -> None:
    try:
        literal = json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return

    assert read_object(literal).digest() == read_object(json.dumps(value).encode()).digest()


@given(objects, texts, values)
def test_a_member_that_stands_twice_is_always_noticed(value: dict[str, Any], name: str, other: Any) -> None:
    pairs = [*value.items(), (name, other), (name, other)]
    body = "{" + ",".join(f"{json.dumps(key)} : {json.dumps(member)}" for key, member in pairs) + "}"

    with pytest.raises(Undecodable) as raised:
        read_object(body.encode())

    assert raised.value.circumstance == "duplicate"


@given(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_that_are_equal_have_one_digest(integer: int, fraction: float) -> None:
    def digest(text: str) -> bytes:
        return read_object(f'{{"a": {text}}}'.encode()).digest()

    assert digest(str(integer)) == digest(f"{integer}.00") == digest(f"{integer * 10}e-1") == digest(f"{integer}E+0")
    if not math.isinf(fraction):
        assert (digest(repr(fraction)) == digest(str(integer))) == (fraction == integer)


@given(texts)
def test_the_key_of_a_key_is_itself(name: str) -> None:
    key = name_key(name)

    assert name_key(key) == key
    assert len(key) <= 255
    assert not any(character.isspace() for character in key)


@given(texts, st.sampled_from(["（", "(", "【", "［", "〔", "《", "<"]), texts)
def test_the_kind_of_bracket_and_the_blanks_do_not_matter(before: str, bracket: str, after: str) -> None:
    assert name_key(f"{before} {bracket}{after}　") == name_key(f"{before}({after}")
