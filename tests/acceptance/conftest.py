"""The whole way on the real model and real data: minutes, so only in the full suite."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from tests.exporter.preview.client import Client, preview
from tests.exporter.text import texts
from tests.oracles.model_garden_environment import ModelGardenEnvironment
from tests.repository import ROOT
from tests.tiny_model import tiny_tokens


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.full)


class Trained(NamedTuple):
    """A fine-tuning with MiniLM, its export, and the server that answers for it."""

    output_dir: Path
    prefix: Path
    version_directory: Path
    client: Client
    rows: list[list[str]]
    """The tab-separated columns of dev.tsv."""

    def predicted(self) -> np.ndarray:
        """What --do_predict wrote, float64 [rows, 2]."""
        return np.loadtxt(self.output_dir / "test_results.tsv", delimiter="\t")

    def answers(self, instances: Sequence[object], signature: str = "") -> list:
        """What the server says, asked in requests of 64."""
        predictions = []
        for start in range(0, len(instances), 64):
            body = {"signature_name": signature, "instances": instances[start : start + 64]}
            answer = self.client.predict(body, model="served")
            assert answer.status == 200, answer.body
            predictions += answer.json()["predictions"]
        return predictions


class ModelGarden(NamedTuple):
    """What tests/oracles/model_garden_models.py wrote; its docstring has the layout."""

    directory: Path
    texts: list[str]
    pairs: list[tuple[str, str]]

    def checkpoint(self, name: str) -> Path:
        return self.directory / "checkpoints" / name

    def saved_model(self, name: str) -> Path:
        return self.directory / "saved_models" / name

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        """Features and answers for every text, or pair, by name."""
        with np.load(self.directory / f"{name}.npz") as arrays:
            return dict(arrays)


def data_folder() -> Path:
    folder = os.environ.get("BERT_EXPORTER_DATA")
    assert folder, "BERT_EXPORTER_DATA must name the folder with sst2/ and mrpc/"
    return Path(folder)


def written_texts(seed: int) -> list[str]:
    """Texts for an oracle: examples, an empty one, a long one, lines of data, and random ones."""
    lines = [*texts.data_lines()[:200], *texts.fuzzed_strings(200, seed)]
    written = [*texts.EXAMPLES, *texts.SENTENCES, "", "not " * 100]
    return written + [line.decode("utf-8", "ignore") for line in lines]


@pytest.fixture(scope="session")
def minilm() -> Path:
    """MiniLM as sentence-transformers has it."""
    directory = ROOT / "build" / "minilm"
    subprocess.run([ROOT / "scripts" / "fetch_minilm", directory], check=True)
    return directory


@pytest.fixture(scope="session")
def model_garden(minilm: Path, tmp_path_factory: pytest.TempPathFactory) -> ModelGarden:
    """Models that Model Garden made of texts of all kinds."""
    scratch = tmp_path_factory.mktemp("model_garden")
    cased = scratch / "cased.txt"
    cased.write_text("".join(f"{token}\n" for token in tiny_tokens(do_lower_case=False)))
    written = written_texts(seed=62)
    pairs = list(zip(written, [*written[1:], written[0]], strict=True))
    request = scratch / "request.json"
    request.write_text(
        json.dumps(
            {
                "vocabularies": {"uncased": str(minilm / "vocab.txt"), "cased": str(cased)},
                "texts": written,
                "pairs": pairs,
            }
        )
    )
    module = "tests.oracles.model_garden_models"
    ModelGardenEnvironment().run(module, scratch / "models", request)
    return ModelGarden(scratch / "models", written, pairs)


def fine_tune(
    task: str, data_dir: Path, minilm: Path, scratch: Path, *export_flags: str, length: int
) -> Iterator[Trained]:
    """Two epochs at 5e-5, exported with the command and served by the preview."""
    output_dir, export_dir = scratch / "out", scratch / "models"
    _run(
        "bert.run_classifier",
        *(f"--task_name={task}", f"--data_dir={data_dir}", f"--init_checkpoint={minilm}"),
        *(f"--output_dir={output_dir}", "--do_train", "--do_eval", "--do_predict"),
        *("--num_train_epochs=2", "--learning_rate=5e-5", "--train_batch_size=32"),
        f"--max_seq_length={length}",
    )
    _run("exporter", f"--checkpoint={output_dir}", f"--export_dir={export_dir}", *export_flags)
    (version_directory,) = (child for child in export_dir.iterdir() if child.name.isdecimal())
    (index,) = output_dir.glob("*.index")
    lines = (data_dir / "dev.tsv").read_text(encoding="utf-8").splitlines()
    with preview("served", export_dir) as client:
        yield Trained(
            output_dir,
            index.with_suffix(""),
            version_directory,
            client,
            [line.split("\t") for line in lines],
        )


def _run(module: str, *arguments: str) -> None:
    subprocess.run([sys.executable, "-m", module, *arguments], check=True, cwd=ROOT)
