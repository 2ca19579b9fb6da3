"""The kernels of self-attention by heads, before a layout keeps them."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from bert.config import BertConfig


@dataclasses.dataclass(frozen=True)
class Projections:
    """The kernels of self-attention by heads, and the query's bias.

    The key has no bias: it would add the same to all scores of a query, which softmax takes out.
    The value's bias is part of the bias of attention's output.
    """

    query: np.ndarray
    """[heads, H, D], divided by the square root of D"""

    key: np.ndarray
    value: np.ndarray

    bias: np.ndarray
    """[heads, 1, D], divided likewise"""

    def of_inputs_times(self, factor: np.float32) -> "Projections":
        """The same for inputs that were multiplied with a number."""
        query, key, value = (each / factor for each in (self.query, self.key, self.value))
        return Projections(query, key, value, self.bias)

    def with_values_divided(self, divisors: np.ndarray) -> "Projections":
        """The same with values, and so the context, divided column by column: float32 [H]."""
        value = self.value / divisors.reshape(len(self.value), 1, -1)
        return dataclasses.replace(self, value=value)


def projections_of(
    config: BertConfig, weights: Mapping[str, np.ndarray], scope: str
) -> Projections:
    """The kernels of query, key and value, by heads."""
    scale = np.float32(config.size_per_head**-0.5)
    query, key, value = (
        in_blocks(weights[f"{scope}/{name}/kernel"], config.size_per_head)
        for name in ("query", "key", "value")
    )
    bias = (weights[f"{scope}/query/bias"] * scale).reshape(-1, 1, config.size_per_head)
    return Projections(query * scale, key, value, bias)


def in_blocks(kernel: np.ndarray, width: int) -> np.ndarray:
    """[I, O] -> [O / width, I, width].

    [[0, 1, 2, 3], [4, 5, 6, 7]] with a width of 2 is [[[0, 1], [4, 5]], [[2, 3], [6, 7]]].
    """
    return kernel.reshape(kernel.shape[0], -1, width).transpose(1, 0, 2)
