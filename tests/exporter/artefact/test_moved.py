import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from exporter import export
from tests.conftest import Signatures
from tests.exporter.fresh_process import answers, python
from tests.tiny_model import LABELS, write_tiny_model

_TEXTS = ("the film is good", "bad", "Ä 漢!")
_SIGNATURES = (
    "serving_default",
    "text",
    "labels",
    "features",
    "features_with_label_ids",
    "embedding",
    "tokenize",
)
_INPUTS = ("text", "input_ids", "input_mask", "segment_ids", "label_ids")
_OUTPUTS = ("probabilities", "output", "label", "score", "labels", "scores", "embedding", "tokens")


def test_moved_and_its_sources_deleted(tmp_path: Path, signatures: Signatures) -> None:
    """The same checkpoint as the session's export, so its answers are known."""
    model = write_tiny_model(tmp_path / "out")
    report = export(
        model.prefix, tmp_path / "models", version=1, labels=LABELS, warmup=False, verify=False
    )
    moved = shutil.move(report.version_directory, tmp_path / "elsewhere")
    shutil.rmtree(model.directory)
    shutil.rmtree(tmp_path / "models")
    found = answers(Path(moved), _TEXTS)
    for name, outputs in found.items():
        for key, value in outputs.items():
            expected = signatures[name](text=tf.constant(_TEXTS))[key].numpy()
            np.testing.assert_allclose(value, expected, atol=1e-6, rtol=0)


@pytest.fixture(scope="module")
def shown(tiny_export: Path) -> str:
    """What `saved_model_cli show --all` prints."""
    module = "tensorflow.python.tools.saved_model_cli"
    return python(module, "show", "--all", "--dir", str(tiny_export))


@pytest.mark.parametrize("name", _SIGNATURES)
def test_saved_model_cli_shows_the_signatures(shown: str, name: str) -> None:
    assert f"signature_def['{name}']" in shown


@pytest.mark.parametrize("name", _INPUTS + _OUTPUTS)
def test_saved_model_cli_shows_inputs_and_outputs(shown: str, name: str) -> None:
    assert f"['{name}'] tensor_info" in shown


def test_assets(tiny_export: Path) -> None:
    assert sorted(path.name for path in tiny_export.iterdir()) == [
        "assets",
        "assets.extra",
        "fingerprint.pb",
        "saved_model.pb",
        "variables",
    ]
    assert (tiny_export / "assets" / "vocab.txt").is_file()
    assert (tiny_export / "assets.extra" / "export.json").is_file()


def test_no_path_of_this_machine_in_the_graph(tiny_export: Path) -> None:
    """A path in the graph would be looked for where the model is served."""
    content = (tiny_export / "saved_model.pb").read_bytes()
    assert str(tiny_export.parents[2]).encode() not in content
