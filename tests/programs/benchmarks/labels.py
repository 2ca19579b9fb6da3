"""The labels that smaller weights change: ours beside others, each against its own float32.

    python -m tests.programs.benchmarks.labels --checkpoint OUTPUT_DIR_OF_RUN_CLASSIFIER
    python -m tests.programs.benchmarks.labels --model bert-base

Asks SST-2's development sentences in requests of 64, in the order of the file. First the answers
in float32 of all have to agree, so that the same model is compared.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tests.programs.benchmarks.inference.artefacts import FLOAT32
from tests.programs.benchmarks.inference.benchmark import FOLDER, MINILM_FOLDER
from tests.programs.benchmarks.inference.checkpoints import MODELS, write_checkpoint
from tests.programs.benchmarks.inference.contest import Disagreement
from tests.programs.benchmarks.inference.fine_tuned import write_transformers_directory
from tests.programs.benchmarks.inference.registry import TOLERANCE, Entrant, entrants
from tests.programs.benchmarks.inference.requests import real_sentences

_ROWS = 64
_CONTESTANTS = "onnx,onnx-int8,ours,ours-int8"


class Change(NamedTuple):
    """How the answers of smaller weights differ from those of the same library in float32."""

    labels: int
    """rows whose most probable label is another one"""

    largest: float
    """difference of a probability"""

    mean: float
    """difference of a probability"""


def main() -> None:
    """Prints a line for each contestant with smaller weights."""
    arguments = _arguments()
    if arguments.checkpoint:
        folder = FOLDER / "fine-tuned"
        checkpoint = write_transformers_directory(arguments.checkpoint, folder / "checkpoint")
    else:
        folder = FOLDER / arguments.model
        checkpoint = write_checkpoint(arguments.model, MINILM_FOLDER, folder / "checkpoint")
    sentences = real_sentences(["dev.tsv"])
    known = entrants(warmup=False)
    chosen = {name: known[name] for name in arguments.contestants.split(",")}
    answers = {
        name: _answers(name, entrant, checkpoint, folder, sentences)
        for name, entrant in chosen.items()
    }
    changes = changes_of(answers, {name: entrant.precision for name, entrant in chosen.items()})
    for name, change in changes.items():
        print(
            f"{name}: {change.labels} of {len(sentences)} labels changed, probabilities by "
            f"{change.largest:.4f} at most and {change.mean:.4f} in the mean"
        )


def changes_of(
    answers: Mapping[str, np.ndarray], precisions: Mapping[str, str]
) -> dict[str, Change]:
    """The change of each contestant that is not in float32.

    Args:
      answers: contestant -> float [rows, labels]; `onnx` is the float32 of `onnx-int8`.
      precisions: contestant -> that of its weights.

    Raises:
      Disagreement: two in float32 differ, so that they do not run one model.
    """
    exact = {name: rows for name, rows in answers.items() if precisions[name] == FLOAT32}
    first, *others = exact
    for name in others:
        difference = float(np.abs(exact[name] - exact[first]).max())
        if not difference <= TOLERANCE[FLOAT32]:
            raise Disagreement(
                f"{name} differs from {first} by {difference:.2g} in float32, where "
                f"{TOLERANCE[FLOAT32]:.2g} is the most that rounding explains"
            )
    changes = {}
    for name, rounded in answers.items():
        if name in exact:
            continue
        expected = exact[name.rpartition("-")[0]]
        differences = np.abs(rounded - expected)
        changed = rounded.argmax(axis=1) != expected.argmax(axis=1)
        changes[name] = Change(
            int(changed.sum()), float(differences.max()), float(differences.mean())
        )
    return changes


def _answers(
    name: str, entrant: Entrant, checkpoint: Path, folder: Path, sentences: Sequence[str]
) -> np.ndarray:
    """The contestant's probabilities: float [rows, labels]."""
    contestant = entrant.start(name, entrant.prepare(checkpoint, folder), folder / "logs")
    try:
        contestant.load()
        return np.concatenate(
            [
                contestant.ask(sentences[start : start + _ROWS])[0]
                for start in range(0, len(sentences), _ROWS)
            ]
        )
    finally:
        contestant.close()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="labels", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--checkpoint", type=Path, help="the --output_dir of run_classifier")
    parser.add_argument("--model", choices=MODELS, default=MODELS[0], help="without --checkpoint")
    parser.add_argument(
        "--contestants",
        default=_CONTESTANTS,
        help="with commas, each beside its own in float32; default: %(default)s",
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
