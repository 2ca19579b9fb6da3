"""Small SavedModels for the preview's tests, of core string ops only."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

LABELS = ("neg", "neu", "pos")


def _text_spec(name: str) -> tf.TensorSpec:
    return tf.TensorSpec([None], tf.string, name=name)


def save_classifier(directory: Path, bias: float = 0.0) -> Path:
    """Saves text -> probabilities [B, 3], with `classify`, `regress` and typed signatures.

    `bias` makes the answers of two versions differ.
    """
    module = tf.Module()
    module.bias = tf.Variable(bias, dtype=tf.float32)

    def probabilities(text: tf.Tensor) -> tf.Tensor:
        text = tf.ensure_shape(text, [None])
        length = tf.cast(tf.strings.length(text), tf.float32)
        return tf.nn.softmax(tf.stack([length, 0.5 * length, 0.1 * length + module.bias], axis=1))

    @tf.function(input_signature=[_text_spec("text")])
    def predict(text: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"probabilities": probabilities(text)}

    def parsed(serialized: tf.Tensor) -> tf.Tensor:
        features = {"text": tf.io.FixedLenFeature([], tf.string)}
        return probabilities(tf.io.parse_example(serialized, features)["text"])

    @tf.function(input_signature=[_text_spec("inputs")])
    def classify(inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        scores = parsed(inputs)
        classes = tf.tile(tf.constant([LABELS]), [tf.shape(scores)[0], 1])
        return {"classes": classes, "scores": scores}

    @tf.function(input_signature=[_text_spec("inputs")])
    def regress(inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"outputs": parsed(inputs)[:, 2]}

    numeric = {
        "i32": tf.int32,
        "i64": tf.int64,
        "u8": tf.uint8,
        "f32": tf.float32,
        "f64": tf.float64,
        "flag": tf.bool,
    }

    def echo(dtype: tf.DType) -> tf.types.experimental.PolymorphicFunction:
        specification = tf.TensorSpec(None, dtype, name="x")
        return tf.function(lambda x: {"y": tf.identity(x)}, input_signature=[specification])

    module.predict, module.classify, module.regress = predict, classify, regress
    signatures = {"serving_default": predict, "classify": classify, "regress": regress}
    signatures |= {name: echo(dtype) for name, dtype in numeric.items()}
    signatures["half"] = tf.function(
        lambda x: {"y": tf.cast(x, tf.float16)},
        input_signature=[tf.TensorSpec([None], tf.float32, name="x")],
    )
    tf.saved_model.save(module, str(directory), signatures=signatures)
    return directory


def save_odd_outputs(directory: Path) -> Path:
    """Saves the signatures of the `alias` model in the recorded answers of the real server."""

    def signature(outputs: Callable[..., Any], *names: str) -> Any:
        specs = [_text_spec(name) for name in names or ("text",)]
        return tf.function(outputs, input_signature=specs)

    def third(text: tf.Tensor) -> tf.Tensor:
        return tf.cast(tf.strings.length(text), tf.float32) / 3

    def nonfinite(text: tf.Tensor) -> dict[str, tf.Tensor]:
        number = third(text)
        values = [number / 0.0, -number / 0.0, number - number + float("nan"), number]
        return {"values": tf.stack(values, axis=1)}

    signatures = {
        "serving_default": signature(
            lambda text: {
                "label": tf.strings.upper(text),
                "label_bytes": tf.strings.upper(text),
                "n": third(text),
            }
        ),
        "one": signature(lambda text: {"label": tf.strings.upper(text)}),
        "one_bytes": signature(lambda text: {"label_bytes": tf.strings.upper(text)}),
        "fixed": signature(lambda text: {"classes": tf.constant(["neg", "pos"]), "n": third(text)}),
        "scalar": signature(lambda text: {"n": tf.reduce_sum(third(text))}),
        "nonfin": signature(nonfinite),
        "in_bytes": signature(
            lambda text_bytes: {"label": tf.strings.upper(text_bytes)}, "text_bytes"
        ),
        "pair": signature(lambda a, b: {"joined": tf.strings.join([a, b], "|")}, "a", "b"),
    }
    tf.saved_model.save(tf.Module(), str(directory), signatures=signatures)
    return directory


def text_record(text: bytes, signature: str = "", name: str = "text") -> PredictionLog:
    """Returns a warm-up record that sends one text to a predict signature."""
    record = PredictionLog()
    request = record.predict_log.request
    request.model_spec.signature_name = signature
    request.inputs[name].CopyFrom(tf.make_tensor_proto([text]))
    return record


def write_warmup(directory: Path, records: Iterable[PredictionLog | bytes]) -> Path:
    """Writes warm-up records beside a SavedModel and returns their file."""
    path = directory / "assets.extra" / "tf_serving_warmup_requests"
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record if isinstance(record, bytes) else record.SerializeToString())
    return path
