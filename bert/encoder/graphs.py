"""Which graph for which request: each case has a graph of its own, and a request runs one.

Rows of one length need no padding, and few tokens in them, a single short row above all, other
kernels than many. Conditionals at single ops would cost time in every request and, in the
optimisation of the graph, at every load. A graph for few tokens in rows of several lengths would
save them 1 to 4 %, and costs every signature 0.1 s of a load.
"""

import dataclasses
import functools
from collections.abc import Callable

import tensorflow as tf

from bert.encoder.packed_tokens import PackedTokens

# Up to so many, layer normalisation is faster in several kernels.
FEW_TOKENS = 96


@dataclasses.dataclass(frozen=True)
class Case:
    """The facts that a graph takes for granted."""

    few: bool = False
    """there are no more than FEW_TOKENS; only of even rows"""

    even: bool = False
    """all rows are equally long, and no token has an attention bias"""

    in_float32: bool = False
    """weights are made float32 before they are multiplied"""

    is_unrolled: bool = False
    """each layer has ops of its own, which may keep a packed copy of its weights"""


def run_by_case(
    graph: Callable[[Case], Callable[[PackedTokens], tf.Tensor]],
    tokens: PackedTokens,
    float32_from: tf.Tensor | None = None,
) -> tf.Tensor:
    """Runs the graph of the case of `tokens`.

    Args:
      graph: of a case, as one call: inlined, the graphs would be optimised as one, which takes
        longer than one by one. Tokens -> float32 of a shape that does not depend on the case.
      tokens: N tokens of B rows.
      float32_from: the number of tokens from which weights are made float32, int32 []; None
        if they never are.

    Returns:
      The result of that graph.
    """
    cases = [Case(), Case(even=True), Case(even=True, few=True)]
    count, even = tf.size(tokens.ids), tf.cast(_is_even(tokens), tf.int32)
    index = even * (1 + tf.cast(count <= FEW_TOKENS, tf.int32))
    if float32_from is not None:
        index = tf.where(count >= float32_from, len(cases) + even, index)
        cases += [Case(even=even, in_float32=True) for even in (False, True)]
    return tf.switch_case(index, [functools.partial(graph(case), tokens) for case in cases])


def _is_even(tokens: PackedTokens) -> tf.Tensor:
    """Whether all rows are equally long and no bias is other than zero: bool []."""
    lengths = tokens.lengths()
    even = tf.reduce_all(tf.equal(lengths, lengths[:1]))
    if tokens.attention_bias is None:
        return even
    return even & tf.reduce_all(tf.equal(tokens.attention_bias, 0.0))
