import dataclasses
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from absl import flags

import exporter
from bert import checkpoints
from bert.checkpoints import google_research
from bert.checkpoints.tensorflow import files as tensorflow_files
from bert.errors import UserError
from bert.run_classifier import define_flags, main
from bert.variables import encoder_shapes
from exporter.proof.verification import VerificationError
from tests.bert.training.toy_task import write_toy_data
from tests.repository import ROOT
from tests.tiny_model import TinyModel, random_weights, write_tiny_model

TRAINING = (
    "--do_train",
    "--train_batch_size=8",
    "--num_train_epochs=2",
    "--learning_rate=1e-3",
    "--save_checkpoints_steps=4",
    "--max_seq_length=16",
)


@dataclasses.dataclass(frozen=True)
class Finished:
    """A training that ran in a process of its own."""

    data_dir: Path
    pretrained: Path
    output_dir: Path
    stdout: str
    stderr: str


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy_data(tmp_path_factory.mktemp("data"), num_train=40, num_dev=13)


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> TinyModel:
    """An encoder without a classifier, as pre-training leaves it."""
    model = write_tiny_model(tmp_path_factory.mktemp("pretrained"))
    prefix = model.directory / "bert_model.ckpt"
    encoder = {name: model.weights[name] for name in encoder_shapes(model.config)}
    tensorflow_files.write_variables(prefix, encoder)
    return dataclasses.replace(model, prefix=prefix)


@pytest.fixture(scope="module")
def finished(
    data_dir: Path, pretrained: TinyModel, tmp_path_factory: pytest.TempPathFactory
) -> Finished:
    output_dir = tmp_path_factory.mktemp("trained") / "out"
    command = [sys.executable, "-m", "bert.run_classifier", "--task_name=SST-2", *TRAINING]
    command += [f"--data_dir={data_dir}", f"--init_checkpoint={pretrained.prefix}"]
    command += [f"--output_dir={output_dir}", "--do_eval", "--do_predict"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert result.returncode == 0, result.stderr
    return Finished(data_dir, pretrained.prefix, output_dir, result.stdout, result.stderr)


def run(*arguments: str) -> int:
    """The command in this process; returns its exit status."""
    values = flags.FlagValues()
    define_flags(values)
    values(["run_classifier", *arguments])
    return main(["run_classifier"], values)


def settings(finished: Finished, **changes: Any) -> list[str]:
    given = {
        "task_name": "sst-2",
        "data_dir": finished.data_dir,
        "output_dir": finished.output_dir,
        "max_seq_length": 16,
    }
    return [f"--{name}={value}" for name, value in (given | changes).items()]


def test_training_leaves_checkpoint_settings_and_results(finished: Finished) -> None:
    names = {path.name for path in finished.output_dir.iterdir()}
    for step in (4, 8, 10):
        assert f"model.ckpt-{step}.index" in names
    assert names >= {"checkpoint", "bert_config.json", "vocab.txt", "tokenizer_config.json"}
    model = checkpoints.read(finished.output_dir, checkpoints.ReadOptions())
    assert (model.do_lower_case, model.max_seq_length, model.labels) == (True, 16, ("0", "1"))


def test_eval_results_have_the_original_s_keys_and_are_printed(finished: Finished) -> None:
    content = (finished.output_dir / "eval_results.txt").read_text()
    assert finished.stdout == content
    results = dict(line.split(" = ") for line in content.splitlines())
    assert list(results) == ["eval_accuracy", "eval_loss", "global_step", "loss"]
    assert results["global_step"] == "10"
    assert float(results["eval_accuracy"]) * 13 == pytest.approx(
        round(float(results["eval_accuracy"]) * 13), abs=1e-4
    )


def test_predictions_are_those_of_dev_in_its_order(finished: Finished) -> None:
    rows = (finished.output_dir / "test_results.tsv").read_text().splitlines()
    probabilities = np.array([row.split("\t") for row in rows], dtype=np.float32)
    assert probabilities.shape == (13, 2)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, atol=1e-6)
    assert [f"{a!s}\t{b!s}" for a, b in probabilities] == rows
    labels = [line.split("\t")[1] for line in (finished.data_dir / "dev.tsv").open().readlines()]
    accuracy = np.mean(probabilities.argmax(axis=1) == np.array(labels, dtype=int))
    content = (finished.output_dir / "eval_results.txt").read_text()
    assert f"eval_accuracy = {np.float32(accuracy)!s}\n" in content


def test_what_was_chosen_is_told(finished: Finished) -> None:
    assert "do_lower_case=True" in finished.stderr
    assert "no classifier for the task, which is random" in finished.stderr
    assert "10 steps, the first 1 of them warm-up" in finished.stderr
    assert re.search(
        r"10/10 \[\d+:\d+<00:00, .*step/s, loss=\d\.\d{4}, examples/s=\d", finished.stderr
    )
    assert "(there is no test.tsv)" in finished.stderr
    assert "Warning:" not in finished.stderr


def test_a_finished_training_is_not_repeated(
    finished: Finished, capfd: pytest.CaptureFixture[str]
) -> None:
    before = sorted(finished.output_dir.glob("model.ckpt-*"))
    assert run(*settings(finished), *TRAINING) == 0
    assert "is at step 10 of 10 already: nothing to train" in capfd.readouterr().err
    assert sorted(finished.output_dir.glob("model.ckpt-*")) == before


def test_a_longer_training_goes_on(
    finished: Finished, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    copy = copy_of(finished, tmp_path)
    assert run(*settings(finished, output_dir=copy), *TRAINING, "--num_train_epochs=3") == 0
    assert f"Training goes on from {copy}/model.ckpt-10" in capfd.readouterr().err
    assert (copy / "model.ckpt-15.index").exists()


def copy_of(finished: Finished, tmp_path: Path) -> Path:
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in finished.output_dir.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    return copy


def test_test_tsv_is_predicted_where_there_is_one(finished: Finished, tmp_path: Path) -> None:
    copy = copy_of(finished, tmp_path)
    data = tmp_path / "data"
    data.mkdir()
    dev = (finished.data_dir / "dev.tsv").read_text().splitlines()
    (data / "test.tsv").write_text("".join(f"{line.split(chr(9))[0]}\n" for line in dev[:5]))
    assert run(*settings(finished, output_dir=copy, data_dir=data), "--do_predict") == 0
    expected = (finished.output_dir / "test_results.tsv").read_text().splitlines()[:5]
    found = (copy / "test_results.tsv").read_text().splitlines()
    np.testing.assert_allclose(parse(found), parse(expected), atol=1e-6)


def parse(rows: Sequence[str]) -> np.ndarray:
    return np.array([row.split("\t") for row in rows], dtype=np.float32)


def test_evaluation_without_training_takes_a_classifier_from_init_checkpoint(
    finished: Finished, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    given = settings(finished, output_dir=tmp_path / "new", init_checkpoint=finished.output_dir)
    assert run(*given, "--do_eval") == 0
    expected = (finished.output_dir / "eval_results.txt").read_text()
    assert capfd.readouterr().out == expected


def test_random_weights_are_told(
    finished: Finished, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    beside = finished.output_dir
    given = settings(finished, output_dir=tmp_path, vocab_file=beside / "vocab.txt")
    assert run(*given, *TRAINING, f"--bert_config_file={beside / 'bert_config.json'}") == 0
    assert "all weights are random, nothing is pre-trained" in capfd.readouterr().err


def test_casing_against_the_vocabulary_is_a_warning(
    finished: Finished, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    copy = copy_of(finished, tmp_path)
    (copy / "tokenizer_config.json").unlink()
    assert run(*settings(finished, output_dir=copy), "--do_eval", "--do_lower_case=False") == 0
    assert "Warning: the vocabulary looks as if" in capfd.readouterr().err


def test_export_gets_the_newest_checkpoint_and_its_settings(
    finished: Finished, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    calls = []

    def export(**arguments: Any) -> SimpleNamespace:
        calls.append(arguments)
        return SimpleNamespace(summary=lambda: "exported")

    monkeypatch.setattr(exporter, "export", export)
    given = [*settings(finished), "--do_export", "--export_dir=served", "--labels=bad,good"]
    assert run(*given) == 0
    (call,) = calls
    del call["stage"]
    assert call == {
        "checkpoint": finished.output_dir / "model.ckpt-10",
        "export_dir": "served",
        "bert_config_file": finished.output_dir / google_research.CONFIG_FILE,
        "vocab_file": finished.output_dir / google_research.VOCABULARY_FILE,
        "do_lower_case": True,
        "max_seq_length": 16,
        "text_pair": False,
        "labels": ("bad", "good"),
    }
    assert capfd.readouterr().out == "exported\n"

    def refuse(error: Exception) -> None:
        def export(**_: Any) -> None:
            raise error

        monkeypatch.setattr(exporter, "export", export)
        assert run(*given) == 1
        assert str(error) in capfd.readouterr().err

    refuse(UserError("--export_dir is a file"))
    refuse(VerificationError("ids differ"))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "nothing to do: give at least one of --do_train, --do_eval"),
        (["--do_train", "--use_tpu"], "--use_tpu is true, but TPUs are not supported"),
        (["--do_train", "--task_name="], "--task_name is not given"),
        (["--do_train", "--output_dir="], "--output_dir is not given"),
        (["--do_train", "--data_dir="], "--data_dir is not given"),
        (["--do_train", "--task_name=snli"], "--task_name is 'snli', where one of custom, cola,"),
        (["--do_eval", "--data_dir=absent"], "--data_dir absent has no dev.tsv, which --do_eval"),
        (["--do_train", "--data_dir=absent"], "has no train.tsv, which --do_train reads"),
        (["--do_export"], "--do_export needs --export_dir"),
        (["--do_export", "--export_dir=x", "--labels=a,b,c"], "--labels names 3 labels"),
        (["--do_export", "--export_dir=x", "--labels=a,a"], "--labels names a label twice"),
        (["--do_eval", "--output_dir=/dev/null/x"], "--output_dir /dev/null/x cannot be made"),
        (["--do_eval", "--max_seq_length=65"], "--max_seq_length is 65"),
        (["--do_eval", "--max_seq_length=2"], "--max_seq_length is 2"),
        (["--do_eval", "--do_lower_case=false"], "--do_lower_case is False, but "),
        (["--do_eval", "--init_checkpoint=absent"], "--init_checkpoint absent does not exist"),
        (["--do_eval", "--vocab_file=absent"], "--vocab_file absent cannot be read"),
        (["--do_eval", "--bert_config_file=absent"], "absent cannot be read"),
    ],
)
def test_mistakes_are_told_in_one_sentence(
    finished: Finished,
    arguments: list[str],
    sentence: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert run(*settings(finished), *arguments) == 1
    told = capfd.readouterr().err
    assert told.startswith("run_classifier: ") and sentence in told
    assert "Traceback" not in told and len(told.splitlines()) == 1


def test_an_encoder_alone_cannot_be_evaluated(
    finished: Finished, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    given = settings(finished, output_dir=tmp_path, init_checkpoint=finished.pretrained)
    assert run(*given, "--do_eval") == 1
    assert "has no classifier for the task: train with --do_train first" in capfd.readouterr().err
    assert run(*settings(finished, output_dir=tmp_path), "--do_eval") == 1
    assert "--bert_config_file is not given" in capfd.readouterr().err


def test_other_settings_than_the_output_directory_s_are_refused(
    finished: Finished, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    vocabulary = tmp_path / "vocab.txt"
    vocabulary.write_bytes((finished.output_dir / "vocab.txt").read_bytes().replace(b"fun", b"f"))
    assert run(*settings(finished, vocab_file=vocabulary), "--do_eval") == 1
    assert "which the checkpoints of --output_dir were trained with" in capfd.readouterr().err
    config = tmp_path / "bert_config.json"
    content = (finished.output_dir / "bert_config.json").read_text()
    config.write_text(content.replace('"num_attention_heads": 4', '"num_attention_heads": 2'))
    assert run(*settings(finished, bert_config_file=config), "--do_eval") == 1
    assert "which the checkpoints of --output_dir were trained with" in capfd.readouterr().err


def test_a_faulty_init_checkpoint_is_named_by_its_flag(
    finished: Finished, tmp_path: Path, pretrained: TinyModel, capfd: pytest.CaptureFixture[str]
) -> None:
    weights = random_weights(pretrained.config, 2)
    del weights["bert/pooler/dense/kernel"]
    prefix = pretrained.directory / "incomplete.ckpt"
    tensorflow_files.write_variables(prefix, weights)
    given = settings(finished, output_dir=tmp_path, init_checkpoint=prefix)
    assert run(*given, *TRAINING) == 1
    told = capfd.readouterr().err
    assert f"--init_checkpoint {prefix} has no variable 'bert/pooler/dense/kernel'" in told


def test_unknown_flags_end_the_command(finished: Finished) -> None:
    command = [sys.executable, "-m", "bert.run_classifier", "--do_trian"]
    root = ROOT
    result = subprocess.run(command, capture_output=True, text=True, cwd=root, check=False)
    assert result.returncode == 1
    assert "do_trian" in result.stderr and "Traceback" not in result.stderr
