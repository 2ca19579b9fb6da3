"""Requests that end servers, each with the answer that the guards give."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from tensorflow.core.example.example_pb2 import Example

from tests.exporter.example_protos import example_of
from tests.programs.compatibility.tensor_json import strings

INVALID_ARGUMENT = "INVALID_ARGUMENT"

_FEATURES = ("input_ids", "input_mask", "segment_ids")
_LARGEST, _SMALLEST = 2**31 - 1, -(2**31)


@dataclasses.dataclass(frozen=True)
class Case:
    """Inputs by name, and what they come to: so many rows, or INVALID_ARGUMENT."""

    inputs: Mapping[str, np.ndarray]
    verdict: int | str


@dataclasses.dataclass(frozen=True)
class Bounds:
    """What a model takes."""

    vocab_size: int
    positions: int
    text_names: Sequence[str]
    tokenizer: str


def cases(input_names: Sequence[str], bounds: Bounds) -> Iterator[tuple[str, Case]]:
    """Every case for a signature with these inputs, by name."""
    if set(input_names) == set(bounds.text_names):
        yield from _text_cases(bounds)
    elif list(input_names) == ["inputs"]:
        yield from _example_cases(bounds)
    else:
        more = {"label_ids"} & set(input_names)
        for name, case in _feature_cases(bounds):
            label_ids = {name: np.zeros(2, np.int32) for name in more}
            yield name, Case({**case.inputs, **label_ids}, case.verdict)


def ordinary_inputs(input_names: Sequence[str], bounds: Bounds) -> dict[str, np.ndarray]:
    """A request of two rows that every model answers."""
    texts = [b"the film is good", b"a very bad film, not fun at all"]
    if list(input_names) == ["inputs"]:
        return {
            "inputs": strings(
                [example_of(**dict.fromkeys(bounds.text_names, text)) for text in texts]
            )
        }
    values = {name: strings(texts) for name in bounds.text_names}
    values |= dict(zip(_FEATURES, _features(bounds, rows=2, columns=9), strict=True))
    values["label_ids"] = np.zeros(2, np.int32)
    return {name: values[name] for name in input_names}


_MEGABYTE = b"the film is good. " * (2**20 // 18)
_TEXTS: dict[str, list[bytes]] = {
    "no rows": [],
    "an empty text": [b""],
    "white space": [b" \t\r\n \xc2\xa0\xe3\x80\x80"],
    "NUL": [b"\0", b"a\0b", b"\0" * 1000],
    "invalid UTF-8": [
        *(b"\xff\xfe", b"caf\xc3", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80"),
        *(b"a\x80" * 500, bytes(range(256))),
    ],
    "a row of 1 MB": [_MEGABYTE],
    "a row of 1 MB of invalid UTF-8": [b"\xff" * 2**20],
    "a row of 1 MB of Hangul": ["가각힣".encode() * (2**20 // 9)],
    "a word of 200,000 characters": [b"w" * 200_000],
    "a word of 200,000 ideographs": ["漢".encode() * 200_000],
    "200,000 punctuation marks": [b"!" * 200_000],
    "200,000 capital sigmas": ["Σ".encode() * 200_000],
    "5,000 rows": [b"the film is good", b""] * 2500,
    "5,000 rows, one of 1 MB": [b"a film"] * 2500 + [_MEGABYTE] + [b"bad"] * 2499,
}
# A request of another shape than [B]; REST sends the first for {"inputs": "a"}.
_WRONG_SHAPES: dict[str, Any] = {
    "a scalar": b"a",
    "a scalar without bytes": b"",
    "rank 2": [[b"a", b"b"], [b"c", b"d"]],
    "rank 2, one row": [[b"a", b"b"]],
    "rank 2, one column": [[b"a"]],
    "rank 2, nothing in it": np.empty([1, 0], object),
    "rank 3": [[[b"a"]]],
}


def _texts(bounds: Bounds) -> dict[str, list[bytes]]:
    # BertTokenizer's op has ICU bring combining marks into order by insertion, so that their
    # number counts squared: 65,000 take 2.4 s, a megabyte of them minutes.
    marks = 2**13 if bounds.tokenizer == "tensorflow_text" else 2**18
    return {**_TEXTS, f"{2 * marks} combining marks": [b"a" + "\u0301\u0316".encode() * marks]}


def _text_cases(bounds: Bounds) -> Iterator[tuple[str, Case]]:
    names = bounds.text_names
    for case, texts in _texts(bounds).items():
        yield case, Case({name: strings(texts) for name in names}, len(texts))
    for case, texts in _WRONG_SHAPES.items():
        wrong = strings(texts)
        yield case, Case(dict.fromkeys(names, wrong), INVALID_ARGUMENT)
        for name in names[1:]:
            inputs = {**dict.fromkeys(names, strings([b"a"])), name: wrong}
            yield f"{case}, in {name} only", Case(inputs, INVALID_ARGUMENT)
    for name in names[1:]:
        inputs = {**dict.fromkeys(names, strings([b"a", b"b"])), name: strings([b"a"])}
        yield "unequal numbers of texts", Case(inputs, INVALID_ARGUMENT)
        yield (
            "a long text beside an empty one",
            Case({**dict.fromkeys(names, strings([_MEGABYTE])), name: strings([b""])}, 1),
        )


def _example_cases(bounds: Bounds) -> Iterator[tuple[str, Case]]:
    names = bounds.text_names
    for case, texts in _texts(bounds).items():
        examples = strings([example_of(**dict.fromkeys(names, text)) for text in texts])
        yield case, Case({"inputs": examples}, len(texts))
    for case, value in _WRONG_SHAPES.items():
        yield case, Case({"inputs": strings(value)}, INVALID_ARGUMENT)
    numbers, two = Example(), Example()
    for name in names:
        numbers.features.feature[name].int64_list.value.append(1)
        two.features.feature[name].bytes_list.value.extend([b"a", b"b"])
    wrong = {
        "an example without its feature": b"",
        "an example that is none": b"\xff\xff\xff",
        "a number for a text": numbers.SerializeToString(),
        "two texts in a feature": two.SerializeToString(),
    }
    for case, example in wrong.items():
        inputs = {"inputs": strings([example_of(**dict.fromkeys(names, b"a")), example])}
        yield case, Case(inputs, INVALID_ARGUMENT)


_Features = tuple[np.ndarray, np.ndarray, np.ndarray]


def _features(bounds: Bounds, rows: int, columns: int) -> _Features:
    generator = np.random.default_rng(columns)
    ids = generator.integers(0, bounds.vocab_size, (rows, columns), np.int32)
    return ids, np.ones_like(ids), generator.integers(0, 2, (rows, columns), np.int32)


def _feature_cases(bounds: Bounds) -> Iterator[tuple[str, Case]]:
    def case(features: Sequence[np.ndarray], verdict: int | str) -> Case:
        return Case(dict(zip(_FEATURES, features, strict=True)), verdict)

    def changed(change: Callable[[_Features], Sequence[np.ndarray] | None]) -> Sequence[np.ndarray]:
        """Two rows of nine columns, changed in place or replaced."""
        features = _features(bounds, rows=2, columns=9)
        replaced = change(features)
        return features if replaced is None else replaced

    def put(index: int, value: int) -> Callable[[_Features], None]:
        def change(features: _Features) -> None:
            features[index][1, 4] = value

        return change

    def mask_out(columns: slice) -> Callable[[_Features], None]:
        def change(features: _Features) -> None:
            features[1][:, columns] = 0

        return change

    for name, columns in {
        "holes in the mask": slice(1, None, 3),
        "the first column masked": slice(0, 1),
        "an empty mask": slice(None),
    }.items():
        yield name, case(changed(mask_out(columns)), 2)
    yield "no rows", case(_features(bounds, rows=0, columns=9), 0)
    yield "5,000 rows", case(_features(bounds, rows=5000, columns=bounds.positions), 5000)

    for name, index, value in (
        ("an id above the vocabulary", 0, bounds.vocab_size),
        ("the largest id", 0, _LARGEST),
        ("a negative id", 0, -1),
        ("the smallest id", 0, _SMALLEST),
        ("a mask of 2", 1, 2),
        ("a negative mask", 1, -1),
        ("a segment above the table", 2, 2),
        ("a negative segment", 2, _SMALLEST),
    ):
        yield name, case(changed(put(index, value)), INVALID_ARGUMENT)
    wrong_shapes: dict[str, Callable[[_Features], Sequence[np.ndarray]]] = {
        "a short mask": lambda f: (f[0], f[1][:, 1:], f[2]),
        "a mask of fewer rows": lambda f: (f[0], f[1][1:], f[2]),
        "a mask that would broadcast": lambda f: (f[0], f[1][:, :1], f[2]),
        "long segments": lambda f: (f[0], f[1], np.tile(f[2], (1, 2))),
        "transposed segments": lambda f: (f[0], f[1], f[2].T),
        "no columns": lambda f: [feature[:, :0] for feature in f],
        "neither rows nor columns": lambda f: [feature[:0, :0] for feature in f],
        "a scalar": lambda f: [feature[0, 0] for feature in f],
        "rank 1": lambda f: [feature[0] for feature in f],
        "rank 3": lambda f: [feature[np.newaxis] for feature in f],
        "rank 1 in the mask only": lambda f: (f[0], f[1][0], f[2]),
    }
    for name, change in wrong_shapes.items():
        yield name, case(changed(change), INVALID_ARGUMENT)
    for width in (bounds.positions + 1, 100_000):
        features = _features(bounds, rows=2, columns=width)
        yield f"{width} columns", case(features, INVALID_ARGUMENT)
