"""ONNX Runtime on a fused graph, `tokenizers`, and what transformers' pipeline makes of the result.

    python -m tests.programs.benchmarks.inference.contestants.onnx_of_task DIRECTORY TASK

DIRECTORY is that of onnx_runtime.py; TASK is one of task_answers.py.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tests.programs.benchmarks.inference.contestants.onnx_runtime import open_session
from tests.programs.benchmarks.inference.contestants.task_answers import (
    EMBEDDING,
    QUESTION_ANSWERING,
    TAGGING,
    TOKEN_LABELS,
    of_entities,
)
from tests.programs.benchmarks.inference.worker import Predict, Refused, Row, arguments, serve

if TYPE_CHECKING:
    from tokenizers import Encoding

# transformers 4.57, pipelines/question_answering.py
_WINDOW_TOKENS = 384
_MAX_ANSWER_TOKENS = 15
_SPANS = 12
_NO_ANSWER_HERE = -10000.0


def _load() -> Predict:
    from tests.programs.benchmarks.inference.contestants.padded_rows import (
        features_of,
        padding_tokenizer,
    )

    given = arguments()
    session = open_session(given.artefact)
    tokenizer = padding_tokenizer(given.artefact)
    inputs = [node.name for node in session.get_inputs()]
    known: Mapping[str, Callable[..., np.ndarray]] = {
        TAGGING: _entities,
        EMBEDDING: _means,
        QUESTION_ANSWERING: _best_answers,
    }
    numbers = known[given.option]

    def predict(rows: list[Row]) -> np.ndarray:
        encoded = tokenizer.encode_batch(
            [row if isinstance(row, str) else tuple(row) for row in rows]
        )
        features = features_of(encoded)
        outputs = session.run(None, {name: features[name] for name in inputs})
        return numbers(encoded, *outputs)

    return predict


def _means(rows: Sequence["Encoding"], vectors: np.ndarray) -> np.ndarray:
    counts = np.array([[sum(row.attention_mask)] for row in rows])
    masks = np.array([row.attention_mask for row in rows], vectors.dtype)
    return np.einsum("bsh,bs->bh", vectors, masks) / counts


def _entities(rows: Sequence["Encoding"], probabilities: np.ndarray) -> np.ndarray:
    labels, scores = probabilities.argmax(-1).tolist(), probabilities.max(-1).tolist()
    return of_entities(
        (row, *entity)
        for row, encoded in enumerate(rows)
        for entity in _entities_of_row(encoded, labels[row], scores[row])
    )


def _entities_of_row(
    row: "Encoding", labels: list[int], scores: list[float]
) -> Iterator[tuple[str, float, int, int]]:
    """Neighbours of one label; B- begins another."""
    groups: list[tuple[str, list[int]]] = []
    for token, is_special in enumerate(row.special_tokens_mask):
        if is_special:
            continue
        begin, _, label = TOKEN_LABELS[labels[token]].partition("-")
        if groups and groups[-1][0] == label and begin != "B":
            groups[-1][1].append(token)
        else:
            groups.append((label, [token]))
    for label, tokens in groups:
        if label:
            score = sum(scores[token] for token in tokens) / len(tokens)
            yield label, score, row.offsets[tokens[0]][0], row.offsets[tokens[-1]][1]


def _best_answers(rows: Sequence["Encoding"], starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    return np.array([_best_answer(*row) for row in zip(rows, starts, ends, strict=True)])


def _best_answer(
    row: "Encoding", start_logits: np.ndarray, end_logits: np.ndarray
) -> tuple[float, int, int]:
    """Of a context that is one window. The scores of spans that say the same add up."""
    if sum(row.attention_mask) > _WINDOW_TOKENS:
        raise Refused(f"{sum(row.attention_mask)} tokens, where a window has {_WINDOW_TOKENS}")
    is_context = np.array([sequence == 1 for sequence in row.sequence_ids])
    # [CLS] takes its share, though it is no answer.
    counts = is_context | (np.arange(len(is_context)) == 0)
    starts, ends = (
        _softmax(np.where(counts, logits, _NO_ANSWER_HERE)) * is_context
        for logits in (start_logits, end_logits)
    )
    products = np.tril(np.triu(np.outer(starts, ends)), _MAX_ANSWER_TOKENS - 1)
    best = np.argpartition(-products, _SPANS, axis=None)[:_SPANS]
    words = np.array([-1 if word is None else word for word in row.word_ids])
    scores: dict[tuple[int, ...], float] = {}
    places: dict[tuple[int, ...], tuple[int, int]] = {}
    # A short context has fewer spans.
    best = best[products.flat[best] > 0]
    for place in sorted(best.tolist(), key=lambda place: -products.flat[place]):
        # Whole words, as the pipeline aligns its answers.
        of_first, of_last = (
            np.flatnonzero(is_context & (words == words[token])).tolist()
            for token in divmod(place, len(words))
        )
        begin, end = of_first[0], of_last[-1]
        says = tuple(row.ids[begin : end + 1])
        scores[says] = scores.get(says, 0.0) + float(products.flat[place])
        places.setdefault(says, (row.offsets[begin][0], row.offsets[end][1]))
    best_of_all = max(scores, key=lambda says: scores[says])
    return scores[best_of_all], *places[best_of_all]


def _softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max())
    return exponentials / exponentials.sum()


if __name__ == "__main__":
    serve(_load)
