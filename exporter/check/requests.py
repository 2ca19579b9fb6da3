"""The requests that an audit sends to every signature: ordinary, wrongly shaped, hostile."""

import dataclasses
from collections.abc import Iterator, Mapping

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.tensor_shape_pb2 import TensorShapeProto
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from exporter.check.signature_rules import rank

_ORDINARY = "an ordinary request"
_NUM_ROWS = 3
_FREE_DIMENSION = 2

# The dtypes that a client can send over REST.
_DTYPES = frozenset(
    dtype.as_datatype_enum
    for dtype in (
        *(tf.bool, tf.string, tf.float32, tf.float64),
        *(tf.int8, tf.int32, tf.int64, tf.uint8, tf.uint32, tf.uint64),
    )
)

_TEXTS = {
    "an empty text": b"",
    "a NUL byte": b"a\0b",
    "bytes that are not UTF-8": b"a\xff\xc3( \xed\xa0\x80 b",
    "a word of 10,000 letters": b"x" * 10_000,
    "texts in other scripts": "ἀλφα 漢字 🙂 ½ é".encode(),
}

# REST makes these shapes of `{"inputs": ...}` and of an element of "instances"; TF Serving passes
# each of them on to the graph.
_SHAPES = {
    "a scalar": (),
    "a vector": (2,),
    "[[]]": (1, 0),
    '[["a", "b"]]': (1, 2),
    "a matrix": (2, 2),
    "three levels of lists": (1, 1, 1),
}


@dataclasses.dataclass(frozen=True)
class Request:
    """One request to one signature."""

    signature: str
    description: str
    inputs: Mapping[str, np.ndarray]
    rows: int | None
    """how many instances it has in row format; None where its inputs differ in their rows"""

    wrong_shape: bool = False
    """whether no input has the rank that the signature declares"""

    @property
    def ordinary(self) -> bool:
        """Whether a client would send it."""
        return self.description == _ORDINARY


def requests(name: str, signature: SignatureDef) -> Iterator[Request]:
    """The requests to a signature, the ordinary one first."""
    enums = {key: info.dtype for key, info in signature.inputs.items()}
    if not enums or not _DTYPES.issuperset(enums.values()):
        return
    dtypes = {key: tf.as_dtype(enum) for key, enum in enums.items()}
    shapes = {key: info.tensor_shape for key, info in signature.inputs.items()}
    for rows in (_NUM_ROWS, 0):
        inputs = {key: _filled(dtypes[key], _with_rows(shapes[key], rows)) for key in dtypes}
        # A signature may fix its number of rows.
        sent = {len(values) if values.ndim else None for values in inputs.values()}
        description = "no rows" if sent == {0} else _ORDINARY
        yield Request(name, description, inputs, sent.pop() if len(sent) == 1 else None)
    ranks = {rank(info) for info in signature.inputs.values()}
    for description, shape in _SHAPES.items():
        if len(shape) not in ranks:
            inputs = {key: _filled(dtype, shape) for key, dtype in dtypes.items()}
            rows_sent = shape[0] if shape else None
            yield Request(name, description, inputs, rows_sent, None not in ranks)
    if set(dtypes.values()) == {tf.string} and ranks <= {1, None}:
        for description, text in _TEXTS.items():
            inputs = {key: np.array([text], object) for key in dtypes}
            yield Request(name, description, inputs, 1)


def _with_rows(shape: TensorShapeProto, rows: int) -> tuple[int, ...]:
    """A shape that the signature declares, with `rows` where it leaves the first size free.

    [None, None] with 3 rows -> (3, 2); [5, 7] -> (5, 7); of unknown rank -> (3,).
    """
    if shape.unknown_rank:
        return (rows,)
    sizes = [dimension.size for dimension in shape.dim]
    return tuple(
        size if size >= 0 else (_FREE_DIMENSION if axis else rows)
        for axis, size in enumerate(sizes)
    )


def _filled(dtype: tf.DType, shape: tuple[int, ...]) -> np.ndarray:
    if dtype == tf.string:
        return np.full(shape, b"a", object)
    # The value 1 is an id that every vocabulary has, and a mask that hides nothing.
    return np.ones(shape, dtype.as_numpy_dtype)
