"""Checkpoints of google-research/bert's run_classifier.py: name-based, beside a vocab.txt."""

import json
from pathlib import Path

from bert.checkpoints.options import ReadOptions, class_labels
from bert.checkpoints.tensorflow import files as tensorflow_files
from bert.checkpoints.tensorflow import object_graph
from bert.checkpoints.text.huggingface_files import TOKENIZER_CONFIG_FILE, VOCABULARY_FILE
from bert.checkpoints.text.profile import find_text_profile
from bert.checkpoints.text.settings import find_max_seq_length
from bert.config import BertConfig
from bert.errors import UserError
from bert.model import GOOGLE_RESEARCH, FineTunedModel
from bert.tasks import CLASSIFICATION
from bert.variables import OUTPUT_WEIGHTS, classifier_shapes, encoder_shapes

CONFIG_FILE = "bert_config.json"


def sign(path: Path) -> str | None:
    """The file by which `path`, a prefix or directory, is known as a checkpoint, None if none."""
    return None if object_graph.sign(path) else tensorflow_files.sign(path)


def read(path: Path, options: ReadOptions) -> FineTunedModel:
    """Opens a fine-tuned classifier; optimizer slots and `global_step` are left out.

    Raises:
      UserError: a file or variable is missing, or two of them contradict each other.
    """
    prefix = tensorflow_files.find_prefix(path)
    found = tensorflow_files.shapes(prefix)
    config_file = options.bert_config_file or prefix.parent / CONFIG_FILE
    _require(config_file, "--bert_config_file", "BERT's configuration")
    config = BertConfig.from_google_research_file(config_file)
    text = find_text_profile(prefix.parent, options, GOOGLE_RESEARCH)

    if OUTPUT_WEIGHTS not in found:
        raise UserError(
            f"--checkpoint {prefix} has no variable {OUTPUT_WEIGHTS!r}, so it is not a fine-tuned "
            "classifier: give the checkpoint that run_classifier wrote after training."
        )
    if len(found[OUTPUT_WEIGHTS]) != 2 or not found[OUTPUT_WEIGHTS][0]:
        raise UserError(
            f"--checkpoint {prefix}: variable {OUTPUT_WEIGHTS!r} has shape "
            f"{list(found[OUTPUT_WEIGHTS])}, where [classes, {config.hidden_size}] is expected: "
            "give the checkpoint that run_classifier wrote after training."
        )
    num_labels = found[OUTPUT_WEIGHTS][0]
    weights = tensorflow_files.read_variables(
        prefix,
        encoder_shapes(config) | classifier_shapes(config, num_labels),
        f"give the {CONFIG_FILE} that this checkpoint was trained with (--bert_config_file).",
    )
    # The table of the checkpoint was just checked against config.vocab_size.
    text.require_rows_for_all(config.vocab_size)
    if options.task not in (None, CLASSIFICATION.name):
        raise UserError(
            f"--task is {options.task!r}, but a checkpoint of run_classifier is a "
            f"{CLASSIFICATION.name!r}: leave the flag out."
        )
    max_seq_length = find_max_seq_length(
        prefix.parent, options.max_seq_length, config.max_position_embeddings
    )
    return FineTunedModel(
        config=config,
        weights=weights,
        vocabulary=text.vocabulary,
        vocabulary_file=text.vocabulary_file,
        do_lower_case=text.casing.value,
        tokenizer=text.tokenizer,
        task=CLASSIFICATION,
        labels=class_labels(options.labels, num_labels),
        max_seq_length=max_seq_length.value,
        provenance={
            "kind": "google-research/bert checkpoint",
            "checkpoint": str(prefix),
            "bert_config_file": str(config_file),
            "vocab_file": text.source,
            "do_lower_case": text.casing.source,
            "max_seq_length": max_seq_length.source,
        },
        tokenizer_settings=text.huggingface,
    )


def write_settings(
    directory: Path,
    config: BertConfig,
    vocabulary_file: bytes,
    do_lower_case: bool,
    max_seq_length: int,
) -> None:
    """Writes what `read` looks for beside a checkpoint: configuration, vocabulary, casing."""
    (directory / CONFIG_FILE).write_text(config.to_google_research_json(), encoding="utf-8")
    (directory / VOCABULARY_FILE).write_bytes(vocabulary_file)
    settings = {"do_lower_case": do_lower_case, "model_max_length": max_seq_length}
    (directory / TOKENIZER_CONFIG_FILE).write_text(
        json.dumps(settings, indent=2) + "\n", encoding="utf-8"
    )


def _require(file: Path, flag: str, meaning: str) -> None:
    if not file.is_file():
        raise UserError(f"{file}, {meaning}, does not exist: name the file with {flag}.")
