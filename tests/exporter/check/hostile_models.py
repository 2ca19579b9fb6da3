"""SavedModels that harm whoever runs them without bounds."""

from collections.abc import Callable
from pathlib import Path

import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from exporter.contract import GRAPH_FILE

Answer = Callable[[tf.Tensor], tf.Tensor]


def save(directory: Path, *answers: Answer) -> Path:
    """A model with one signature for each function of `text`, string [B]."""
    module = tf.Module()
    names = ["serving_default", *(f"signature_{number}" for number in range(1, len(answers)))]
    signatures = dict(zip(names, map(_function, answers), strict=True))
    module.functions = list(signatures.values())
    tf.saved_model.save(module, str(directory), signatures=signatures)
    return directory


def _function(answer: Answer) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
    return tf.function(
        lambda text: {"x": answer(text)}, input_signature=[tf.TensorSpec([None], tf.string, "text")]
    )


def lengths(text: tf.Tensor) -> tf.Tensor:
    """An answer without any harm."""
    return tf.strings.length(text)


def endless(text: tf.Tensor) -> tf.Tensor:
    """A loop without end."""
    (last,) = tf.while_loop(
        lambda i: i >= 0, lambda i: [tf.math.floormod(i + 1, 1_000_000)], [tf.constant(0)]
    )
    return tf.strings.length(text) + last


def enormous(text: tf.Tensor) -> tf.Tensor:
    """A tensor of 160 GB, which no constant folding makes beforehand."""
    ones = tf.fill([40_000_000_000 + tf.size(text, tf.int64)], 1.0)
    return tf.strings.length(text) + tf.cast(tf.reduce_sum(ones), tf.int32)


def writer(file: Path) -> Answer:
    """Writes a file whenever it is asked."""

    def answer(text: tf.Tensor) -> tf.Tensor:
        with tf.control_dependencies([tf.io.write_file(str(file), "x")]):
            return tf.strings.length(text)

    return answer


def write_when_loaded(directory: Path, file: Path) -> None:
    """Makes the initialisation of a saved model write a file."""
    path = directory / GRAPH_FILE
    saved_model = SavedModel.FromString(path.read_bytes())
    graph = saved_model.meta_graphs[0].graph_def
    for name, value in (("where", str(file).encode()), ("what", b"x")):
        node = graph.node.add(name=name, op="Const")
        node.attr["dtype"].type = tf.string.as_datatype_enum
        node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value))
    graph.node.add(name="write", op="WriteFile", input=["where", "what"])
    (output,) = saved_model.meta_graphs[0].signature_def["__saved_model_init_op"].outputs.values()
    output.name = "write"
    path.write_bytes(saved_model.SerializeToString())
