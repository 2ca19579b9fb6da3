"""Directories that `save_pretrained` of transformers wrote: config.json and model.safetensors."""

import dataclasses
from pathlib import Path

import numpy as np

from bert.checkpoints.huggingface.config import (
    CONFIG_FILE,
    HuggingFaceConfig,
    read_huggingface_config,
)
from bert.checkpoints.huggingface.head import Head, find_head
from bert.checkpoints.huggingface.weights import HuggingFaceWeights
from bert.checkpoints.kind import Kind, Place, Settings
from bert.checkpoints.options import CHECKPOINT, ReadOptions
from bert.checkpoints.tensors.opening import WEIGHTS_FILES, find_weights_file, open_tensors
from bert.checkpoints.text.profile import find_text_profile
from bert.checkpoints.text.settings import Setting, find_max_seq_length
from bert.config import BertConfig
from bert.errors import UserError
from bert.model import HUGGINGFACE, FineTunedModel
from bert.variables import classifier_shapes, encoder_shapes, masked_word_shapes

# transformers, pipelines/question_answering.py, preprocess: the most of its max_seq_len.
_MOST_OF_SPANS = 384


def open_directory(
    path: Path, options: ReadOptions
) -> tuple[HuggingFaceConfig, HuggingFaceWeights]:
    """Configuration and weights of a directory.

    Raises:
      UserError: a file is missing or faulty.
    """
    config = read_huggingface_config(options.bert_config_file or path / CONFIG_FILE)
    weights_file = locate(path, CHECKPOINT).weights
    weights = HuggingFaceWeights(weights_file, open_tensors(weights_file), config.architecture)
    bert = dataclasses.replace(config.bert, has_pooler=weights.has_pooler)
    weights.require_no_other(encoder_shapes(bert))
    return dataclasses.replace(config, bert=bert), weights


def locate(path: Path, flag: str) -> Place:
    """The file of the tensors in a directory, which `flag` gave.

    Raises:
      UserError: there is none.
    """
    weights_file = find_weights_file(path)
    if weights_file is None:
        raise UserError(
            f"{flag} {path} has none of {', '.join(WEIGHTS_FILES)}: copy the weights of the model "
            "there, too."
        )
    return Place(weights_file, path)


def build(
    path: Path,
    options: ReadOptions,
    config: HuggingFaceConfig,
    weights: HuggingFaceWeights,
    head: Head,
    max_seq_length: Setting[int],
    kind: str,
) -> FineTunedModel:
    """Reads the weights and the tokenizer that belong to a head.

    Raises:
      UserError: a tensor or tokenizer file is missing, faulty or does not fit.
    """
    default_class = config.architecture.tokenizer_class
    text = find_text_profile(path, options, HUGGINGFACE, default_class=default_class)
    # A pooler that the head does not stand on would be dead weight.
    bert = dataclasses.replace(config.bert, has_pooler=head.pooling.needs_pooler)
    rows = weights.word_embedding_rows
    if rows is not None and rows != bert.vocab_size:
        raise UserError(
            f"{config.file}: vocab_size is {bert.vocab_size}, but the word embeddings in "
            f"{weights.file} have {rows} rows: correct vocab_size."
        )
    if len(text.vocabulary) > bert.vocab_size:
        raise UserError(
            f"{text.source} has {len(text.vocabulary)} tokens, but the word embeddings of the "
            f"model have {bert.vocab_size} rows: give the tokenizer of this model."
        )
    shapes = encoder_shapes(bert)
    if head.task.fills_masks:
        text.require_mask_token()
        shapes |= masked_word_shapes(bert)
    elif head.task.has_head:
        shapes |= classifier_shapes(bert, head.num_outputs)
    return FineTunedModel(
        config=bert,
        weights=weights.read(shapes),
        vocabulary=text.vocabulary,
        vocabulary_file=text.vocabulary_file,
        do_lower_case=text.casing.value,
        tokenizer=text.tokenizer,
        task=head.task,
        labels=head.labels.value if head.labels else (),
        max_seq_length=max_seq_length.value,
        provenance={
            "kind": kind,
            "checkpoint": str(path),
            "bert_config_file": str(config.file),
            "vocab_file": text.source,
            "do_lower_case": text.casing.source,
            "max_seq_length": max_seq_length.source,
        }
        | ({"labels": head.labels.source} if head.labels else {})
        | ({"activation": head.activation} if head.activation else {}),
        tokenizer_settings=text.huggingface,
        pooling=head.pooling,
        takes_pairs=head.takes_pairs,
    )


def _sign(path: Path) -> str | None:
    if not path.is_dir():
        return None
    weights_file = find_weights_file(path)
    return None if weights_file is None else weights_file.name


def _read(path: Path, options: ReadOptions) -> FineTunedModel:
    """Opens a fine-tuned model, or a bare encoder for its vectors.

    Raises:
      UserError: a file or tensor is missing, of another model or head than those that can
        be exported, or two of them contradict each other.
    """
    config, weights = open_directory(path, options)
    head = find_head(config, weights, options)
    positions = config.bert.longest_row
    length = find_max_seq_length(path, options.max_seq_length, positions, positions)
    if head.task.finds_spans and options.max_seq_length is None and length.value > _MOST_OF_SPANS:
        length = Setting(_MOST_OF_SPANS, "the pipeline of transformers, which takes no more")
    return build(path, options, config, weights, head, length, f"Hugging Face {head.saved_class}")


def _read_encoder(weights_file: Path, config: BertConfig, flag: str) -> dict[str, np.ndarray]:
    del flag  # errors name the file
    architecture = read_huggingface_config(weights_file.parent / CONFIG_FILE).architecture
    weights = HuggingFaceWeights(weights_file, open_tensors(weights_file), architecture)
    config = dataclasses.replace(config, has_pooler=weights.has_pooler)
    return weights.read(encoder_shapes(config))


def _config_file(place: Path) -> Path | None:
    return place / CONFIG_FILE if (place / CONFIG_FILE).is_file() else None


KIND = Kind(
    name="Hugging Face model",
    sign=_sign,
    read=_read,
    locate=locate,
    read_encoder=_read_encoder,
    config_file=_config_file,
    settings=lambda file: Settings(file, read_huggingface_config(file).bert),
)
