"""What a SavedModel's output is taken for."""

import numpy as np
import pytest
import tensorflow as tf

from bert.errors import UserError
from bert.tasks import (
    CLASSIFICATION,
    EMBEDDING,
    IDENTITY,
    MULTILABEL,
    REGRESSION,
    SIGMOID,
    SOFTMAX,
    Task,
)
from exporter.models.wrapped.answer import Answer, decide_answer

_ROWS = 6
_GENERATOR = np.random.default_rng(5)

LOGITS = _GENERATOR.normal(scale=4, size=[_ROWS, 3]).astype(np.float32)
PROBABILITIES = tf.nn.softmax(LOGITS).numpy()
SIGMOIDS = tf.math.sigmoid(LOGITS).numpy()
POOLED = np.tanh(_GENERATOR.normal(size=[_ROWS, 8])).astype(np.float32)
VECTORS = _GENERATOR.normal(size=[_ROWS, 5, 8]).astype(np.float32)
NUMBERS = _GENERATOR.normal(size=[_ROWS, 1]).astype(np.float32)


def decide(**outputs: np.ndarray) -> Answer:
    return decide_answer(outputs, None, "model", _ROWS)


def decide_as(task: Task | str | None, /, **outputs: np.ndarray) -> Answer:
    return decide_answer(outputs, None if task is None else str(task), "model", _ROWS)


@pytest.mark.parametrize("name", ["probabilities", "output", "predictions", "anything"])
def test_probabilities(name: str) -> None:
    answer = decide(**{name: PROBABILITIES})
    assert (answer.output, answer.task, answer.activation) == (name, CLASSIFICATION, IDENTITY)
    assert answer.size == 3
    assert "sum 1" in answer.reason


@pytest.mark.parametrize("name", ["logits", "output", "outputs", "predictions"])
def test_logits(name: str) -> None:
    answer = decide(**{name: LOGITS})
    assert (answer.task, answer.activation) == (CLASSIFICATION, SOFTMAX)
    assert "softmax was added" in answer.reason
    np.testing.assert_allclose(answer.finish(LOGITS), PROBABILITIES, atol=1e-6)
    np.testing.assert_allclose(answer.finish_array(LOGITS), PROBABILITIES, atol=1e-6)


def test_the_more_telling_output() -> None:
    answer = decide(logits=LOGITS, probabilities=PROBABILITIES, pooled_output=POOLED)
    assert answer.output == "probabilities"


@pytest.mark.parametrize("name", ["pooled_output", "default", "pooler_output"])
def test_encoders(name: str) -> None:
    answer = decide(**{name: POOLED}, sequence_output=VECTORS)
    assert (answer.output, answer.task, answer.activation) == (name, EMBEDDING, IDENTITY)
    assert answer.is_embedding
    np.testing.assert_array_equal(answer.finish(POOLED), POOLED)


def test_an_encoder_whose_outputs_are_numbered() -> None:
    """Keras names them so; the pooled vector is there twice."""
    answer = decide(bert=VECTORS, bert_1=POOLED, bert_2=POOLED, bert_3=VECTORS)
    assert (answer.output, answer.task) == ("bert_1", EMBEDDING)


def test_multilabel() -> None:
    answer = decide_as(MULTILABEL, output=SIGMOIDS)
    assert (answer.task, answer.activation) == (MULTILABEL, IDENTITY)
    answer = decide_as(MULTILABEL, output=LOGITS)
    assert (answer.task, answer.activation) == (MULTILABEL, SIGMOID)
    np.testing.assert_allclose(answer.finish(LOGITS), SIGMOIDS, atol=1e-6)
    np.testing.assert_allclose(answer.finish_array(LOGITS), SIGMOIDS, atol=1e-6)


@pytest.mark.parametrize("values", [NUMBERS, NUMBERS[:, 0]])
def test_regression(values: np.ndarray) -> None:
    answer = decide_as(REGRESSION, scores=values)
    assert (answer.task, answer.size) == (REGRESSION, 1)
    np.testing.assert_array_equal(answer.finish(NUMBERS), NUMBERS[:, 0])
    np.testing.assert_array_equal(answer.finish_array(values), NUMBERS[:, 0])


def test_the_flag_decides() -> None:
    assert decide_as(EMBEDDING, anything=LOGITS).task == EMBEDDING
    assert decide_as(CLASSIFICATION, anything=SIGMOIDS).activation == SOFTMAX
    assert decide_as(CLASSIFICATION, probabilities=LOGITS).activation == SOFTMAX


def refused(*told: str, task: Task | str | None = None, **outputs: np.ndarray) -> None:
    with pytest.raises(UserError) as error:
        decide_as(task, **outputs)
    for part in told:
        assert part in str(error.value), error.value


def test_what_is_not_clear() -> None:
    refused("--task=multilabel", "--task=classification", output=SIGMOIDS)
    refused("--task=classification", "'probabilities'", probabilities=LOGITS)
    refused("--task=embedding", "'anything'", anything=LOGITS)
    refused("--task=regression", output=NUMBERS)
    refused("a [6, 3], b [6, 3]", a=LOGITS, b=PROBABILITIES)


def test_what_does_not_fit() -> None:
    refused("sequence_output [6, 5, 8]", sequence_output=VECTORS)
    refused("no float")
    refused("token_classification", task="token_classification", output=LOGITS)
    refused("3 numbers", task=REGRESSION, output=LOGITS)
    refused("1 number", task=CLASSIFICATION, output=NUMBERS)
    refused("NaN", output=np.where(LOGITS > 4, np.nan, LOGITS))
