"""The files that sentence-transformers puts beside a model, as its releases from 2 to 6 do."""

import json
import random
from pathlib import Path
from typing import Any

_SIGMOID = ("torch.nn.modules.activation.Sigmoid", "torch.nn.Sigmoid")
_ACTIVATIONS = (*_SIGMOID, "torch.nn.modules.linear.Identity", None)

_OLD_TYPES = {
    name: f"sentence_transformers.models.{name}" for name in ("Transformer", "Pooling", "Normalize")
}
_TYPES_OF_RELEASE_6 = {
    "Transformer": "sentence_transformers.base.modules.transformer.Transformer",
    "Pooling": "sentence_transformers.sentence_transformer.modules.pooling.Pooling",
    "Normalize": "sentence_transformers.base.modules.normalize.Normalize",
}
_MODES = ("mean", "cls", "max", "mean_sqrt_len_tokens", "weightedmean", "lasttoken")
_SWITCHES = {"mean": "mean_tokens", "cls": "cls_token", "max": "max_tokens"}


def write_sentence_files(directory: Path, config: dict[str, Any], chance: random.Random) -> None:
    """Makes the directory an encoder of sentences or a cross-encoder; may change config.json."""
    kind = chance.choice((_write_encoder, _write_encoder, _write_older_cross_encoder))
    if chance.random() < 0.2:
        kind = _write_cross_encoder
    kind(directory, config, chance)


def _write_encoder(directory: Path, config: dict[str, Any], chance: random.Random) -> None:
    config["architectures"] = ["BertModel"]
    types = chance.choice((_OLD_TYPES, _TYPES_OF_RELEASE_6))
    names = ["Transformer", "Pooling", *(["Normalize"] if chance.random() < 0.5 else [])]
    modules = []
    for index, name in enumerate(names):
        place = f"{index}_{name}" if index else ""
        modules.append({"idx": index, "name": str(index), "path": place, "type": types[name]})
        if place:
            (directory / place).mkdir()
    _write(directory / "modules.json", modules)
    _write(directory / "1_Pooling" / "config.json", _pooling(config["hidden_size"], chance))
    if chance.random() < 0.8:
        _write(directory / "sentence_bert_config.json", _sentence_config(chance))
    if chance.random() < 0.8:
        _write(directory / "config_sentence_transformers.json", _model_file(chance))


def _write_cross_encoder(directory: Path, config: dict[str, Any], chance: random.Random) -> None:
    """As release 6 does."""
    module = {"idx": 0, "name": "0", "path": "", "type": _TYPES_OF_RELEASE_6["Transformer"]}
    _write(directory / "modules.json", [module])
    settings: dict[str, Any] = {
        "model_type": "CrossEncoder",
        "prompts": {},
        "default_prompt_name": None,
    }
    if chance.random() < 0.7:
        settings["activation_fn"] = chance.choice(_ACTIVATIONS)
    _write(directory / "config_sentence_transformers.json", settings)
    sentence_config = {"transformer_task": "sequence-classification"}
    _write(directory / "sentence_bert_config.json", sentence_config)


def _write_older_cross_encoder(
    directory: Path, config: dict[str, Any], chance: random.Random
) -> None:
    """As releases 4 and 5 do, and those before."""
    activation = chance.choice(_ACTIVATIONS)
    if chance.random() < 0.5:
        version = chance.choice(("4.1.0", "5.2.3"))
        config["sentence_transformers"] = {"activation_fn": activation, "version": version}
    else:
        config["sbert_ce_default_activation_function"] = chance.choice(_SIGMOID)


def _pooling(hidden_size: int, chance: random.Random) -> dict[str, Any]:
    form = chance.random()
    if form < 0.3:
        mode = chance.choice((chance.choice(_MODES), chance.sample(_MODES, 2)))
        return {"embedding_dimension": hidden_size, "pooling_mode": mode, "include_prompt": True}
    switches = {f"pooling_mode_{_SWITCHES[name]}": False for name in _SWITCHES}
    for name in chance.sample(list(switches), 2 if form > 0.8 else 1):
        switches[name] = True
    return {"word_embedding_dimension": hidden_size, **switches}


def _sentence_config(chance: random.Random) -> dict[str, Any]:
    settings: dict[str, Any] = {"do_lower_case": chance.random() < 0.1}
    if chance.random() < 0.7:
        settings["max_seq_length"] = chance.choice((12, 32, 64, None))
    return settings


def _model_file(chance: random.Random) -> dict[str, Any]:
    versions = chance.choice(({"sentence_transformers": "2.0.0"}, {"sentence_transformers": "5.1"}))
    settings: dict[str, Any] = {"__version__": versions}
    if chance.random() < 0.3:
        settings["truncate_dim"] = chance.choice((4, 8, 64, None))
    if chance.random() < 0.3:
        settings["prompts"] = {"query": "the good ", "document": ""}
        settings["default_prompt_name"] = chance.choice(("query", "document", None))
    return settings


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content))
