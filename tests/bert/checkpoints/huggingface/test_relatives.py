"""Directories of ELECTRA and MPNet: names, shapes, heads and special tokens."""

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from bert.checkpoints import ReadOptions, read
from bert.config import GELU_ERF, TANH, BertConfig
from bert.errors import UserError
from bert.tasks import FIRST_TOKEN, Pooling
from bert.tokenizers.huggingface.settings import PairForm
from bert.variables import classifier_shapes, encoder_shapes
from tests.bert.checkpoints.huggingface.directory import FIELDS
from tests.tiny_model import random_weights, tiny_config, tiny_tokens

Writer = Callable[[Path], Path]

_OF_BERT = tiny_tokens()
_OF_MPNET = ("<s>", "<pad>", "</s>", "<unk>", *_OF_BERT, "<mask>")

# google-research's name of a scope -> the family's, within a layer and outside.
_ELECTRA = {
    "bert/embeddings/word_embeddings": "embeddings.word_embeddings.weight",
    "bert/embeddings/position_embeddings": "embeddings.position_embeddings.weight",
    "bert/embeddings/token_type_embeddings": "embeddings.token_type_embeddings.weight",
    "bert/embeddings_project/": "embeddings_project.",
    "bert/embeddings/LayerNorm/": "embeddings.LayerNorm.",
    "attention/self/": "attention.self.",
    "attention/output/dense/": "attention.output.dense.",
    "attention/output/LayerNorm/": "attention.output.LayerNorm.",
}
_MPNET = {
    "bert/embeddings/word_embeddings": "embeddings.word_embeddings.weight",
    "bert/embeddings/position_embeddings": "embeddings.position_embeddings.weight",
    "bert/encoder/relative_attention_bias": "encoder.relative_attention_bias.weight",
    "bert/embeddings/LayerNorm/": "embeddings.LayerNorm.",
    "attention/self/query/": "attention.attn.q.",
    "attention/self/key/": "attention.attn.k.",
    "attention/self/value/": "attention.attn.v.",
    "attention/output/dense/": "attention.attn.o.",
    "attention/output/LayerNorm/": "attention.LayerNorm.",
}
_PARAMETERS = {"kernel": "weight", "gamma": "weight", "beta": "bias"}


def tensors(
    weights: Mapping[str, np.ndarray], names: Mapping[str, str], prefix: str, head: str
) -> dict[str, np.ndarray]:
    """The weights under the family's names, with a head of `dense` and `out_proj`."""
    renamed = {}
    for variable, value in weights.items():
        name = variable.replace("bert/encoder/layer_", "encoder.layer.")
        for scope, module in names.items():
            name = name.replace(scope, module)
        name = name.replace("bert/pooler/dense", head or f"{prefix}pooler.dense")
        name = name.replace("output_", "classifier.out_proj.") if "/" not in variable else name
        path, _, last = name.replace("/", ".").rpartition(".")
        last = {"weights": "weight"}.get(last, _PARAMETERS.get(last, last))
        inside = path.startswith(("embeddings", "encoder"))
        key = f"{prefix if inside else ''}{path}.{last}"
        renamed[key] = np.ascontiguousarray(value.T if variable.endswith("kernel") else value)
    return renamed


def write(
    directory: Path, fields: Mapping[str, object], values: Mapping[str, np.ndarray], tokens: tuple
) -> Path:
    directory.mkdir()
    (directory / "config.json").write_text(json.dumps({**FIELDS, **fields}))
    save_file(dict(values), directory / "model.safetensors")
    (directory / "vocab.txt").write_text("".join(f"{token}\n" for token in tokens))
    return directory


def electra(directory: Path, saved_class: str = "ElectraForSequenceClassification") -> Path:
    values = tensors(random_weights(electra_config(), 3), _ELECTRA, "electra.", "classifier.dense")
    fields = {"model_type": "electra", "embedding_size": 8, "architectures": [saved_class]}
    return write(directory, {**fields, "vocab_size": len(_OF_BERT)}, values, _OF_BERT)


def electra_config() -> BertConfig:
    return tiny_config(
        len(_OF_BERT),
        hidden_act=GELU_ERF,
        pooler_act=GELU_ERF,
        embedding_size=8,
        words_act=GELU_ERF,
    )


def mpnet_config() -> BertConfig:
    return tiny_config(
        len(_OF_MPNET),
        hidden_act=GELU_ERF,
        type_vocab_size=0,
        padding_id=1,
        relative_attention_buckets=32,
        words_act=GELU_ERF,
    )


def mpnet(directory: Path, head: str = "classifier.dense", **changes: object) -> Path:
    values = tensors(random_weights(mpnet_config(), 3), _MPNET, "mpnet.", head)
    fields = {
        "model_type": "mpnet",
        "architectures": ["MPNetForSequenceClassification"],
        "vocab_size": len(_OF_MPNET),
        **changes,
    }
    return write(directory, fields, values, _OF_MPNET)


def test_electra(tmp_path: Path) -> None:
    model, config = read(electra(tmp_path / "model"), ReadOptions()), electra_config()
    assert model.config == config
    expected = random_weights(config, 3)
    assert model.weights.keys() == (encoder_shapes(config) | classifier_shapes(config, 3)).keys()
    for name, value in model.weights.items():
        np.testing.assert_array_equal(value, expected[name], err_msg=name)


def test_mpnet(tmp_path: Path) -> None:
    model, config = read(mpnet(tmp_path / "model"), ReadOptions()), mpnet_config()
    assert model.config == config and config.pooler_act == TANH
    expected = random_weights(config, 3)
    assert model.weights.keys() == expected.keys()
    for name, value in model.weights.items():
        np.testing.assert_array_equal(value, expected[name], err_msg=name)
    assert model.max_seq_length == 62
    settings = model.huggingface_settings()
    assert (settings.cls_token, settings.sep_token, settings.unk_token) == ("<s>", "</s>", "[UNK]")
    assert settings.pair_form == PairForm(2, 0)
    assert [token.content for token in settings.added_tokens if token.lstrip] == ["<mask>"]


def test_the_pooler_of_an_encoder(tmp_path: Path) -> None:
    """MPNetModel has one of its own, which is not that of the classifier; ELECTRA has none."""
    changes = {"architectures": ["MPNetModel"]}
    encoder = read(mpnet(tmp_path / "mpnet", "mpnet.pooler.dense", **changes), ReadOptions())
    assert encoder.pooling == Pooling()
    classifier = read(mpnet(tmp_path / "classifier"), ReadOptions(task="embedding"))
    assert classifier.pooling == Pooling(FIRST_TOKEN)
    encoder = read(electra(tmp_path / "electra"), ReadOptions(task="embedding"))
    assert encoder.pooling == Pooling(FIRST_TOKEN)


def test_what_is_not_built_is_named(tmp_path: Path) -> None:
    for saved_class in ("ElectraForPreTraining", "ElectraForMultipleChoice"):
        with pytest.raises(UserError, match=f"is a {saved_class}, but .*--task=embedding"):
            read(electra(tmp_path / saved_class, saved_class), ReadOptions())
        directory = tmp_path / saved_class
        assert read(directory, ReadOptions(task="embedding")).pooling == Pooling(FIRST_TOKEN)
    with pytest.raises(UserError, match="relative_attention_num_buckets is 16"):
        read(mpnet(tmp_path / "buckets", relative_attention_num_buckets=16), ReadOptions())
    with pytest.raises(UserError, match=r"max_seq_length is 63 .* from 3 to 62"):
        read(mpnet(tmp_path / "long"), ReadOptions(max_seq_length=63))


@pytest.mark.parametrize(
    "model_type", ["roberta", "xlm-roberta", "deberta-v2", "camembert", "gpt2"]
)
def test_other_families(model_type: str, tmp_path: Path) -> None:
    directory = mpnet(tmp_path / "model", model_type=model_type)
    with pytest.raises(
        UserError, match="bert, albert, distilbert, electra, ernie, mpnet"
    ) as refusal:
        read(directory, ReadOptions())
    assert repr(model_type) in str(refusal.value)
    assert ("which is not built" in str(refusal.value)) == (model_type != "gpt2")


def test_the_first_row_of_ernies_tasks(tmp_path: Path) -> None:
    """It is part of every segment's vector, since nobody asks for another task."""
    config = tiny_config(len(_OF_BERT), hidden_act=GELU_ERF)
    weights = random_weights(config, 3)
    names = {**_ELECTRA, "output_": "classifier."}
    values = tensors(weights, names, "ernie.", "ernie.pooler.dense")
    tasks = np.random.default_rng(0).normal(size=(3, config.hidden_size)).astype(np.float32)
    values["ernie.embeddings.task_type_embeddings.weight"] = tasks
    fields: dict[str, object] = {
        "model_type": "ernie",
        "architectures": ["ErnieForSequenceClassification"],
    }
    fields |= {"use_task_id": True, "vocab_size": len(_OF_BERT)}
    model = read(write(tmp_path / "model", fields, values, _OF_BERT), ReadOptions())
    table = "bert/embeddings/token_type_embeddings"
    np.testing.assert_allclose(model.weights[table], weights[table] + tasks[0], rtol=1e-6)
    values["ernie.embeddings.task_type_embeddings.weight"] = tasks[:, :5].copy()
    directory = write(tmp_path / "narrow", fields, values, _OF_BERT)
    with pytest.raises(UserError, match="task_type_embeddings"):
        read(directory, ReadOptions())


def test_tables_of_electra_as_wide_as_the_encoder(tmp_path: Path) -> None:
    """There is no dense layer between them then, where ALBERT has it always."""
    config = dataclasses.replace(electra_config(), embedding_size=None)
    values = tensors(random_weights(config, 3), _ELECTRA, "electra.", "classifier.dense")
    fields = {
        "model_type": "electra",
        "architectures": ["ElectraForSequenceClassification"],
        "embedding_size": config.hidden_size,
        "vocab_size": len(_OF_BERT),
    }
    assert read(write(tmp_path / "model", fields, values, _OF_BERT), ReadOptions()).config == config


@pytest.mark.parametrize("width", [8, 16])
def test_the_one_layer_of_albert(width: int, tmp_path: Path) -> None:
    """Every layer has its weights; a model with several groups of layers is refused."""
    config = tiny_config(
        len(_OF_BERT), hidden_act=GELU_ERF, embedding_size=width, num_hidden_layers=1
    )
    weights = random_weights(config, 3)
    names = _ELECTRA | {
        "bert/embeddings_project/": "encoder.embedding_hidden_mapping_in.",
        "attention/self/": "attention.",
        "attention/output/dense/": "attention.dense.",
        "attention/output/LayerNorm/": "attention.LayerNorm.",
        "intermediate/dense/": "ffn.",
        "0/output/dense/": "0/ffn_output.",
        "0/output/LayerNorm/": "0/full_layer_layer_norm.",
        "encoder.layer.0/": "encoder.albert_layer_groups.0.albert_layers.0/",
        "output_": "classifier.",
    }
    values = tensors(weights, names, "albert.", "albert.pooler")
    fields: dict[str, object] = {
        "model_type": "albert",
        "architectures": ["AlbertForSequenceClassification"],
    }
    fields |= {"embedding_size": width, "num_hidden_layers": 3, "vocab_size": len(_OF_BERT)}
    fields |= {"tokenizer_class": "BertTokenizer"}
    model = read(write(tmp_path / "model", fields, values, _OF_BERT), ReadOptions())
    assert model.config.num_hidden_layers == 3
    for name, value in weights.items():
        for layer in range(3):
            copy = name.replace("layer_0", f"layer_{layer}")
            np.testing.assert_array_equal(model.weights[copy], value, err_msg=copy)
    groups = {**fields, "num_hidden_groups": 2}
    with pytest.raises(UserError, match="num_hidden_groups is 2"):
        read(write(tmp_path / "groups", groups, values, _OF_BERT), ReadOptions())
    del fields["tokenizer_class"]
    with pytest.raises(UserError, match="AlbertTokenizer"):
        read(write(tmp_path / "piece", fields, values, _OF_BERT), ReadOptions())
