"""Directories of sentence-transformers: modules.json, and a Hugging Face BERT in one of them."""

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path

from bert.checkpoints.fields import CORRECT, NO_EXPORT, Fields, read_json_list
from bert.checkpoints.huggingface import cross_encoder
from bert.checkpoints.huggingface import reading as huggingface
from bert.checkpoints.huggingface.dense import read_dense, require_sizes, weights_of
from bert.checkpoints.huggingface.head import embedding_head, find_head
from bert.checkpoints.kind import Place
from bert.checkpoints.options import ReadOptions
from bert.checkpoints.text.settings import find_max_seq_length
from bert.errors import UserError
from bert.model import FineTunedModel
from bert.tasks import (
    FIRST_TOKEN,
    LAST_TOKEN,
    MAX,
    MEAN,
    MEAN_SQRT,
    WEIGHTED_MEAN,
    Pooling,
    beside,
)

_MODULES_FILE = "modules.json"
_MODEL_FILE = "config_sentence_transformers.json"
_SENTENCE_CONFIG_FILE = "sentence_bert_config.json"
_CONFIG_FILE = "config.json"
_CROSS_ENCODER = "CrossEncoder"

# sentence_transformers, pooling.py: the modes, and the switches of releases before 6.
_POOLING_MODES = {
    "mean": MEAN,
    "cls": FIRST_TOKEN,
    "max": MAX,
    "mean_sqrt_len_tokens": MEAN_SQRT,
    "weightedmean": WEIGHTED_MEAN,
    "lasttoken": LAST_TOKEN,
}
_POOLING_SWITCHES = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
_OF_NORMALIZE = dict.fromkeys(("module_input_name", "module_output_name"), "sentence_embedding")


@dataclasses.dataclass(frozen=True)
class _Module:
    """One step from text to embedding."""

    name: str
    """the class, without the package"""

    directory: Path


def _read(path: Path, options: ReadOptions) -> FineTunedModel:
    """Opens a Transformer, a Pooling, any Dense and perhaps a Normalize, or a cross-encoder.

    The truncation length is, as in the library, that of sentence_bert_config.json, else the
    tokenizer's, at most the position table's.

    Raises:
      UserError: a file or tensor is missing or faulty, or the model has other parts.
    """
    file = path / _MODULES_FILE
    modules = _modules(path)
    names = [module.name for module in modules]
    model_fields = Fields.of_json_if_any(path / _MODEL_FILE)
    if names == ["Transformer"] and model_fields.word("model_type") == _CROSS_ENCODER:
        return _read_cross_encoder(modules[0].directory, options, model_fields)
    if not re.fullmatch("Transformer Pooling( Dense)*( Normalize)?", " ".join(names)):
        raise UserError(
            f"{file}: the modules are {', '.join(names)}, where Transformer, Pooling, any number "
            f"of Dense and perhaps Normalize are expected: {NO_EXPORT}."
        )
    transformer = modules[0].directory
    pooling_file = modules[1].directory / _CONFIG_FILE
    if Fields.of_json_if_any(pooling_file).flag("include_prompt") is False:
        _refuse_prompt(model_fields, f"which {pooling_file} leaves out again (include_prompt)")
    dense = [read_dense(module.directory) for module in modules if module.name == "Dense"]
    pooling = Pooling(
        _pooling_mode(pooling_file),
        names[-1] == "Normalize",
        projections=tuple(layer.projection for layer in dense),
    )
    if pooling.normalize:
        # Releases before 6 left the directory of Normalize empty.
        fields = Fields.of_json_if_any(modules[-1].directory / _CONFIG_FILE)
        fields.require(_OF_NORMALIZE, null=True)
    config, weights = huggingface.open_directory(transformer, options)
    # The library cuts the vector of the last module, and none that is shorter.
    dimensions = model_fields.count("truncate_dim")
    require_sizes(dense, pooling.pooled_size(config.bert.hidden_size))
    if dimensions is not None and dimensions < pooling.size(config.bert.hidden_size):
        pooling = dataclasses.replace(pooling, dimensions=dimensions)
    head = embedding_head("sentence-transformers model", options, pooling)
    positions = config.bert.longest_row
    length = find_max_seq_length(transformer, options.max_seq_length, positions, positions)
    model = huggingface.build(
        transformer, options, config, weights, head, length, "sentence-transformers BERT"
    )
    fields = Fields.of_json_if_any(transformer / _SENTENCE_CONFIG_FILE)
    _check_sentence_config(fields, model.do_lower_case, "feature-extraction")
    return dataclasses.replace(
        model,
        weights={**model.weights, **weights_of(dense)},
        prompt=_prompt(model_fields),
    )


def _read_cross_encoder(
    transformer: Path, options: ReadOptions, model_fields: Fields
) -> FineTunedModel:
    """Opens a model of CrossEncoder as release 6 saves it: releases before had no modules.json.

    Raises:
      UserError: a file or tensor is missing or faulty, or the activation is not built.
    """
    _refuse_prompt(model_fields, "which is not built for pairs")
    config, weights = huggingface.open_directory(transformer, options)
    of_model = cross_encoder.of_model_file(model_fields, config.cross_encoder)
    config = dataclasses.replace(config, cross_encoder=of_model)
    head = find_head(config, weights, options)
    positions = config.bert.longest_row
    length = find_max_seq_length(transformer, options.max_seq_length, positions, positions)
    kind = "sentence-transformers CrossEncoder"
    model = huggingface.build(transformer, options, config, weights, head, length, kind)
    fields = Fields.of_json_if_any(transformer / _SENTENCE_CONFIG_FILE)
    _check_sentence_config(fields, model.do_lower_case, "sequence-classification")
    return model


def _find_transformer(path: Path) -> Path:
    """The directory of the Hugging Face model in a directory of sentence-transformers.

    Raises:
      UserError: modules.json is faulty, or has another module first.
    """
    modules = _modules(path)
    if not modules or modules[0].name != "Transformer":
        found = modules[0].name if modules else "none"
        raise UserError.of(
            f"{path / _MODULES_FILE}: the first module", found, "Transformer", NO_EXPORT
        )
    return modules[0].directory


def _modules(path: Path) -> Sequence[_Module]:
    file = path / _MODULES_FILE
    modules = []
    for entry in read_json_list(file):
        fields = Fields(file, entry if isinstance(entry, dict) else {})
        kind, place = fields.word("type"), fields.word("path")
        if kind is None or place is None:
            raise UserError(
                f"{file}: {entry!r} is not an object with a type and a path: {CORRECT}."
            )
        package, _, name = kind.rpartition(".")
        if package.split(".")[0] != "sentence_transformers":
            raise UserError(
                f"{file}: the module {kind!r} is not one of sentence-transformers' own, and code "
                f"that comes with a model is not run: {NO_EXPORT}."
            )
        if not _is_within(path, path / place):
            raise UserError(
                f"{file}: the path {place!r} leads out of the model's directory: {CORRECT}."
            )
        modules.append(_Module(name, path / place))
    return modules


def _is_within(directory: Path, path: Path) -> bool:
    try:
        return path.resolve().is_relative_to(directory.resolve())
    # A NUL or half a surrogate pair, which no path has.
    except ValueError:
        return False


def _pooling_mode(file: Path) -> str:
    if not file.is_file():
        raise UserError(
            f"{file}, the settings of the pooling, does not exist: copy the whole directory."
        )
    fields = Fields.of_json(file)
    told = fields.values.get("pooling_mode")
    if told is None:
        told = [mode for switch, mode in _POOLING_SWITCHES.items() if fields.flag(switch)]
    modes = [str(mode) for mode in (told or ["mean"])] if isinstance(told, list) else [str(told)]
    for mode in modes:
        if mode not in _POOLING_MODES:
            raise UserError(
                f"{file}: the pooling mode is {mode}, where one of {', '.join(_POOLING_MODES)} is "
                f"expected: {NO_EXPORT}."
            )
    return beside(*(_POOLING_MODES[mode] for mode in modes))


def _prompt(fields: Fields) -> str:
    """The words of its own that a model puts before every text."""
    name, prompts = fields.word("default_prompt_name"), fields.section("prompts").values
    prompt = (prompts.get(name) if name is not None else None) or ""
    if not isinstance(prompt, str):
        raise UserError.of(f"{fields.file}: prompts.{name}", repr(prompt), "a text", CORRECT)
    return prompt


def _refuse_prompt(fields: Fields, why: str) -> None:
    prompt = _prompt(fields)
    if prompt:
        raise UserError(
            f"{fields.file}: default_prompt_name puts {prompt!r} before every text, {why}: set it "
            "to null, and let clients send the prompt with the text."
        )


def _check_sentence_config(fields: Fields, do_lower_case: bool, task: str) -> None:
    """Refuses what the tokenizer and the encoder of BERT do not do by themselves."""
    if fields.flag("do_lower_case") and not do_lower_case:
        raise UserError(
            f"{fields.file}: do_lower_case is true, but the tokenizer of the model is cased, and "
            f"to lower-case before a cased tokenizer is not built: {NO_EXPORT}."
        )
    fields.require({"transformer_task": task})


def _sign(path: Path) -> str | None:
    return _MODULES_FILE if (path / _MODULES_FILE).is_file() else None


def _locate(path: Path, flag: str) -> Place:
    return huggingface.locate(_find_transformer(path), flag)


KIND = dataclasses.replace(
    huggingface.KIND,
    name="sentence-transformers model",
    sign=_sign,
    read=_read,
    locate=_locate,
)
