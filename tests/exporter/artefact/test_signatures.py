"""Names, shapes and answers of the signatures, through the reloaded export."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

from bert.tokenizers.google_research import FullTokenizer
from tests.conftest import Signatures, load_signatures
from tests.exporter.artefact.signatures_of_readme import (
    EXPECTED,
    TEXT_INPUT,
    TEXTS,
)
from tests.exporter.text import texts
from tests.oracles.original_classifier import OriginalClassifier
from tests.oracles.original_tokenizer import original_tokenizer
from tests.repository import ROOT
from tests.tiny_model import LABELS, TinyModel


def test_names_types_and_shapes(signatures: Signatures) -> None:
    assert set(signatures) >= set(EXPECTED)
    for name, (inputs, outputs) in EXPECTED.items():
        specs = signatures[name].structured_input_signature[1]
        assert {key: (spec.shape.as_list(), spec.dtype) for key, spec in specs.items()} == inputs
        found = {
            key: (spec.shape.rank, spec.dtype)
            for key, spec in signatures[name].structured_outputs.items()
        }
        expected = {key: (len(shape), dtype) for key, (shape, dtype) in outputs.items()}
        extra = set(found) - set(expected)
        assert extra <= ({"starts", "ends"} if name == "tokenize" else set())
        assert expected.items() <= found.items()


def test_shapes_of_answers(signatures: Signatures) -> None:
    for name, (inputs, outputs) in EXPECTED.items():
        if inputs != TEXT_INPUT:
            continue
        for rows in (0, 1, 3):
            answer = signatures[name](text=tf.constant(TEXTS[:rows], tf.string))
            for key, (shape, dtype) in outputs.items():
                assert answer[key].dtype == dtype
                assert answer[key].shape[0] == rows
                assert all(
                    size in (None, found)
                    for size, found in zip(shape, answer[key].shape, strict=True)
                )


def test_probabilities_sum_to_one(signatures: Signatures) -> None:
    found = signatures["text"](text=tf.constant(TEXTS))["probabilities"].numpy()
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)


def test_default_is_text(signatures: Signatures) -> None:
    answers = [
        signatures[name](text=tf.constant(TEXTS))["probabilities"].numpy()
        for name in ("text", "serving_default")
    ]
    np.testing.assert_array_equal(*answers)


def test_labels_are_best_first(signatures: Signatures) -> None:
    answer = signatures["labels"](text=tf.constant(TEXTS))
    probabilities = signatures["text"](text=tf.constant(TEXTS))["probabilities"].numpy()
    order = np.argsort(-probabilities, axis=1)
    np.testing.assert_array_equal(answer["labels"].numpy(), np.array(LABELS, "S")[order])
    np.testing.assert_allclose(
        answer["scores"].numpy(), np.take_along_axis(probabilities, order, axis=1), atol=1e-7
    )
    np.testing.assert_array_equal(answer["label"].numpy(), answer["labels"].numpy()[:, 0])
    np.testing.assert_array_equal(answer["score"].numpy(), answer["scores"].numpy()[:, 0])


def test_tokenize(signatures: Signatures, tokenizer: FullTokenizer, tiny_model: TinyModel) -> None:
    lines = [*TEXTS, *texts.SENTENCES]
    answer = {key: value.numpy() for key, value in signatures["tokenize"](text=lines).items()}
    encoded = [tokenizer.encode(line, None, 32) for line in lines]
    width = max(len(ids) for ids, _ in encoded)
    for row, (ids, segments) in enumerate(encoded):
        padding = [0] * (width - len(ids))
        assert answer["input_ids"][row].tolist() == ids + padding
        assert answer["input_mask"][row].tolist() == [1] * len(ids) + padding
        assert answer["segment_ids"][row].tolist() == segments + padding
        pieces = [tiny_model.tokens[index].encode() for index in ids] + [b""] * len(padding)
        assert answer["tokens"][row].tolist() == pieces


def test_tokenize_tells_what_was_cut(signatures: Signatures) -> None:
    """32 tokens with [CLS] and [SEP]."""
    lines = ["", "not " * 29, "not " * 30, "not " * 31, "not " * 500, "funny " * 15, "funnys " * 15]
    answer = signatures["tokenize"](text=tf.constant(lines))
    assert answer["truncated"].numpy().tolist() == [False] * 3 + [True] * 2 + [False, True]
    assert signatures["tokenize"](text=tf.constant([], tf.string))["truncated"].shape == [0]


def test_tokenize_tells_which_pairs_were_cut(pair_export: Path) -> None:
    """29 tokens of both texts; an empty second text leaves room for 30 of the first."""
    tokenize = load_signatures(pair_export)["tokenize"]
    counts = [(20, 9), (20, 10), (29, 1), (30, 0), (31, 0), (0, 29), (0, 30), (0, 0)]
    answer = tokenize(
        text_a=tf.constant(["not " * count for count, _ in counts]),
        text_b=tf.constant(["bad " * count for _, count in counts]),
    )
    expected = [False, True, True, False, True, False, True, False]
    assert answer["truncated"].numpy().tolist() == expected


def test_tokenize_is_the_original(signatures: Signatures, tiny_model: TinyModel) -> None:
    """Every line, as [CLS], what fits, [SEP]; test_tokenizer.py sees what is cut off."""
    lines = texts.data_lines() + texts.fuzzed_strings(500, 21) + texts.corrupted_bytes(500, 22)
    tokenize = original_tokenizer(tiny_model.directory / "vocab.txt", tiny_model.do_lower_case)
    cls, sep = tiny_model.tokens.index("[CLS]"), tiny_model.tokens.index("[SEP]")
    wrong = []
    for start in range(0, len(lines), 1024):
        batch = lines[start : start + 1024]
        answer = signatures["tokenize"](text=tf.constant(batch))
        lengths = answer["input_mask"].numpy().sum(axis=1)
        for line, ids, length in zip(batch, answer["input_ids"].numpy(), lengths, strict=True):
            if ids[:length].tolist() != [cls, *tokenize(line)[:30], sep]:
                wrong.append(line)
    assert not wrong[:10]


def test_text_is_the_original_from_end_to_end(
    signatures: Signatures, tiny_model: TinyModel
) -> None:
    """The original's tokenizer into the original's model, on 200 sentences."""
    original = OriginalClassifier(tiny_model.prefix, len(LABELS))
    tokenize = original_tokenizer(tiny_model.directory / "vocab.txt", tiny_model.do_lower_case)
    cls, sep = tiny_model.tokens.index("[CLS]"), tiny_model.tokens.index("[SEP]")
    lines = texts.data_lines()[:200]
    features = np.zeros((3, len(lines), 32), np.int32)
    for row, line in enumerate(lines):
        ids = [cls, *tokenize(line)[:30], sep]
        features[0, row, : len(ids)] = ids
        features[1, row, : len(ids)] = 1
    found = signatures["text"](text=tf.constant(lines))["probabilities"].numpy()
    np.testing.assert_allclose(found, original.probabilities(*features), atol=1e-5, rtol=0)
    pooled = signatures["embedding"](text=tf.constant(lines))["embedding"].numpy()
    np.testing.assert_allclose(pooled, original.pooled(*features), atol=1e-5, rtol=0)


def test_a_row_answers_the_same_in_any_batch(signatures: Signatures) -> None:
    together = signatures["text"](text=tf.constant(TEXTS))["probabilities"].numpy()
    for line, expected in zip(TEXTS, together, strict=True):
        alone = signatures["text"](text=tf.constant([line]))["probabilities"].numpy()[0]
        np.testing.assert_allclose(alone, expected, atol=1e-6, rtol=0)


def test_wrong_ranks_are_errors_and_no_crash(tiny_export: Path) -> None:
    """In a process of its own, since a crash ends it."""
    result = subprocess.run(
        [sys.executable, "-m", "tests.exporter.artefact.wrong_shapes", str(tiny_export)],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert result.returncode == 0, result.stderr
    *lines, last = result.stdout.splitlines()
    assert last == "alive"
    answers = [json.loads(line) for line in lines]
    assert len(answers) == 6 * 6 + 2 * 4 * 4
    assert [answer for answer in answers if answer[2] != "INVALID_ARGUMENT"] == []
    # The graph's own refusals, not those of a session that compares shapes.
    assert [answer for answer in answers if "Cannot feed" in answer[3]] == []
