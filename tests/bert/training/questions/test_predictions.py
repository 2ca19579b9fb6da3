"""Answers and their measure, against the original's write_predictions and worked examples."""

from pathlib import Path

import numpy as np
import pytest

from bert.tokenizers.google_research import FullTokenizer
from bert.tokenizers.vocabulary import Vocabulary
from bert.training.questions.official_metrics import evaluate, exact_match, f1
from bert.training.questions.predictions import AnswerSettings, predict_answer
from bert.training.questions.squad_file import Question, read_questions
from bert.training.questions.windows import windows_of
from tests.bert.training.questions.test_windows import SETTINGS, write_random_squad
from tests.oracles.original_squad import OriginalSquad
from tests.tiny_model import tiny_tokens


@pytest.mark.parametrize("threshold", [0.0, -2.5])
@pytest.mark.parametrize("with_negative", [False, True])
@pytest.mark.parametrize(("n_best_size", "max_answer_length"), [(3, 4), (20, 30)])
def test_answers_are_those_of_write_predictions(
    n_best_size: int, max_answer_length: int, with_negative: bool, threshold: float, tmp_path: Path
) -> None:
    """Random logits, a third of them with many ties."""
    vocabulary = tmp_path / "vocab.txt"
    vocabulary.write_text("".join(f"{token}\n" for token in tiny_tokens()))
    original = OriginalSquad(
        vocabulary,
        SETTINGS.max_seq_length,
        SETTINGS.doc_stride,
        SETTINGS.max_query_length,
        with_negative,
        threshold,
    )
    settings = AnswerSettings(n_best_size, max_answer_length, with_negative, threshold, True)
    file = write_random_squad(tmp_path / "random.json", seed=n_best_size)
    questions = read_questions(file, is_training=False, with_negative=True)
    tokenizer = FullTokenizer(Vocabulary(tiny_tokens()), do_lower_case=True)
    windows = list(windows_of(questions, tokenizer, SETTINGS))
    generator = np.random.default_rng(1)
    nulls = compared = 0
    for number, example in enumerate(original.read(file, is_training=False)):
        own = [window for window in windows if window.question == number]
        logits = []
        for window in own:
            shape = [len(window.ids), 2]
            values = generator.normal(scale=2.0, size=shape).astype(np.float32)
            if number % 3 == 0:
                values = generator.integers(-2, 3, shape).astype(np.float32)
            values[0] += 4 * (number % 2)
            logits.append(values)
        features = original.windows(example)
        padded = [
            np.pad(
                values,
                [(0, SETTINGS.max_seq_length - len(values)), (0, 0)],
                constant_values=np.float32(-1e9),
            )
            for values in logits
        ]
        expected = original.answers(example, features, padded, n_best_size, max_answer_length)
        found = predict_answer(questions[number], own, logits, settings)
        if expected is None:  # the original fails
            assert found.text == ""
            continue
        compared += 1
        assert [each.text for each in found.n_best] == expected.texts
        np.testing.assert_allclose(
            [each.probability for each in found.n_best], expected.probabilities, atol=1e-12
        )
        assert found.text == expected.best
        assert found.null_odds == expected.null_odds
        nulls += not found.text
    assert compared > 40 and bool(nulls) == with_negative


def test_a_context_without_tokens() -> None:
    settings = AnswerSettings(20, 30, True, 0.0, True)
    assert predict_answer(Question("q", "what", ()), [], [], settings).text == ""


@pytest.mark.parametrize(
    ("predicted", "expected", "exact", "overlap"),
    [
        ("The Eiffel Tower!", "eiffel tower", 1, 1),
        ("Eiffel Tower in Paris", "the Eiffel Tower", 0, 2 * (2 / 4) * 1 / (2 / 4 + 1)),
        ("a cat", "dog", 0, 0),
        ("Jean-Luc", "jeanluc", 1, 1),
        ("to be to be", "to be", 0, 2 * (2 / 4) * 1 / (2 / 4 + 1)),
        ("an", "the", 1, 0),
    ],
)
def test_the_official_rules(predicted: str, expected: str, exact: float, overlap: float) -> None:
    assert exact_match(predicted, expected) == exact
    assert f1(predicted, expected) == pytest.approx(overlap)


def test_results_of_squad_2() -> None:
    results = evaluate(["", "Paris", "", "in Rome"], [[], [], ["Bonn"], ["Rome", "x"]], True)
    assert results == {
        "exact": 25.0,
        "f1": pytest.approx(100 * (1 + 2 / 3) / 4),
        "total": 4,
        "HasAns_exact": 0.0,
        "HasAns_f1": pytest.approx(100 / 3),
        "HasAns_total": 2,
        "NoAns_exact": 50.0,
        "NoAns_f1": 50.0,
        "NoAns_total": 2,
    }
    # evaluate-v2.0.py: two answers of articles alone say the same.
    assert f1("the", "a", with_negative=True) == 1.0
