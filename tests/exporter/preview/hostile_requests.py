"""Requests that a stranger may send to any signature: texts, features and forms of all kinds."""

import base64
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow as tf
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from exporter.contract import CLASSIFY_METHOD, INPUT_IDS, INPUT_MASK, REGRESS_METHOD, SEGMENT_IDS
from exporter.proof.adversarial_text import ADVERSARIAL_TEXTS
from tests.exporter.text.texts import EXAMPLES, SENTENCES

_MOST_ROWS = 20
# One in so many requests has a form that hardly a signature takes.
_WRONG_FORMS = 3

_SPECIAL = (b"[MASK]", b"[CLS]", b"[SEP]", b"[UNK]", b"[PAD]", b"[unused0]", b"##s")
_NOTHING = (b"", b" ", b"\t\r\n", "\u200b\ufeff\u00ad".encode(), b"\x00", b"\x00" * 40)
_OF_JSON = (
    b'"',
    b"\\",
    b'\\u0000"',
    b"</script>",
    b"{}",
    b"[[",
    b"NaN",
    b"\x1f\x7f",
    b"\xe2\x80\xa8",
)
_SURROGATES = (b"\xed\xa0\x80", b"\xed\xb0\x80", b"\xed\xa0\xbd\xed\xb8\x80", b"\xf4\x90\x80\x80")
_LETTERS = ("a", "A", "é", "漢", "가", "\u0301", "😀", "#", "0")

# What clients write in place of a text, or of all of them.
_WRONG_VALUES: Sequence[Any] = (
    *(None, True, 7, -1.5, float("nan"), float("inf"), [], [[]], [["a"], ["b"]], {}, "a"),
    *({"b64": "%"}, {"b64": 3}, {"a": "b"}, ["a", ["b"]], ["a", 3], [None], 10**400),
)


class Request(NamedTuple):
    """A request, and how many inputs are in it."""

    verb: str
    body: bytes
    inputs: int
    rows: int | None
    """how many rows an answer has, None where the form is wrong"""


def hostile_requests(
    name: str, signature: SignatureDef, texts: Sequence[str], count: int, vocab_size: int, seed: int
) -> Iterator[Request]:
    """Requests to a signature with `count` inputs in all.

    `texts` are the names of the model's texts, which tf.Examples have as features.
    """
    generator = random.Random(seed)
    verbs = {CLASSIFY_METHOD: "classify", REGRESS_METHOD: "regress"}
    verb = verbs.get(signature.method_name, "predict")
    makes_row = _row_maker(signature, texts, vocab_size, verb)
    while count > 0:
        if generator.randrange(_WRONG_FORMS) == 0:
            document = _wrong_form(generator, signature, verb)
            count -= 1
            yield Request(verb, _body({"signature_name": name, **document}, generator), 1, None)
            continue
        size = min(count, generator.randint(1, _MOST_ROWS))
        rows = makes_row(generator, size)
        key = "instances" if verb == "predict" else "examples"
        count -= size
        yield Request(verb, _body({"signature_name": name, key: rows}, generator), size, size)


def _row_maker(
    signature: SignatureDef, texts: Sequence[str], vocab_size: int, verb: str
) -> Callable[[random.Random, int], list[Any]]:
    names = sorted(signature.inputs)
    dtypes = {tf.as_dtype(each.dtype) for each in signature.inputs.values()}
    if dtypes != {tf.string}:
        return lambda generator, size: _features(generator, size, names, vocab_size)
    if verb != "predict":
        names = list(texts)

    def rows(generator: random.Random, size: int) -> list[Any]:
        made = [{name: _json_text(generator) for name in names} for _ in range(size)]
        is_bare = verb == "predict" and len(names) == 1
        return [row[names[0]] for row in made] if is_bare else made

    return rows


def hostile_text(generator: random.Random) -> bytes:
    """One text of any bytes."""
    kind = generator.randrange(9)
    if kind == 0:
        return generator.choice(ADVERSARIAL_TEXTS)
    if kind == 1:
        return generator.randbytes(generator.randrange(60))
    if kind == 2:
        return generator.choice(_NOTHING)
    if kind == 3:
        return b" ".join(generator.choices(_SPECIAL, k=generator.randrange(1, 90)))
    if kind == 4:
        length = generator.choice((99, 100, 101, 199, 200, 201, 3000))
        return generator.choice(_LETTERS).encode() * length
    if kind == 5:
        text = generator.choice((*EXAMPLES, *SENTENCES)).encode()
        return text * generator.choice((1, 1, 20))
    pieces = [*_SPECIAL, *_OF_JSON, *_SURROGATES, *_NOTHING, *(each.encode() for each in _LETTERS)]
    between = generator.choice((b"", b" "))
    return between.join(generator.choices(pieces, k=generator.randrange(1, 30)))


def _json_text(generator: random.Random) -> Any:
    text = hostile_text(generator)
    try:
        decoded = text.decode()
    except UnicodeDecodeError:
        # The second half of a surrogate pair is a form that JSON has for bytes that are no text.
        if generator.randrange(4) == 0:
            return text.decode("utf-8", "replace") + generator.choice(("", "\udc80"))
        decoded = None
    if decoded is None or generator.randrange(3) == 0:
        return {"b64": base64.b64encode(text).decode()}
    return decoded


def _features(
    generator: random.Random, size: int, names: Sequence[str], vocab_size: int
) -> list[Any]:
    """Rows of features, of which one in four requests has something wrong."""
    length = generator.choice((1, 2, 7, 16, 31, 64))
    rows: list[dict[str, Any]] = []
    for _ in range(size):
        columns = {
            INPUT_IDS: [generator.randrange(vocab_size) for _ in range(length)],
            INPUT_MASK: [generator.randrange(2) for _ in range(length)],
            SEGMENT_IDS: [generator.randrange(2) for _ in range(length)],
        }
        rows.append({name: columns.get(name, generator.randrange(3)) for name in names})
    if generator.randrange(4) == 0:
        wrong: Any = generator.choice(
            (-1, vocab_size, 2**31 - 1, -(2**31), 2**31, 2, 0.5, None, "a", [])
        )
        column = rows[generator.randrange(size)][generator.choice(names)]
        if isinstance(column, list):
            column[generator.randrange(length)] = wrong
    return rows


def _wrong_form(generator: random.Random, signature: SignatureDef, verb: str) -> Mapping[str, Any]:
    names = sorted(signature.inputs)
    value = generator.choice(_WRONG_VALUES)
    if verb != "predict":
        return {"examples": generator.choice((value, [value], [{names[0]: value}], []))}
    unequal = {name: ["a"] * (index + 1) for index, name in enumerate(names)}
    return generator.choice(
        (
            {"instances": value},
            {"instances": [value]},
            {"instances": []},
            {"inputs": value},
            {"inputs": dict.fromkeys(names, value)},
            {"inputs": unequal},
            {"inputs": {names[0]: ["a"], "more": ["b"]}},
            {"instances": [dict.fromkeys(names, "a"), {names[0]: value}]},
            {},
        )
    )


def _body(document: Mapping[str, Any], generator: random.Random) -> bytes:
    escapes = generator.randrange(2) == 0
    text = json.dumps(document, ensure_ascii=escapes)
    return text.encode("utf-8", "surrogatepass")
