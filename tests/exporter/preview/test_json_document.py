import json

import pytest

from exporter.preview.json_document import parse_document, string_bytes
from exporter.runtime.status import Code, StatusError


def value(body: bytes) -> object:
    return parse_document(b'{"v": ' + body + b"}")["v"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" \n",
        b"hello",
        b"[1]",
        b'"a"',
        b"null",
        b'{"v": 1',
        b'{"v": [1,]}',
        b'{"v": 1,}',
        b'{"v": /* no */ 1}',
        b"{'v': 1}",
        b"{v: 1}",
        b'{"v": 01}',
        b'{"v": 1.}',
        b'{"v": .5}',
        b'{"v": +1}',
        b'{"v": 1e999}',
        b'{"v": ' + b"9" * 400 + b"}",
        b'{"v": "a\nb"}',
        b'{"v": "a\x00b"}',
        rb'{"v": "\x41"}',
        rb'{"v": "\u12"}',
        b'{"v": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"v": ' + b'{"v": ' * 100_000,
    ],
)
def test_what_is_no_document(body: bytes) -> None:
    with pytest.raises(StatusError) as error:
        parse_document(body)
    assert error.value.code is Code.INVALID_ARGUMENT


@pytest.mark.parametrize(
    "text",
    [
        r"\ud800",
        r"\ud800x",
        r"\ud800A",
        r"\ud83d\ud83d\ude00",
        r"\\\ud800",
        "\\ud83d\udc80",  # half a pair, then a raw byte 0x80
    ],
)
def test_lone_surrogates_are_refused(text: str) -> None:
    with pytest.raises(StatusError, match="surrogate"):
        value(b'"' + string_bytes(text) + b'"')


@pytest.mark.parametrize("escape", [r"\udc80", r"\uDFFF", r"\ud83d\ude00\udfff", r"\\\udc80"])
def test_the_second_half_of_a_pair_alone_is_three_bytes(escape: str) -> None:
    parsed = value(f'"{escape}"'.encode())
    assert isinstance(parsed, str)
    # As Python writes it where it is told to write what is no UTF-8.
    expected = json.loads(f'"{escape}"').encode("utf-8", "surrogatepass")
    assert string_bytes(parsed) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r'"\ud83d\ude00"', "😀"),
        (r'"\uD83D\uDE00"', "😀"),
        (r'"\\ud800"', r"\ud800"),
        (r'"\\\\ud800"', r"\\ud800"),
        (r'"é\u00e9\u0000\/\b"', "éé\0/\b"),
    ],
)
def test_escapes(text: str, expected: str) -> None:
    assert value(text.encode()) == expected


@pytest.mark.parametrize("raw", [b"\xff\xfe bad \xc3", b"\xed\xa0\x80", b"\x80", "é".encode()])
def test_bytes_of_a_string_are_kept(raw: bytes) -> None:
    parsed = value(b'"' + raw + b'"')
    assert isinstance(parsed, str)
    assert string_bytes(parsed) == raw


def test_numbers() -> None:
    assert value(b"-9223372036854775808") == -(2**63)
    assert value(b"18446744073709551615") == 2**64 - 1
    assert isinstance(value(b"18446744073709551616"), float)
    assert isinstance(value(b"-9223372036854775809"), float)
    assert isinstance(value(b"1e2"), float)
    assert isinstance(value(b"-0"), int)
    assert value(b"NaN") != value(b"NaN")
    assert value(b"-Infinity") == float("-inf")


def test_the_first_of_equal_keys_counts_and_what_follows_the_document_does_not() -> None:
    assert parse_document(b'\xef\xbb\xbf \t{"a": 1, "b": 2, "a": 3} x') == {"a": 1, "b": 2}
