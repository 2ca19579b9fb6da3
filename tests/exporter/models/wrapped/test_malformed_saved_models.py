"""SavedModels that cannot be wrapped: exit code 1, one sentence, nothing left and no op run."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from exporter.models.wrapped import trial
from tests.exporter.command import assert_refused, run_here
from tests.exporter.models.malformed import Malformed
from tests.exporter.models.wrapped.saved_models import (
    HUB,
    RECIPE,
    TinyNetwork,
    encoder,
    probabilities,
    write_saved_model,
    write_vocabulary,
)


def vocabulary_of(directory: Path) -> Path:
    """A vocabulary beside the SavedModel, which copies it."""
    return write_vocabulary(directory.with_name("vocabulary"))


def written(
    *told: str, flags: tuple[str, ...] = (), rows: int | None = None, **options: Any
) -> Malformed:
    def write(directory: Path) -> None:
        given = {"vocabulary": vocabulary_of(directory), "outputs": probabilities, **options}
        write_saved_model(directory, network=TinyNetwork(rows), **given)

    return Malformed(write, told, flags)


def changed(change: Callable[[SavedModel, Path], object], *told: str) -> Malformed:
    """One whose graph file was changed afterwards."""

    def write(directory: Path) -> None:
        write_saved_model(directory, vocabulary=vocabulary_of(directory))
        file = directory / "saved_model.pb"
        saved_model = SavedModel.FromString(file.read_bytes())
        change(saved_model, directory)
        file.write_bytes(saved_model.SerializeToString())

    return Malformed(write, told)


def damaged(change: Callable[[Path], object], *told: str) -> Malformed:
    """One whose files were changed afterwards."""

    def write(directory: Path) -> None:
        write_saved_model(directory, vocabulary=vocabulary_of(directory))
        change(directory)

    return Malformed(write, told)


def with_op(op: Callable[[tf.Tensor], tf.Tensor]) -> Callable[..., Mapping[str, tf.Tensor]]:
    """Outputs that hang on an op, which gives back what it gets."""
    return lambda vectors, pooled, logits: {"probabilities": tf.nn.softmax(op(logits))}


def reads_a_file(logits: tf.Tensor) -> tf.Tensor:
    size = tf.strings.length(tf.io.read_file("/etc/hostname"))
    return logits + tf.cast(size, tf.float32) * 0


def writes_a_file(logits: tf.Tensor) -> tf.Tensor:
    with tf.control_dependencies([tf.io.write_file("/tmp/exporter-was-here", "x")]):
        return tf.identity(logits)


def in_a_branch(op: Callable[[tf.Tensor], tf.Tensor]) -> Callable[[tf.Tensor], tf.Tensor]:
    return lambda logits: tf.cond(
        tf.size(logits) > 0, lambda: op(logits), lambda: tf.identity(logits)
    )


def runs_python(logits: tf.Tensor) -> tf.Tensor:
    return tf.ensure_shape(tf.numpy_function(lambda x: x, [logits], tf.float32), logits.shape)


def loops_for_ever(logits: tf.Tensor) -> tf.Tensor:
    (last,) = tf.while_loop(
        lambda i: i >= 0, lambda i: [tf.math.floormod(i + 1, 1_000_000)], [tf.constant(0)]
    )
    return logits + tf.cast(last, tf.float32)


def takes_160_gb(logits: tf.Tensor) -> tf.Tensor:
    size = 40_000_000_000 + tf.size(logits, tf.int64)
    return logits + tf.reduce_sum(tf.fill(tf.expand_dims(size, 0), 0.0))


def keeping_a_count() -> Malformed:
    def write(directory: Path) -> None:
        network = TinyNetwork()
        network.count = tf.Variable(0)

        def counted(logits: tf.Tensor) -> tf.Tensor:
            return logits * tf.cast(network.count.assign_add(1), tf.float32)

        outputs = with_op(counted)
        write_saved_model(
            directory, outputs=outputs, vocabulary=vocabulary_of(directory), network=network
        )

    return Malformed(write, ("AssignAddVariableOp", "signature serving_default"))


def without_values(saved_model: SavedModel, directory: Path) -> None:
    shutil.rmtree(directory / "variables")


def with_an_unknown_op(saved_model: SavedModel, directory: Path) -> None:
    for function in saved_model.meta_graphs[0].graph_def.library.function:
        for node in function.node_def:
            if node.op == "Tanh":
                node.op = "TanhOfTomorrow"


def with_another_tag(saved_model: SavedModel, directory: Path) -> None:
    saved_model.meta_graphs[0].meta_info_def.tags[:] = ["train"]


def that_writes_when_loaded(saved_model: SavedModel, directory: Path) -> None:
    graph = saved_model.meta_graphs[0].graph_def
    for name, value in (("where", b"/tmp/exporter-was-here"), ("what", b"x")):
        node = graph.node.add(name=name, op="Const")
        node.attr["dtype"].type = tf.string.as_datatype_enum
        node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value))
    graph.node.add(name="write", op="WriteFile", input=["where", "what"])
    initialiser = saved_model.meta_graphs[0].signature_def["__saved_model_init_op"]
    (output,) = initialiser.outputs.values()
    output.name = "write"


def truncate(name: str) -> Callable[[Path], object]:
    def change(directory: Path) -> None:
        (file,) = directory.glob(name)
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])

    return change


def add_weights(directory: Path) -> None:
    (directory / "config.json").write_text('{"model_type": "bert"}')
    (directory / "model.safetensors").write_bytes(b"")


def remove_vocabulary(directory: Path) -> None:
    (directory / "assets" / "vocab.txt").unlink()


MALFORMED = {
    "no signature for features": written(
        "takes input_word_ids, other", names=(HUB[0], "other", "x")
    ),
    "an input that nobody knows": written("x", names=(*HUB[:2], "x")),
    "floats for ids": written("float32 [any, any]", names=RECIPE, dtype=tf.float32),
    "no vocabulary": written("--vocab_file", "without a vocabulary", vocabulary=None),
    "a vocabulary of another model": written("124 lines", "80 rows", "vocab.txt", rows=80),
    "casing against the model's": written(
        "--do_lower_case is False", "says True", do_lower_case=True, flags=("--nodo_lower_case",)
    ),
    "too long a text": written("25", "3 to 24", length=24, flags=("--max_seq_length=25",)),
    "more positions than it has": written(
        "--max_seq_length is 513", "3 to 512", flags=("--max_seq_length=513",)
    ),
    "a configuration": written("--bert_config_file", flags=("--bert_config_file=x.json",)),
    "names for too many classes": written("2 labels", "3 classes", flags=("--labels=a,b",)),
    "names for an encoder": written("no classes", outputs=encoder, flags=("--labels=a,b",)),
    "scores that may be anything": written(
        "--task=multilabel",
        outputs=lambda vectors, pooled, logits: {"output": tf.math.sigmoid(logits)},
    ),
    "no output for rows": written(
        "sequence_output", outputs=lambda vectors, pooled, logits: {"sequence_output": vectors}
    ),
    "a task that it has not": written(
        "token_classification", flags=("--task=token_classification",)
    ),
    "NaN": written(
        "NaN", outputs=lambda vectors, pooled, logits: {"output": tf.math.log(logits * 0 - 1)}
    ),
    "reads a file": written("ReadFile", "signature", outputs=with_op(reads_a_file)),
    "writes a file": written("WriteFile", outputs=with_op(in_a_branch(writes_a_file))),
    "runs Python": written("PyFunc", outputs=with_op(runs_python)),
    "160 GB": written("--checkpoint", "more than the", "GB", outputs=with_op(takes_160_gb)),
    "keeps a count": keeping_a_count(),
    "writes when it is loaded": changed(that_writes_when_loaded, "WriteFile", "initialisation"),
    "an op that is not known": changed(with_an_unknown_op, "TanhOfTomorrow"),
    "no variables": changed(without_values, "cannot be loaded"),
    "another tag": changed(with_another_tag, "train", "serve"),
    "half a graph": damaged(truncate("saved_model.pb"), "saved_model.pb", "does not parse"),
    "half of the values": damaged(truncate("variables/*.data-*"), "cannot be loaded"),
    "two kinds at once": damaged(add_weights, "SavedModel (saved_model.pb)", "Hugging Face"),
    "a vocabulary that is gone": damaged(remove_vocabulary, "vocab.txt"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    MALFORMED[name].assert_refused(capsys, tmp_path)
    assert not Path("/tmp/exporter-was-here").exists()


def test_a_loop_without_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "_SECONDS", 40.0)
    written(
        "no end within 40 s", "without endless loops", outputs=with_op(loops_for_ever)
    ).assert_refused(capsys, tmp_path)


def test_a_base_path(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for version in ("9", "10"):
        (tmp_path / "models" / version).mkdir(parents=True)
        (tmp_path / "models" / version / "saved_model.pb").touch()
    outcome = run_here(
        capsys, f"--checkpoint={tmp_path / 'models'}", f"--export_dir={tmp_path / 'served'}"
    )
    assert_refused(outcome, "2 versions", str(tmp_path / "models" / "10"))


def test_an_archive_of_something_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    archive = shutil.make_archive(str(tmp_path / "model"), "gztar", tmp_path / "model")
    outcome = run_here(capsys, f"--checkpoint={archive}", f"--export_dir={tmp_path / 'served'}")
    assert_refused(outcome, archive, "holds no SavedModel")
