"""The flags of training that tagged words share with texts."""

import json
from pathlib import Path

import pytest
from absl import flags

from bert.checkpoints import ReadOptions, read
from bert.run_classifier import define_flags, main
from tests.bert.training.tagging.template_sentences import (
    make_sentences,
    write_conll,
    write_vocabulary,
)
from tests.tiny_model import tiny_config


def run(directory: Path, *more: str) -> int:
    values = flags.FlagValues()
    define_flags(values)
    given = ["--task_name=ner", f"--data_dir={directory}", f"--output_dir={directory / 'out'}"]
    given += [f"--vocab_file={directory / 'vocab.txt'}", "--max_seq_length=48"]
    given += [f"--bert_config_file={directory / 'bert_config.json'}", "--train_batch_size=8"]
    values(["run_classifier", *given, *more])
    return main(["run_classifier"], values)


def test_the_best_checkpoint_is_kept_and_judged(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for seed, name in enumerate(("train", "dev")):
        write_conll(tmp_path / f"{name}.conll", make_sentences(48, seed))
    config = tiny_config(write_vocabulary(tmp_path / "vocab.txt"))
    (tmp_path / "bert_config.json").write_text(config.to_google_research_json())
    training = ("--do_train", "--keep_best", "--save_checkpoints_steps=2", "--num_train_epochs=1")
    split = ("--gradient_accumulation_steps=2", "--label_all_tokens")
    assert run(tmp_path, *training, *split, "--do_eval") == 0
    told = capfd.readouterr()
    history = json.loads((tmp_path / "out" / "dev_metrics.json").read_text())["f1"]
    assert list(history) == ["2", "4", "6"]
    best = max(history, key=lambda step: (history[step], -int(step)))
    results = dict(line.split(" = ") for line in told.out.splitlines())
    assert results["global_step"] == best
    assert float(results["eval_f1"]) == pytest.approx(history[best], abs=1e-6)
    kept = read(tmp_path / "out" / "best", ReadOptions())
    assert kept.labels == read(tmp_path / "out", ReadOptions()).labels
    assert kept.task.name == "token_classification"
    assert run(tmp_path, *training) == 0
    assert "at step 6 of 6 already: nothing to train" in capfd.readouterr().err
    # Another task does not go on from it.
    (tmp_path / "train.tsv").write_text("the film\t1\nbad film\t0\n")
    (tmp_path / "train.conll").unlink()
    values = flags.FlagValues()
    define_flags(values)
    given = [f"--data_dir={tmp_path}", f"--output_dir={tmp_path / 'out'}", "--task_name=custom"]
    values(["run_classifier", *given, "--do_train", "--noheader"])
    assert main(["run_classifier"], values) == 1
    assert "was trained for token_classification" in capfd.readouterr().err


def test_without_a_file_for_dev_a_share_is_held_out(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Judged, and predicted in the format of the file that it is taken from."""
    words = [{"tokens": words, "tags": tags} for words, tags in make_sentences(60, seed=3)]
    rows = "".join(json.dumps(each) + "\n" for each in words)
    (tmp_path / "train.jsonl").write_text(rows, encoding="utf-8")
    config = tiny_config(write_vocabulary(tmp_path / "vocab.txt"))
    (tmp_path / "bert_config.json").write_text(config.to_google_research_json())
    phases = ("--do_train", "--do_eval", "--do_predict", "--num_train_epochs=1")
    assert run(tmp_path, *phases, "--dev_fraction=0.25") == 0
    told = capfd.readouterr().err
    predicted = (tmp_path / "out" / "test_results.jsonl").read_text(encoding="utf-8")
    found = [tuple(json.loads(line)["tokens"]) for line in predicted.splitlines()]
    assert 10 <= len(found) <= 15
    assert f"Training on {60 - len(found)} examples" in told
    assert f"on {len(found)} sentences, written to" in told
    assert set(found) <= {tuple(each["tokens"]) for each in words}
    assert run(tmp_path, "--do_eval", "--dev_fraction=0") == 1
    assert "has no dev.conll, which --do_eval reads" in capfd.readouterr().err
