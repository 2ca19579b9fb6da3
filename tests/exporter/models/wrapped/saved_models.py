"""Small SavedModels that take features, of each kind that there is."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from tests.oracles.original_bert import load_modeling
from tests.tiny_model import TinyModel, tiny_tokens

RECIPE = ("input_ids", "input_mask", "segment_ids")
HUB = ("input_word_ids", "input_mask", "input_type_ids")
HUGGING_FACE = ("input_ids", "attention_mask", "token_type_ids")

CLASSES = 3
_WIDTH = 8
_POSITIONS = 512

_tf1 = tf.compat.v1

Outputs = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], Mapping[str, tf.Tensor]]
"""vectors of tokens [B, S, H], pooled vectors [B, H], logits [B, C] -> what a signature gives"""


def write_vocabulary(folder: Path, do_lower_case: bool = True) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "vocab.txt"
    file.write_text("".join(f"{token}\n" for token in tiny_tokens(do_lower_case)))
    return file


class TinyNetwork(tf.Module):
    """One layer of attention with weights so large that every token and segment counts."""

    def __init__(self, rows: int | None = None) -> None:
        """`rows` of the word embeddings; by default as many as the vocabulary has lines."""
        super().__init__()
        generator = np.random.default_rng(3)

        def variable(name: str, *shape: int) -> tf.Variable:
            values = generator.normal(scale=0.7, size=shape).astype(np.float32)
            return tf.Variable(values, name=name)

        rows = len(tiny_tokens()) if rows is None else rows
        self._words = variable("word_embeddings", rows, _WIDTH)
        self._positions = variable("position_embeddings", _POSITIONS, _WIDTH)
        self._types = variable("type_embeddings", 2, _WIDTH)
        self._pooler = variable("pooler", _WIDTH, _WIDTH)
        self._classes = variable("classes", _WIDTH, CLASSES)

    def __call__(self, ids: tf.Tensor, mask: tf.Tensor, types: tf.Tensor) -> list[tf.Tensor]:
        vectors = tf.gather(self._words, ids) + tf.gather(self._types, types)
        vectors += tf.gather(self._positions, tf.range(tf.shape(ids)[1]))
        scores = tf.matmul(vectors, vectors, transpose_b=True)  # [B, S, S]
        scores += (tf.cast(mask[:, tf.newaxis, :], tf.float32) - 1) * 1e4
        vectors += tf.matmul(tf.nn.softmax(scores), vectors)
        pooled = tf.tanh(tf.matmul(vectors[:, 0], self._pooler))
        return [vectors, pooled, tf.matmul(pooled, self._classes)]


def probabilities(vectors: tf.Tensor, pooled: tf.Tensor, logits: tf.Tensor) -> Mapping:
    return {"probabilities": tf.nn.softmax(logits)}


def logits_named(name: str) -> Outputs:
    return lambda vectors, pooled, logits: {name: logits}


def encoder(vectors: tf.Tensor, pooled: tf.Tensor, logits: tf.Tensor) -> Mapping:
    return {"default": pooled, "pooled_output": pooled, "sequence_output": vectors}


def write_saved_model(
    directory: Path,
    names: Sequence[str] = HUB,
    outputs: Outputs = encoder,
    *,
    dtype: tf.DType = tf.int32,
    length: int | None = None,
    vocabulary: Path | None = None,
    do_lower_case: bool | None = None,
    network: TinyNetwork | None = None,
    signature: str = "serving_default",
) -> Path:
    """A SavedModel of TensorFlow 2, with the attributes of TensorFlow Hub where they are given."""
    network = network or TinyNetwork()
    if vocabulary is not None:
        network.vocab_file = tf.saved_model.Asset(str(vocabulary))
    if do_lower_case is not None:
        network.do_lower_case = tf.Variable(do_lower_case, trainable=False)

    def serve(ids: tf.Tensor, mask: tf.Tensor, types: tf.Tensor) -> Mapping[str, tf.Tensor]:
        # Of the kinds that cannot be wrapped, one takes floats.
        integers = [tf.cast(values, tf.int64) for values in (ids, mask, types)]
        return outputs(*network(*integers))

    specs = [tf.TensorSpec([None, length], dtype, name=name) for name in names]
    function = tf.function(serve).get_concrete_function(*specs)
    tf.saved_model.save(network, str(directory), signatures={signature: function})
    return directory


def write_old_saved_model(
    directory: Path, tiny: TinyModel, length: int, *, use_resource: bool = False
) -> Path:
    """What the recipe of 2020 exported: the original modeling.py in a graph of TensorFlow 1."""
    modeling = load_modeling()
    config = modeling.BertConfig.from_json_file(str(tiny.directory / "bert_config.json"))
    graph = tf.Graph()
    with graph.as_default(), _tf1.variable_scope("", use_resource=use_resource):
        features = {name: _tf1.placeholder(tf.int32, [None, length], name) for name in RECIPE}
        label_ids = _tf1.placeholder(tf.int32, [None], "label_ids")
        model = modeling.BertModel(
            config=config,
            is_training=False,
            input_ids=features["input_ids"],
            input_mask=features["input_mask"],
            token_type_ids=features["segment_ids"],
            use_one_hot_embeddings=False,
        )
        weights = _tf1.get_variable("output_weights", [CLASSES, config.hidden_size])
        bias = _tf1.get_variable("output_bias", [CLASSES])
        logits = tf.matmul(model.get_pooled_output(), weights, transpose_b=True) + bias
        with _tf1.Session(graph=graph) as session:
            _tf1.train.Saver().restore(session, str(tiny.prefix))
            _tf1.saved_model.simple_save(
                session,
                str(directory),
                {**features, "label_ids": label_ids},
                {"output": tf.nn.softmax(logits)},
            )
    return directory


def answers_of(
    directory: Path, inputs: Mapping[str, np.ndarray], signature: str = "serving_default"
) -> dict[str, np.ndarray]:
    """What a SavedModel itself says of features."""
    with _tf1.Session(graph=tf.Graph()) as session:
        meta_graph = _tf1.saved_model.load(session, ["serve"], str(directory))
        definition = meta_graph.signature_def[signature]
        feeds = {definition.inputs[name].name: values for name, values in inputs.items()}
        outputs = {name: info.name for name, info in definition.outputs.items()}
        return session.run(outputs, feeds)
