"""Broken Model Garden checkpoints: exit code 1, one sentence, nothing left and no code run."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from bert.checkpoints.tensorflow import files as tensorflow_files
from tests.bert.checkpoints.model_garden.directory import (
    CONFIG,
    Tree,
    classifier_tree,
    encoder_tree,
    head_tree,
    parameters,
    variables,
    write_directory,
)
from tests.exporter.command import assert_refused, run_here
from tests.exporter.models.malformed import Malformed
from tests.tiny_model import write_tiny_model

_DATA = "ckpt-1.data-00000-of-00001"
_INDEX = "ckpt-1.index"
_FIRST_LAYER = "layer_with_weights-4"


def with_tree(change: Callable[[Tree], object], *told: str) -> Malformed:
    """A classifier whose attributes `change` changes."""

    def write(directory: Path) -> None:
        tree = classifier_tree(variables())
        change(tree)
        write_directory(directory, tree)

    return Malformed(write, told)


def in_encoder(change: Callable[[Tree], object], *told: str) -> Malformed:
    return with_tree(lambda tree: change(tree["layer_with_weights-0"]), *told)


def in_query(value: np.ndarray | None, *told: str) -> Malformed:
    """The kernel of one attention of another value, or None for absent."""

    def change(encoder: Tree) -> None:
        dense = encoder[_FIRST_LAYER]["_attention_layer"]["_query_dense"]
        dense.pop("kernel")
        if value is not None:
            dense["kernel"] = value

    return in_encoder(change, "_query_dense/kernel", *told)


def with_parameters(*told: str, **changes: Any) -> Malformed:
    return Malformed(lambda path: write_directory(path, content=parameters(**changes)), told)


def with_content(content: Tree, *told: str) -> Malformed:
    return Malformed(lambda path: write_directory(path, content=content), ("params.yaml", *told))


def with_yaml(content: bytes, *told: str) -> Malformed:
    return Malformed(
        lambda path: (write_directory(path) / "params.yaml").write_bytes(content),
        ("params.yaml", *told),
    )


def spoilt(spoil: Callable[[Path], object], *told: str) -> Malformed:
    return Malformed(lambda path: spoil(write_directory(path)), told)


def with_flags(*flags: str, told: tuple[str, ...], model: Tree | None = None) -> Malformed:
    return Malformed(lambda path: write_directory(path, model), told, flags)


def without_graph(directory: Path) -> None:
    """The variables under their names, and something else in the graph's place."""
    write_directory(directory)
    tensorflow_files.write_variables(
        directory / "ckpt-1", {"_CHECKPOINTABLE_OBJECT_GRAPH": np.array(b"\xff\xff")}
    )


def albert(directory: Path) -> None:
    """A projection of narrow embeddings, and one layer for all."""
    tree = encoder_tree(variables())
    shared = tree.pop("layer_with_weights-5")
    tree["layer_with_weights-5"] = tree[_FIRST_LAYER]
    tree[_FIRST_LAYER] = {"kernel": np.ones((8, 16)), "bias": np.ones(16)}
    assert shared
    model = {"layer_with_weights-0": tree, "layer_with_weights-1": head_tree(variables())}
    write_directory(directory, model, content={})
    (directory / "bert_config.json").write_text(CONFIG.to_google_research_json())


def two_tensorflow_checkpoints(directory: Path) -> None:
    write_directory(directory)
    write_tiny_model(directory)
    (directory / "checkpoint").unlink()


def two_kinds(directory: Path) -> None:
    write_directory(directory)
    (directory / "model.safetensors").write_bytes(b"")


def another_width(tree: Tree) -> None:
    tree["layer_with_weights-1"]["out_proj"]["kernel"] = np.ones((8, 3), np.float32)


_ENCODER = encoder_tree(variables())
_CODE = b"task: !!python/object/apply:os.mkdir [%s]\n"

_MALFORMED: dict[str, Malformed] = {
    # files
    "two kinds": Malformed(
        two_kinds, ("Model Garden checkpoint", "Hugging Face model", "model.safetensors")
    ),
    "two TensorFlow checkpoints": Malformed(
        two_tensorflow_checkpoints, ("2 checkpoints", "ckpt-1", "model.ckpt-7")
    ),
    "no data": spoilt(lambda path: (path / _DATA).unlink(), "ckpt-1", "copy the checkpoint"),
    "truncated data": spoilt(
        lambda path: os.truncate(path / _DATA, 3000), "ckpt-1", "copy the checkpoint again"
    ),
    "no bytes of data": spoilt(
        lambda path: os.truncate(path / _DATA, 0), "ckpt-1", "copy the checkpoint again"
    ),
    "truncated index": spoilt(
        lambda path: os.truncate(path / _INDEX, 300), "ckpt-1", "copy the checkpoint again"
    ),
    "no bytes of index": spoilt(
        lambda path: os.truncate(path / _INDEX, 0), "ckpt-1", "copy the checkpoint again"
    ),
    "no graph": Malformed(without_graph, ("object graph", "copy the checkpoint again")),
    "no parameters": spoilt(
        lambda path: (path / "params.yaml").unlink(), "params.yaml", "--bert_config_file"
    ),
    "no vocabulary": spoilt(
        lambda path: (path / "vocab.txt").unlink(), "vocab.txt", "--vocab_file"
    ),
    # variables
    "ALBERT": Malformed(albert, ("no BERT encoder", "/_attention_layer/")),
    "a Keras model": spoilt(
        lambda path: write_directory(path, {"layer-1": {"kernel": np.ones((2, 2))}}),
        "no BERT encoder",
        "'model/layer-1/kernel",
    ),
    "two encoders": Malformed(
        lambda path: write_directory(path, _ENCODER, teacher=_ENCODER), ("2 BERT encoders",)
    ),
    "two heads": with_tree(
        lambda tree: tree.update(second=head_tree(variables())), "2 classification heads"
    ),
    "a variable missing": in_query(None),
    "another shape": in_query(np.ones((16, 2, 8), np.float32), "[16, 2, 8]", "[16, 4, 4]"),
    "integers": in_query(np.ones((16, 4, 4), np.int32), "int32"),
    "NaN": in_query(np.full((16, 4, 4), np.nan, np.float32), "NaN"),
    "a head of another width": with_tree(another_width, "[8, 3]", "[16, 3]"),
    "a head without a bias": with_tree(
        lambda tree: tree["layer_with_weights-1"]["out_proj"].pop("bias"), "'out_proj/bias'"
    ),
    "a head that is no matrix": with_tree(
        lambda tree: tree["layer_with_weights-1"]["out_proj"].update(kernel=np.ones(3)),
        "out_proj/kernel",
        "[3]",
    ),
    "a variable for nothing": in_encoder(
        lambda encoder: encoder.update(adapter={"kernel": np.ones((2, 2))}), "adapter/kernel"
    ),
    # params.yaml
    "another encoder": with_parameters("task.model.encoder.type", "'albert'", type="albert"),
    "another activation": with_parameters(
        "hidden_activation", "'swish'", hidden_activation="swish"
    ),
    "norms before": with_parameters("norm_first", norm_first=True),
    "narrow embeddings": with_parameters("embedding_size", "8", embedding_size=8),
    "sentence pieces": with_parameters("'SentencePiece'", tokenization="SentencePiece"),
    "a deeper model": with_parameters("2 layers", "says 3", num_layers=3),
    "a shallower model": with_parameters("2 layers", "says 1", num_layers=1),
    "a wider model": with_parameters("[124, 16]", "[124, 32]", hidden_size=32),
    "other heads": with_parameters("[16, 4, 4]", "[16, 2, 8]", num_attention_heads=2),
    "odd heads": with_parameters("num_attention_heads 3", num_attention_heads=3),
    "a width in words": with_parameters("hidden_size", "'wide'", hidden_size="wide"),
    "other classes": with_parameters("num_classes is 5", "3 outputs", num_classes=5),
    "classes in words": with_parameters("num_classes", "'five'", num_classes="five"),
    "a length in words": with_parameters("seq_length", "'long'", seq_length="long"),
    "longer than the positions": with_parameters("--max_seq_length is 65", seq_length=65),
    "casing in words": with_parameters("lower_case", "'no'", lower_case="no"),
    "no task": with_content({"runtime": {}}, "task is missing"),
    "no model": with_content({"task": {"train_data": {}}}, "task.model is missing"),
    "the encoder a word": with_content(
        {"task": {"model": {"encoder": "bert"}}}, "task.model.encoder is 'bert'"
    ),
    "not YAML": with_yaml(b"task: [", "not plain YAML"),
    "not text": with_yaml(b"\xff\xfe\xff", "not plain YAML"),
    "a list": with_yaml(b"[1, 2]", "list"),
    "nothing": with_yaml(b"", "mapping"),
    "a deep list": with_yaml(b"[" * 20_000, "not plain YAML"),
    # flags
    "a task without a head": with_flags(
        "--task=classification", told=("--task", "no outputs"), model=_ENCODER
    ),
    "labels without classes": with_flags("--labels=a,b", told=("--labels",), model=_ENCODER),
    "too few labels": with_flags("--labels=a,b", told=("--labels", "3 classes")),
    "casing against the file": with_flags(
        "--nodo_lower_case", told=("--do_lower_case", "params.yaml")
    ),
    "a configuration that is not there": with_flags(
        "--bert_config_file=/nowhere.yaml", told=("/nowhere.yaml",)
    ),
}


@pytest.mark.parametrize("name", list(_MALFORMED))
def test_malformed(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    _MALFORMED[name].assert_refused(capfd, tmp_path)


def test_yaml_of_code_is_not_run(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    directory = write_directory(tmp_path / "model")
    code = _CODE % str(tmp_path / "ran").encode()
    (directory / "params.yaml").write_bytes(code)
    outcome = run_here(capfd, f"--checkpoint={directory}", f"--export_dir={tmp_path / 'served'}")
    assert_refused(outcome, "params.yaml", "python/object")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    yaml.unsafe_load(code)
    assert (tmp_path / "ran").exists()
