"""Every task of GLUE in its official files: read, trained, evaluated, predicted and exported."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from absl import flags
from sklearn import metrics

from bert.run_classifier import define_flags, main
from exporter import export
from tests.bert.training.toy_task import toy_texts
from tests.conftest import load_signatures
from tests.full import sampled
from tests.tiny_model import write_tiny_model

_NUM_TRAIN, _NUM_DEV = 48, 24

_MNLI = "index\tpromptID\tpairID\tgenre\tp1\tp2\tp3\tp4\tsentence1\tsentence2\t{}gold_label\n"
_MNLI_ROW = "{i}\t1\t1n\tfiction\t\t\t\t\t{a}\t{b}\t{more}{label}\n"
_NLI = ("entailment", "not_entailment")
_NLI_3 = ("contradiction", "entailment", "neutral")


@dataclasses.dataclass(frozen=True)
class _Files:
    """A task's files: header and row, of i, texts a and b, and label."""

    header: str
    row: str
    labels: tuple[str, ...] = ("0", "1")
    train: str = "train"
    dev: str = "dev"
    dev_header: str | None = None
    dev_row: str | None = None


_TASKS: Mapping[str, _Files] = {
    "cola": _Files("", "gj04\t{label}\t\t{a}\n"),
    "mnli": _Files(
        _MNLI.format("label1\t"),
        _MNLI_ROW.replace("{more}", "neutral\t"),
        _NLI_3,
        dev="dev_matched",
    ),
    "mnli-mm": _Files(
        _MNLI.format("label1\tlabel2\t"),
        _MNLI_ROW.replace("{more}", "neutral\tneutral\t"),
        _NLI_3,
        dev="dev_mismatched",
    ),
    "mrpc": _Files(
        "Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\n", "{label}\t1{i}\t2{i}\t{a}\t{b}\n"
    ),
    "qnli": _Files("index\tquestion\tsentence\tlabel\n", "{i}\t{a}\t{b}\t{label}\n", _NLI),
    "qqp": _Files(
        "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n",
        "{i}\t1{i}\t2{i}\t{a}\t{b}\t{label}\n",
    ),
    "rte": _Files("index\tsentence1\tsentence2\tlabel\n", "{i}\t{a}\t{b}\t{label}\n", _NLI),
    "sst-2": _Files("sentence\tlabel\n", "{a}\t{label}\n"),
    "wnli": _Files("index\tsentence1\tsentence2\tlabel\n", "{i}\t{a}\t{b}\t{label}\n"),
    "xnli": _Files(
        "premise\thypo\tlabel\n",
        "{a}\t{b}\t{label}\n",
        _NLI_3,
        train="multinli/multinli.train.zh",
        dev="xnli.dev",
        dev_header="language\tgold_label\t1\t2\t3\t4\tsentence1\tsentence2\tpromptID\n",
        dev_row="zh\t{label}\t\t\t\t\t{a}\t{b}\t{i}\nar\t{label}\t\t\t\t\tno\tno\t{i}\n",
    ),
}

_Metric = Callable[[np.ndarray, np.ndarray], float]
_METRICS: Mapping[str, Mapping[str, _Metric]] = {
    "cola": {"eval_matthews": metrics.matthews_corrcoef},
    "mrpc": {"eval_f1": metrics.f1_score},
    "qqp": {"eval_f1": metrics.f1_score},
}


def _write(files: _Files, directory: Path) -> tuple[dict[str, list[str]], list[int]]:
    """Writes the files; the texts and labels of dev."""
    texts, labels = toy_texts(_NUM_TRAIN), list[int]()
    for name, header, row, count in (
        (files.train, files.header, files.row, _NUM_TRAIN),
        (files.dev, files.dev_header or files.header, files.dev_row or files.row, _NUM_DEV),
    ):
        labels = [
            ("good" in texts[i]) + (i % 5 == 0) * (len(files.labels) - 2) for i in range(count)
        ]
        lines = [
            row.format(i=i, a=texts[i], b=texts[i - 1], label=files.labels[label])
            for i, label in enumerate(labels)
        ]
        file = directory / f"{name}.tsv"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(header + "".join(lines), encoding="utf-8")
    first = texts[:_NUM_DEV]
    if "{b}" not in files.row:
        return {"text": first}, labels
    return {"text_a": first, "text_b": [texts[i - 1] for i in range(_NUM_DEV)]}, labels


@pytest.mark.parametrize("name", sampled(_TASKS, ["cola", "mrpc"]))
def test_a_task_from_its_files_to_its_export(name: str, tmp_path: Path) -> None:
    texts, labels = _write(_TASKS[name], tmp_path / "data")
    pretrained = write_tiny_model(tmp_path / "pretrained").directory
    values = flags.FlagValues()
    define_flags(values)
    given = [f"--task_name={name}", f"--data_dir={tmp_path / 'data'}", "--max_seq_length=32"]
    given += [f"--output_dir={tmp_path / 'out'}", f"--init_checkpoint={pretrained}", "--do_train"]
    given += ["--do_eval", "--do_predict", "--train_batch_size=12", "--learning_rate=3e-3"]
    values(["run_classifier", *given, "--num_train_epochs=8"])
    assert main(["run_classifier"], values) == 0

    lines = (tmp_path / "out" / "eval_results.txt").read_text().splitlines()
    results = {key: float(value) for key, value in (line.split(" = ") for line in lines)}
    predicted = np.loadtxt(tmp_path / "out" / "test_results.tsv", delimiter="\t")
    assert predicted.shape == (_NUM_DEV, len(_TASKS[name].labels))
    expected, chosen = np.array(labels), predicted.argmax(axis=1)
    judged = {"eval_accuracy": metrics.accuracy_score, **_METRICS.get(name, {})}
    assert results.keys() == {*judged, "eval_loss", "global_step", "loss"}
    for key, metric in judged.items():
        assert results[key] == pytest.approx(metric(expected, chosen), abs=1e-6), key
    exact = predicted / predicted.sum(axis=1, keepdims=True)
    loss = metrics.log_loss(expected, exact, labels=range(predicted.shape[1]))
    assert results["eval_loss"] == pytest.approx(loss, rel=1e-4)

    report = export(
        tmp_path / "out",
        tmp_path / "served",
        text_pair="text_a" in texts,
        signatures=("text",),
        warmup=False,
        verify=False,
    )
    text = load_signatures(report.version_directory)["text"]
    answers = text(**{key: tf.constant(each) for key, each in texts.items()})["probabilities"]
    np.testing.assert_allclose(answers, predicted, rtol=0, atol=1e-5)
