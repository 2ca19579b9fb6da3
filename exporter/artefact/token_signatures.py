"""The signatures of tasks whose head reads every token: what is decoded from its answer."""

import tensorflow as tf

from exporter.artefact.answers import Answers, find_answers
from exporter.artefact.entities import find_entities, row_splits_of
from exporter.artefact.entity_windows import merge_windows
from exporter.artefact.signature_registry import (
    SignatureContext,
    few_cells,
    padded,
    signature,
    text_function,
)
from exporter.contract import ANSWERS, ENTITIES, TAGS, TEXT, TOKEN_EMBEDDINGS
from exporter.text.passages import passages
from exporter.text.pipeline import NOT_IN_TEXT
from exporter.text.windows import Windows

# Padded vectors of a request: 400 MB of them at BERT-base's width.
_MOST_VECTORS = 2**17

# Padded entities or tokens of a request, texts of any length being read: 270 MB of them.
_MOST_CELLS = 2**22


@signature(TEXT, lambda task: task.labels_tokens)
def _text_of_entities(context: SignatureContext) -> tf.types.experimental.PolymorphicFunction:
    """Texts [B] -> their entities [B, E], and how many of these are no padding [B]."""
    served, model, strategy = context.served, context.model, context.aggregation_strategy

    def entities(texts: list[tf.Tensor]) -> dict[str, tf.Tensor]:
        in_windows = context.reads_windows
        packed = served.windows(texts) if in_windows else served.tokenize_with_offsets(texts)
        found, names = find_entities(packed, served.network.answer(packed.tokens), model, strategy)
        if isinstance(packed, Windows):
            found = merge_windows(found, packed.rows)
        row_splits = row_splits_of(found.rows, tf.size(texts[0]))
        if in_windows:
            with tf.control_dependencies(
                [few_cells(row_splits[1:] - row_splits[:-1], _MOST_CELLS)]
            ):
                row_splits = tf.identity(row_splits)
        return {
            "entities": padded(
                passages(texts[0], found.rows, found.starts, found.ends), row_splits, ""
            ),
            "labels": padded(tf.gather(names, found.labels), row_splits, ""),
            "scores": padded(found.scores, row_splits, -1.0),
            "starts": padded(found.starts, row_splits, NOT_IN_TEXT),
            "ends": padded(found.ends, row_splits, NOT_IN_TEXT),
            "count": row_splits[1:] - row_splits[:-1],
        }

    return text_function(context, entities)


@signature(ENTITIES, lambda task: task.labels_tokens)
def _entities(context: SignatureContext) -> tf.types.experimental.PolymorphicFunction:
    """As `text`."""
    return context.built[TEXT]


@signature(TEXT, lambda task: task.finds_spans)
def _text_of_answers(context: SignatureContext) -> tf.types.experimental.PolymorphicFunction:
    """Questions and contexts [B] -> the best answer, its score and its place [B] in the context."""

    assert context.questions is not None
    count = context.questions.searched_for_one

    def answer(texts: list[tf.Tensor]) -> dict[str, tf.Tensor]:
        best = _answers_to(context, texts, count)
        # Of a context without any span, as transformers has it: nothing, at the beginning.
        return {
            "answer": best.texts[:, 0],
            "score": tf.maximum(best.scores[:, 0], 0.0),
            "start": tf.maximum(best.starts[:, 0], 0),
            "end": tf.maximum(best.ends[:, 0], 0),
        }

    return text_function(context, answer)


@signature(ANSWERS, lambda task: task.finds_spans)
def _answers(context: SignatureContext) -> tf.types.experimental.PolymorphicFunction:
    """Questions and contexts [B] -> the n best answers [B, n]."""
    assert context.questions is not None
    count = context.questions.n_best_size

    def answers(texts: list[tf.Tensor]) -> dict[str, tf.Tensor]:
        best = _answers_to(context, texts, count)
        return {
            "answers": best.texts,
            "scores": best.scores,
            "starts": best.starts,
            "ends": best.ends,
        }

    return text_function(context, answers)


def _answers_to(context: SignatureContext, texts: list[tf.Tensor], count: int) -> Answers:
    assert context.questions is not None
    windows = context.served.windows(texts)
    logits = context.served.network.answer(windows.tokens)
    return find_answers(windows, logits, texts[1], context.model, context.questions, count)


@signature(TAGS, lambda task: task.labels_tokens)
def _tags(context: SignatureContext) -> tf.types.experimental.PolymorphicFunction:
    """Texts [B] -> each token, its label, probabilities and place, padded to the longest row, S.

    A token that several windows hold has the probabilities of the one with most text around it.
    """
    served, names = context.served, list(context.model.labels)
    pieces = list(context.model.vocabulary.tokens)

    def tags(texts: list[tf.Tensor]) -> dict[str, tf.Tensor]:
        if context.reads_windows:
            windows = served.windows(texts)
            row_splits, places = windows.best(tf.size(texts[0]))
            probabilities = tf.gather(served.network.answer(windows.tokens), places)
            ids, starts, ends = (
                tf.gather(values, places)
                for values in (windows.tokens.ids, windows.starts, windows.ends)
            )
            most = _MOST_CELLS // max(1, len(names) // 8)
            with tf.control_dependencies([few_cells(row_splits[1:] - row_splits[:-1], most)]):
                row_splits = tf.identity(row_splits)
        else:
            packed = served.tokenize_with_offsets(texts)
            (ids, *_, row_splits, _), starts, ends, _ = packed
            probabilities = served.network.answer(packed.tokens)  # [N, C]
        labels = tf.argmax(probabilities, axis=1, output_type=tf.int32)
        return {
            "tokens": padded(tf.gather(pieces, ids), row_splits, ""),
            "labels": padded(tf.gather(names, labels), row_splits, ""),
            "probabilities": padded(probabilities, row_splits, 0.0),
            "starts": padded(starts, row_splits, NOT_IN_TEXT),
            "ends": padded(ends, row_splits, NOT_IN_TEXT),
        }

    return text_function(context, tags)


@signature(TEXT, lambda task: task.embeds_tokens)
def _text_of_vectors(context: SignatureContext) -> tf.types.experimental.PolymorphicFunction:
    """Texts [B] -> each token, its vector and place, padded to the longest row, S."""
    served, pieces = context.served, list(context.model.vocabulary.tokens)

    def vectors(texts: list[tf.Tensor]) -> dict[str, tf.Tensor]:
        packed = served.tokenize_with_offsets(texts)
        row_splits = packed.tokens.row_splits
        with tf.control_dependencies([few_cells(packed.tokens.lengths(), _MOST_VECTORS)]):
            answer = served.network.answer(packed.tokens)
        return {
            "embeddings": padded(answer, row_splits, 0.0),
            "tokens": padded(tf.gather(pieces, packed.tokens.ids), row_splits, ""),
            "starts": padded(packed.starts, row_splits, NOT_IN_TEXT),
            "ends": padded(packed.ends, row_splits, NOT_IN_TEXT),
        }

    return text_function(context, vectors)


@signature(TOKEN_EMBEDDINGS, lambda task: task.embeds_tokens)
def _token_embeddings(context: SignatureContext) -> tf.types.experimental.PolymorphicFunction:
    """As `text`."""
    return context.built[TEXT]
