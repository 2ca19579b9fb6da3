"""The README's commands for data of one's own: from a CSV to answers over REST."""

import csv
import json
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from tests.exporter.preview.client import Client, preview
from tests.exporter.preview.loading import wait_until_loaded
from tests.repository import ROOT
from tests.tiny_model import tiny_tokens, write_tiny_model

# The word that tells the team, in English and in German.
_WORDS = {
    "Abrechnung": ("bill", "Gebühr"),
    "complaint": ("bad", "schlecht"),
    "Größe & Maß": ("size", "Größe"),
    "praise": ("good", "schön"),
}
_FILLERS = (("the", "very", "is", "a"), ("für", "sehr", "ist", "Straße"))
# So many rows of dev have the label of another team, that the accuracy is not just 1.
_ONE_IN_WRONG = 9
# What a model of two small layers needs beside the flags of the README.
_SMALL = "--train_batch_size=8 --num_train_epochs=60 --learning_rate=2e-3 --max_seq_length=16"

Rows = list[tuple[str, str]]


def _commands() -> list[str]:
    """Those of the README's part on training, as they stand there."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^## Train\n\n```\n(.*?)^```", readme, re.DOTALL | re.MULTILINE)
    return block.replace("\\\n", " ").splitlines()


def _write_tickets(file: Path, count: int, one_in_wrong: int | None = None) -> Rows:
    """Messages in two languages by turns, of four teams; the word for the team stands anywhere."""
    teams, rows = list(_WORDS), []
    for index in range(count):
        language, team = index % 2, index // 2 % len(teams)
        words = [*_FILLERS[language][: 1 + index % 3]]
        words.insert(index % (len(words) + 1), _WORDS[teams[team]][language])
        is_wrong = one_in_wrong is not None and index % one_in_wrong == 0
        rows.append((" ".join(words), teams[(team + is_wrong) % len(teams)]))
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(("id", "message", "team"))
        writer.writerows((index, text, team) for index, (text, team) in enumerate(rows))
    return rows


class Trained(NamedTuple):
    """A folder with `tickets`, `out` and `models`, and the rows of dev.csv."""

    folder: Path
    dev: Rows


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("own")
    (folder / "tickets").mkdir()
    _write_tickets(folder / "tickets" / "train.csv", 160)
    dev = _write_tickets(folder / "tickets" / "dev.csv", 64, _ONE_IN_WRONG)
    # Uncased: without accents.
    words = ["gebuhr", "schlecht", "große", "schon", "fur", "sehr", "ist", "straße", "bill", "size"]
    write_tiny_model(folder / "minilm", tokens=(*tiny_tokens(), *words))
    train, export = _commands()
    more = {train: f"{_SMALL} --do_predict", export: "--nowarmup"}
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    for command, flags in more.items():
        result = subprocess.run(
            shlex.split(f"{command} {flags}"),
            capture_output=True,
            text=True,
            cwd=folder,
            env=environment,
        )
        assert result.returncode == 0, result.stderr
    return Trained(folder, dev)


@pytest.fixture(scope="module")
def client(trained: Trained) -> Iterator[Client]:
    with preview("tickets", trained.folder / "models" / "tickets") as client:
        wait_until_loaded(client, "tickets")
        yield client


def test_the_labels_are_stored(trained: Trained) -> None:
    stored = json.loads((trained.folder / "out" / "labels.json").read_text(encoding="utf-8"))
    assert stored == sorted(_WORDS)


def test_the_server_is_as_accurate_as_the_evaluation(trained: Trained, client: Client) -> None:
    texts = [text for text, _ in trained.dev]
    request = {"signature_name": "labels", "instances": texts}
    predictions = client.predict(request, "tickets").json()["predictions"]
    found = [prediction["label"] for prediction in predictions]
    right = [label == team for label, (_, team) in zip(found, trained.dev, strict=True)]
    results = (trained.folder / "out" / "eval_results.txt").read_text().splitlines()
    assert f"eval_accuracy = {np.float32(np.mean(right))!s}" in results
    assert 0.75 < np.mean(right) < 1


def test_the_server_answers_what_was_predicted(trained: Trained, client: Client) -> None:
    """Every probability, in both languages."""
    request = {"instances": [text for text, _ in trained.dev]}
    found = client.predict(request, "tickets").json()["predictions"]
    predicted = np.loadtxt(trained.folder / "out" / "test_results.tsv", delimiter="\t")
    np.testing.assert_allclose(found, predicted, rtol=0, atol=1e-5)
    labels = sorted(_WORDS)
    for language in (0, 1):
        chosen = [labels[row.argmax()] for row in predicted[language::2]]
        teams = [team for _, team in trained.dev[language::2]]
        assert np.mean([a == b for a, b in zip(chosen, teams, strict=True)]) > 0.6, language
