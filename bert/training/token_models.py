"""Encoder and a head of tokens as one trainable module, with the loss of its task."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import tensorflow as tf

from bert.config import BertConfig
from bert.encoder.dropout import dropout
from bert.encoder.heads import DenseHead, finish
from bert.encoder.packed_tokens import PackedTokens, row_of_each_value
from bert.encoder.precision import FLOAT32
from bert.encoder.trainable import TrainableEncoder
from bert.tasks import QUESTION_ANSWERING, TOKEN_CLASSIFICATION, Task
from bert.training.batches import Batch, batch_signature, packed_tokens
from bert.variables import OUTPUT_BIAS, OUTPUT_WEIGHTS

# The label of a token whose loss does not count.
IGNORED = -1


class _TokenModel(tf.Module):
    """A dense layer on the vector of every token."""

    _task: ClassVar[Task]

    def __init__(
        self,
        config: BertConfig,
        weights: Mapping[str, np.ndarray],
        precision: str = FLOAT32,
    ) -> None:
        """Takes weights under google-research names, those of the head in the task's scope."""
        task = self._task
        super().__init__(name=task.name)
        # Nothing reads the pooler: it stays as it is, and is saved as the original saves it.
        self._encoder = TrainableEncoder(config, weights, precision, trains_pooler=False)
        own = {name: weights[task.head_scope + name] for name in (OUTPUT_WEIGHTS, OUTPUT_BIAS)}
        self._head = DenseHead(own, task, trainable=True)

    def named_variables(self) -> dict[str, tf.Variable]:
        """The variables under their google-research names."""
        head = self._head.named_variables().items()
        scoped = {self._task.head_scope + name: variable for name, variable in head}
        return self._encoder.named_variables() | scoped

    def logits(self, tokens: PackedTokens, training: bool = False) -> tf.Tensor:
        """The head's numbers for the N tokens, float32 [N, C]."""
        return self._head.logits(self._encoder.sequence(tokens, training))


class Tagger(_TokenModel):
    """`BertForTokenClassification` of transformers, on packed tokens."""

    _task = TOKEN_CLASSIFICATION

    def __init__(
        self,
        config: BertConfig,
        weights: Mapping[str, np.ndarray],
        precision: str = FLOAT32,
    ) -> None:
        """Takes weights under google-research names, those of the head in the task's scope."""
        super().__init__(config, weights, precision)
        self._dropout_rate = config.hidden_dropout_prob
        signature = [batch_signature(self.label_spec)]
        self.judge = tf.function(self._judge, input_signature=signature, autograph=False)
        """a batch -> the loss of each token that has a label, and the classes of all, int32 [N]"""

    @property
    def label_spec(self) -> tf.TensorSpec:
        """Int32 [B, S], one for each column of the rows; IGNORED where a token has none."""
        return tf.TensorSpec([None, None], tf.int32)

    def logits(self, tokens: PackedTokens, training: bool = False) -> tf.Tensor:
        """The class logits of the N tokens, float32 [N, C]."""
        vectors = self._encoder.sequence(tokens, training)
        if training:
            vectors = dropout(vectors, self._dropout_rate)
        return self._head.logits(vectors)

    def probabilities(self, tokens: PackedTokens) -> tf.Tensor:
        """The class probabilities of the N tokens, float32 [N, C]."""
        return finish(self._task, self.logits(tokens))

    def losses(
        self, tokens: PackedTokens, label_ids: tf.Tensor, training: bool = False
    ) -> tf.Tensor:
        """Cross-entropy of each token that has a label: int32 [B, S] -> float32 [M]."""
        return _labelled_losses(self.logits(tokens, training), tokens, label_ids)

    def _judge(self, batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
        tokens = packed_tokens(batch)
        logits = self.logits(tokens)
        losses = _labelled_losses(logits, tokens, batch.label_ids)
        return losses, tf.argmax(logits, axis=1, output_type=tf.int32)


class SpanFinder(_TokenModel):
    """`create_model` of the original's `run_squad.py`, on packed tokens."""

    _task = QUESTION_ANSWERING

    @property
    def label_spec(self) -> tf.TensorSpec:
        """Int32 [B, 2], the columns of the first and the last token of each row's answer."""
        return tf.TensorSpec([None, 2], tf.int32)

    def losses(
        self, tokens: PackedTokens, label_ids: tf.Tensor, training: bool = False
    ) -> tf.Tensor:
        """The mean of the cross-entropies of start and end among a row's tokens, float32 [B].

        As `compute_loss` of run_squad.py, which counts padding among the tokens of a row.
        """
        logits = self.logits(tokens, training)  # [N, 2]
        rows = row_of_each_value(tokens.row_splits)
        largest = tf.stop_gradient(tf.math.segment_max(logits, rows))  # [B, 2]
        shifted = logits - tf.gather(largest, rows)
        normalizers = tf.math.log(tf.math.segment_sum(tf.exp(shifted), rows))  # [B, 2]
        places = tokens.row_splits[:-1, tf.newaxis] + label_ids
        columns = tf.zeros_like(places) + tf.range(2)
        found = tf.gather_nd(shifted, tf.stack([places, columns], axis=2))  # [B, 2]
        return tf.reduce_mean(normalizers - found, axis=1)


def _labelled_losses(logits: tf.Tensor, tokens: PackedTokens, label_ids: tf.Tensor) -> tf.Tensor:
    """Float32 [N, C], N tokens and int32 [B, S] -> float32 [M]."""
    rows = row_of_each_value(tokens.row_splits)
    labels = tf.gather_nd(label_ids, tf.stack([rows, tokens.positions], axis=1))  # [N]
    labelled = tf.where(labels != IGNORED)[:, 0]
    return tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=tf.gather(labels, labelled),
        logits=tf.gather(logits, labelled),
    )
