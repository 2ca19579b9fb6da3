"""A SavedModel of the original modeling.py: features of padded rows in, probabilities out.

    python -m tests.programs.benchmarks.inference.contestants.build_padded_graph \
        CHECKPOINT OUTPUT [LENGTH]

With LENGTH the input has that many columns, as the recipes of 2020 exported it.
"""

import shutil
import sys
from pathlib import Path

import tensorflow as tf

from bert.checkpoints import ReadOptions, read
from bert.config import GELU_ERF
from bert.variables import OUTPUT_BIAS, OUTPUT_WEIGHTS
from tests.oracles.original_bert import load_modeling

_tf1 = tf.compat.v1


def build_padded_graph(checkpoint: Path, output_dir: Path, length: int | None) -> None:
    model = read(checkpoint, ReadOptions())
    config = model.config
    if config.hidden_act != GELU_ERF:
        raise ValueError(f"the activation is {config.hidden_act}")
    modeling = load_modeling()
    original_config = modeling.BertConfig(
        vocab_size=config.vocab_size,
        hidden_size=config.hidden_size,
        num_hidden_layers=config.num_hidden_layers,
        num_attention_heads=config.num_attention_heads,
        intermediate_size=config.intermediate_size,
        # By name this is the tanh form; the first releases had the erf form.
        hidden_act=lambda x: x * 0.5 * (1.0 + tf.math.erf(x / tf.sqrt(2.0))),
        max_position_embeddings=config.max_position_embeddings,
        type_vocab_size=config.type_vocab_size,
    )
    with tf.Graph().as_default(), _tf1.Session() as session:
        features = {
            name: _tf1.placeholder(tf.int32, [None, length], name)
            for name in ("input_ids", "input_mask", "segment_ids")
        }
        bert = modeling.BertModel(
            config=original_config,
            is_training=False,
            input_ids=features["input_ids"],
            input_mask=features["input_mask"],
            token_type_ids=features["segment_ids"],
            use_one_hot_embeddings=False,
        )
        # run_classifier.py, create_model
        weights = _tf1.get_variable(OUTPUT_WEIGHTS, model.weights[OUTPUT_WEIGHTS].shape)
        bias = _tf1.get_variable(OUTPUT_BIAS, model.weights[OUTPUT_BIAS].shape)
        logits = tf.matmul(bert.get_pooled_output(), weights, transpose_b=True)
        probabilities = tf.nn.softmax(tf.nn.bias_add(logits, bias), axis=-1)
        for variable in _tf1.global_variables():
            variable.load(model.weights[variable.op.name], session)
        signature = _tf1.saved_model.predict_signature_def(features, {"output": probabilities})
        builder = _tf1.saved_model.Builder(str(output_dir))
        builder.add_meta_graph_and_variables(
            session, ["serve"], signature_def_map={"serving_default": signature}
        )
        builder.save()
    (output_dir / "assets").mkdir()
    shutil.copy(checkpoint / "vocab.txt", output_dir / "assets")


if __name__ == "__main__":
    build_padded_graph(
        Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else None
    )
