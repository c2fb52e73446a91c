from __future__ import annotations

import pytest

from sync.json_objects import MAX_DEPTH, Undecodable, foul_texts, printable, read_object, type_name


def circumstance(body: bytes) -> str:
    with pytest.raises(Undecodable) as raised:
        read_object(body)
    return raised.value.circumstance


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b" ", "syntax"),
        (b"{", "syntax"),
        (b"{} {}", "syntax"),
        (b"{'a': 1}", "syntax"),
        (b'{"a": 01}', "syntax"),
        (b'{"a": 1,}', "syntax"),
        (b'{"a": "\x01"}', "syntax"),
        (b'{"a": "\x00"}', "syntax"),
        (b'{"a": tru}', "syntax"),
        (b"\xef\xbb\xbf\xef\xbb\xbf{}", "syntax"),
        (b'{"a": NaN}', "constant"),
        (b'{"a": Infinity}', "constant"),
        (b'{"a": -Infinity}', "constant"),
        (b"[]", "object"),
        (b"null", "object"),
        (b'"text"', "object"),
        (b"1.5", "object"),
        (b'["\\ud800"]', "object"),
        (b'{"a": "\xff"}', "encoding"),
        (b'{"a": "\xed\xa0\x80"}', "encoding"),
        ('{"a": "沈阳"}'.encode("gb18030"), "encoding"),
        (b'{"a": 1, "a": 1}', "duplicate"),
        (b'{"a": "x", "a": "y"}', "duplicate"),
        (b'{"a": {"b" : [{"c":1,"c":2}]}}', "duplicate"),
        (b'{"a": 1, "\\u0061": 2}', "duplicate"),
        (b'{"\\\\": "\\"", "\\u005c": ":"}', "duplicate"),
        (b"[" * 65_000, "depth"),
        (b'{"a":' * 1_000 + b"1" + b"}" * 1_000, "depth"),
    ],
)
def test_what_is_no_object_is_refused_with_its_reason(body: bytes, expected: str) -> None:
    assert circumstance(body) == expected


def test_the_place_of_a_fault_is_told() -> None:
    with pytest.raises(Undecodable) as syntax:
        read_object(b'{"a": 1,\n "b" 2}')
    with pytest.raises(Undecodable) as encoding:
        read_object(b'{"a": "\xff"}')
    with pytest.raises(Undecodable) as duplicate:
        read_object(b'{"a": 1, "a": 1}')

    assert syntax.value.facts == {"line": 2, "column": 6}
    assert encoding.value.facts == {"expected": "UTF-8", "position": 8}
    assert duplicate.value.facts == {"actual": "a"}


def test_a_wrong_byte_counts_from_the_first_byte_that_was_sent() -> None:
    with pytest.raises(Undecodable) as encoding:
        read_object(b'\xef\xbb\xbf{"a": "\xff"}')

    assert encoding.value.facts == {"expected": "UTF-8", "position": 11}


def test_the_outermost_object_counts_as_one_level() -> None:
    deepest = b'{"a":' * MAX_DEPTH + b"1" + b"}" * MAX_DEPTH
    too_deep = b'{"a":' * (MAX_DEPTH - 1) + b"[[]]" + b"}" * (MAX_DEPTH - 1)

    assert read_object(deepest).members
    assert circumstance(too_deep) == "depth"


def test_brackets_in_texts_and_side_by_side_are_no_depth() -> None:
    assert read_object(b'{"a": "' + b"[{" * 500 + b'\\""}').members == {"a": "[{" * 500 + '"'}
    assert len(read_object(b'{"a": [' + b"[]," * 500 + b"[]]}").members["a"]) == 501


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b'{"a": 1, "b": "x"}', b'{"b":"x","a":1}'),
        (b'{"a": 1}', b'{"a": 1.0}'),
        (b'{"a": 1}', b'{"a": 10e-1}'),
        (b'{"a": 0}', b'{"a": -0.0}'),
        (b'{"a": 1.5}', b'{"a": 15E-1}'),
        (b'{"a": 1e30}', b'{"a": 1000000000000000000000000000000}'),
        ('{"a": "沈阳😀"}'.encode(), b'{"a": "\\u6c88\\u9633\\ud83d\\ude00"}'),
        (b'{"a": "\\/"}', b'{"a": "/"}'),
        (b'{"a": ["\\ud800", 1, {}, []]}', b'{"a":["\\uD800",1.0,{},[]]}'),
        (b'\xef\xbb\xbf{"a": null}', b'{"a":null}'),
    ],
)
def test_equal_content_has_one_digest(one: bytes, other: bytes) -> None:
    assert read_object(one).digest() == read_object(other).digest()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b'{"a": 1}', b'{"a": true}'),
        (b'{"a": 0}', b'{"a": false}'),
        (b'{"a": 1}', b'{"a": "1"}'),
        (b'{"a": null}', b"{}"),
        (b'{"a": [1, 2]}', b'{"a": [2, 1]}'),
        (b'{"a": 0.1}', b'{"a": 0.10000000000000001}'),
        (b'{"a": 9007199254740993}', b'{"a": 9007199254740992.0}'),
        (b'{"a": 123456789012345678901}', b'{"a": 123456789012345678902}'),
        (b'{"a": 1e400}', b'{"a": 1e401}'),
        (b'{"a": 1e9999999999999999999}', b'{"a": 1e9999999999999999998}'),
        (b'{"a": "\\ud800"}', b'{"a": "\\ud801"}'),
        (b'{"a": 1.5}', b'{"a": "15e-1"}'),
    ],
)
def test_different_content_has_different_digests(one: bytes, other: bytes) -> None:
    assert read_object(one).digest() != read_object(other).digest()


def test_a_number_of_five_thousand_digits_is_read() -> None:
    document = read_object(b'{"a": ' + b"9" * 5_000 + b"}")

    assert type_name(document.members["a"]) == "number"


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (1, "number"),
        (1.5, "number"),
        ("", "string"),
        ([], "array"),
        ({}, "object"),
    ],
)
def test_types_have_the_names_of_json(value: object, name: str) -> None:
    assert type_name(value) == name


def test_foul_texts_are_found_wherever_they_are() -> None:
    document = read_object(b'{"a": ["x", {"b": "\\u0000"}], "\\ud800": 1, "c": "\\udfff"}')

    found = [place for name, value in document.members.items() for place in foul_texts({name: value}, "")]

    assert document.may_be_foul
    assert found == [("/a/1/b", "nul"), ("/\\ud800", "surrogate"), ("/c", "surrogate")]


def test_what_is_shown_prints_and_is_short() -> None:
    assert printable("沈阳\0\n") == "沈阳\\u0000\\u000a"
    assert printable("x" * 100) == "x" * 64 + "…"
