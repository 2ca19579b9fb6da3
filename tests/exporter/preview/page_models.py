"""Exports for the page, of tiny models of every task, and what they are served with."""

from pathlib import Path

import tensorflow as tf

from exporter import export
from tests.bert.checkpoints.huggingface.directory import (
    CONFIG,
    of_encoder,
    tensors,
    variables,
    write_directory,
)
from tests.tiny_model import random_weights

# A label comes from a stranger's files: the page may show it, and nothing more.
HOSTILE = "<img src=x onerror=alert(1)>"
TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
CONTEXT = "The film was written by Ada Smith 😀 and shot in Lisbon."


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


def save_answerer(scratch: Path) -> Path:
    """A signature of question and context whose answer is always characters 24 to 33."""

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.string, name="context"),
            tf.TensorSpec([None], tf.string, name="question"),
        ]
    )
    def answer(context: tf.Tensor, question: tf.Tensor) -> dict[str, tf.Tensor]:
        rows = tf.shape(question)[0]
        start, end = tf.fill([rows], 24), tf.fill([rows], 35)
        text = tf.strings.substr(context, start, end - start, unit="UTF8_CHAR")
        return {"answer": text, "score": tf.fill([rows], 0.75), "start": start, "end": end}

    base_path = scratch / "answers"
    signatures = {"serving_default": answer, "text": answer}
    tf.saved_model.save(tf.Module(), str(base_path / "1"), signatures=signatures)
    return base_path


def _export(directory: Path, export_dir: Path, text_pair: bool | None = None) -> Path:
    export(directory, export_dir, version=1, text_pair=text_pair, warmup=False, verify=False)
    return export_dir
