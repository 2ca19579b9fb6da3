"""TF Serving's demands on a signature's outputs, as far as the signature alone shows them.

The rules are those of TF Serving 2.19's util/json_tensor.cc, servables/tensorflow/classifier.cc
and regressor.cc.
"""

from collections.abc import Iterator, Mapping

import tensorflow as tf
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef, TensorInfo

from exporter.check.findings import Finding, Severity
from exporter.contract import CLASSIFY_METHOD, EXAMPLES_INPUT, REGRESS_METHOD, REGRESS_OUTPUT

_JSON_DTYPES = frozenset(
    dtype.as_datatype_enum
    for dtype in (
        *(tf.bool, tf.string, tf.float32, tf.float64),
        *(tf.int8, tf.int16, tf.int32, tf.int64),
        *(tf.uint8, tf.uint16, tf.uint32, tf.uint64),
    )
)

# output -> dtype and possible ranks
_Outputs = Mapping[str, tuple[tf.DType, tuple[int, ...]]]
_CLASSIFY_OUTPUTS: _Outputs = {"classes": (tf.string, (2,)), "scores": (tf.float32, (2,))}
_REGRESS_OUTPUTS: _Outputs = {REGRESS_OUTPUT: (tf.float32, (1, 2))}


def signature_findings(name: str, signature: SignatureDef) -> Iterator[Finding]:
    """Faults in the shapes, dtypes and names of a signature."""
    for message in _rest_messages(signature):
        yield Finding(Severity.WARNING, "rest_output", message, (name,))
    for message in _method_messages(signature):
        yield Finding(Severity.WARNING, "classify_or_regress", message, (name,))


def rank(info: TensorInfo) -> int | None:
    """The number of dimensions, None where the signature does not say."""
    return None if info.tensor_shape.unknown_rank else len(info.tensor_shape.dim)


def fixed_rows(info: TensorInfo) -> int | None:
    """The size of the first dimension, None where the signature leaves it free."""
    if not rank(info) or info.tensor_shape.dim[0].size < 0:
        return None
    return info.tensor_shape.dim[0].size


def _rest_messages(signature: SignatureDef) -> Iterator[str]:
    if not signature.outputs:
        yield "it has no outputs, so REST has nothing to answer"
    fixed_inputs = {fixed_rows(info) for info in signature.inputs.values()}
    for name, info in sorted(signature.outputs.items()):
        if info.WhichOneof("encoding") != "name":
            yield f"the output {name!r} is no dense tensor, so no client gets it"
            continue
        if info.dtype not in _JSON_DTYPES:
            yield f"the output {name!r} is {_dtype_name(info)}, which REST cannot write"
        if rank(info) == 0:
            yield f"the output {name!r} is a scalar, so REST refuses every request in row format"
        fixed = fixed_rows(info)
        if fixed is not None and fixed not in fixed_inputs:
            yield (
                f"the output {name!r} has always {fixed} rows, so REST refuses a request in row "
                "format with another number of instances"
            )


def _method_messages(signature: SignatureDef) -> Iterator[str]:
    expected = {CLASSIFY_METHOD: _CLASSIFY_OUTPUTS, REGRESS_METHOD: _REGRESS_OUTPUTS}
    outputs = expected.get(signature.method_name)
    if outputs is not None:
        yield from _broken_rules(signature, outputs)
        return
    # By default a server looks at the names of inputs and outputs only.
    names = set(signature.outputs)
    if set(signature.inputs) != {EXAMPLES_INPUT} or not names:
        return
    for method, outputs in expected.items():
        if not names <= outputs.keys():
            continue
        yield from _broken_rules(signature, outputs)
        yield (
            f"its method is {signature.method_name!r}, not {method!r}, so a server with "
            "--enable_signature_method_name_check refuses it"
        )


def _broken_rules(signature: SignatureDef, outputs: _Outputs) -> Iterator[str]:
    told = " and ".join(outputs)
    if list(signature.inputs) != [EXAMPLES_INPUT]:
        yield f"its inputs are {sorted(signature.inputs)}, where its method takes one, 'inputs'"
    elif signature.inputs[EXAMPLES_INPUT].dtype != tf.string.as_datatype_enum:
        yield "its input 'inputs' is no string, where its method sends serialized tf.Examples"
    if not signature.outputs or not set(signature.outputs) <= outputs.keys():
        yield f"its outputs are {sorted(signature.outputs)}, where its method takes {told}"
        return
    for name, info in sorted(signature.outputs.items()):
        dtype, ranks = outputs[name]
        found = rank(info)
        if info.dtype != dtype.as_datatype_enum or found not in (None, *ranks):
            yield (
                f"its output {name!r} is {_dtype_name(info)} of rank {found}, where its "
                f"method takes {dtype.name} of rank {' or '.join(map(str, ranks))}"
            )


def _dtype_name(info: TensorInfo) -> str:
    try:
        return tf.as_dtype(info.dtype).name
    except TypeError:  # of another TensorFlow, or none at all
        return f"of dtype {info.dtype}"
