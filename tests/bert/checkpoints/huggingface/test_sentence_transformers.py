"""sentence-transformers directories: which vector, and how long a text may be."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from bert.checkpoints import ReadOptions, read
from bert.errors import UserError
from bert.tasks import (
    FIRST_TOKEN,
    LAST_TOKEN,
    MAX,
    MEAN,
    MEAN_SQRT,
    WEIGHTED_MEAN,
    Pooling,
    Projection,
    beside,
)
from tests.bert.checkpoints.huggingface.directory import CONFIG, write_sentence_transformer

_OPTIONS = ReadOptions()
_TYPES_OF_RELEASE_6 = (
    "sentence_transformers.base.modules.transformer.Transformer",
    "sentence_transformers.sentence_transformer.modules.pooling.Pooling",
    "sentence_transformers.base.modules.normalize.Normalize",
)


@pytest.mark.parametrize(
    ("pooling", "mode"),
    [
        ({"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}, MEAN),
        ({"pooling_mode_mean_tokens": False, "pooling_mode_cls_token": True}, FIRST_TOKEN),
        ({"pooling_mode_max_tokens": True}, MAX),
        ({}, MEAN),
        ({"pooling_mode": "cls", "include_prompt": True}, FIRST_TOKEN),
        ({"pooling_mode": ["max"]}, MAX),
        ({"pooling_mode_mean_sqrt_len_tokens": True}, MEAN_SQRT),
        ({"pooling_mode": "lasttoken"}, LAST_TOKEN),
        ({"pooling_mode": "weightedmean"}, WEIGHTED_MEAN),
        (
            {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True},
            beside(FIRST_TOKEN, MEAN),
        ),
        ({"pooling_mode": ["mean", "max"]}, beside(MEAN, MAX)),
    ],
)
@pytest.mark.parametrize("normalize", [True, False])
def test_pooling(pooling: Mapping[str, Any], mode: str, normalize: bool, tmp_path: Path) -> None:
    model = read(write_sentence_transformer(tmp_path / "model", pooling, normalize), _OPTIONS)
    assert model.task.name == "embedding"
    assert model.pooling == Pooling(mode, normalize)
    assert not any("pooler" in name for name in model.weights)
    assert model.provenance["kind"] == "sentence-transformers BERT"


@pytest.mark.parametrize(
    ("truncate_dim", "kept"), [(8, 8), (None, None), (CONFIG.hidden_size, None), (4096, None)]
)
def test_truncate_dim(truncate_dim: int | None, kept: int | None, tmp_path: Path) -> None:
    """Release 6 saves and reads it; a vector that is shorter stays as it is."""
    directory = write_sentence_transformer(tmp_path / "model", {})
    settings = json.dumps({"truncate_dim": truncate_dim})
    (directory / "config_sentence_transformers.json").write_text(settings)
    assert read(directory, _OPTIONS).pooling == Pooling(MEAN, True, kept)


@pytest.mark.parametrize("truncate_dim", [0, -1, "8", 1.5])
def test_a_truncate_dim_that_is_none_is_refused(truncate_dim: object, tmp_path: Path) -> None:
    directory = write_sentence_transformer(tmp_path / "model", {})
    settings = json.dumps({"truncate_dim": truncate_dim})
    (directory / "config_sentence_transformers.json").write_text(settings)
    with pytest.raises(UserError, match="truncate_dim is"):
        read(directory, _OPTIONS)


@pytest.mark.parametrize("path", ["", "0_Transformer"])
def test_places_and_names_of_other_releases(path: str, tmp_path: Path) -> None:
    directory = write_sentence_transformer(
        tmp_path / "model", {"pooling_mode": "mean"}, transformer_path=path,
        types=_TYPES_OF_RELEASE_6,
    )  # fmt: skip
    model = read(directory, _OPTIONS)
    assert (model.pooling, model.max_seq_length) == (Pooling(MEAN, True), 24)
    assert model.provenance["checkpoint"] == str(directory / path)


@pytest.mark.parametrize(
    ("sentence_config", "tokenizer_config", "length"),
    [
        ({"max_seq_length": 24}, {"model_max_length": 40}, 24),
        ({"max_seq_length": None}, {"model_max_length": 40}, 40),
        ({}, {"model_max_length": 512}, 64),
        ({}, {"model_max_length": int(1e30)}, 64),
        ({}, {}, 64),
    ],
)
def test_length(
    sentence_config: Mapping[str, Any],
    tokenizer_config: Mapping[str, Any],
    length: int,
    tmp_path: Path,
) -> None:
    """As the library: 64 are the rows of the position table."""
    directory = write_sentence_transformer(tmp_path / "model", {}, sentence_config=sentence_config)
    file = directory / "tokenizer_config.json"
    file.write_text(json.dumps({"do_lower_case": True, **tokenizer_config}))
    assert read(directory, _OPTIONS).max_seq_length == length
    assert read(directory, ReadOptions(max_seq_length=9)).max_seq_length == 9


@pytest.mark.parametrize(
    ("pooling", "told"),
    [
        ({"pooling_mode": ["mean", "sum"]}, "sum"),
        ({"pooling_mode": 3}, "3"),
    ],
)
def test_other_poolings_are_refused(pooling: Mapping[str, Any], told: str, tmp_path: Path) -> None:
    directory = write_sentence_transformer(tmp_path / "model", pooling)
    with pytest.raises(UserError, match=told) as refused:
        read(directory, _OPTIONS)
    assert str(directory / "1_Pooling" / "config.json") in str(refused.value)


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        ("modules.json", b"[]", "the modules are"),
        ("modules.json", b"{}", "a list is expected"),
        ("modules.json", b"[7]", "type and a path"),
        (
            "modules.json",
            b'[{"type": "my_model.Transformer", "path": ""}]',
            "code that comes with a model is not run",
        ),
        (
            "modules.json",
            b'[{"type": "sentence_transformers.models.Transformer", "path": "../other"}]',
            "leads out",
        ),
        (
            "modules.json",
            b'[{"type": "sentence_transformers.models.Transformer", "path": "a\\u0000b"}]',
            "leads out",
        ),
        (
            "modules.json",
            b'[{"type": "sentence_transformers.models.Transformer", "path": "\\ud800"}]',
            "leads out",
        ),
        ("sentence_bert_config.json", b'{"transformer_task": "fill-mask"}', "fill-mask"),
        (
            "2_Normalize/config.json",
            b'{"module_input_name": "token_embeddings"}',
            "token_embeddings",
        ),
    ],
)
def test_other_models_are_refused(file: str, content: bytes, told: str, tmp_path: Path) -> None:
    directory = write_sentence_transformer(tmp_path / "model", {})
    (directory / file).parent.mkdir(exist_ok=True)
    (directory / file).write_bytes(content)
    with pytest.raises(UserError, match=told) as refused:
        read(directory, _OPTIONS)
    assert str(directory / file) in str(refused.value)


def write_dense(directory: Path, inputs: int = CONFIG.hidden_size, **changes: Any) -> Path:
    """A dense layer of 5 numbers behind the pooling, as the library writes it."""
    write_sentence_transformer(directory, {}, normalize=False)
    modules = json.loads((directory / "modules.json").read_text())
    modules.append({"type": "sentence_transformers.models.Dense", "path": "2_Dense"})
    (directory / "modules.json").write_text(json.dumps(modules))
    (directory / "2_Dense").mkdir()
    values = {"linear.weight": np.ones([5, inputs], "f"), "linear.bias": np.ones(5, "f")}
    save_file(values, directory / "2_Dense" / "model.safetensors")
    settings = {"activation_function": "torch.nn.modules.activation.Tanh", **changes}
    (directory / "2_Dense" / "config.json").write_text(json.dumps(settings))
    return directory


def test_a_dense_layer(tmp_path: Path) -> None:
    model = read(write_dense(tmp_path / "model"), _OPTIONS)
    assert model.pooling == Pooling(MEAN, projections=(Projection(5, "tanh"),))
    assert model.weights["projection_0/kernel"].shape == (CONFIG.hidden_size, 5)
    with pytest.raises(UserError, match="dense layer"):
        read(tmp_path / "model", ReadOptions(pooling_strategy="CLS_TOKEN"))


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"activation_function": "torch.nn.modules.activation.Mish"}, "Mish"),
        ({"activation_function": "my_model.Tanh"}, "my_model"),
        ({"use_residual": True}, "use_residual"),
        ({"inputs": 7}, "takes 7 numbers"),
    ],
)
def test_other_dense_layers_are_refused(
    facts: Mapping[str, Any], told: str, tmp_path: Path
) -> None:
    directory = write_dense(tmp_path / "model", **facts)
    with pytest.raises(UserError, match=told):
        read(directory, _OPTIONS)


def test_a_dense_layer_behind_normalize_is_refused(tmp_path: Path) -> None:
    directory = write_sentence_transformer(tmp_path / "model", {})
    modules = json.loads((directory / "modules.json").read_text())
    modules.append({"type": "sentence_transformers.models.Dense", "path": "3_Dense"})
    (directory / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(UserError, match="Normalize, Dense, where"):
        read(directory, _OPTIONS)


def test_a_prompt(tmp_path: Path) -> None:
    directory = write_sentence_transformer(tmp_path / "model", {})
    settings = '{"default_prompt_name": "query", "prompts": {"query": "query: "}}'
    (directory / "config_sentence_transformers.json").write_text(settings)
    assert read(directory, _OPTIONS).prompt == "query: "
    (directory / "1_Pooling" / "config.json").write_text('{"include_prompt": false}')
    with pytest.raises(UserError, match="include_prompt"):
        read(directory, _OPTIONS)


def test_lower_casing_before_a_cased_tokenizer_is_refused(tmp_path: Path) -> None:
    """What sentence_bert_config.json says is ignored where the tokenizer lower-cases itself."""
    directory = write_sentence_transformer(
        tmp_path / "model", {}, sentence_config={"do_lower_case": True}
    )
    assert read(directory, _OPTIONS).do_lower_case
    (directory / "tokenizer_config.json").write_text('{"do_lower_case": false}')
    with pytest.raises(UserError, match="tokenizer of the model is cased"):
        read(directory, _OPTIONS)


def test_a_task_is_refused(tmp_path: Path) -> None:
    directory = write_sentence_transformer(tmp_path / "model", {})
    with pytest.raises(UserError, match="--task is 'classification'"):
        read(directory, ReadOptions(task="classification"))
    with pytest.raises(UserError, match="--labels"):
        read(directory, ReadOptions(labels=("a", "b")))
