"""Exports for the page, of tiny models of every task, and what they are served with."""

from pathlib import Path

from exporter import export
from tests.bert.checkpoints.huggingface.directory import (
    CONFIG,
    of_encoder,
    tensors,
    variables,
    write_directory,
)
from tests.bert.checkpoints.masked_words import write_masked_words
from tests.tiny_model import random_weights

# A label comes from a stranger's files: the page may show it, and nothing more.
HOSTILE = "<img src=x onerror=alert(1)>"
TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
CONTEXT = "😀 the film is good, not bad; a very fun film: the ending is not funny."


def export_classifier(scratch: Path) -> Path:
    """Of three labels, one of which is markup; its base path."""
    labels = dict(enumerate(["positive", HOSTILE, "neutral"]))
    directory = write_directory(scratch / "classifier", id2label=labels)
    return _export(directory, scratch / "sentiment")


def export_pairs(scratch: Path) -> Path:
    """A classifier of two texts."""
    labels = dict(enumerate(["same", "other", "unclear"]))
    directory = write_directory(scratch / "pairs", id2label=labels)
    return _export(directory, scratch / "paraphrase", text_pair=True)


def export_tagger(scratch: Path) -> Path:
    """Entities of persons and places, at random."""
    # Of this seed's weights the sentence of the test has entities between other words.
    values = tensors(random_weights(CONFIG, len(TAGS), seed=3))
    values = {name: value for name, value in values.items() if "pooler" not in name}
    directory = write_directory(
        scratch / "tagger", values, "BertForTokenClassification", id2label=dict(enumerate(TAGS))
    )
    return _export(directory, scratch / "entities")


def export_embedding(scratch: Path) -> Path:
    """Vectors of sixteen numbers."""
    directory = write_directory(scratch / "encoder", of_encoder(variables()), "BertModel")
    return _export(directory, scratch / "vectors")


def export_answerer(scratch: Path) -> Path:
    """Answers at random."""
    values = {
        name.replace("classifier", "qa_outputs"): value
        for name, value in tensors(variables(num_labels=2)).items()
        if "pooler" not in name
    }
    directory = write_directory(scratch / "answerer", values, "BertForQuestionAnswering")
    return _export(directory, scratch / "answers")


def export_masked_words(scratch: Path) -> Path:
    """Words in place of a mask, at random."""
    return _export(write_masked_words(scratch / "masked"), scratch / "words")


def _export(directory: Path, export_dir: Path, text_pair: bool | None = None) -> Path:
    export(directory, export_dir, version=1, text_pair=text_pair, warmup=False, verify=False)
    return export_dir
