"""From a CoNLL file to a server: training, its measure, export, entities over REST."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from seqeval.metrics import f1_score, precision_score, recall_score

from bert.checkpoints import ReadOptions, read
from tests.bert.training.tagging.template_sentences import (
    Sentence,
    make_sentences,
    unseen,
    write_conll,
    write_vocabulary,
)
from tests.exporter.preview.client import Client, preview
from tests.exporter.preview.loading import wait_until_loaded
from tests.repository import ROOT
from tests.tiny_model import tiny_config

_TRAIN, _DEV = 2000, 400
_TAGS = sorted(f"{prefix}-{kind}" for prefix in "BI" for kind in ("PER", "LOC", "ORG", "DATE"))


class Trained(NamedTuple):
    """What a training left."""

    folder: Path
    dev: list[Sentence]
    errors: str

    def results(self) -> dict[str, float]:
        lines = (self.folder / "out" / "eval_results.txt").read_text().splitlines()
        return {name: float(value) for name, value in (line.split(" = ") for line in lines)}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """From random weights, with `data`, `out` and `models` in a folder."""
    folder = tmp_path_factory.mktemp("tagging")
    data = folder / "data"
    data.mkdir()
    training = make_sentences(_TRAIN, seed=1)
    dev = unseen(make_sentences(2 * _DEV, seed=2), training)[:_DEV]
    write_conll(data / "train.conll", training)
    write_conll(data / "dev.conll", dev)
    vocabulary = folder / "vocab.txt"
    config = tiny_config(write_vocabulary(vocabulary), hidden_size=32, intermediate_size=64)
    (folder / "bert_config.json").write_text(config.to_google_research_json())
    command = [sys.executable, "-m", "bert.run_classifier", "--task_name=ner"]
    command += [
        f"--data_dir={data}",
        f"--output_dir={folder / 'out'}",
        f"--vocab_file={vocabulary}",
    ]
    command += [f"--bert_config_file={folder / 'bert_config.json'}", "--max_seq_length=48"]
    command += ["--do_train", "--do_eval", "--do_predict", "--num_train_epochs=5"]
    command += ["--learning_rate=3e-3", "--train_batch_size=32", "--eval_batch_size=64"]
    command += ["--do_export", f"--export_dir={folder / 'models' / 'names'}"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert result.returncode == 0, result.stderr
    return Trained(folder, dev, result.stderr)


@pytest.fixture(scope="module")
def client(trained: Trained) -> Iterator[Client]:
    with preview("names", trained.folder / "models" / "names") as client:
        wait_until_loaded(client, "names")
        yield client


def test_entities_of_unseen_sentences_are_found(trained: Trained) -> None:
    results = trained.results()
    assert results["eval_f1"] >= 0.95
    assert set(results) >= {"eval_precision", "eval_recall", "eval_accuracy", "eval_loss"}


def test_the_measure_is_that_of_the_written_tags(trained: Trained) -> None:
    text = (trained.folder / "out" / "test_results.conll").read_text(encoding="utf-8")
    sentences = [block.split("\n") for block in text.rstrip("\n").split("\n\n")]
    rows = [[line.split("\t") for line in lines] for lines in sentences]
    assert [[word for word, _ in row] for row in rows] == [words for words, _ in trained.dev]
    found = [[tag for _, tag in row] for row in rows]
    expected = [tags for _, tags in trained.dev]
    results = trained.results()
    assert results["eval_f1"] == pytest.approx(f1_score(expected, found), abs=1e-6)
    assert results["eval_precision"] == pytest.approx(precision_score(expected, found), abs=1e-6)
    assert results["eval_recall"] == pytest.approx(recall_score(expected, found), abs=1e-6)


def test_the_checkpoint_says_what_it_is(trained: Trained) -> None:
    model = read(trained.folder / "out", ReadOptions())
    assert model.task.name == "token_classification"
    assert model.labels == (*_TAGS, "O")
    stored = json.loads((trained.folder / "out" / "labels.json").read_text())
    assert stored == {"task": "token_classification", "labels": [*_TAGS, "O"]}


def test_entities_over_rest_have_the_same_f1(trained: Trained, client: Client) -> None:
    """Entities of the text are laid on its words again."""
    texts = [" ".join(words) for words, _ in trained.dev]
    answers: list[dict[str, Any]] = []
    for start in range(0, len(texts), 100):
        request = {"signature_name": "entities", "instances": texts[start : start + 100]}
        answers += client.predict(request, "names").json()["predictions"]
    found = [
        tags_of(words, answer) for (words, _), answer in zip(trained.dev, answers, strict=True)
    ]
    expected = [tags for _, tags in trained.dev]
    f1 = f1_score(expected, found)
    assert f1 >= 0.95
    assert f1 == pytest.approx(trained.results()["eval_f1"], abs=1e-6)


def tags_of(words: Sequence[str], answer: dict[str, Any]) -> list[str]:
    """Tags of words by the places of entities."""
    starts = [len(" ".join(words[:index])) + (index > 0) for index in range(len(words))]
    tags = ["O"] * len(words)
    for entity in range(answer["count"]):
        label, first, end = (answer[key][entity] for key in ("labels", "starts", "ends"))
        inside = [index for index, start in enumerate(starts) if first <= start < end]
        for index in inside:
            tags[index] = f"{'B' if index == inside[0] else 'I'}-{label}"
    return tags
