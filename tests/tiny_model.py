"""A two-layer BERT classifier of random weights, as google-research/bert leaves one on disk."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bert.checkpoints import google_research
from bert.checkpoints.tensorflow import files as tensorflow_files
from bert.config import BertConfig
from bert.model import FineTunedModel
from bert.tasks import CLASSIFICATION
from bert.tokenizers.vocabulary import Vocabulary
from bert.variables import classifier_shapes, encoder_shapes

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
WORDS = ("the", "film", "is", "good", "bad", "a", "not", "very", "fun", "##ny", "##s", "##ing")
CASED_WORDS = ("The", "Film", "Paris", "Good", "##X")
PUNCTUATION = tuple("!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~")
LABELS = ("negative", "neutral", "positive")

_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789é漢ß"
_CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclasses.dataclass(frozen=True)
class TinyModel:
    """A checkpoint on disk and what is in it."""

    prefix: Path
    config: BertConfig
    weights: Mapping[str, np.ndarray]
    tokens: tuple[str, ...]
    do_lower_case: bool
    max_seq_length: int

    @property
    def directory(self) -> Path:
        return self.prefix.parent


def tiny_tokens(do_lower_case: bool = True) -> tuple[str, ...]:
    """The vocabulary: special tokens, letters and their `##` forms, words, punctuation."""
    letters = _LETTERS if do_lower_case else _LETTERS + _CAPITALS
    words = WORDS if do_lower_case else WORDS + CASED_WORDS
    pieces = [*letters, *(f"##{letter}" for letter in letters), *words, *PUNCTUATION]
    return (*SPECIAL_TOKENS, *dict.fromkeys(pieces))


def tiny_config(vocab_size: int, **changes: Any) -> BertConfig:
    """Two layers of width 16, 64 positions."""
    sizes = {
        "vocab_size": vocab_size,
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 32,
        "max_position_embeddings": 64,
        "type_vocab_size": 2,
    }
    return BertConfig(**{**sizes, **changes})


def random_weights(config: BertConfig, num_labels: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Weights so large that every token, position and segment moves the answer."""
    generator = np.random.default_rng(seed)
    weights = {}
    for name, shape in (encoder_shapes(config) | classifier_shapes(config, num_labels)).items():
        values = generator.normal(scale=0.5, size=shape)
        weights[name] = (values + name.endswith("gamma")).astype(np.float32)
    return weights


def write_tiny_model(
    directory: Path,
    do_lower_case: bool = True,
    tokens: Sequence[str] | None = None,
    num_labels: int = len(LABELS),
    max_seq_length: int = 32,
    seed: int = 0,
    **config_changes: Any,
) -> TinyModel:
    """Writes `directory/model.ckpt-7` with all that belongs to it, optimizer slots included."""
    tokens = tuple(tiny_tokens(do_lower_case) if tokens is None else tokens)
    config = tiny_config(**{"vocab_size": len(tokens), **config_changes})
    weights = random_weights(config, num_labels, seed)
    directory.mkdir(parents=True, exist_ok=True)
    prefix = directory / "model.ckpt-7"
    slots = {f"{name}/adam_m": np.zeros_like(value) for name, value in weights.items()}
    tensorflow_files.write_variables(prefix, {**weights, **slots, "global_step": np.array(7)})
    tensorflow_files.write_state(directory, [prefix])
    vocabulary_file = "".join(f"{token}\n" for token in tokens).encode()
    google_research.write_settings(
        directory, config, vocabulary_file, do_lower_case, max_seq_length
    )
    return TinyModel(prefix, config, weights, tokens, do_lower_case, max_seq_length)


def weightless_model(
    vocabulary: Vocabulary, tokenizer: str, do_lower_case: bool, max_seq_length: int = 64
) -> FineTunedModel:
    """A model for its tokenizer alone, past the casing rules of the command."""
    return FineTunedModel(
        config=tiny_config(len(vocabulary)),
        weights={},
        vocabulary=vocabulary,
        vocabulary_file=b"",
        do_lower_case=do_lower_case,
        tokenizer=tokenizer,
        task=CLASSIFICATION,
        labels=(),
        max_seq_length=max_seq_length,
        provenance={},
    )
