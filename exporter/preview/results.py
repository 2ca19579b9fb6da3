"""Output tensors, classifications and regressions -> the JSON text of an answer."""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from exporter.runtime.status import Code, StatusError, invalid_argument


def predictions_json(outputs: Mapping[str, np.ndarray], in_rows: bool) -> str:
    """The answer to a predict request, from output tensors by name.

    One output gives bare values, several give objects:

        {"scores": [0.5, 2]}, in rows -> {"predictions": [0.5, 2.0]}
        {"a": [1, 2], "b": [3, 4]}, in rows -> {"predictions": [{"a": 1, "b": 3}, {"a": 2, "b": 4}]}

    Floats are written in the shortest form that reads back as the same value. Strings are UTF-8,
    or base64 where the name ends in `_bytes`.

    Raises:
      StatusError: INVALID_ARGUMENT where the outputs differ in their first dimension in row
        format, or JSON cannot express a dtype, as in TF Serving 2.19. INTERNAL for NaN, Infinity
        and bytes that are not UTF-8: that server writes them unchanged, and its answer is not JSON.
    """
    if not outputs:
        raise invalid_argument("the signature has no outputs")
    if in_rows:
        return f'{{"predictions": {_rows(outputs)}}}'
    columns = {name: _folded(name, array, outer=0)[0] for name, array in outputs.items()}
    if len(columns) == 1:
        return f'{{"outputs": {next(iter(columns.values()))}}}'
    return f'{{"outputs": {_object(columns)}}}'


def classifications_json(classifications: Sequence[Sequence[tuple[bytes, float]]]) -> str:
    """The answer to a classify request: for each example, [label, score] pairs."""
    rows = []
    for classes in classifications:
        labels = [_text("classes", label) for label, _ in classes]
        scores = _numbers("scores", np.array([score for _, score in classes], np.float32))
        rows.append(
            _list(f"[{label}, {score}]" for label, score in zip(labels, scores, strict=True))
        )
    return f'{{"results": {_list(rows)}}}'


def regressions_json(values: np.ndarray) -> str:
    """The answer to a regress request, from float32 [n]."""
    return f'{{"results": {_list(_numbers("outputs", values))}}}'


def _rows(outputs: Mapping[str, np.ndarray]) -> str:
    for name, array in outputs.items():
        if array.ndim == 0:
            raise invalid_argument(f"output '{name}' is a scalar: it has no rows")
    lengths = {name: len(array) for name, array in outputs.items()}
    if len(set(lengths.values())) > 1:
        raise invalid_argument(f"the outputs differ in their number of rows: {lengths}")
    columns = {name: _folded(name, array, outer=1) for name, array in outputs.items()}
    if len(columns) == 1:
        return _list(next(iter(columns.values())))
    rows = zip(*columns.values(), strict=True)
    return _list(_object(dict(zip(columns, row, strict=True))) for row in rows)


def _folded(name: str, array: np.ndarray, outer: int) -> list[str]:
    """The JSON texts of the parts of `array` under its first `outer` dimensions.

    [[1, 2], [3, 4]] with outer=0 -> ["[[1, 2], [3, 4]]"], with outer=1 -> ["[1, 2]", "[3, 4]"].
    """
    texts = _leaves(name, array)
    # From the inside out: the leaves of the last dimension become lists, then those lists.
    for axis in reversed(range(outer, array.ndim)):
        size = array.shape[axis]
        if size:
            texts = [_list(texts[i : i + size]) for i in range(0, len(texts), size)]
        else:
            # No leaf is left to count the empty lists by; the outer dimensions give their number.
            texts = ["[]"] * int(np.prod(array.shape[:axis], dtype=np.int64))
    return texts


def _leaves(name: str, array: np.ndarray) -> list[str]:
    if array.dtype == object:
        if name.endswith("_bytes"):
            return [f'{{"b64": "{base64.b64encode(leaf).decode()}"}}' for leaf in array.flat]
        return [_text(name, leaf) for leaf in array.flat]
    return _numbers(name, array)


def _numbers(name: str, array: np.ndarray) -> list[str]:
    if array.dtype in (np.float32, np.float64):
        if not np.isfinite(array).all():
            raise StatusError(
                Code.INTERNAL, f"output '{name}' holds NaN or Infinity, for which JSON has no form"
            )
        return array.ravel().astype("U32").tolist()
    if array.dtype == np.bool_:
        return ["true" if leaf else "false" for leaf in array.flat]
    if array.dtype.kind in "iu":
        return [str(leaf) for leaf in array.ravel().tolist()]
    raise invalid_argument(f"output '{name}' is of {array.dtype}, which cannot be written as JSON")


def _text(name: str, value: bytes) -> str:
    try:
        return json.dumps(value.decode("utf-8"), ensure_ascii=False)
    except UnicodeDecodeError:
        raise StatusError(
            Code.INTERNAL,
            f"output '{name}' holds bytes that are not UTF-8, for which JSON has no form "
            "(an output whose name ends in '_bytes' is sent in base64)",
        ) from None


def _list(values: Iterable[str]) -> str:
    return f"[{', '.join(values)}]"


def _object(members: Mapping[str, str]) -> str:
    return f"{{{', '.join(f'{json.dumps(name)}: {value}' for name, value in members.items())}}}"
