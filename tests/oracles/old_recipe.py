"""The recipe that deployments of BERT followed in 2020, run to its end, and its client.

    python tests/oracles/old_recipe.py WHEEL_CONTENT OUTPUT_DIR REQUEST.json

Runs in an environment of its own, on TensorFlow 2.15.1, the last with Estimator, and imports
nothing of this project. WHEEL_CONTENT holds the original's package `bert`. REQUEST.json names
a checkpoint to start from, its configuration and vocabulary, sentences with labels to train
on, and texts. OUTPUT_DIR gets two exports, which differ in what their one output is called, and
RECIPE.npz: the features of the texts by the original's tokenizer, and `probabilities`, what the
export answered on them.
"""

import json
import sys
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow.compat.v1 as tf

MAX_SEQ_LENGTH = 256
_FEATURES = ("input_ids", "input_mask", "segment_ids")
_BATCH = 8


def _layer_norm(
    inputs: tf.Tensor, begin_norm_axis: int, begin_params_axis: int, scope: str | None
) -> tf.Tensor:
    """tf.contrib.layers.layer_norm over the last axis, its epsilon 1e-12."""
    assert begin_norm_axis == begin_params_axis == -1
    with tf.variable_scope(scope, default_name="LayerNorm"):
        width = [inputs.shape[-1]]
        beta = tf.get_variable("beta", width, initializer=tf.zeros_initializer())
        gamma = tf.get_variable("gamma", width, initializer=tf.ones_initializer())
        mean, variance = tf.nn.moments(inputs, [-1], keep_dims=True)
        return tf.nn.batch_normalization(inputs, mean, variance, beta, gamma, 1e-12)


def import_original(wheel_content: str) -> tuple[types.ModuleType, types.ModuleType]:
    """The original's run_classifier and tokenization; tf.contrib is gone since TensorFlow 2."""
    contrib = types.ModuleType("tensorflow.contrib")
    contrib.layers = types.SimpleNamespace(layer_norm=_layer_norm)  # type: ignore[attr-defined]
    sys.modules[contrib.__name__] = contrib
    sys.path.insert(0, wheel_content)
    from bert import run_classifier, tokenization  # type: ignore[attr-defined]

    # tokenization.py reads one of its flags, --preserve_unused_tokens, which is off.
    tf.flags.FLAGS(["recipe"], known_only=True)
    return run_classifier, tokenization


def serving_input_fn() -> Any:
    """The recipe's: features of one fixed length, and label ids that nobody has."""
    features = {
        name: tf.placeholder(tf.int32, [None, MAX_SEQ_LENGTH], name=name) for name in _FEATURES
    }
    label_ids = tf.placeholder(tf.int32, [None], name="label_ids")
    return tf.estimator.export.build_raw_serving_input_receiver_fn(
        {"label_ids": label_ids, **features}
    )()


def _one_output(model_fn: Callable[..., Any]) -> Callable[..., Any]:
    """The model_fn of the first releases, whose prediction was the tensor alone.

    Estimator calls such an output `output`.
    """

    def one_output(features: Any, labels: Any, mode: str, params: Any) -> Any:
        spec = model_fn(features, labels, mode, params)
        if mode != tf.estimator.ModeKeys.PREDICT:
            return spec
        probabilities = spec.predictions["probabilities"]
        return tf.estimator.tpu.TPUEstimatorSpec(mode=mode, predictions=probabilities)

    return one_output


def main(wheel_content: str, output_dir: str, request_file: str) -> None:
    tf.disable_v2_behavior()
    run_classifier, tokenization = import_original(wheel_content)
    request: Mapping[str, Any] = json.loads(Path(request_file).read_text(encoding="utf-8"))
    labels: list[str] = request["labels"]
    tokenizer = tokenization.FullTokenizer(request["vocab_file"], do_lower_case=True)

    def features_of(rows: list[tuple[str, str]]) -> list[Any]:
        examples = [
            run_classifier.InputExample(guid=str(index), text_a=text, label=label)
            for index, (text, label) in enumerate(rows)
        ]
        return run_classifier.convert_examples_to_features(
            examples, labels, MAX_SEQ_LENGTH, tokenizer
        )

    model_fn = run_classifier.model_fn_builder(
        bert_config=run_classifier.modeling.BertConfig.from_json_file(request["config_file"]),
        num_labels=len(labels),
        init_checkpoint=request["init_checkpoint"],
        learning_rate=5e-5,
        num_train_steps=request["train_steps"],
        num_warmup_steps=1,
        use_tpu=False,
        use_one_hot_embeddings=False,
    )
    training_dir = str(Path(output_dir, "training"))

    def estimator(model_function: Callable[..., Any]) -> Any:
        return tf.estimator.tpu.TPUEstimator(
            use_tpu=False,
            model_fn=model_function,
            config=tf.estimator.tpu.RunConfig(model_dir=training_dir, tf_random_seed=0),
            train_batch_size=_BATCH,
            predict_batch_size=_BATCH,
            export_to_tpu=False,
        )

    train_input_fn = run_classifier.input_fn_builder(
        features_of(request["train"]), MAX_SEQ_LENGTH, is_training=True, drop_remainder=True
    )
    estimator(model_fn).train(train_input_fn, max_steps=request["train_steps"])
    asked = features_of([(text, labels[0]) for text in request["texts"]])
    columns = {name: np.array([getattr(row, name) for row in asked]) for name in _FEATURES}
    for name, function in (("probabilities", model_fn), ("output", _one_output(model_fn))):
        base = str(Path(output_dir, name))
        exported = estimator(function).export_saved_model(base, serving_input_fn).decode()
        answers = ask(exported, name, columns)
        np.savez(Path(output_dir, f"{name}.npz"), probabilities=answers, **columns)


def ask(exported: str, output: str, columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """What the recipe's client got: the export in a session, eight rows a request."""
    answers = []
    with tf.Session(graph=tf.Graph()) as session:
        meta_graph = tf.saved_model.load(session, ["serve"], exported)
        signature = meta_graph.signature_def["serving_default"]
        for start in range(0, len(columns["input_ids"]), _BATCH):
            feeds = {
                signature.inputs[name].name: column[start : start + _BATCH]
                for name, column in columns.items()
            }
            rows = len(next(iter(feeds.values())))
            feeds[signature.inputs["label_ids"].name] = np.zeros(rows, np.int32)
            answers.append(session.run(signature.outputs[output].name, feeds))
    return np.concatenate(answers)


if __name__ == "__main__":
    main(*sys.argv[1:])
