"""Trains a small model for each task on template sentences, exports it, and asks it over REST.

    scripts/fetch_minilm build/minilm && python -m tests.programs.task_examples [TASK ...]

Prints a request and its answer for each task, as README.md has them. Minutes.
"""

import csv
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.bert.training.questions.template_questions import write_questions
from tests.bert.training.tagging.template_sentences import make_sentences
from tests.exporter.preview.client import preview
from tests.exporter.preview.loading import wait_until_loaded
from tests.repository import ROOT

_MINILM = ROOT / "build" / "minilm"
_TRAINING = (
    f"--init_checkpoint={_MINILM}",
    *("--do_train", "--learning_rate=2e-4", "--train_batch_size=16", "--max_seq_length=96"),
)
_OPINIONS = {"great": 5, "good": 4, "fair": 3, "poor": 2, "awful": 1}
_THINGS = ("food", "service", "price")


def tagging(folder: Path) -> Path:
    for split, count in (("train", 800), ("dev", 50)):
        with (folder / f"{split}.jsonl").open("w") as file:
            for words, tags in make_sentences(count, seed=len(split)):
                file.write(json.dumps({"tokens": words, "tags": tags}) + "\n")
    return _classifier(folder, "--task_name=ner", "--label_all_tokens")


def question_answering(folder: Path) -> Path:
    train = write_questions(folder / "train.json", 800, 1, with_negative=False)
    _run("bert.run_squad", f"--train_file={train}", f"--output_dir={folder / 'out'}", *_TRAINING)
    return folder / "out"


def multilabel(folder: Path) -> Path:
    generator = random.Random(0)
    rows = []
    for _ in range(600):
        named = [thing for thing in _THINGS if generator.random() < 0.5]
        opinions = [f"the {thing} was {generator.choice(list(_OPINIONS))}" for thing in named]
        rows.append((" and ".join(opinions) or "nothing to add", ",".join(named)))
    _write(folder / "train.csv", rows)
    return _classifier(folder, "--task_name=custom", "--multilabel")


def regression(folder: Path) -> Path:
    generator = random.Random(0)
    rows = []
    for _ in range(600):
        opinion, thing = generator.choice(list(_OPINIONS)), generator.choice(_THINGS)
        rows.append((f"the {thing} was {opinion}", _OPINIONS[opinion]))
    _write(folder / "train.csv", rows)
    return _classifier(folder, "--task_name=custom", "--regression")


def pairs(folder: Path) -> Path:
    """Whether two opinions are about one thing."""
    generator = random.Random(0)
    rows = []
    for _ in range(1200):
        things = [generator.choice(_THINGS) for _ in range(2)]
        opinions = [f"the {thing} was {generator.choice(list(_OPINIONS))}" for thing in things]
        rows.append((*opinions, "same" if things[0] == things[1] else "other"))
    _write(folder / "train.csv", rows, ("text", "text_b", "label"))
    return _classifier(folder, "--task_name=custom", "--text_b_column=text_b")


def embedding(folder: Path) -> Path:
    return _MINILM


_TASKS: dict[str, tuple[Callable[[Path], Path], object]] = {
    "tagging": (tagging, "Anna Perez left Acme and lives in Oslo."),
    "question_answering": (
        question_answering,
        {"question": "Where is it based?", "context": "It makes cars. Its office is in New Delhi."},
    ),
    "multilabel": (multilabel, "the food was good and the price was fair"),
    "regression": (regression, "the service was good"),
    "embedding": (embedding, "a stirring, funny film"),
    "pairs": (pairs, {"text_a": "the food was good", "text_b": "the food was awful"}),
}


def _write(
    file: Path,
    rows: Sequence[tuple[object, ...]],
    columns: tuple[str, ...] = ("text", "label"),
) -> None:
    with file.open("w", newline="") as opened:
        csv.writer(opened).writerows([columns, *rows])


def _classifier(folder: Path, *more: str) -> Path:
    _run("bert.run_classifier", f"--data_dir={folder}", f"--output_dir={folder / 'out'}",
         "--num_train_epochs=3", *_TRAINING, *more)  # fmt: skip
    return folder / "out"


def _run(module: str, *arguments: object) -> None:
    subprocess.run([sys.executable, "-m", module, *map(str, arguments)], check=True, cwd=ROOT)


def _shortened(answer: Any) -> str:
    if isinstance(answer, list) and len(answer) > 8:
        return f"{json.dumps(answer[:3])[:-1]}, … {len(answer)} numbers]"
    return json.dumps(answer, ensure_ascii=False)


def main() -> None:
    """Prints the examples."""
    for name in sys.argv[1:] or _TASKS:
        train, instance = _TASKS[name]
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            checkpoint, served = train(folder), folder / "served"
            takes_pairs = isinstance(instance, dict) and "text_a" in instance
            _run("exporter", f"--checkpoint={checkpoint}", f"--export_dir={served}", "--nowarmup",
                 *(["--text_pair"] if takes_pairs else []))  # fmt: skip
            with preview(name, served) as client:
                wait_until_loaded(client, name)
                answer = client.predict({"instances": [instance]}, model=name).json()
        print(f"{name}: {json.dumps(instance)}\n    {_shortened(answer['predictions'][0])}")


if __name__ == "__main__":
    main()
