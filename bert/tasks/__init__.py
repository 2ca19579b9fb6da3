"""Tasks and poolings: what a model answers, as values."""

from collections.abc import Mapping

import numpy as np

from bert.tasks.pooling import (
    ALL_TOKENS,
    FIRST_TOKEN,
    LAST_LAYER,
    LAST_TOKEN,
    MAX,
    MEAN,
    MEAN_SQRT,
    POOLER,
    WEIGHTED_MEAN,
    Pooling,
    Projection,
    beside,
)
from bert.tasks.task import (
    IDENTITY,
    ROW_VECTORS,
    SIGMOID,
    SOFTMAX,
    TOKEN_VECTORS,
    RowOutputs,
    Task,
    largest_difference,
)

__all__ = [
    "ALL_TOKENS",
    "CLASSIFICATION",
    "EMBEDDING",
    "FILL_MASK",
    "FIRST_TOKEN",
    "IDENTITY",
    "LAST_LAYER",
    "LAST_TOKEN",
    "MAX",
    "MEAN",
    "MEAN_SQRT",
    "MULTILABEL",
    "POOLER",
    "QUESTION_ANSWERING",
    "REGRESSION",
    "ROW_VECTORS",
    "SIGMOID",
    "SOFTMAX",
    "TASKS",
    "TOKEN_CLASSIFICATION",
    "TOKEN_EMBEDDING",
    "TOKEN_VECTORS",
    "WEIGHTED_MEAN",
    "Pooling",
    "Projection",
    "RowOutputs",
    "Task",
    "beside",
    "largest_difference",
    "row_tasks",
]

CLASSIFICATION = Task(
    name="classification",
    least_size=2,
    activation=SOFTMAX,
    answer="probabilities",
    has_labels=True,
    choose=lambda answer: answer["probabilities"].argmax(),
)
REGRESSION = Task(name="regression", least_size=1, most_size=1, answer="scores")
MULTILABEL = Task(
    name="multilabel",
    least_size=1,
    activation=SIGMOID,
    answer="probabilities",
    has_labels=True,
    choose=lambda answer: answer["probabilities"] > 0.5,
)
EMBEDDING = Task(name="embedding", has_head=False, least_size=0, answer="embedding")


def _difference_of_tokens(given: RowOutputs, expected: RowOutputs) -> float:
    """The largest difference of probabilities, without the padding behind the row's tokens."""
    probabilities = given["tags/probabilities"][: len(expected["probabilities"])]
    return largest_difference({"probabilities": probabilities}, expected)


TOKEN_CLASSIFICATION = Task(
    name="token_classification",
    # The original has none: a name of its own tells it from a classifier of texts.
    head_scope="cls/tagging/",
    needs=TOKEN_VECTORS,
    least_size=1,
    activation=SOFTMAX,
    answer="probabilities",
    decoded=("entities", "labels", "scores", "starts", "ends", "count"),
    evidence=("tags/labels", "tags/probabilities", "tags/starts", "tags/ends"),
    is_of_one_text=True,
    has_labels=True,
    compare=_difference_of_tokens,
)

QUESTION_ANSWERING = Task(
    name="question_answering",
    head_scope="cls/squad/",  # run_squad.py, create_model
    needs=TOKEN_VECTORS,
    least_size=2,
    most_size=2,
    answer="logits",
    answer_columns=("start_logits", "end_logits"),
    decoded=("answer", "score", "start", "end"),
    evidence=(
        *("answers/answers", "answers/scores", "answers/starts", "answers/ends"),
        *("tokenize/starts", "tokenize/ends"),
    ),
    text_names=("question", "context"),
)


def _difference_of_words(given: RowOutputs, expected: RowOutputs) -> float:
    """The largest difference of scores: of the best ones in order, and of each word's own.

    What is expected are all words, best first. Two whose scores are near may be exchanged.
    """
    scores, words = expected["scores"], expected["tokens"]
    best = largest_difference(
        {"scores": given["scores"]}, {"scores": scores[: len(given["scores"])]}
    )
    own = [
        np.abs(scores[words == word] - score).min(initial=np.inf)
        for word, score in zip(given["tokens"], given["scores"], strict=True)
    ]
    return float(np.max([best, *own]))


FILL_MASK = Task(
    name="fill_mask",
    needs=TOKEN_VECTORS,
    least_size=1,
    activation=SOFTMAX,
    answer="scores",
    decoded=("tokens", "scores"),
    is_of_one_text=True,
    fills_masks=True,
    compare=_difference_of_words,
)

# What EMBEDDING becomes where nothing is pooled.
TOKEN_EMBEDDING = Task(
    name="token_embedding",
    needs=TOKEN_VECTORS,
    has_head=False,
    least_size=0,
    answer="embeddings",
    decoded=("embeddings", "tokens", "starts", "ends"),
    compare=lambda given, expected: largest_difference(
        {"embeddings": given["embeddings"][: len(expected["embeddings"])]}, expected
    ),
)

TASKS: Mapping[str, Task] = {
    task.name: task
    for task in (
        CLASSIFICATION,
        REGRESSION,
        MULTILABEL,
        EMBEDDING,
        TOKEN_CLASSIFICATION,
        QUESTION_ANSWERING,
        FILL_MASK,
    )
}


def row_tasks(size: int | None = None) -> list[Task]:
    """The tasks that stand on one vector a row, the likeliest first.

    With `size`, those among them that a head of so many numbers a row can be for:

        3 -> classification, multilabel, embedding
        1 -> regression, multilabel, embedding
        0 -> embedding
    """
    return [
        task
        for task in TASKS.values()
        if not task.reads_tokens and (size is None or task.fits(size))
    ]
