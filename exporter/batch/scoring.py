"""Texts through a signature: in calls of rows of similar length, none lost to another's fault.

A call holds rows that follow each other in length, as many as fill some of the groups that the
encoder makes of a request (bert/encoder/row_groups.py), so that only a call's last group is short.
"""

import dataclasses
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from exporter.batch.model import Model
from exporter.contract import TOKENIZE
from exporter.runtime.servable import Servable
from exporter.runtime.status import StatusError

# Sixteen of the encoder's groups.
TOKENS_PER_CALL = 65_536
ROWS_PER_CALL = 4_096
_BYTES_PER_CALL = 4 * TOKENS_PER_CALL
_MASK = "input_mask"

Texts = tuple[bytes, ...]
"""The texts of one row, in the order of the signature's inputs."""


@dataclasses.dataclass
class Answers:
    """What a signature says of some rows.

    `outputs` has an array or list over the rows in `rows`, which are numbered as they came;
    the others are in `failures`.
    """

    rows: list[int]
    outputs: dict[str, np.ndarray | list[np.ndarray]]
    failures: dict[int, str]
    tokens: int
    seconds: float
    """In the session"""


def score(servable: Servable, model: Model, texts: Sequence[Texts]) -> Answers:
    """Runs the model's signature on every row; answers come in the order of the rows."""
    start = time.perf_counter()
    lengths = np.array([sum(map(len, row)) for row in texts], dtype=np.int64)
    budget, tokens = _BYTES_PER_CALL, 0
    if model.counts_tokens and len(texts):
        try:
            lengths = _token_counts(servable, model, texts, np.argsort(lengths, kind="stable"))
            budget, tokens = TOKENS_PER_CALL, int(lengths.sum())
        except StatusError:
            pass  # a row at fault: found below, and bytes serve as well for the order
    parts: list[tuple[np.ndarray, Mapping[str, np.ndarray]]] = []
    failures: dict[int, str] = {}
    for call in _calls(lengths, np.argsort(lengths, kind="stable"), budget):
        parts.extend(_answered(servable, model, texts, call, failures))
    seconds = time.perf_counter() - start
    order = np.concatenate([rows for rows, _ in parts]) if parts else np.empty(0, dtype=np.int64)
    places = np.argsort(order, kind="stable")
    outputs = {
        output.name: _merged([outputs for _, outputs in parts], output.name, places, output.shape)
        for output in model.outputs
    }
    return Answers(order[places].tolist(), outputs, failures, tokens, seconds)


def _calls(lengths: np.ndarray, order: np.ndarray, budget: int) -> Iterator[np.ndarray]:
    """Cuts `order` into the rows of one call after the other."""
    start, filled = 0, 0
    for place, row in enumerate(order):
        length = int(lengths[row])
        if place > start and (filled + length > budget or place - start >= ROWS_PER_CALL):
            yield order[start:place]
            start, filled = place, 0
        filled += length
    if start < len(order):
        yield order[start:]


def _token_counts(
    servable: Servable, model: Model, texts: Sequence[Texts], order: np.ndarray
) -> np.ndarray:
    """Tokens of each row: int64 [B]."""
    counts = np.empty(len(texts), dtype=np.int64)
    bytes_of_rows = np.array([sum(map(len, row)) for row in texts])
    for call in _calls(bytes_of_rows, order, _BYTES_PER_CALL):
        inputs = _inputs(model, texts, call)
        counts[call] = servable.predict(TOKENIZE, inputs, [_MASK])[_MASK].sum(axis=1)
    return counts


def _answered(
    servable: Servable,
    model: Model,
    texts: Sequence[Texts],
    rows: np.ndarray,
    failures: dict[int, str],
) -> Iterable[tuple[np.ndarray, Mapping[str, np.ndarray]]]:
    """The answers of a call; if the model refuses it, of its halves, down to the row at fault."""
    try:
        outputs = servable.predict(model.signature, _inputs(model, texts, rows))
        for name, array in outputs.items():
            if array.ndim == 0 or len(array) != len(rows):
                failure = f"output '{name}' has shape {list(array.shape)} for {len(rows)} rows"
                failures.update(dict.fromkeys(rows.tolist(), failure))
                return
        yield rows, outputs
    except StatusError as error:
        if len(rows) == 1:
            failures[int(rows[0])] = f"the model refuses it: {' '.join(error.message.split())}"
            return
        middle = len(rows) // 2
        for half in (rows[:middle], rows[middle:]):
            yield from _answered(servable, model, texts, half, failures)


def _inputs(model: Model, texts: Sequence[Texts], rows: np.ndarray) -> dict[str, np.ndarray]:
    inputs = {}
    for place, name in enumerate(model.inputs):
        column = np.empty(len(rows), dtype=object)
        column[:] = [texts[row][place] for row in rows]
        inputs[name] = column
    return inputs


def _merged(
    parts: Sequence[Mapping[str, np.ndarray]],
    name: str,
    places: np.ndarray,
    shape: tuple[int | None, ...],
) -> np.ndarray | list[np.ndarray]:
    """One output of all calls, in the order of the rows and without a call's padding."""
    if not parts:
        return np.empty((0, *(size or 0 for size in shape)), dtype=object)
    if not shape or shape[0] is not None:
        return np.concatenate([part[name] for part in parts])[places]
    rows: list[np.ndarray] = []
    for part in parts:
        rows.extend(row[:size] for row, size in zip(part[name], _sizes(part), strict=True))
    return [rows[place] for place in places]


def _sizes(outputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """How many of a row's values are not there only because another row has more."""
    if "count" in outputs:
        return outputs["count"]
    if _MASK in outputs:
        return outputs[_MASK].sum(axis=1)
    if "tokens" in outputs:
        return (outputs["tokens"] != b"").sum(axis=1)
    array = next(array for array in outputs.values() if array.ndim > 1)
    return np.full(len(array), array.shape[1])
