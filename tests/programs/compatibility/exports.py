"""Exports made by an environment of the matrix, and requests whose answers are compared."""

import dataclasses
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from bert.encoder.precision import BFLOAT16
from exporter.proof.adversarial_text import ADVERSARIAL_TEXTS
from tests.exporter.text.texts import EXAMPLES, SENTENCES
from tests.programs.compatibility.asking import Signature
from tests.programs.compatibility.environments import Environment
from tests.programs.compatibility.guard_cases import Bounds, ordinary_inputs
from tests.programs.compatibility.tensor_json import strings
from tests.repository import ROOT
from tests.task_models import TASK_MODELS
from tests.tiny_model import LABELS, write_tiny_model


@dataclasses.dataclass(frozen=True)
class Kind:
    """A way to call the exporter."""

    name: str
    flags: tuple[str, ...]


# The ways that have graphs of their own, whose ids no server's Unicode tables touch.
KINDS = (
    Kind("one text", ()),
    Kind("pairs", ("--text_pair", "--tokenizer=huggingface")),
    Kind(BFLOAT16, (f"--precision={BFLOAT16}",)),
)


class ExportFailed(Exception):
    """The exporter's last words."""


@dataclasses.dataclass(frozen=True)
class Model:
    """A checkpoint, and the ways to export it."""

    name: str
    checkpoint: Path
    flags: tuple[str, ...] = ()
    """of all ways"""

    kinds: tuple[Kind, ...] = KINDS


def classifiers(scratch: Path, checkpoint: Path | None) -> list[Model]:
    """The tests' model, and one of the user's."""
    # It brings no labels.
    labels = f"--labels={','.join(LABELS)}"
    models = [Model("tiny", write_tiny_model(scratch / "tiny").directory, (labels,))]
    return models if checkpoint is None else [*models, Model(checkpoint.name, checkpoint)]


def task_models(scratch: Path, names: Sequence[str]) -> list[Model]:
    """One of each of these tasks, exported in one way, without the checks of other tests."""
    return [
        Model(
            name,
            TASK_MODELS[name].write(scratch / f"{name} model"),
            tuple(TASK_MODELS[name].flags()),
            (Kind("unchecked", ("--nowarmup", "--noverify")),),
        )
        for name in names
    ]


def make_exports(
    environment: Environment, models: Sequence[Model], target_serving: str, folder: Path
) -> list[Path]:
    """Runs the command in the environment; the version directories.

    Args:
      environment: whose TensorFlow exports.
      models: what is exported.
      target_serving: of all exports.
      folder: gets them.

    Raises:
      ExportFailed: the exit code was not 0.
    """
    made = []
    for model in models:
        for kind in model.kinds:
            export_dir = folder / f"{model.name} {kind.name} {target_serving}"
            command: list[str | Path] = [
                environment.python,
                "-m",
                "exporter",
                "--version=1",
                *kind.flags,
                *model.flags,
            ]
            command += [f"--checkpoint={model.checkpoint}", f"--export_dir={export_dir}"]
            command += [f"--target_serving={target_serving}"]
            result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
            if result.returncode:
                lines = result.stderr.strip().splitlines() or [f"exit code {result.returncode}"]
                raise ExportFailed(f"{model.name}, {kind.name}: {lines[-1]}")
            made.append(export_dir / "1")
    return made


def sample_inputs(signature: Signature, bounds: Bounds) -> Iterator[dict[str, np.ndarray]]:
    """Ordinary and adversarial inputs that every environment has to answer alike."""
    names = sorted(signature.inputs)
    yield ordinary_inputs(names, bounds)
    if set(names) == set(bounds.text_names):
        texts = [*ADVERSARIAL_TEXTS, *(line.encode() for line in (*EXAMPLES, *SENTENCES))]
        # The second text of a pair is another one.
        columns = [texts, texts[::-1]]
        for rows in (slice(0, 1), slice(None)):
            yield {name: strings(columns[i][rows]) for i, name in enumerate(names)}
        yield {name: strings([]) for name in names}
    elif "input_ids" in names:
        inputs = ordinary_inputs(names, bounds)
        inputs["input_mask"] = inputs["input_mask"].copy()
        inputs["input_mask"][:, 1::3] = 0
        yield inputs
