"""Flags and settings: those that are refused, and those that are only told."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.bert.run_classifier.command import Finished, copy_of, run, settings
from tests.repository import ROOT


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


def test_unknown_flags_end_the_command(finished: Finished) -> None:
    command = [sys.executable, "-m", "bert.run_classifier", "--do_trian"]
    root = ROOT
    result = subprocess.run(command, capture_output=True, text=True, cwd=root, check=False)
    assert result.returncode == 1
    assert "do_trian" in result.stderr and "Traceback" not in result.stderr


def test_casing_against_the_vocabulary_is_a_warning(
    finished: Finished, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    copy = copy_of(finished, tmp_path)
    (copy / "tokenizer_config.json").unlink()
    assert run(*settings(finished, output_dir=copy), "--do_eval", "--do_lower_case=False") == 0
    assert "Warning: the vocabulary looks as if" in capfd.readouterr().err


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
