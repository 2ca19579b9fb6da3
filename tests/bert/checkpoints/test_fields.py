"""Typed reading of configuration files."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bert.checkpoints.fields import Fields
from bert.checkpoints.google_research import read_config
from bert.config import BertConfig
from bert.errors import UserError

_FILE = Path("config.json")


def field(value: object) -> Fields:
    return Fields(_FILE, {"field": value}, "part.")


_REFUSED: dict[str, tuple[Callable[[Fields], object], object, str]] = {
    "a flag in words": (lambda fields: fields.flag("field"), "yes", "true or false"),
    "a flag that is a number": (lambda fields: fields.flag("field"), 1, "true or false"),
    "a flag that must be there": (
        lambda fields: fields.required_flag("field"),
        None,
        "true or false",
    ),
    "a word that is a list": (lambda fields: fields.word("field"), ["a"], "a word"),
    "another choice": (lambda fields: fields.choice("field", {"a": 1}, "a"), "b", "one of a"),
    "a choice in a list": (lambda fields: fields.choice("field", {"a": 1}, "a"), ["a"], "one of a"),
    "no count": (lambda fields: fields.count("field"), 0, "an integer from 1 to 2147483647"),
    "a huge count": (lambda fields: fields.count("field"), 10**30, "an integer from 1"),
    "a count that is true": (lambda fields: fields.count("field"), True, "an integer from 1"),
    "an infinite count": (lambda fields: fields.count("field"), float("inf"), "an integer from 1"),
    "a section that is a list": (lambda fields: fields.section("field"), [], "a mapping"),
    "objects in an object": (lambda fields: fields.objects("field"), {"a": 1}, "a list"),
    "another value": (lambda fields: fields.require({"field": "b"}), "c", "BERT's 'b'"),
    "null for a value": (lambda fields: fields.require({"field": True}), None, "BERT's True"),
}


@pytest.mark.parametrize("name", list(_REFUSED))
def test_refused(name: str) -> None:
    read, value, expected = _REFUSED[name]
    with pytest.raises(UserError) as refused:
        read(field(value))
    sentence = f"config.json: part.field is {value!r}, where {expected}"
    assert str(refused.value).startswith(sentence)
    assert str(refused.value).endswith(".")


def test_objects_are_named_by_their_place() -> None:
    with pytest.raises(UserError, match=r"part\.field\[1\] is 7, where an object is expected"):
        field([{}, 7]).objects("field")
    first, second = field([{"a": "x"}, {"a": 1}]).objects("field")
    assert first.word("a") == "x"
    with pytest.raises(UserError, match=r"part\.field\[1\]\.a is 1, where a word"):
        second.word("a")


def test_what_is_not_there() -> None:
    fields = field(None)
    assert fields.flag("field") is fields.word("field") is fields.count("field") is None
    assert fields.section("field").values == {}
    assert fields.objects("field") == []
    assert fields.choice("other", {"a": 1, "b": 2}, "b") == 2
    fields.require({"field": 3}, null=True)


_CONFIG: dict[str, Any] = {
    "vocab_size": 9,
    "hidden_size": 4,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 8,
    "max_position_embeddings": 16,
    "type_vocab_size": 2,
}


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("num_hidden_layers", "20000000"),
        ("num_hidden_layers", "1e30"),
        ("num_hidden_layers", "1" + "0" * 30),
        ("max_position_embeddings", "Infinity"),
        ("type_vocab_size", "0"),
        ("hidden_size", "true"),
        ("layer_norm_eps", "NaN"),
        ("layer_norm_eps", "1e999"),
        ("layer_norm_eps", "1" + "0" * 400),
        ("layer_norm_eps", "0"),
        ("initializer_range", "-Infinity"),
        ("hidden_dropout_prob", "NaN"),
        ("attention_probs_dropout_prob", "1"),
    ],
)
def test_numbers_of_a_configuration(name: str, number: str, tmp_path: Path) -> None:
    """None is kept that makes NaN, or a table that no machine has room for."""
    file = tmp_path / "bert_config.json"
    file.write_text(json.dumps(_CONFIG))
    assert read_config(file) == BertConfig(**_CONFIG)
    file.write_text(json.dumps({**_CONFIG, name: "@"}).replace('"@"', number))
    with pytest.raises(UserError, match=rf"bert_config\.json: {name} is .*, where a.* is expected"):
        read_config(file)


@pytest.mark.parametrize(
    "changes", [{}, {"type_vocab_size": 0}, {"pooler_act": "relu"}, {"embedding_size": 4}]
)
def test_what_relatives_of_bert_have(changes: dict[str, Any], tmp_path: Path) -> None:
    config = BertConfig(**{**_CONFIG, **changes})
    file = tmp_path / "bert_config.json"
    file.write_text(config.to_google_research_json())
    assert read_config(file) == config
    own = {"pooler_act", "embedding_size", "has_token_types"} & json.loads(file.read_text()).keys()
    assert bool(own) == bool(changes)


def test_what_relatives_of_bert_lack() -> None:
    with pytest.raises(ValueError, match="without a pooler"):
        BertConfig(**_CONFIG, has_pooler=False).to_google_research_json()
    counting = BertConfig(**_CONFIG, padding_id=1)
    for config in (counting, BertConfig(**_CONFIG, relative_attention_buckets=32)):
        with pytest.raises(ValueError, match="distances"):
            config.to_google_research_json()
    with pytest.raises(ValueError, match="pooler_act"):
        BertConfig(**_CONFIG, pooler_act="silu")
