"""Graphs for what is known of the tokens, of which each request runs the one that suits it.

A few tokens ask for other kernels than many do, and rows of one length need no padding. To choose
op by op would take a conditional at each of them, which costs time in every request and, in the
optimisation of the graph, at every load.
"""

import dataclasses
import functools
from collections.abc import Callable

import tensorflow as tf

from bert.encoder.packed_tokens import PackedTokens

# Up to so many, layer normalisation is faster in several kernels.
FEW_TOKENS = 96


@dataclasses.dataclass(frozen=True)
class Premises:
    """What a graph may take for granted about the tokens it gets."""

    few: bool = False
    """there are no more than FEW_TOKENS"""

    even: bool = False
    """all rows are equally long, and no token has an attention bias"""

    in_float32: bool = False
    """weights are made float32 before they are multiplied"""


NO_PREMISES = Premises()


def encode_by_premises(
    encode: Callable[[Premises, PackedTokens], tf.Tensor],
    tokens: PackedTokens,
    float32_from: tf.Tensor | None = None,
) -> tf.Tensor:
    """Runs the graph that `encode` makes under the premises that hold for `tokens`.

    Args:
      encode: premises and tokens -> float32 of a shape that does not depend on the premises.
      tokens: N tokens of B rows.
      float32_from: the number of tokens from which weights are made float32, int32 []; None
        if they are so already.

    Returns:
      What `encode` returns.
    """

    def graph(premises: Premises) -> Callable[[], tf.Tensor]:
        # Inlined, the graphs would be optimised as one, which takes more than their sum.
        function = tf.function(
            functools.partial(encode, premises),
            autograph=False,
            experimental_attributes={"_noinline": True},
        )
        return lambda: function(tokens)

    cases = [Premises(few, even) for even in (False, True) for few in (False, True)]
    count, even = tf.size(tokens.ids), tf.cast(_is_even(tokens), tf.int32)
    case = tf.cast(count <= FEW_TOKENS, tf.int32) + 2 * even
    if float32_from is not None:
        case = tf.where(count >= float32_from, len(cases) + even, case)
        cases += [Premises(even=even, in_float32=True) for even in (False, True)]
    return tf.switch_case(case, [graph(premises) for premises in cases])


def _is_even(tokens: PackedTokens) -> tf.Tensor:
    """Whether all rows are equally long and no bias is other than zero: bool []."""
    lengths = tokens.row_splits[1:] - tokens.row_splits[:-1]
    even = tf.reduce_all(tf.equal(lengths, lengths[:1]))
    if tokens.attention_bias is None:
        return even
    return even & tf.reduce_all(tf.equal(tokens.attention_bias, 0.0))
