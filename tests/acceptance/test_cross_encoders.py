"""Cross-encoders that sentence-transformers saved, exported, against `CrossEncoder.predict`."""

import json
import subprocess
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf

from exporter import export
from tests.acceptance.conftest import written_texts
from tests.conftest import load_signatures
from tests.oracles.transformers_environment import TransformersEnvironment
from tests.repository import ROOT

_PAIRS = 300


class Oracle(NamedTuple):
    """The models that were written, and the pairs."""

    directory: Path
    pairs: list[tuple[str, str]]


# sentence-transformers 6 and 5, which save cross-encoders in different forms.
@pytest.fixture(scope="module", params=["transformers", "transformers4"])
def oracle(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Oracle:
    environment = TransformersEnvironment(request.param)
    directory = tmp_path_factory.mktemp("pairs")
    texts = written_texts(seed=92)
    pairs = [*zip(texts, [*texts[7:], *texts[:7]], strict=True)][:_PAIRS]
    assert len(pairs) == _PAIRS
    vocabulary = str(TransformersEnvironment().minilm / "vocab.txt")
    file = directory / "request.json"
    file.write_text(json.dumps({"vocabulary": vocabulary, "pairs": pairs}))
    script = ROOT / "tests" / "oracles" / "sentence_transformers_pairs.py"
    result = subprocess.run(
        [environment.python, script, directory, file], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr[-4000:]
    return Oracle(directory, pairs)


@pytest.mark.parametrize("name", ["default", "sigmoid", "identity", "softmax", "several_sigmoids"])
def test_scores_are_those_of_predict(name: str, oracle: Oracle, tmp_path: Path) -> None:
    """By the command's defaults: nothing says that the model takes pairs but its files."""
    report = export(oracle.directory / name, tmp_path / "served", warmup=False, verify=False)
    columns = zip(*oracle.pairs, strict=True)
    text_a, text_b = (tf.constant([text.encode() for text in column]) for column in columns)
    signatures = load_signatures(report.version_directory)
    (found,) = signatures["text"](text_a=text_a, text_b=text_b).values()
    with np.load(oracle.directory / f"{name}.npz") as arrays:
        expected = arrays["scores"]
    assert found.shape == expected.shape
    scale = max(1.0, np.abs(expected).max())
    np.testing.assert_allclose(found / scale, expected / scale, rtol=0, atol=1e-5)
