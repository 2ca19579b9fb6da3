"""JSON "examples" and "context" -> serialized tf.Examples, for classify and regress."""

import math
from typing import Any

import numpy as np
import tensorflow as tf

from exporter.preview.json_document import json_type, string_bytes
from exporter.preview.tensors import decode_base64, is_base64
from exporter.runtime.status import invalid_argument

_LARGEST_FLOAT = float(np.finfo(np.float32).max)


def examples_from_json(document: dict[str, Any]) -> list[bytes]:
    """The examples of a classify or regress request, each serialized.

    A feature takes its kind from its values: strings and {"b64": ...} make bytes, whole
    numbers and booleans int64, decimals float. The features under "context" are added to
    every example.

    Raises:
      StatusError: INVALID_ARGUMENT, where TF Serving 2.19's REST code has it.
    """
    context = b""
    if "context" in document:
        context = _example(document["context"]).SerializeToString()
    if "examples" not in document:
        raise invalid_argument("classify and regress expect the key 'examples'")
    examples = document["examples"]
    if not isinstance(examples, list):
        raise invalid_argument(f"expected a list under 'examples', got {json_type(examples)}")
    if not examples:
        raise invalid_argument("no values in 'examples'")
    # Joined messages parse as one message that has the fields of both.
    return [context + _example(example).SerializeToString() for example in examples]


def _example(features: Any) -> tf.train.Example:
    if not isinstance(features, dict):
        raise invalid_argument(f"an example must be an object, but it is {json_type(features)}")
    example = tf.train.Example()
    for name, content in features.items():
        feature = example.features.feature[string_bytes(name).decode("utf-8", "replace")]
        for value in content if isinstance(content, list) else [content]:
            _add(value, name, feature)
    return example


def _add(value: Any, name: str, feature: tf.train.Feature) -> None:
    if isinstance(value, bool | int):
        if value >= 2**63:
            raise invalid_argument(f"feature '{name}' holds {value}, which is no int64")
        _of_kind("int64_list", name, feature).value.append(int(value))
    elif isinstance(value, float):
        if math.isfinite(value) and abs(value) > _LARGEST_FLOAT:
            raise invalid_argument(f"feature '{name}' holds {value}, which is no float32")
        _of_kind("float_list", name, feature).value.append(value)
    elif isinstance(value, str):
        _of_kind("bytes_list", name, feature).value.append(string_bytes(value))
    elif is_base64(value):
        _of_kind("bytes_list", name, feature).value.append(decode_base64(value["b64"]))
    else:
        raise invalid_argument(f"feature '{name}' holds {json_type(value)}")


def _of_kind(kind: str, name: str, feature: tf.train.Feature) -> Any:
    present = feature.WhichOneof("kind")
    if present not in (None, kind):
        raise invalid_argument(f"feature '{name}' mixes {present} and {kind} values")
    return getattr(feature, kind)
