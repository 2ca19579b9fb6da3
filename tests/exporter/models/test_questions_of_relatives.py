"""BERT's relatives that answer questions, whose tokenizers form pairs in ways of their own."""

from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from safetensors.numpy import load_file, save_file

from bert.checkpoints import ReadOptions, read
from bert.tokenizers.huggingface.settings import PairForm
from exporter import export
from tests.bert.checkpoints.huggingface import test_distilbert, test_relatives
from tests.conftest import load_signatures

_QUESTION, _WORD, _COUNT = "is the film good", "bad ", 90

_FAMILIES: dict[str, tuple[Any, str, PairForm, list[bytes]]] = {
    "DistilBert": (test_distilbert.write, "classifier", PairForm(1, 0), [b"[CLS]", b"[SEP]"]),
    "MPNet": (test_relatives.mpnet, "classifier.out_proj", PairForm(2, 0), [b"<s>", b"</s>"]),
}


def write(directory: Path, family: str) -> Path:
    """A classifier's directory with another head: two of its rows."""
    writer, head, _, _ = _FAMILIES[family]
    writer(directory, architectures=[f"{family}ForQuestionAnswering"])
    file = directory / "model.safetensors"
    values = load_file(file)
    spans = {f"qa_outputs.{name}": values[f"{head}.{name}"][:2] for name in ("weight", "bias")}
    encoder = {name: value for name, value in values.items() if "classifier" not in name}
    save_file(encoder | spans, file)
    return directory


@pytest.mark.parametrize("family", _FAMILIES)
def test_pairs_of_a_family(family: str, tmp_path: Path) -> None:
    """Verified: logits and answers of contexts in several windows."""
    _, _, form, (cls, sep) = _FAMILIES[family]
    directory = write(tmp_path / "model", family)
    model = read(directory, ReadOptions())
    assert model.pair_form() == form
    report = export(directory, tmp_path / "served", max_seq_length=32, warmup=False)
    assert report.verification is not None
    signatures = load_signatures(report.version_directory)
    context = _WORD * _COUNT
    given = {"question": tf.constant([_QUESTION]), "context": tf.constant([context])}
    told = {name: value.numpy()[0] for name, value in signatures["tokenize"](**given).items()}
    words = [word.encode() for word in _QUESTION.split()]
    tokens = [cls, *words, *[sep] * form.separators, *[_WORD.strip().encode()] * _COUNT, sep]
    assert told["tokens"].tolist() == tokens
    assert not told["segment_ids"].any()
    best = {name: value.numpy()[0] for name, value in signatures["text"](**given).items()}
    assert best["answer"].decode() == context[best["start"] : best["end"]] != ""
