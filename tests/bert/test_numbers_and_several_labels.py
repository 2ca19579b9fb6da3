"""Regression and multi-label from data to the exported version, judged by other libraries."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from absl import flags
from scipy import stats
from sklearn.metrics import accuracy_score, f1_score, mean_squared_error

from bert.run_classifier import define_flags, main
from exporter import export
from tests.bert.training.toy_task import toy_texts
from tests.conftest import load_signatures
from tests.tiny_model import write_tiny_model

_LABELS = ("bad", "fun", "good")


def _run(*arguments: str) -> int:
    values = flags.FlagValues()
    define_flags(values)
    values(["run_classifier", *arguments])
    return main(["run_classifier"], values)


def _stsb(directory: Path) -> list[str]:
    """The official layout; as similar as the first text has words that the second has, too."""
    directory.mkdir()
    texts = toy_texts(60)
    numbers = []
    for file, rows in (("train", range(60)), ("dev", range(40))):
        lines = [
            "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore"
        ]
        numbers = [5.0 * ("good" in texts[row]) for row in rows]
        lines += [
            f"{row}\tg\tf\t2012\t1\ts\ts\t{texts[row]}\t{texts[row - 1]}\t{number:.3f}"
            for row, number in zip(rows, numbers, strict=True)
        ]
        (directory / f"{file}.tsv").write_text("\n".join(lines) + "\n")
    return [str(number) for number in numbers]


def _table(directory: Path, label: Callable[[str], str]) -> list[str]:
    """train.tsv and dev.tsv of own texts; returns the labels of the latter."""
    directory.mkdir()
    for seed, (name, count) in enumerate((("train", 60), ("dev", 40))):
        rows = [f"{text}\t{label(text)}\n" for text in toy_texts(count, seed)]
        (directory / f"{name}.tsv").write_text("text\tlabel\n" + "".join(rows))
    return [label(text) for text in toy_texts(40, 1)]


def _numbers(directory: Path) -> list[str]:
    return _table(directory, lambda text: str(2.5 * ("good" in text) + 0.25 * ("fun" in text)))


def _several(directory: Path) -> list[str]:
    return _table(directory, lambda text: "; ".join(set(_LABELS) & set(text.split())))


@dataclasses.dataclass(frozen=True)
class Finished:
    directory: Path
    labels: list[str]
    texts: dict[str, list[str]]

    def results(self) -> dict[str, float]:
        lines = (self.directory / "out" / "eval_results.txt").read_text().splitlines()
        return {name: float(value) for name, value in (line.split(" = ") for line in lines)}

    def predicted(self) -> np.ndarray:
        return np.loadtxt(self.directory / "out" / "test_results.tsv", delimiter="\t")

    def exported(self, scratch: Path) -> dict[str, tf.Tensor]:
        """What the `text` signature of an export answers, whose only flag is that of pairs."""
        report = export(
            self.directory / "out",
            scratch / "served",
            warmup=False,
            verify=False,
            signatures=("text",),
            text_pair="text_a" in self.texts,
        )
        text = load_signatures(report.version_directory)["text"]
        return text(**{name: tf.constant(values) for name, values in self.texts.items()})


def _finished(directory: Path, make: Callable[[Path], list[str]], *arguments: str) -> Finished:
    labels = make(directory / "data")
    pretrained = write_tiny_model(directory / "pretrained").directory
    status = _run(
        *arguments,
        *(f"--data_dir={directory / 'data'}", f"--output_dir={directory / 'out'}"),
        *(f"--vocab_file={pretrained / 'vocab.txt'}", "--do_train", "--do_eval", "--do_predict"),
        f"--bert_config_file={pretrained / 'bert_config.json'}",
        *("--train_batch_size=10", "--num_train_epochs=40", "--learning_rate=2e-3"),
        "--max_seq_length=24",
    )
    assert status == 0
    rows = [
        line.split("\t") for line in (directory / "data" / "dev.tsv").read_text().splitlines()[1:]
    ]
    columns = {"text_a": 7, "text_b": 8} if "--task_name=stsb" in arguments else {"text": 0}
    texts = {name: [row[column] for row in rows] for name, column in columns.items()}
    return Finished(directory, labels, texts)


@pytest.mark.parametrize(
    ("make", "arguments"),
    [(_stsb, ("--task_name=stsb",)), (_numbers, ("--task_name=custom", "--regression"))],
)
def test_regression(
    make: Callable[[Path], list[str]], arguments: tuple[str, ...], tmp_path: Path
) -> None:
    finished = _finished(tmp_path, make, *arguments)
    results, predicted = finished.results(), finished.predicted()
    expected = np.array(finished.labels, dtype=float)
    assert predicted.shape == expected.shape and predicted.std() > 0
    assert results["eval_pearson"] == pytest.approx(
        stats.pearsonr(predicted, expected).statistic, abs=1e-5
    )
    assert results["eval_spearman"] == pytest.approx(
        stats.spearmanr(predicted, expected).statistic, abs=1e-3
    )
    assert results["eval_loss"] == pytest.approx(mean_squared_error(expected, predicted), rel=1e-5)
    assert results["eval_pearson"] > 0.3
    answers = finished.exported(tmp_path)["scores"]
    np.testing.assert_allclose(answers, predicted, rtol=0, atol=1e-5)


def test_several_labels(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    arguments = ("--task_name=custom", "--multilabel", "--label_separator=;")
    finished = _finished(tmp_path, _several, *arguments)
    assert json.loads((tmp_path / "out" / "labels.json").read_text()) == {
        "task": "multilabel",
        "labels": list(_LABELS),
    }
    expected = np.array(
        [[label in told.split("; ") for label in _LABELS] for told in finished.labels]
    )
    predicted = finished.predicted()
    chosen, results = predicted > 0.5, finished.results()
    for average in ("micro", "macro"):
        score = f1_score(expected, chosen, average=average, zero_division=0)
        assert results[f"eval_f1_{average}"] == pytest.approx(score, abs=1e-6)
    assert results["eval_subset_accuracy"] == pytest.approx(accuracy_score(expected, chosen))
    assert results["eval_f1_micro"] > 0.6
    # The export needs no flag.
    answers = finished.exported(tmp_path)["probabilities"]
    np.testing.assert_allclose(answers, predicted, rtol=0, atol=1e-5)

    capfd.readouterr()
    given = ("--task_name=custom", f"--data_dir={tmp_path / 'data'}", "--do_eval")
    assert _run(*given, f"--output_dir={tmp_path / 'out'}") == 1
    told = capfd.readouterr().err
    assert "was trained for multilabel, but this run is for classification" in told


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--regression", "--multilabel"), "--regression and --multilabel are both given"),
        (("--regression", "--labels=a,b"), "--labels names 2 labels, but with --regression"),
        (("--multilabel", "--label_separator="), "--label_separator is empty"),
        (("--regression", "--task_name=cola"), "--regression is for --task_name=custom, but"),
        (("--task_name=stsb", "--labels=a,b"), "the task has numbers for labels: leave the flag"),
        (("--regression",), "train.csv, line 2, 'label': found 'x', where a number is expected"),
        ((), "train.csv: every example has the label 'x'"),
    ],
)
def test_mistakes(
    arguments: tuple[str, ...], sentence: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "train.csv").write_text("text,label\na,x\nb,x\n")
    pretrained = write_tiny_model(tmp_path / "pretrained")
    given = ("--task_name=custom", f"--data_dir={tmp_path}", f"--output_dir={tmp_path / 'out'}")
    init = f"--init_checkpoint={pretrained.prefix}"
    length = "--max_seq_length=24"
    assert _run(*given, init, length, "--do_train", *arguments) == 1
    assert sentence in capfd.readouterr().err


def test_one_number_for_all_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "train.csv").write_text("text,label\n" + "a,1\n" * 20)
    pretrained = write_tiny_model(tmp_path / "pretrained")
    given = ("--task_name=custom", f"--data_dir={tmp_path}", f"--output_dir={tmp_path / 'out'}")
    init = f"--init_checkpoint={pretrained.prefix}"
    length = "--max_seq_length=24"
    assert _run(*given, init, length, "--do_train", "--regression") == 1
    assert "train.csv: every example has the label 1.0" in capfd.readouterr().err


def test_a_class_that_never_occurs_is_told(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    row = "0\t1\t1n\tfiction\t\t\t\t\tone\tanother\tneutral\t"
    rows = [row + label for label in ("neutral", "entailment")]
    (tmp_path / "train.tsv").write_text("\n".join(["header", *rows]) + "\n")
    pretrained = write_tiny_model(tmp_path / "pretrained")
    given = ("--task_name=mnli", f"--data_dir={tmp_path}", f"--output_dir={tmp_path / 'out'}")
    init = f"--init_checkpoint={pretrained.prefix}"
    length = "--max_seq_length=24"
    assert (
        _run(*given, init, length, "--do_train", "--train_batch_size=2", "--num_train_epochs=1")
        == 0
    )
    assert "train.tsv has no example of the label 'contradiction'" in capfd.readouterr().err
    (tmp_path / "train.tsv").write_text("header\n" + f"{rows[0]}\n" * 2)
    assert _run(*given, init, length, "--do_train") == 1
    assert "train.tsv: every example has the label 'neutral'" in capfd.readouterr().err
