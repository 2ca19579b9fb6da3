"""The signatures of an export: a builder each."""

import dataclasses
from collections.abc import Mapping, Sequence

import tensorflow as tf

from bert.errors import UserError
from exporter.artefact import token_signatures  # noqa: F401  they register themselves
from exporter.artefact.signature_registry import (
    REGISTRY,
    SignatureContext,
    examples_function,
    few_cells,
    padded,
    signature,
    text_function,
)
from exporter.contract import (
    CLASSIFY,
    CLASSIFY_METHOD,
    EMBEDDING,
    FEATURE_INPUTS,
    FEATURES,
    FEATURES_WITH_LABEL_IDS,
    INPUT_IDS,
    INPUT_MASK,
    LABEL_IDS,
    LABELS,
    RECIPE_OUTPUT,
    REGRESS,
    REGRESS_METHOD,
    REGRESS_OUTPUT,
    SEGMENT_IDS,
    SERVING_DEFAULT,
    TEXT,
    TOKENIZE,
    TRUNCATED,
)
from exporter.text.pipeline import NOT_IN_TEXT

# The request that TensorFlow Serving's API has for a signature; `predict` where none is named.
METHOD_NAMES = {CLASSIFY: CLASSIFY_METHOD, REGRESS: REGRESS_METHOD}

# Padded tokens of a request whose texts are not cut: 190 MB of them, with ids and places.
_MOST_TOKENS = 2**22


def build_signatures(
    context: SignatureContext, default_signature: str, chosen: Sequence[str] | None = None
) -> Mapping[str, tf.types.experimental.PolymorphicFunction]:
    """The chosen signatures of those that the model's task has, and `serving_default`.

    None of them is traced yet. The default one and those that are chosen may keep packed copies of
    weights, which take the memory of the weights again for each.

    Args:
      context: what they are built from.
      default_signature: one of DEFAULT_SIGNATURES.
      chosen: names; None for all.

    Raises:
      UserError: the model has no such signature, or the default one is not chosen.
    """
    often_asked = {default_signature, *(chosen or ())}
    seldom = dataclasses.replace(context, served=context.served.without_packed_copies())
    for entry in REGISTRY:
        if entry.is_of(context.model.task) and (
            context.served.network.has_embedding or not entry.needs_embedding
        ):
            context.built[entry.name] = entry.build(
                context if entry.name in often_asked else seldom
            )
    names = context.built if chosen is None else chosen
    for name in names:
        if name not in context.built:
            raise UserError(
                f"--signatures names {name!r}, where some of {', '.join(context.built)}, the "
                "signatures of this model, are expected: name some of these."
            )
    if default_signature not in names:
        raise UserError(
            f"--signatures is {','.join(names)}, but serving_default is {default_signature}, which "
            "is not among them: name it too, or give --default_signature."
        )
    functions = {name: context.built[name] for name in context.built if name in names}
    return {SERVING_DEFAULT: functions[default_signature], **functions}


def _feature_specs() -> list[tf.TensorSpec]:
    return [tf.TensorSpec([None, None], tf.int32, name=name) for name in FEATURE_INPUTS]


@signature(TEXT, lambda task: task.answers_rows)
def _text(context: SignatureContext) -> tf.types.experimental.PolymorphicFunction:
    """Texts [B] -> the head's answer."""
    served = context.served

    def text(texts: list[tf.Tensor]) -> dict[str, tf.Tensor]:
        return served.named(served.answer_text(texts))

    return text_function(context, text)


@signature(LABELS, lambda task: task.labels_rows)
def _labels(context: SignatureContext) -> tf.types.experimental.PolymorphicFunction:
    """Texts [B] -> best label and score [B], and the best k [B, k], best first."""
    served, names = context.served, list(context.model.labels)

    def labels(texts: list[tf.Tensor]) -> dict[str, tf.Tensor]:
        scores, classes = tf.math.top_k(served.answer_text(texts), context.top_k)
        best = tf.gather(names, classes)
        return {"label": best[:, 0], "score": scores[:, 0], "labels": best, "scores": scores}

    return text_function(context, labels)


@signature(FEATURES)
def _features(context: SignatureContext) -> tf.types.experimental.PolymorphicFunction:
    """Int32 [B, S] x 3 -> the head's answer."""
    served = context.served

    @tf.function(input_signature=_feature_specs(), autograph=False)
    def features(
        input_ids: tf.Tensor, input_mask: tf.Tensor, segment_ids: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        answer = served.network.answer_features(input_ids, input_mask, segment_ids)
        return served.named(answer)

    return features


@signature(FEATURES_WITH_LABEL_IDS, lambda task: not task.fills_masks)
def _features_with_label_ids(
    context: SignatureContext,
) -> tf.types.experimental.PolymorphicFunction:
    """As `features`, with label ids that clients of the old recipe send and nobody reads."""
    served = context.served
    specs = [*_feature_specs(), tf.TensorSpec([None], tf.int32, name=LABEL_IDS)]

    @tf.function(input_signature=specs, autograph=False)
    def features_with_label_ids(
        input_ids: tf.Tensor, input_mask: tf.Tensor, segment_ids: tf.Tensor, label_ids: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        del label_ids
        answer = served.network.answer_features(input_ids, input_mask, segment_ids)
        return {RECIPE_OUTPUT: answer}

    return features_with_label_ids


@signature(CLASSIFY, lambda task: task.labels_rows)
def _classify(context: SignatureContext) -> tf.types.experimental.PolymorphicFunction:
    """tf.Examples [B] -> every label and its score, string and float32 [B, C], in class order."""
    served, names = context.served, [context.model.labels]

    def classify(texts: list[tf.Tensor]) -> dict[str, tf.Tensor]:
        scores = served.answer_text(texts)
        return {"classes": tf.tile(names, [tf.shape(scores)[0], 1]), "scores": scores}

    return examples_function(context, classify)


@signature(REGRESS, lambda task: task.is_number)
def _regress(context: SignatureContext) -> tf.types.experimental.PolymorphicFunction:
    """tf.Examples [B] -> the head's answer, float32 [B]."""
    served = context.served

    def regress(texts: list[tf.Tensor]) -> dict[str, tf.Tensor]:
        return {REGRESS_OUTPUT: served.answer_text(texts)}

    return examples_function(context, regress)


@signature(EMBEDDING, lambda task: task.answers_rows and not task.has_head)
def _answered_embedding(context: SignatureContext) -> tf.types.experimental.PolymorphicFunction:
    """As `text`, whose answer is the vector."""
    return context.built[TEXT]


@signature(EMBEDDING, lambda task: task.has_head, needs_embedding=True)
def _embedding(context: SignatureContext) -> tf.types.experimental.PolymorphicFunction:
    """Texts [B] -> pooled vector float32 [B, H]."""
    served = context.served

    def embedding(texts: list[tf.Tensor]) -> dict[str, tf.Tensor]:
        return {"embedding": served.embed_text(texts)}

    return text_function(context, embedding)


@signature(TOKENIZE)
def _tokenize(context: SignatureContext) -> tf.types.experimental.PolymorphicFunction:
    """Texts [B] -> the model's input and each token's place, padded to the longest row, S.

    Texts that are read in windows are not cut: a row holds all of their pieces.
    """
    served, pieces = context.served, list(context.model.vocabulary.tokens)

    def tokenize(texts: list[tf.Tensor]) -> dict[str, tf.Tensor]:
        packed = served.tokenize_with_offsets(texts)
        tokens, row_splits = packed.tokens, packed.tokens.row_splits
        if context.reads_windows:
            with tf.control_dependencies([few_cells(tokens.lengths(), _MOST_TOKENS)]):
                row_splits = tf.identity(row_splits)
        return {
            INPUT_IDS: padded(tokens.ids, row_splits, 0),
            INPUT_MASK: padded(tf.ones_like(tokens.ids), row_splits, 0),
            SEGMENT_IDS: padded(tokens.segment_ids, row_splits, 0),
            "tokens": padded(tf.gather(pieces, tokens.ids), row_splits, ""),
            "starts": padded(packed.starts, row_splits, NOT_IN_TEXT),
            "ends": padded(packed.ends, row_splits, NOT_IN_TEXT),
            TRUNCATED: packed.truncated,
        }

    return text_function(context, tokenize)
