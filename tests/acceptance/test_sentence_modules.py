"""Models with every module of sentence-transformers that can be exported, against `encode`."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from bert.checkpoints import ReadOptions, read
from exporter import export
from exporter.artefact.served_model import ServedModel
from exporter.contract import TEXT_INPUT
from exporter.models.network import EncoderNetwork
from exporter.text.engine.wordpiece import FAST_OP
from tests.acceptance.conftest import written_texts
from tests.oracles.transformers_environment import TransformersEnvironment
from tests.repository import ROOT

_NAMES = (
    *("cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"),
    *("several", "dense", "wide", "identity", "prompt"),
)


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """The models that were written, and the texts."""
    environment = TransformersEnvironment()
    directory = tmp_path_factory.mktemp("modules")
    texts = written_texts(seed=83)[::3]
    request = directory / "request.json"
    vocabulary = str(environment.minilm / "vocab.txt")
    request.write_text(json.dumps({"vocabulary": vocabulary, "texts": texts}))
    script = ROOT / "tests" / "oracles" / "sentence_transformers_modules.py"
    result = subprocess.run(
        [environment.python, script, directory, request], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr[-4000:]
    return directory, texts


@pytest.mark.parametrize("name", _NAMES)
def test_embeddings_are_those_of_encode(name: str, oracle: tuple[Path, list[str]]) -> None:
    directory, texts = oracle
    model = read(directory / name, ReadOptions())
    served = ServedModel(model, EncoderNetwork(model), TEXT_INPUT, FAST_OP)
    answer = tf.function(served.answer_text, autograph=False)
    found = answer([tf.constant([text.encode() for text in texts])])
    with np.load(directory / f"{name}.npz") as arrays:
        expected = arrays["embeddings"]
    assert found.shape == expected.shape
    scale = max(1.0, np.abs(expected).max())
    np.testing.assert_allclose(found / scale, expected / scale, rtol=0, atol=1e-5)


def test_an_export(oracle: tuple[Path, list[str]], tmp_path: Path) -> None:
    """With verification."""
    report = export(oracle[0] / "dense", tmp_path / "served", warmup=False)
    assert report.verification is not None
    assert "through a dense layer of 24 (tanh)" in report.summary()
