"""Where a run starts: the output directory's checkpoint, another one, or nothing."""

from pathlib import Path

import pytest

from bert.checkpoints.tensorflow import files as tensorflow_files
from tests.bert.run_classifier.command import TRAINING, Finished, copy_of, run, settings
from tests.tiny_model import TinyModel, random_weights


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


def test_an_encoder_alone_cannot_be_evaluated(
    finished: Finished, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    given = settings(finished, output_dir=tmp_path, init_checkpoint=finished.pretrained)
    assert run(*given, "--do_eval") == 1
    assert "has no classifier for the task: train with --do_train first" in capfd.readouterr().err
    assert run(*settings(finished, output_dir=tmp_path), "--do_eval") == 1
    assert "--bert_config_file is not given" in capfd.readouterr().err


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
