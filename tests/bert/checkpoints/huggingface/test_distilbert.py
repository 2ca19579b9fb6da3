"""DistilBERT directories, answered as modeling_distilbert.py computes."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from bert.checkpoints import ReadOptions, read
from bert.errors import UserError
from bert.reference import ReferenceModel
from bert.tasks import FIRST_TOKEN, Pooling
from tests.tiny_model import tiny_tokens

_TOKENS = tiny_tokens()
_WIDTH, _HEADS, _LAYERS, _INNER, _LABELS = 16, 4, 2, 32, 3
_FIELDS = {
    "model_type": "distilbert",
    "dim": _WIDTH,
    "n_heads": _HEADS,
    "n_layers": _LAYERS,
    "hidden_dim": _INNER,
    "max_position_embeddings": 64,
    "vocab_size": len(_TOKENS),
}


def tensors(with_head: bool = True) -> dict[str, np.ndarray]:
    """Random weights under the names of DistilBertForSequenceClassification."""
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (len(_TOKENS), _WIDTH),
        "embeddings.position_embeddings.weight": (64, _WIDTH),
        "embeddings.LayerNorm.weight": (_WIDTH,),
        "embeddings.LayerNorm.bias": (_WIDTH,),
    }
    for index in range(_LAYERS):
        layer = f"transformer.layer.{index}"
        for name in ("q_lin", "k_lin", "v_lin", "out_lin"):
            shapes[f"{layer}.attention.{name}.weight"] = (_WIDTH, _WIDTH)
            shapes[f"{layer}.attention.{name}.bias"] = (_WIDTH,)
        for name, size in (("lin1", (_INNER, _WIDTH)), ("lin2", (_WIDTH, _INNER))):
            shapes[f"{layer}.ffn.{name}.weight"] = size
            shapes[f"{layer}.ffn.{name}.bias"] = size[:1]
        for name in ("sa_layer_norm", "output_layer_norm"):
            shapes[f"{layer}.{name}.weight"] = shapes[f"{layer}.{name}.bias"] = (_WIDTH,)
    if with_head:
        shapes = {f"distilbert.{name}": shape for name, shape in shapes.items()}
        shapes |= {"pre_classifier.weight": (_WIDTH, _WIDTH), "pre_classifier.bias": (_WIDTH,)}
        shapes |= {"classifier.weight": (_LABELS, _WIDTH), "classifier.bias": (_LABELS,)}
    generator = np.random.default_rng(0)
    return {
        name: (generator.normal(scale=0.5, size=shape) + ("orm.weight" in name)).astype(np.float32)
        for name, shape in shapes.items()
    }


def write(directory: Path, with_head: bool = True, **changes: object) -> Path:
    directory.mkdir()
    name = "DistilBertForSequenceClassification" if with_head else "DistilBertModel"
    fields = {**_FIELDS, "architectures": [name], **changes}
    (directory / "config.json").write_text(json.dumps(fields))
    save_file(tensors(with_head), directory / "model.safetensors")
    (directory / "vocab.txt").write_text("".join(f"{token}\n" for token in _TOKENS))
    settings = {"do_lower_case": True, "tokenizer_class": "DistilBertTokenizer"}
    (directory / "tokenizer_config.json").write_text(json.dumps(settings))
    return directory


def hidden_state(ids: np.ndarray, values: dict[str, np.ndarray]) -> np.ndarray:
    """DistilBertModel.forward of one row without padding: int [S] -> float64 [S, H]."""

    def linear(name: str, inputs: np.ndarray) -> np.ndarray:
        return inputs @ values[f"{name}.weight"].T.astype(np.float64) + values[f"{name}.bias"]

    def norm(name: str, inputs: np.ndarray) -> np.ndarray:
        centred = inputs - inputs.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12)
        return scaled * values[f"{name}.weight"] + values[f"{name}.bias"]

    def by_head(inputs: np.ndarray) -> np.ndarray:
        return inputs.reshape(len(ids), _HEADS, -1).transpose(1, 0, 2)

    embedded = values["embeddings.word_embeddings.weight"][ids].astype(np.float64)
    embedded += values["embeddings.position_embeddings.weight"][: len(ids)]
    x = norm("embeddings.LayerNorm", embedded)
    for index in range(_LAYERS):
        layer = f"transformer.layer.{index}"
        q, k, v = (by_head(linear(f"{layer}.attention.{n}_lin", x)) for n in "qkv")
        scores = np.exp(q @ k.transpose(0, 2, 1) / math.sqrt(_WIDTH // _HEADS))
        context = (scores / scores.sum(-1, keepdims=True)) @ v
        context = context.transpose(1, 0, 2).reshape(len(ids), _WIDTH)
        x = norm(f"{layer}.sa_layer_norm", linear(f"{layer}.attention.out_lin", context) + x)
        inner = linear(f"{layer}.ffn.lin1", x)
        inner = inner * (1 + np.vectorize(math.erf)(inner / math.sqrt(2))) / 2
        x = norm(f"{layer}.output_layer_norm", linear(f"{layer}.ffn.lin2", inner) + x)
    return x


_IDS = np.array([2, 9, 31, 57, 100, 3])


def answer(directory: Path) -> np.ndarray:
    """The witness's, with a mask and segments that must not count."""
    ids = np.array([[*_IDS, 0, 0]])
    mask, segments = np.array([[1] * 6 + [0] * 2]), np.array([[0, 0, 0, 1, 1, 1, 0, 0]])
    (answers,) = (
        ReferenceModel(read(directory, ReadOptions())).answers(ids, mask, segments).values()
    )
    return answers[0]


def test_a_classifier(tmp_path: Path) -> None:
    values = {name.removeprefix("distilbert."): value for name, value in tensors().items()}
    first = hidden_state(_IDS, values)[0]
    pooled = first @ values["pre_classifier.weight"].T + values["pre_classifier.bias"]
    logits = np.maximum(pooled, 0) @ values["classifier.weight"].T + values["classifier.bias"]
    expected = np.exp(logits) / np.exp(logits).sum()
    np.testing.assert_allclose(answer(write(tmp_path / "model")), expected, atol=1e-6)


def test_a_tagger(tmp_path: Path) -> None:
    values = {name.removeprefix("distilbert."): value for name, value in tensors().items()}
    vectors = hidden_state(_IDS, values)
    logits = vectors @ values["classifier.weight"].T + values["classifier.bias"]
    expected = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    directory = write(tmp_path / "model", architectures=["DistilBertForTokenClassification"])
    np.testing.assert_allclose(answer(directory)[: len(_IDS)], expected, atol=1e-6)


def test_an_encoder(tmp_path: Path) -> None:
    """Not even with the weights of a head there is a pooler in it."""
    expected = hidden_state(_IDS, tensors(with_head=False))[0]
    directory = write(tmp_path / "model", with_head=False)
    np.testing.assert_allclose(answer(directory), expected, atol=1e-6)
    embedding = read(write(tmp_path / "classifier"), ReadOptions(task="embedding"))
    assert embedding.pooling == Pooling(FIRST_TOKEN)


def test_what_its_files_call_a_field_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="n_layers is 0, where an integer from 1"):
        read(write(tmp_path / "model", n_layers=0), ReadOptions())
    with pytest.raises(UserError, match="is a DistilBertForMultipleChoice, but only"):
        read(
            write(tmp_path / "choices", architectures=["DistilBertForMultipleChoice"]),
            ReadOptions(),
        )
