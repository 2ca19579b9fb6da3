"""The head that tells which words fit in place of the first mask token of each row."""

from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from bert.config import BertConfig
from bert.encoder.kernels import UNFUSED_ACTIVATIONS, layer_norm_of_few
from bert.encoder.packed_tokens import PackedTokens, row_of_each_value
from bert.variables import MASKED_WORDS_BIAS, MASKED_WORDS_TRANSFORM

# What stands for a word, and for its score, in a row without a mask token.
NO_WORD = -1

# Scores of all words that are held at once, 32 MB of them.
_SCORES_PER_GROUP = 2**23


class MaskHead(tf.Module):
    """`get_masked_lm_output` of google-research/bert's run_pretraining.py, for one token a row.

    The output layer is the encoder's own table of word embeddings, of V words of width E.
    """

    def __init__(
        self,
        config: BertConfig,
        weights: Mapping[str, np.ndarray],
        word_products: Callable[[tf.Tensor], tf.Tensor],
        mask_id: int,
        top_k: int,
    ) -> None:
        """Takes the variables of `masked_word_shapes(config)` out of `weights`.

        `word_products` multiplies with the table: float32 [M, E] -> [M, V]. `mask_id` is the id of
        the mask token, `top_k` how many words are told.
        """
        super().__init__(name="head")
        self._epsilon = config.layer_norm_eps
        self._activation = UNFUSED_ACTIVATIONS[config.words_act or config.hidden_act]
        self._word_products, self._mask_id = word_products, mask_id
        self._top_k = min(top_k, config.vocab_size)
        names = {
            "kernel": f"{MASKED_WORDS_TRANSFORM}/dense/kernel",
            "bias": f"{MASKED_WORDS_TRANSFORM}/dense/bias",
            "gamma": f"{MASKED_WORDS_TRANSFORM}/LayerNorm/gamma",
            "beta": f"{MASKED_WORDS_TRANSFORM}/LayerNorm/beta",
            "output_bias": MASKED_WORDS_BIAS,
        }
        self._kept = {
            short: tf.Variable(weights[name], name=name, trainable=False)
            for short, name in names.items()
        }
        self.most_rows: int | None = max(1, _SCORES_PER_GROUP // config.vocab_size)

    def answer_shape(self, hidden_size: int) -> tuple[int, ...]:
        """(k, 2)."""
        return (self._top_k, 2)

    def __call__(self, vectors: tf.Tensor, tokens: PackedTokens) -> tf.Tensor:
        """The best words and their scores: float32 [N, H] of all tokens -> float32 [B, k, 2].

        A word is its id, exact in float32 for any vocabulary that fits into memory. Both are
        NO_WORD in a row without a mask token.
        """
        kept = self._kept
        places, has_mask = self._first_masks(tokens)
        hidden = tf.matmul(tf.gather(vectors, places), kept["kernel"])  # [B, E]
        hidden = self._activation(hidden + kept["bias"])
        hidden = layer_norm_of_few(hidden, kept["gamma"], kept["beta"], self._epsilon)
        logits = self._word_products(hidden) + kept["output_bias"]  # [B, V]
        scores, words = tf.math.top_k(tf.nn.softmax(logits), self._top_k)  # [B, k]
        answer = tf.stack([tf.cast(words, tf.float32), scores], axis=-1)
        return tf.where(has_mask[:, tf.newaxis, tf.newaxis], answer, float(NO_WORD))

    def _first_masks(self, tokens: PackedTokens) -> tuple[tf.Tensor, tf.Tensor]:
        """Where the first mask token of each row stands, and whether there is one: [B] x 2.

        The first token of a row where there is none.
        """
        count = tf.size(tokens.ids)
        is_mask = tf.equal(tokens.ids, self._mask_id)
        candidates = tf.where(is_mask, tf.range(count), count)  # [N]
        firsts = tf.math.segment_min(candidates, row_of_each_value(tokens.row_splits))  # [B]
        has_mask = firsts < count
        return tf.where(has_mask, firsts, tokens.row_splits[:-1]), has_mask
