"""Model Garden's object-graph checkpoints become the model that they say they are."""

import dataclasses
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import yaml

from bert.checkpoints import ReadOptions, read
from bert.variables import POOLER
from tests.bert.checkpoints.model_assertions import assert_weights
from tests.bert.checkpoints.model_garden.directory import (
    CONFIG,
    LENGTH,
    TOKENS,
    classifier_tree,
    encoder_tree,
    head_tree,
    parameters,
    variables,
    write_checkpoint,
    write_directory,
)

_OPTIONS = ReadOptions()


def without_classifier(weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: value for name, value in weights.items() if not name.startswith("output_")}


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("has_pooler", [True, False])
def test_a_classifier(version: int, has_pooler: bool, tmp_path: Path) -> None:
    """The pooler is the head's own where it has one, else the encoder's."""
    tree = classifier_tree(variables(), version, has_pooler)
    model = read(write_directory(tmp_path / "model", tree), _OPTIONS)
    assert_weights(model, variables())
    assert model.config == CONFIG
    assert model.config.hidden_act == "gelu_tanh"
    assert (model.task.name, model.labels) == ("classification", ("0", "1", "2"))
    assert (model.tokenizer, model.do_lower_case) == ("tensorflow_text", True)
    assert model.max_seq_length == LENGTH
    assert model.vocabulary.tokens == TOKENS
    assert model.provenance["kind"] == "Model Garden BertClassifier"
    assert model.provenance["checkpoint"] == str(tmp_path / "model" / "ckpt-1")
    assert model.provenance["do_lower_case"] == str(tmp_path / "model" / "params.yaml")


def test_by_its_prefix(tmp_path: Path) -> None:
    prefix = write_directory(tmp_path / "model") / "ckpt-1"
    assert_weights(read(prefix, _OPTIONS), variables())


def test_what_a_training_saves_beside_the_model(tmp_path: Path) -> None:
    """Slots of the optimizer, its hyper-parameters, counters."""
    model = tf.nest.map_structure(tf.Variable, classifier_tree(variables()))
    trained = tf.nest.flatten(model)
    optimizer = tf.compat.v1.train.AdamOptimizer(learning_rate=0.0)
    optimizer.apply_gradients([(tf.ones_like(variable), variable) for variable in trained])
    step = tf.Variable(7, dtype=tf.int64)
    directory = write_directory(tmp_path / "model", model, optimizer=optimizer, global_step=step)
    names = tf.train.load_checkpoint(str(directory)).get_variable_to_shape_map()
    assert sum(".OPTIMIZER_SLOT" in name for name in names) == 2 * len(trained)
    assert_weights(read(directory, _OPTIONS), variables())


@pytest.mark.parametrize("name", ["encoder", "model"])
def test_an_encoder(name: str, tmp_path: Path) -> None:
    directory = write_directory(tmp_path / "model")
    for file in directory.glob("ckpt*"):
        file.unlink()
    write_checkpoint(directory, **{name: encoder_tree(variables())})
    model = read(directory, _OPTIONS)
    assert model.task.name == "embedding"
    assert_weights(model, without_classifier(variables()))
    assert model.provenance["kind"] == "Model Garden BertEncoder"


def test_the_vectors_of_a_classifier(tmp_path: Path) -> None:
    """Those that the classifier stands on."""
    model = read(write_directory(tmp_path / "model"), ReadOptions(task="embedding"))
    assert model.task.name == "embedding"
    assert_weights(model, without_classifier(variables()))


@pytest.mark.parametrize("layout", ["items", "model"])
def test_a_pretraining(layout: str, tmp_path: Path) -> None:
    """The pooler that was trained is that of the next-sentence head."""
    weights = variables()
    pooler = {name: weights[f"{POOLER}/{name}"] for name in ("kernel", "bias")}
    untrained = {f"{POOLER}/{name}": value + 1 for name, value in pooler.items()}
    encoder = encoder_tree(weights | untrained)
    masked_lm = {"dense": {"kernel": np.zeros((2, 2)), "bias": np.zeros(2)}, "_bias": np.zeros(5)}
    if layout == "items":
        saved: dict[str, Any] = {
            "encoder": encoder,
            "masked_lm": masked_lm,
            "next_sentence.pooler_dense": pooler,
        }
    else:
        heads = {"0": {**head_tree(variables(2)), "dense": pooler}}
        saved = {
            "model": {
                "encoder_network": encoder,
                "masked_lm": masked_lm,
                "classification_heads": heads,
            }
        }
    directory = write_directory(tmp_path / "model")
    for file in directory.glob("ckpt*"):
        file.unlink()
    write_checkpoint(directory, **saved)
    model = read(directory, _OPTIONS)
    assert model.task.name == "embedding"
    assert_weights(model, without_classifier(weights))
    assert model.provenance["kind"] == "Model Garden BertPretrainer"


def test_a_regressor(tmp_path: Path) -> None:
    directory = write_directory(
        tmp_path / "model", classifier_tree(variables(1)), parameters(num_classes=1)
    )
    model = read(directory, _OPTIONS)
    assert (model.task.name, model.labels) == ("regression", ())
    assert_weights(model, variables(1))


def test_labels_and_task(tmp_path: Path) -> None:
    directory = write_directory(tmp_path / "model")
    options = ReadOptions(task="multilabel", labels=("a", "b", "c"))
    model = read(directory, options)
    assert (model.task.name, model.labels) == ("multilabel", ("a", "b", "c"))


@pytest.mark.parametrize("name", ["tiny_params.yaml", "tiny.params.yml"])
def test_parameters_of_another_name(name: str, tmp_path: Path) -> None:
    directory = write_directory(tmp_path / "model")
    (directory / "params.yaml").rename(directory / name)
    model = read(directory, _OPTIONS)
    assert model.provenance["bert_config_file"] == str(directory / name)


def test_parameters_by_flag(tmp_path: Path) -> None:
    directory = write_directory(tmp_path / "model")
    file = (directory / "params.yaml").rename(tmp_path / "elsewhere.yaml")
    assert_weights(read(directory, ReadOptions(bert_config_file=file)), variables())


def test_bert_config_json(tmp_path: Path) -> None:
    """Beside the checkpoints that Model Garden converted from google-research/bert's."""
    directory = write_directory(tmp_path / "model", content={})
    (directory / "bert_config.json").write_text(CONFIG.to_google_research_json())
    model = read(directory, _OPTIONS)
    assert_weights(model, variables())
    assert (model.tokenizer, model.do_lower_case) == ("google_research", True)
    assert model.max_seq_length == CONFIG.max_position_embeddings


def test_the_best_checkpoint_lies_below_the_parameters(tmp_path: Path) -> None:
    directory = write_directory(tmp_path / "model")
    best = directory / "best_ckpt"
    best.mkdir()
    for file in [*directory.glob("ckpt*"), directory / "checkpoint"]:
        shutil.move(file, best)
    model = read(best, _OPTIONS)
    assert_weights(model, variables())
    assert model.provenance["vocab_file"] == str(directory / "vocab.txt")


@pytest.mark.parametrize("name", ["vocab.txt", "other_vocab.txt", "training/vocab.txt"])
def test_where_the_vocabulary_is(name: str, tmp_path: Path) -> None:
    """Beside the checkpoint, under its own name beside it, or where the training had it."""
    trained_with = tmp_path / "training" / "vocab.txt"
    if name == "other_vocab.txt":
        trained_with = tmp_path / "training" / name
    content = parameters(vocab_file=str(trained_with))
    directory = write_directory(tmp_path / "model", content=content)
    place = directory / name if "/" not in name else tmp_path / name
    place.parent.mkdir(exist_ok=True)
    (directory / "vocab.txt").rename(place)
    assert read(directory, _OPTIONS).provenance["vocab_file"] == str(place)


@pytest.mark.parametrize(
    ("changes", "tokenizer"),
    [
        ({}, "tensorflow_text"),
        ({"text_fields": ["first", "second"]}, "tensorflow_text"),
        ({"text_fields": None}, "google_research"),
    ],
)
def test_the_tokenizer_of_the_training(
    changes: dict[str, Any], tokenizer: str, tmp_path: Path
) -> None:
    """Texts are tokenized by TensorFlow Text; files of ids come from the original's tokenizer."""
    directory = write_directory(tmp_path / "model", content=parameters(**changes))
    assert read(directory, _OPTIONS).tokenizer == tokenizer
    named = dataclasses.replace(_OPTIONS, tokenizer="tensorflow_text_fast")
    assert read(directory, named).tokenizer == "tensorflow_text_fast"


def test_flags_come_first(tmp_path: Path) -> None:
    directory = write_directory(tmp_path / "model")
    model = read(directory, ReadOptions(max_seq_length=9, vocab_file=directory / "vocab.txt"))
    assert (model.max_seq_length, model.provenance["max_seq_length"]) == (9, "--max_seq_length")


def test_casing_of_the_training(tmp_path: Path) -> None:
    """It counts more than the looks of the vocabulary, with a warning."""
    directory = write_directory(tmp_path / "model", content=parameters(lower_case=False))
    model = read(directory, _OPTIONS)
    assert not model.do_lower_case
    assert "looks uncased" in model.provenance["do_lower_case"]


@pytest.mark.parametrize(
    ("word", "activation"),
    [("gelu", "gelu_tanh"), ("relu", "relu"), ("tanh", "tanh"), ("linear", "linear")],
)
def test_activations(word: str, activation: str, tmp_path: Path) -> None:
    content = parameters(hidden_activation=word)
    model = read(write_directory(tmp_path / "model", content=content), _OPTIONS)
    assert model.config.hidden_act == activation


def test_tuples_in_the_parameters(tmp_path: Path) -> None:
    """Python code writes them, as in label_name."""
    directory = write_directory(tmp_path / "model", content={})
    content = parameters(label_name=("label", "target"))
    (directory / "params.yaml").write_text(yaml.dump(content))
    assert "!!python/tuple" in (directory / "params.yaml").read_text()
    assert_weights(read(directory, _OPTIONS), variables())


def test_what_the_parameters_lack_has_the_default(tmp_path: Path) -> None:
    directory = write_directory(tmp_path / "model", content={})
    content = parameters()
    del content["task"]["model"]["encoder"]["bert"]["type_vocab_size"]
    del content["task"]["train_data"]
    (directory / "params.yaml").write_text(yaml.safe_dump(content))
    model = read(directory, _OPTIONS)
    assert (model.config.type_vocab_size, model.max_seq_length) == (2, 64)
