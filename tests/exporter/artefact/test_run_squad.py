"""Answers by run_squad.py's rules, against the original's own functions."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from bert.model import GOOGLE_RESEARCH, RUN_SQUAD, FineTunedModel
from bert.tasks import QUESTION_ANSWERING
from bert.tokenizers.vocabulary import Vocabulary
from exporter.artefact.answers import find_answers
from exporter.text.engine.wordpiece import FAST_OP
from exporter.text.pipeline import TextPipeline
from exporter.text.questions import QuestionKeywords
from tests.oracles.original_squad import OriginalSquad
from tests.tiny_model import tiny_tokens, weightless_model

_LENGTH, _STRIDE, _QUERY = 24, 7, 9
_WORDS = ("the", "film", "is", "bad", "not", "very", "funny", "funs", "été", "漢", "x", "yz", "fun")
_SETS = 300


@pytest.fixture(scope="module")
def model() -> FineTunedModel:
    model = weightless_model(Vocabulary(tiny_tokens()), GOOGLE_RESEARCH, True, _LENGTH)
    return dataclasses.replace(model, task=QUESTION_ANSWERING, answer_rules=RUN_SQUAD)


@pytest.fixture(scope="module")
def vocabulary_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("squad") / "vocab.txt"
    file.write_text("".join(f"{token}\n" for token in tiny_tokens()))
    return file


@pytest.mark.parametrize("with_null", [False, True])
@pytest.mark.parametrize(("n_best_size", "max_answer_length"), [(3, 4), (20, 30)])
def test_answers_are_those_of_write_predictions(
    model: FineTunedModel,
    vocabulary_file: Path,
    n_best_size: int,
    max_answer_length: int,
    with_null: bool,
) -> None:
    """Random logits, a third of them with many ties."""
    original = OriginalSquad(vocabulary_file, _LENGTH, _STRIDE, _QUERY, with_null)
    settings = QuestionKeywords(
        doc_stride=_STRIDE,
        max_query_length=_QUERY,
        max_answer_length=max_answer_length,
        n_best_size=n_best_size,
        null_answer=with_null,
    ).question_settings(model)
    assert settings is not None
    pipeline = TextPipeline(model, FAST_OP, settings)
    windows_of = tf.function(pipeline.windows, autograph=False)
    answers_of = tf.function(
        lambda windows, logits, contexts: find_answers(
            windows, logits, contexts, model, settings, n_best_size
        ),
        autograph=False,
        reduce_retracing=True,
    )
    generator = np.random.default_rng(n_best_size + with_null)
    questions, contexts, examples = [], [], []
    for _ in range(_SETS // 4):
        count = int(generator.integers(1, 60))
        questions.append(" ".join(generator.choice(_WORDS, generator.integers(0, 12))))
        contexts.append(" ".join(generator.choice(_WORDS, count)))
        examples.append(original.example(questions[-1], contexts[-1]))
    texts = [tf.constant([text.encode() for text in column]) for column in (questions, contexts)]
    windows = windows_of(texts)
    splits = windows.tokens.row_splits.numpy()
    values = np.float32(generator.normal(scale=2.0, size=[splits[-1], 2]))
    ties = np.float32(generator.integers(-2, 3, values.shape))
    rows = np.repeat(windows.rows.numpy(), np.diff(splits))
    logits = np.where((rows % 3 == 0)[:, np.newaxis], ties, values)
    found = answers_of(windows, tf.constant(logits), texts[1])
    by_window = np.split(logits, splits[1:-1])
    ids = np.split(windows.tokens.ids.numpy(), splits[1:-1])
    number = 0
    for row, example in enumerate(examples):
        features = original.windows(example)
        own = []
        for feature in features:
            length = len(feature.tokens)
            assert feature.input_ids[:length] == ids[number].tolist()
            padded = np.full([_LENGTH, 2], -1e9, np.float32)
            padded[:length] = by_window[number]
            own.append(padded)
            number += 1
        expected = original.answers(example, features, own, n_best_size, max_answer_length)
        kept = found.scores[row].numpy() >= 0
        told = [text.decode() for text in found.texts[row].numpy()[kept]]
        if expected is None:
            assert told == [""]
            continue
        if expected.texts == ["empty"]:  # there is no span, which the original says so
            assert told == []
            continue
        # The answer that there is none may come behind the n best.
        assert told == expected.texts[:n_best_size]
        np.testing.assert_allclose(
            found.scores[row].numpy()[kept], expected.probabilities[:n_best_size], atol=1e-6
        )
        assert told[0] == expected.best
        places = zip(found.starts[row].numpy(), found.ends[row].numpy(), strict=True)
        assert told == [contexts[row][start:end] for start, end in places][: len(told)]
    assert number == len(ids)
