"""From a CSV to a server: training on data of a person's own, export, answers over REST."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.exporter.preview.client import preview
from tests.exporter.preview.loading import wait_until_loaded
from tests.repository import ROOT
from tests.tiny_model import write_tiny_model

_ANSWERS = {"praise": "good", "complaint": "bad", "fun": "fun", "film": "film"}


def write_tickets(file: Path, count: int) -> list[tuple[str, str]]:
    """Messages of four teams, told by one word, which stands anywhere."""
    rows = []
    for index in range(count):
        team = tuple(_ANSWERS)[index % 4]
        words = ["the", "very", "is", "a"][: 1 + index % 3]
        words.insert(index % (len(words) + 1), _ANSWERS[team])
        rows.append((" ".join(words), team))
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(("id", "message", "team"))
        writer.writerows((index, text, team) for index, (text, team) in enumerate(rows))
    return rows


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `data`, `out` and `models`."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "data").mkdir()
    write_tickets(folder / "data" / "train.csv", 120)
    pretrained = write_tiny_model(folder / "pretrained")
    command = [sys.executable, "-m", "bert.run_classifier", "--task_name=custom"]
    command += [f"--data_dir={folder / 'data'}", "--text_column=message", "--label_column=team"]
    command += [f"--init_checkpoint={pretrained.prefix}", f"--output_dir={folder / 'out'}"]
    command += ["--do_train", "--do_eval", "--do_export", f"--export_dir={folder / 'models/teams'}"]
    command += ["--train_batch_size=8", "--num_train_epochs=40", "--learning_rate=1e-3"]
    command += ["--max_seq_length=16", "--dev_fraction=0.2"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert result.returncode == 0, result.stderr
    return folder


def test_the_labels_are_stored(trained: Path) -> None:
    assert json.loads((trained / "out" / "labels.json").read_text()) == sorted(_ANSWERS)
    results = dict(
        line.split(" = ")
        for line in (trained / "out" / "eval_results.txt").read_text().splitlines()
    )
    assert float(results["eval_accuracy"]) > 0.9


def test_the_server_answers_by_name(trained: Path, tmp_path: Path) -> None:
    rows = write_tickets(tmp_path / "unseen.csv", 40)
    with preview("teams", trained / "models" / "teams") as client:
        wait_until_loaded(client, "teams")
        request = {"signature_name": "labels", "instances": [text for text, _ in rows]}
        answer = client.predict(request, "teams").json()
    found = [prediction["label"] for prediction in answer["predictions"]]
    right = sum(label == team for label, (_, team) in zip(found, rows, strict=True))
    assert right / len(rows) > 0.9
