"""Options that must fit the model: refused before anything is traced."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bert.checkpoints import ReadOptions, read
from bert.errors import UserError
from bert.model import FineTunedModel
from exporter.options import ExportOptions
from tests.bert.checkpoints.huggingface.directory import tensors, variables, write_directory

_TABLE = "bert.embeddings.token_type_embeddings.weight"


def model_of(directory: Path, num_outputs: int = 1, **changes: Any) -> FineTunedModel:
    values = tensors(variables(num_outputs))
    values[_TABLE] = np.ascontiguousarray(values[_TABLE][: changes.get("type_vocab_size", 2)])
    return read(write_directory(directory, values, **changes), ReadOptions())


def options(text_pair: bool | None) -> ExportOptions:
    return ExportOptions(Path("model"), Path("out"), text_pair=text_pair)


def test_a_cross_encoder_takes_pairs_without_a_flag(tmp_path: Path) -> None:
    activation = "torch.nn.modules.activation.Sigmoid"
    model = model_of(tmp_path / "model", sentence_transformers={"activation_fn": activation})
    assert options(None).check_with(model)
    assert options(True).check_with(model)
    with pytest.raises(UserError, match="--text_pair is false, but the model, a cross-encoder"):
        options(False).check_with(model)


def test_another_model_takes_pairs_where_it_is_asked_to(tmp_path: Path) -> None:
    model = model_of(tmp_path / "model", 2)
    assert not options(None).check_with(model)
    assert not options(False).check_with(model)
    assert options(True).check_with(model)


def test_pairs_need_two_rows_of_segment_embeddings(tmp_path: Path) -> None:
    model = model_of(tmp_path / "model", 2, type_vocab_size=1)
    assert not options(None).check_with(model)
    with pytest.raises(UserError, match="--text_pair needs two rows of segment embeddings"):
        options(True).check_with(model)
