"""The encoder as it is served: weights kept as layouts.py says, a graph for each case."""

import copy
import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from bert import variables
from bert.config import LINEAR, BertConfig
from bert.encoder.attention import PaddedLayout
from bert.encoder.calibration import InputRange
from bert.encoder.calls import as_call
from bert.encoder.float32_threshold import Float32Threshold
from bert.encoder.folding import scale_of_hidden
from bert.encoder.forward import Forward, Layer
from bert.encoder.graphs import Case, run_by_case
from bert.encoder.kept_arrays import STACKED, kept_arrays
from bert.encoder.kernel_bits import KernelBits
from bert.encoder.kernels import as_float, layer_norm_of_few, layer_norm_of_many
from bert.encoder.layout_table import PRODUCTS, layouts
from bert.encoder.layouts import Attend
from bert.encoder.packed_tokens import PackedTokens
from bert.encoder.precision import FLOAT32, PRECISIONS


class ServingEncoder(tf.Module):
    """Answers like the trainable encoder, for requests of any size; without useful gradients."""

    def __init__(
        self,
        config: BertConfig,
        weights: Mapping[str, np.ndarray],
        precision: str = FLOAT32,
        input_ranges: Mapping[str, InputRange] | None = None,
    ) -> None:
        """Makes variables of the weights named in `encoder_shapes(config)`.

        Args:
          config: the shape.
          weights: by their names.
          precision: one of PRECISIONS, of tables and kernels. Residuals, layer normalisation and
            softmax are float32 in any case.
          input_ranges: of each dense layer by its scope, as calibration.py finds them; for a
            precision that is calibrated.

        Raises:
          ValueError: the precision is calibrated, and there are no ranges.
        """
        super().__init__(name="encoder")
        if PRECISIONS[precision].is_calibrated and input_ranges is None:
            raise ValueError(f"{precision} needs the range of the inputs of each dense layer")
        self._config = config
        self.keeps_packed = PRECISIONS[precision].keeps_packed
        # A graph that several signatures ask for is written once.
        self._graph = functools.cache(self._new_graph)
        self._layouts: dict[str, Any] = {}
        self._kept: dict[str, dict[str, tf.Variable]] = {}
        found = kept_arrays(
            config, weights, layouts(precision, config.hidden_act), input_ranges or {}
        )
        for scope, layout, arrays in found:
            self._layouts[scope] = layout
            self._kept[scope] = {
                name: tf.Variable(values, name=f"{scope}/{name}", trainable=False)
                for name, values in arrays.items()
            }
        self._threshold = None
        if PRECISIONS[precision].tries_float32:
            kept, converted = (
                functools.partial(self._widen, Case(in_float32=in_float32))
                for in_float32 in (False, True)
            )
            self._threshold = Float32Threshold(config.hidden_size, kept, converted)

        self._bits = None
        if PRECISIONS[precision].tries_bits:
            kernels = [kept for kept in self._kept.values() if "least" in kept]
            self._bits = KernelBits(kernels, PRODUCTS[precision])

    def without_packed_copies(self) -> "ServingEncoder":
        """The same encoder, none of whose graphs keeps packed copies of weights."""
        encoder = copy.copy(self)
        encoder.keeps_packed = False
        return encoder

    def pooled(self, tokens: PackedTokens) -> tf.Tensor:
        """The pooled first token of every row: float32 [B, H]."""
        return self._run(Forward.pooled, tokens)

    def sequence(self, tokens: PackedTokens) -> tf.Tensor:
        """The last layer's output for every token: float32 [N, H]."""
        return self._run(Forward.sequence, tokens)

    def layers(self, tokens: PackedTokens, numbers: Sequence[int]) -> tf.Tensor:
        """The outputs of several layers side by side; see `Forward.layers`."""
        count, width = self._config.num_hidden_layers, self._config.hidden_size
        scale = scale_of_hidden(self._config)
        sizes = [1.0 if number % count == count - 1 else scale for number in numbers]
        outputs = self._run(Forward.layers, tokens, tuple(numbers))
        return outputs / np.repeat(sizes, width).astype(np.float32)

    def word_products(self, vectors: tf.Tensor) -> tf.Tensor:
        """The product with the embedding of each word: float32 [M, E] -> float32 [M, V]."""
        scope = f"{variables.EMBEDDINGS}/word_embeddings"
        return self._layouts[scope].products(vectors, self._kept[scope])

    def _run(
        self, output: Callable[..., tf.Tensor], tokens: PackedTokens, *arguments: Any
    ) -> tf.Tensor:
        def graph(case: Case) -> Callable[[PackedTokens], tf.Tensor]:
            # Short requests read weights more than they multiply. A copy for each of the other
            # cases would take its memory again.
            if output is Forward.layers or (self.keeps_packed and case.few):
                case = dataclasses.replace(case, is_unrolled=True)
            return self._graph(case, output, *arguments)

        return run_by_case(graph, tokens, self._threshold and self._threshold.read())

    def _new_graph(
        self, case: Case, output: Callable[..., tf.Tensor], *arguments: Any
    ) -> Callable[[PackedTokens], tf.Tensor]:
        def graph(tokens: PackedTokens) -> tf.Tensor:
            weights = self._weights(case)
            forward = Forward(self._config, weights, tokens, rows_are_even=case.even)
            return output(forward, *arguments)

        return as_call(graph)

    def _weights(self, case: Case) -> "_CaseWeights":
        return _CaseWeights(self._config, self._layouts, self._kept, case)

    def _widen(self, case: Case, inputs: tf.Tensor) -> tf.Tensor:
        """The widest of a layer's products, with its activation: float32 [N, H] -> [N, I]."""
        scope = f"{variables.layer(self._config.num_hidden_layers - 1)}/{variables.INTERMEDIATE}"
        return self._weights(case).dense(scope, inputs, self._config.hidden_act)


class _CaseWeights:
    """The weights as the graph of one case multiplies with them; see `forward.Weights`."""

    def __init__(
        self,
        config: BertConfig,
        layouts: Mapping[str, Any],
        kept: Mapping[str, Mapping[str, tf.Variable | tf.Tensor]],
        case: Case,
        place: int | tf.Tensor | None = None,
    ) -> None:
        self._config, self._layouts, self._kept, self._case = config, layouts, kept, case
        self._place = place

    def layers(self, layer: Layer, hidden: tf.Tensor, count: int) -> tf.Tensor:
        # A model of one layer has nothing stacked.
        if not count:
            return hidden
        stacked = self._read_once(f"{variables.layer(STACKED)}/")
        if self._case.is_unrolled:
            for place in range(count):
                hidden = layer(stacked._at(place), STACKED, hidden)
            return hidden
        # Twelve layers in one: a server optimises the graph of one layer. oneDNN must not keep a
        # packed copy of a product's weights in a loop, so no product there has weights that it
        # takes for constant, TF_ONEDNN_ASSUME_FROZEN_WEIGHTS or not: blocks are a batch.
        width = hidden.shape[1]

        def step(place: tf.Tensor, hidden: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return place + 1, tf.ensure_shape(
                layer(stacked._at(place), STACKED, hidden), [None, width]
            )

        _, hidden = tf.while_loop(
            lambda place, _: place < count,
            step,
            [tf.constant(0), hidden],
            shape_invariants=[tf.TensorShape([]), tf.TensorShape([None, width])],
            parallel_iterations=1,
        )
        return hidden

    def _read_once(self, prefix: str) -> "_CaseWeights":
        """The same, with the variables of these scopes read for all layers: 270 ops fewer."""
        read = {
            scope: {name: tf.convert_to_tensor(values) for name, values in kept.items()}
            for scope, kept in self._kept.items()
            if scope.startswith(prefix)
        }
        return _CaseWeights(self._config, self._layouts, {**self._kept, **read}, self._case)

    def _at(self, place: int | tf.Tensor) -> "_CaseWeights":
        """The same, with one of the stacked layers under the name of all."""
        return _CaseWeights(self._config, self._layouts, self._kept, self._case, place)

    def _tensors(self, scope: str) -> Mapping[str, tf.Tensor]:
        kept = self._kept[scope]
        if not scope.startswith(variables.layer(STACKED)):
            return kept
        # Slices of the first axis share memory with their tensor.
        return {name: values[self._place] for name, values in kept.items()}

    def look_up(self, table: str, ids: tf.Tensor) -> tf.Tensor:
        return self._layouts[table].look_up(ids, self._kept[table])

    def layer_norm(self, scope: str, inputs: tf.Tensor) -> tf.Tensor:
        kept, scale = self._tensors(f"{scope}/LayerNorm"), scale_of_hidden(self._config)
        if scope == variables.EMBEDDINGS:  # the others' inputs are sums with `hidden`
            inputs *= scale
        normalised = layer_norm_of_few if self._case.few else layer_norm_of_many
        epsilon = self._config.layer_norm_eps * scale**2
        return normalised(inputs, kept["gamma"], kept["beta"], epsilon)

    def dense(self, scope: str, inputs: tf.Tensor, activation: str = LINEAR) -> tf.Tensor:
        factors = self._factors(scope, inputs)
        return self._layouts[scope].product(inputs, factors, self._case, activation)

    def query_key_value(
        self, index: int | str, hidden: tf.Tensor, layout: PaddedLayout
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        scope = variables.self_attention(index)
        kept = self._factors(scope, hidden)
        return self._layouts[scope].project(hidden, kept, self._case, layout)

    def attend_first(self, first: tf.Tensor, hidden: tf.Tensor, attend: Attend) -> tf.Tensor:
        scope = variables.self_attention(self._config.num_hidden_layers - 1)
        kept = self._factors(scope, hidden)
        return self._layouts[scope].attend_first(first, hidden, kept, attend)

    def _factors(self, scope: str, inputs: tf.Tensor) -> Mapping[str, tf.Tensor]:
        """The tensors to multiply `inputs` with."""
        kept = self._tensors(scope)
        if not self._case.in_float32:
            return kept
        # Not before they are needed: converted weights of all layers at once take much memory. But
        # not after `inputs` itself: that would keep the product from fusing with its activation.
        with tf.control_dependencies([tf.shape(inputs)]):
            return {name: as_float(values) for name, values in kept.items()}
