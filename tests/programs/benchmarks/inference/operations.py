"""Floating-point operations and weight bytes that one request needs, and no padding among them.

A product of an [m, k] by a [k, n] matrix is 2 m k n operations. Counted are products alone:
softmax, layer norms and activations are linear in tokens and together below one percent.

With N tokens in rows of n, hidden size H, inner size I and L layers (Vaswani et al. 2017):

  all layers but the last   query, key, value and output   4 products of [N, H] by [H, H]
                            feed-forward                   2 products of [N, H] by [H, I]
                            scores and context             2 products of n x n x H a row
  the last layer            query, key, value and output   4 products of [B, H] by [H, H]
                            feed-forward                   2 products of [B, H] by [H, I]
                            scores and context             2 products of heads x n x H a row
  pooler                                                   1 product of [B, H] by [H, H]

The last layer is run for [CLS] alone, since nothing else of it reaches a classifier, and attends to
the tokens before they are projected. `everywhere` counts it for every token, as whoever runs the
whole layer does.
"""

from collections.abc import Sequence

from bert.config import BertConfig


def floating_point_operations(
    config: BertConfig, lengths: Sequence[int], everywhere: bool = False
) -> int:
    """Operations of one request whose rows have so many tokens each."""
    hidden, inner = config.hidden_size, config.intermediate_size
    tokens, rows = sum(lengths), len(lengths)
    square = 2 * hidden * hidden
    layer = tokens * (4 * square + 4 * hidden * inner)
    layer += sum(4 * length * length * hidden for length in lengths)
    last = rows * (4 * square + 4 * hidden * inner)
    last += 4 * config.num_attention_heads * tokens * hidden
    full_layers = config.num_hidden_layers - (not everywhere)
    return full_layers * layer + (not everywhere) * last + rows * square


def weight_bytes(config: BertConfig, bytes_per_weight: int) -> int:
    """Bytes of the matrices that every request reads in full: layers and pooler.

    Of the embedding tables only the rows of a request's tokens are read.
    """
    hidden, inner = config.hidden_size, config.intermediate_size
    per_layer = 4 * hidden * hidden + 2 * hidden * inner
    return bytes_per_weight * (config.num_hidden_layers * per_layer + hidden * hidden)
