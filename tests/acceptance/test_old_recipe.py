"""The recipe of 2020, really run, and its export with text in front of it."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from tests.exporter.command import run
from tests.exporter.text import texts
from tests.oracles.original_bert import unpacked_wheel
from tests.programs.compatibility.asking import process, read_signatures
from tests.programs.compatibility.environments import Environment
from tests.programs.compatibility.releases import RELEASES
from tests.programs.compatibility.runner import LOADERS
from tests.programs.compatibility.tensor_json import strings
from tests.repository import ROOT
from tests.tiny_model import LABELS, TinyModel, write_tiny_model

_SCRIPT = ROOT / "tests" / "oracles" / "old_recipe.py"
_TOLERANCE = 1e-6
_FEATURES = ("input_ids", "input_mask", "segment_ids")
_BATCH = 32


class Recipe(NamedTuple):
    """What tests/oracles/old_recipe.py wrote; its docstring has the layout."""

    directory: Path
    tiny: TinyModel
    texts: list[str]

    def exported(self, output: str) -> Path:
        (directory,) = (self.directory / output).iterdir()
        return directory

    def arrays(self, output: str) -> dict[str, np.ndarray]:
        with np.load(self.directory / f"{output}.npz") as arrays:
            return dict(arrays)


def environment(tensorflow: str) -> Environment:
    (release,) = (release for release in RELEASES if release.tensorflow == tensorflow)
    return Environment(release)


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """Trained for some steps by the original's code, and exported twice."""
    directory = tmp_path_factory.mktemp("recipe")
    tiny = write_tiny_model(directory / "tiny", max_position_embeddings=256)
    lines = [*texts.data_lines()[:200], *texts.fuzzed_strings(200, 63)]
    written = [*texts.EXAMPLES, *texts.SENTENCES, "", "not " * 300]
    written += [line.decode("utf-8", "ignore") for line in lines]
    written = [
        text.decode("utf-8", "ignore") if isinstance(text, bytes) else text for text in written
    ]
    request = directory / "request.json"
    request.write_text(
        json.dumps(
            {
                "config_file": str(tiny.directory / "bert_config.json"),
                "vocab_file": str(tiny.directory / "vocab.txt"),
                "init_checkpoint": str(tiny.prefix),
                "labels": list(LABELS),
                "train": [[text, LABELS[i % 3]] for i, text in enumerate(texts.SENTENCES)],
                "train_steps": 4,
                "texts": written,
            }
        )
    )
    command = [environment("2.15.1").python, _SCRIPT, unpacked_wheel(), directory, request]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-4000:]
    return Recipe(directory, tiny, written)


@pytest.fixture(scope="module")
def version_directory(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command as the README has it, with all its checks."""
    export_dir = tmp_path_factory.mktemp("served") / "recipe"
    outcome = run(
        f"--checkpoint={recipe.exported('output')}",
        f"--vocab_file={recipe.tiny.directory / 'vocab.txt'}",
        f"--export_dir={export_dir}",
        "--version=1",
    )
    assert outcome.code == 0, outcome.errors
    return export_dir / "1"


def differences(
    version_directory: Path,
    recipe: Recipe,
    output: str,
    loader: str,
    python: Path,
    of_client: bool = False,
) -> tuple[float, int]:
    """The largest difference of text's answers, and how many texts' ids differ.

    From what the recipe's export says of the same features in the same process, or, `of_client`,
    from what the recipe's client got.
    """
    arrays = recipe.arrays(output)
    signatures = read_signatures(version_directory)
    original = read_signatures(recipe.exported(output))["serving_default"]
    largest, different = 0.0, 0
    with process(loader, python) as asking:
        for rows in batches(recipe.texts):
            inputs = {"text": strings([text.encode() for text in recipe.texts[rows]])}
            answer = asking.ask(signatures["text"].request(inputs))
            assert answer.error is None, answer.message
            expected = arrays["probabilities"][rows]
            if not of_client:
                features = {name: arrays[name][rows].astype(np.int32) for name in _FEATURES}
                features["label_ids"] = np.zeros(len(expected), np.int32)
                expected = asking.ask(original.request(features)).outputs[output]
            difference = answer.outputs["probabilities"] - expected
            largest = max(largest, float(np.abs(difference).max()))
            tokens = asking.ask(signatures["tokenize"].request(inputs)).outputs["input_ids"]
            padded = np.pad(tokens, [[0, 0], [0, 256 - tokens.shape[1]]])
            different += int((padded != arrays["input_ids"][rows]).any(axis=1).sum())
    return largest, different


def batches(rows: Sequence[str]) -> list[slice]:
    return [slice(start, start + _BATCH) for start in range(0, len(rows), _BATCH)]


def test_text_answers_as_the_recipes_client(version_directory: Path, recipe: Recipe) -> None:
    probabilities = recipe.arrays("output")["probabilities"]
    assert np.ptp(probabilities, axis=0).min() > 0.1, "texts differ"
    # On the release that the recipe ran on, since releases differ by more than that.
    python = environment("2.15.1").python
    largest, different = differences(
        version_directory, recipe, "output", "session", python, of_client=True
    )
    print(f"{len(recipe.texts)} texts, {different} with other ids, largest {largest:.1e}")
    assert different == 0
    assert largest <= _TOLERANCE


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize("tensorflow", ["2.12.1", "2.21.0"])
def test_on_servers(version_directory: Path, recipe: Recipe, tensorflow: str, loader: str) -> None:
    """As the recipe's own export there."""
    python = environment(tensorflow).python
    largest, different = differences(version_directory, recipe, "output", loader, python)
    print(f"TensorFlow {tensorflow}, {loader}: largest {largest:.1e}")
    assert different == 0
    assert largest <= _TOLERANCE


def test_an_output_of_another_name(recipe: Recipe, tmp_path: Path) -> None:
    """Later releases of run_classifier.py call it `probabilities`."""
    outcome = run(
        f"--checkpoint={recipe.exported('probabilities')}",
        f"--vocab_file={recipe.tiny.directory / 'vocab.txt'}",
        f"--export_dir={tmp_path / 'served'}",
        "--version=1",
        "--nowarmup",
    )
    assert outcome.code == 0, outcome.errors
    python = Path(sys.executable)
    found = differences(tmp_path / "served" / "1", recipe, "probabilities", "session", python)
    assert found[0] <= _TOLERANCE
    assert found[1] == 0
