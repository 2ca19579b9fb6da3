"""FeatureSignature: by which inputs a SavedModel takes tokens, and what it gives back."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import tensorflow as tf
from tensorflow.core.framework.tensor_shape_pb2 import TensorShapeProto
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef, TensorInfo

from bert.errors import UserError
from exporter.contract import (
    FEATURE_INPUTS,
    INPUT_IDS,
    INPUT_MASK,
    LABEL_IDS,
    SEGMENT_IDS,
    SERVING_DEFAULT,
)

# What models call each: google-research/bert, TensorFlow Hub and Model Garden, Hugging Face.
_NAMES = {
    INPUT_IDS: INPUT_IDS,
    "input_word_ids": INPUT_IDS,
    INPUT_MASK: INPUT_MASK,
    "attention_mask": INPUT_MASK,
    SEGMENT_IDS: SEGMENT_IDS,
    "input_type_ids": SEGMENT_IDS,
    "token_type_ids": SEGMENT_IDS,
    LABEL_IDS: LABEL_IDS,
}


@dataclasses.dataclass(frozen=True)
class FeatureInput:
    """One input of the model."""

    name: str
    tensor: str
    dtype: tf.DType


@dataclasses.dataclass(frozen=True)
class FeatureSignature:
    """A signature that takes features."""

    name: str
    inputs: Mapping[str, FeatureInput]
    """by what they mean: the three FEATURE_INPUTS, and LABEL_IDS where the model asks for them"""

    outputs: Mapping[str, str]
    """name -> tensor, of those that are floats"""

    length: int | None
    """the number of columns, None where any number is taken"""

    def to_json(self) -> dict[str, object]:
        """What an export says of it."""
        return {
            "signature": self.name,
            "inputs": {
                meaning: {"name": given.name, "dtype": given.dtype.name}
                for meaning, given in self.inputs.items()
            },
            "outputs": sorted(self.outputs),
            "length": self.length,
        }


def find_signature(
    signatures: Mapping[str, SignatureDef], directory: str | Path
) -> FeatureSignature:
    """The signature that takes features: `serving_default`, else the only one that does.

    Raises:
      UserError: there is none, or several, or its inputs have types or shapes that cannot be
        filled.
    """
    fitting = [name for name, signature in signatures.items() if _takes_features(signature)]
    if SERVING_DEFAULT in fitting:
        fitting = [SERVING_DEFAULT]
    if not fitting:
        found = "; ".join(
            f"{name} takes {', '.join(sorted(signature.inputs)) or 'nothing'}"
            for name, signature in sorted(signatures.items())
            if not name.startswith("__saved_model")
        )
        raise UserError(
            f"--checkpoint {directory} is a SavedModel without a signature that takes the features "
            f"of BERT and nothing else ({found or 'it has none'}): expected are input_ids or "
            "input_word_ids, input_mask or attention_mask, and segment_ids, input_type_ids or "
            "token_type_ids."
        )
    if len(fitting) > 1:
        raise UserError(
            f"--checkpoint {directory} is a SavedModel of which {len(fitting)} signatures take "
            f"features ({', '.join(sorted(fitting))}) and none of them is {SERVING_DEFAULT}: "
            f"export it with one of them as {SERVING_DEFAULT}."
        )
    (name,) = fitting
    return _read(name, signatures[name], directory)


def _takes_features(signature: SignatureDef) -> bool:
    meanings = [_NAMES.get(name) for name in signature.inputs]
    return sorted(filter(None, meanings)) in (
        sorted(FEATURE_INPUTS),
        sorted([*FEATURE_INPUTS, LABEL_IDS]),
    ) and len(meanings) == len(list(filter(None, meanings)))


def _read(name: str, signature: SignatureDef, directory: str | Path) -> FeatureSignature:
    inputs, lengths = {}, {}
    for key, info in signature.inputs.items():
        meaning = _NAMES[key]
        dtype = tf.as_dtype(info.dtype)
        rank = 1 if meaning == LABEL_IDS else 2
        sizes = _sizes(info.tensor_shape, rank)
        if dtype not in (tf.int32, tf.int64) or sizes is None or sizes[0] is not None:
            raise UserError(
                f"--checkpoint {directory}: input {key!r} of the signature {name} is "
                f"{_shown(info)}, where int32 or int64 with {rank} dimensions, the first of them "
                "free, is expected: export the model with such an input."
            )
        inputs[meaning] = FeatureInput(key, info.name, dtype)
        if rank == 2:
            lengths[key] = sizes[1]
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{key} {length or 'any'}" for key, length in sorted(lengths.items()))
        raise UserError(
            f"--checkpoint {directory}: the inputs of the signature {name} differ in their number "
            f"of columns ({told}), where equal ones are expected: export the model with inputs of "
            "one length."
        )
    outputs = {
        key: info.name
        for key, info in sorted(signature.outputs.items())
        if tf.as_dtype(info.dtype).is_floating
    }
    return FeatureSignature(name, inputs, outputs, next(iter(lengths.values())))


def _sizes(shape: TensorShapeProto, rank: int) -> list[int | None] | None:
    """The sizes, None for free ones; None where the rank is another one."""
    if shape.unknown_rank:
        return [None] * rank
    if len(shape.dim) != rank:
        return None
    return [dimension.size if dimension.size >= 0 else None for dimension in shape.dim]


def _shown(info: TensorInfo) -> str:
    shape = info.tensor_shape
    sizes = (
        "?"
        if shape.unknown_rank
        else ", ".join(
            str(dimension.size) if dimension.size >= 0 else "any" for dimension in shape.dim
        )
    )
    return f"{tf.as_dtype(info.dtype).name} [{sizes}]"
