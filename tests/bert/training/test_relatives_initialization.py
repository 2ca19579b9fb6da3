"""run_classifier --init_checkpoint with BERT's relatives, and what the export reads of it."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from bert import checkpoints
from bert.checkpoints import ReadOptions
from bert.config import GELU_ERF, RELU
from exporter import export
from tests.bert.checkpoints.huggingface import test_distilbert as distilbert
from tests.bert.checkpoints.huggingface import test_relatives as relatives
from tests.bert.training.initializing import told_of_faulty, train
from tests.bert.training.toy_task import write_toy_data
from tests.conftest import load_signatures

# More than one step of training moves a weight.
_STEP = 1e-3


def assert_close(trained: Path, directory: Path, left_out: str) -> None:
    """The trained weights are a step away from those of `directory`."""
    found = checkpoints.read(trained, ReadOptions())
    expected = checkpoints.read(directory, ReadOptions())
    assert found.config.pooler_act == expected.config.pooler_act
    assert found.config.table_width == expected.config.table_width
    assert found.config.type_vocab_size == expected.config.type_vocab_size
    assert found.weights.keys() == expected.weights.keys()
    for name, value in expected.weights.items():
        if not name.startswith(("output_", left_out)):
            np.testing.assert_allclose(found.weights[name], value, atol=_STEP, err_msg=name)


@pytest.mark.parametrize("family", [distilbert.write, relatives.electra])
def test_a_classifier_with_its_head(
    family: relatives.Writer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_toy_data(tmp_path / "data", num_train=8, num_dev=4)
    directory = family(tmp_path / "model")
    assert train(directory, tmp_path / "out") == 0
    assert_close(tmp_path / "out", directory, left_out="nothing")
    assert "no pooler" not in capfd.readouterr().err
    report = export(tmp_path / "out", tmp_path / "served", warmup=False)
    assert len(load_signatures(report.version_directory)) > 3


def test_an_encoder_without_a_pooler(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The pooler of ELECTRA's head is as random as the classifier, and is trained with it."""
    write_toy_data(tmp_path / "data", num_train=8, num_dev=4)
    directory = relatives.electra(tmp_path / "model")
    file = directory / "model.safetensors"
    values = load_file(file)
    save_file({name: v for name, v in values.items() if name.startswith("electra.")}, file)
    assert train(directory, tmp_path / "out") == 0
    assert "no pooler either" in capfd.readouterr().err
    save_file(values, file)
    assert_close(tmp_path / "out", directory, left_out="bert/pooler")
    pooler = checkpoints.read(tmp_path / "out", ReadOptions()).weights["bert/pooler/dense/kernel"]
    assert 0.01 < pooler.std() < 0.03


def test_what_is_written(tmp_path: Path) -> None:
    write_toy_data(tmp_path / "data", num_train=8, num_dev=4)
    for name, family, own in (
        ("distilbert", distilbert.write, {"pooler_act": RELU, "has_token_types": False}),
        ("electra", relatives.electra, {"pooler_act": GELU_ERF, "embedding_size": 8}),
    ):
        assert train(family(tmp_path / name), tmp_path / f"{name}_out") == 0
        fields = json.loads((tmp_path / f"{name}_out" / "bert_config.json").read_text())
        assert {key: fields[key] for key in own} == own


def test_distances_are_not_trained(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    told = told_of_faulty(relatives.mpnet(tmp_path / "model"), tmp_path, capfd)
    assert "attention to distances" in told
