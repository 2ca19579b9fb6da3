"""ServedModel: the text and model parts that every signature is made of."""

from typing import NamedTuple

import tensorflow as tf

from bert.encoder import Encoder
from bert.heads import HEADS
from bert.model import FineTunedModel
from bert.packed_tokens import PackedTokens
from bert.vocabulary import CLS, SEP
from exporter.features import pack_features
from exporter.text import profiles
from exporter.text.packing import pack


class ServedModel(tf.Module):
    """Text -> PackedTokens -> pooled vector -> answer, each traced once for all signatures."""

    def __init__(self, model: FineTunedModel, word_piece_op: str) -> None:
        """Takes the model to serve; `word_piece_op` is one of exporter.text.wordpiece's."""
        super().__init__(name="served_model")
        self._config = model.config
        self._max_seq_length = model.max_seq_length
        self._cls_id, self._sep_id = model.vocabulary.convert_tokens_to_ids([CLS, SEP])
        self._tokenizer = profiles.build(model, word_piece_op)
        self._encoder = Encoder(model.config, model.weights)
        self._head = HEADS[model.task](model.weights)
        self.answer_name = self._head.output_name
        self.tokens = tf.function(
            self._tokens, input_signature=[tf.TensorSpec([None], tf.string, "text")]
        )
        self.pooled = tf.function(self._pooled, input_signature=[_PACKED_TOKENS_SPEC])

    def answer(self, tokens: PackedTokens) -> tf.Tensor:
        """What the head says of every row, such as probabilities float32 [B, C]."""
        return self._head(self.pooled(tokens))

    def packed_features(
        self, input_ids: tf.Tensor, input_mask: tf.Tensor, segment_ids: tf.Tensor
    ) -> PackedTokens:
        """Features of clients that tokenize themselves, int32 [B, S] each."""
        return pack_features(self._config, input_ids, input_mask, segment_ids)

    def _tokens(self, text: tf.Tensor) -> PackedTokens:
        # Survives grappler, where an assertion of the rank is folded away; without it a
        # request of another shape than [B] ends some servers.
        text = tf.ensure_shape(text, [None])
        return pack(self._tokenizer(text), self._max_seq_length, self._cls_id, self._sep_id)

    def _pooled(self, tokens: PackedTokens) -> tf.Tensor:
        return self._encoder.pooled(tokens)


def _packed_tokens_spec() -> NamedTuple:
    flat = tf.TensorSpec([None], tf.int32)
    return PackedTokens(flat, flat, flat, flat, tf.TensorSpec([None], tf.float32))


_PACKED_TOKENS_SPEC = _packed_tokens_spec()
