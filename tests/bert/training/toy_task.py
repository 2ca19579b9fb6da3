"""A task that two layers can learn: sentences of eight words, good against bad."""

from pathlib import Path

import numpy as np

from bert.tasks import CLASSIFICATION
from bert.tokenizers.google_research import FullTokenizer
from bert.tokenizers.vocabulary import Vocabulary
from bert.training.batches import Batch, EncodedExample, encode
from bert.training.dataset import InputExample
from bert.training.objective import OBJECTIVES
from tests.tiny_model import tiny_tokens

LABELS = ("0", "1")

_FILLERS = ("the", "film", "is", "a", "very", "fun")


def toy_examples(count: int, seed: int = 0) -> list[InputExample]:
    """`count` examples of three to nine words, one of which is good or bad."""
    generator = np.random.default_rng(seed)
    examples = []
    for _ in range(count):
        label = int(generator.integers(2))
        words = list(generator.choice(_FILLERS, size=generator.integers(2, 9)))
        words.insert(int(generator.integers(len(words))), ("bad", "good")[label])
        examples.append(InputExample(" ".join(words), label=str(label)))
    return examples


def toy_texts(count: int, seed: int = 0) -> list[str]:
    """Their texts alone."""
    return [example.text_a for example in toy_examples(count, seed)]


def toy_features(count: int, seed: int = 0) -> list[EncodedExample]:
    """The same as ids of the tiny model's vocabulary."""
    tokenizer = FullTokenizer(Vocabulary(tiny_tokens()), do_lower_case=True)
    label_id = OBJECTIVES[CLASSIFICATION.name].labels_to_ids(LABELS)
    return encode(toy_examples(count, seed), tokenizer, label_id, max_seq_length=32)


def write_toy_data(directory: Path, num_train: int, num_dev: int) -> Path:
    """Writes train.tsv and dev.tsv; returns the directory."""
    directory.mkdir(parents=True, exist_ok=True)
    for seed, (name, count) in enumerate((("train", num_train), ("dev", num_dev))):
        lines = [f"{example.text_a}\t{example.label}\n" for example in toy_examples(count, seed)]
        (directory / f"{name}.tsv").write_text("".join(lines), encoding="utf-8")
    return directory


def padded(batch: Batch, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The original's features of a batch: ids, mask and segment ids, int32 [B, width]."""
    rows = len(batch.row_splits) - 1
    features = np.zeros((3, rows, width), np.int32)
    for row, (start, end) in enumerate(
        zip(batch.row_splits[:-1], batch.row_splits[1:], strict=True)
    ):
        length = end - start
        features[0, row, :length] = batch.ids[start:end]
        features[1, row, :length] = 1
        features[2, row, :length] = batch.segment_ids[start:end]
    return features[0], features[1], features[2]
