"""Directories of sentence-transformers: modules.json, and a Hugging Face BERT in one of them."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bert.checkpoints.huggingface import reading as huggingface
from bert.checkpoints.huggingface.head import embedding_head
from bert.checkpoints.options import ReadOptions
from bert.checkpoints.text.settings import find_max_seq_length
from bert.config import read_json_list, read_json_object
from bert.errors import UserError
from bert.model import FineTunedModel
from bert.tasks import FIRST_TOKEN, MAX, MEAN, Pooling

MODULES_FILE = "modules.json"
_MODEL_FILE = "config_sentence_transformers.json"
_SENTENCE_CONFIG_FILE = "sentence_bert_config.json"
_CONFIG_FILE = "config.json"

# sentence_transformers, pooling.py: the modes, and the switches of releases before 6.
_POOLING_MODES = {"mean": MEAN, "cls": FIRST_TOKEN, "max": MAX}
_POOLING_SWITCHES = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}


@dataclasses.dataclass(frozen=True)
class _Module:
    """One step from text to embedding."""

    name: str
    """the class, without the package"""

    directory: Path


def sign(path: Path) -> str | None:
    """The file by which `path` is known as such a directory, None if it is none."""
    return MODULES_FILE if (path / MODULES_FILE).is_file() else None


def read(path: Path, options: ReadOptions) -> FineTunedModel:
    """Opens a model that is a Transformer, a Pooling and perhaps a Normalize.

    The truncation length is, as in the library, that of sentence_bert_config.json, else the
    tokenizer's, at most the position table's.

    Raises:
      UserError: a file or tensor is missing or faulty, or the model has other parts.
    """
    file = path / MODULES_FILE
    modules = _modules(path)
    names = [module.name for module in modules]
    if names not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        raise UserError(
            f"{file}: the modules are {', '.join(names)}, where Transformer, Pooling and perhaps "
            "Normalize are expected: such a model cannot be exported."
        )
    _require_no_prompt(path / _MODEL_FILE)
    transformer = modules[0].directory
    pooling = Pooling(_pooling_mode(modules[1].directory / _CONFIG_FILE), len(modules) == 3)
    if pooling.normalize:
        _require_normalizes_the_embedding(modules[2].directory / _CONFIG_FILE)
    config, weights = huggingface.open_directory(transformer, options.bert_config_file)
    head = embedding_head("sentence-transformers model", options, pooling)
    positions = config.bert.max_position_embeddings
    length = find_max_seq_length(transformer, options.max_seq_length, positions, positions)
    model = huggingface.build(
        transformer, options, config, weights, head, length, "sentence-transformers BERT"
    )
    _check_sentence_config(transformer / _SENTENCE_CONFIG_FILE, model.do_lower_case)
    return model


def find_transformer(path: Path) -> Path:
    """The directory of the Hugging Face model in a directory of sentence-transformers.

    Raises:
      UserError: modules.json is faulty, or has another module first.
    """
    modules = _modules(path)
    if not modules or modules[0].name != "Transformer":
        raise UserError(
            f"{path / MODULES_FILE}: the first module is {modules[0].name if modules else 'none'}, "
            "where Transformer is expected: such a model cannot be opened."
        )
    return modules[0].directory


def _modules(path: Path) -> Sequence[_Module]:
    file = path / MODULES_FILE
    modules = []
    for entry in read_json_list(file):
        if not isinstance(entry, dict) or not all(
            isinstance(entry.get(key), str) for key in ("type", "path")
        ):
            raise UserError(
                f"{file}: {entry!r} is not an object with a type and a path: correct the file."
            )
        package, _, name = entry["type"].rpartition(".")
        if package.split(".")[0] != "sentence_transformers":
            raise UserError(
                f"{file}: the module {entry['type']!r} is not one of sentence-transformers' own, "
                "and code that comes with a model is not run: such a model cannot be exported."
            )
        directory = path / entry["path"]
        if not directory.resolve().is_relative_to(path.resolve()):
            raise UserError(
                f"{file}: the path {entry['path']!r} leads out of the model's directory: correct "
                "the file."
            )
        modules.append(_Module(name, directory))
    return modules


def _pooling_mode(file: Path) -> str:
    if not file.is_file():
        raise UserError(
            f"{file}, the settings of the pooling, does not exist: copy the whole directory."
        )
    fields = read_json_object(file)
    modes = fields.get("pooling_mode")
    if modes is None:
        modes = [mode for switch, mode in _POOLING_SWITCHES.items() if fields.get(switch)]
    modes = (modes or ["mean"]) if isinstance(modes, list) else [modes]
    if len(modes) != 1 or modes[0] not in _POOLING_MODES:
        raise UserError(
            f"{file}: the pooling mode is {' and '.join(map(str, modes))}, where one of "
            f"{', '.join(_POOLING_MODES)} is expected: such a model cannot be exported."
        )
    return _POOLING_MODES[modes[0]]


def _require_normalizes_the_embedding(file: Path) -> None:
    """Releases before 6 left the directory of Normalize empty."""
    fields = read_json_object(file) if file.is_file() else {}
    for name in ("module_input_name", "module_output_name"):
        if fields.get(name) not in (None, "sentence_embedding"):
            raise UserError(
                f"{file}: {name} is {fields[name]!r}, where 'sentence_embedding' is expected: such "
                "a model cannot be exported."
            )


def _require_no_prompt(file: Path) -> None:
    """Refuses a model that puts words of its own before every text."""
    fields = read_json_object(file) if file.is_file() else {}
    name, prompts = fields.get("default_prompt_name"), fields.get("prompts") or {}
    if name is not None and isinstance(prompts, dict) and prompts.get(name):
        raise UserError(
            f"{file}: default_prompt_name puts {prompts[name]!r} before every text, which is not "
            "built yet: set it to null, and let clients send the prompt with the text."
        )


def _check_sentence_config(file: Path, do_lower_case: bool) -> None:
    """Refuses what the tokenizer and the encoder of BERT do not do by themselves."""
    fields: Mapping[str, Any] = read_json_object(file) if file.is_file() else {}
    if fields.get("do_lower_case") and not do_lower_case:
        raise UserError(
            f"{file}: do_lower_case is true, but the tokenizer of the model is cased, and to "
            "lower-case before a cased tokenizer is not built: such a model cannot be exported."
        )
    task = fields.get("transformer_task", "feature-extraction")
    if task != "feature-extraction":
        raise UserError(
            f"{file}: transformer_task is {task!r}, where 'feature-extraction' is expected: such a "
            "model cannot be exported."
        )
