"""Bytes of a request body -> the JSON document in it, read as TF Serving reads it."""

import json
import math
import re
from typing import Any

from exporter.runtime.status import invalid_argument

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_WHITE_SPACE = " \t\n\r"
# A backslash and the surrogate pair, lone surrogate or other character that it escapes.
_ESCAPES = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<high>u[dD][89abAB])|u(?P<low>[dD][c-fC-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


def parse_document(body: bytes) -> dict[str, Any]:
    """The JSON object that starts `body`; the rest of the body is ignored.

    The rules are those of TF Serving 2.19's REST code: a byte order mark is skipped,
    comments and trailing commas are errors, `NaN` and `Infinity` are numbers, the first
    of two equal keys wins, an integer beyond 64 bits becomes a float. Bytes that are not
    UTF-8 are kept: `string_bytes` gives them back. The first half of a surrogate pair alone is an
    error; the second half stands for three bytes that are not UTF-8.

    Raises:
      StatusError: INVALID_ARGUMENT for a body that breaks these rules.
    """
    text = body.removeprefix(_BYTE_ORDER_MARK).decode("utf-8", "surrogateescape")
    text = text.lstrip(_WHITE_SPACE)
    if not text:
        raise invalid_argument("JSON parse error: the document is empty")
    text = _without_lone_surrogates(text)
    try:
        document, _ = _DECODER.raw_decode(text)
    except RecursionError:
        raise invalid_argument("JSON parse error: the document is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise invalid_argument(f"JSON parse error: {error.msg} at offset {error.pos}") from None
    if not isinstance(document, dict):
        raise invalid_argument(f"JSON value is not an object but {json_type(document)}")
    return document


def string_bytes(value: str) -> bytes:
    """The bytes that a string of the document stands for, UTF-8 or not."""
    return value.encode("utf-8", "surrogateescape")


def json_type(value: object) -> str:
    """The type of a parsed value in JSON's terms, such as "a list", for error messages."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a string"
    return "a list" if isinstance(value, list) else "an object"


def _without_lone_surrogates(text: str) -> str:
    # With "surrogateescape" an escaped \udc80 would look like a raw byte 0x80 once it is parsed.
    if not re.search(r"\\u[dD][89a-fA-F]", text):
        return text
    return _ESCAPES.sub(_spelled_out, text)


def _spelled_out(escape: re.Match[str]) -> str:
    if escape["high"]:
        raise invalid_argument(
            f"JSON parse error: a lone surrogate in a string at offset {escape.start()}"
        )
    if escape["low"] is None:
        return escape[0]
    # RapidJSON writes the half as if it were a character of its own.
    half = chr(int(escape["low"], 16)).encode("utf-8", "surrogatepass")
    return half.decode("utf-8", "surrogateescape")


def _integer(digits: str) -> int | float:
    # 20 characters hold every 64-bit integer; int() of far longer ones takes quadratic time.
    value = int(digits) if len(digits) <= 20 else None
    if value is not None and -(2**63) <= value < 2**64:
        return value
    return _decimal(digits)


def _decimal(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise invalid_argument("JSON parse error: a number is too big for a double")
    return value


def _first_of_equal_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        members = dict(reversed(pairs))
    return members


_DECODER = json.JSONDecoder(
    object_pairs_hook=_first_of_equal_keys, parse_int=_integer, parse_float=_decimal
)
