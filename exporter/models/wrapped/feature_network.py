"""FeatureNetwork: a model that takes padded features, behind the text."""

from collections.abc import Mapping

import tensorflow as tf

from bert.encoder.packed_tokens import PackedTokens
from bert.encoder.row_groups import (
    ATTENTION_CELLS_PER_GROUP,
    TOKENS_PER_GROUP,
    answer_in_groups,
    encode_in_groups,
)
from exporter.contract import INPUT_IDS, INPUT_MASK, LABEL_IDS, SEGMENT_IDS
from exporter.models.features import FeatureLimits, checked_features
from exporter.models.wrapped.model import WrappedModel
from exporter.models.wrapped.saved_network import SavedNetwork


class FeatureNetwork(tf.Module):
    """A SavedModel's own graph and variables, which see what its clients used to send."""

    def __init__(self, model: WrappedModel) -> None:
        """Takes the graph of `model` and what its inputs and output mean."""
        super().__init__(name="network")
        signature, network, answer = model.signature, model.network, model.answer
        self.has_embedding = answer.is_embedding
        self._function = _FeatureFunction(network)
        self._inputs = {
            meaning: given
            for meaning, given in signature.inputs.items()
            if meaning in network.inputs
        }
        self._length = signature.length
        self._limits = FeatureLimits(model.tables.words, model.tables.segments, model.most_columns)
        self._answer = answer
        columns = tf.TensorSpec([None, signature.length], tf.int32)
        self._rows = tf.function(self._answer_rows, input_signature=[columns] * 3, autograph=False)
        self.answer = tf.function(
            self._answer_tokens, input_signature=[PackedTokens.spec()], autograph=False
        )
        self.embedding = self.answer

    def without_packed_copies(self) -> "FeatureNetwork":
        """Itself: its products are its author's."""
        return self

    def _answer_tokens(self, tokens: PackedTokens) -> tf.Tensor:
        """The answer for every row, float32 [B, ...]."""
        if self._length is None:
            return self._finished(encode_in_groups(self._padded, tokens, [self._answer.size]))
        return self._finished(self._in_groups(_padded_features(tokens)))

    def answer_features(
        self, input_ids: tf.Tensor, input_mask: tf.Tensor, segment_ids: tf.Tensor
    ) -> tf.Tensor:
        """The same for features, int32 [B, S] each, given to the model as they are.

        Raises (when the graph runs):
          InvalidArgumentError: a rank, shape or value that the model has no answer for.
        """
        features = checked_features(self._limits, input_ids, input_mask, segment_ids)
        return self._finished(self._in_groups(features))

    def _in_groups(self, features: list[tf.Tensor]) -> tf.Tensor:
        """Int32 [B, S] each -> float32 [B, size], so many rows at a time that memory is bounded."""
        if self._length is not None:
            missing = self._length - tf.shape(features[0])[1]
            features = [
                tf.ensure_shape(tf.pad(values, [[0, 0], [0, missing]]), [None, self._length])
                for values in features
            ]
        shape = tf.shape(features[0])
        # Zero where there are no rows.
        num_rows, columns = shape[0], tf.maximum(1, shape[1])
        group = tf.maximum(
            1,
            tf.minimum(
                TOKENS_PER_GROUP // columns, ATTENTION_CELLS_PER_GROUP // (columns * columns)
            ),
        )

        def answer_group(first: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            end = tf.minimum(first + group, num_rows)
            places = tf.range(first, end)[:, tf.newaxis]
            return end, places, self._rows(*[values[first:end] for values in features])

        return answer_in_groups(answer_group, num_rows, num_rows, [self._answer.size])

    def _padded(self, tokens: PackedTokens) -> tf.Tensor:
        return self._rows(*_padded_features(tokens))

    def _answer_rows(
        self, input_ids: tf.Tensor, input_mask: tf.Tensor, segment_ids: tf.Tensor
    ) -> tf.Tensor:
        """Features of R rows, int32 [R, S] each -> what the model puts out, float32 [R, size]."""
        features = {INPUT_IDS: input_ids, INPUT_MASK: input_mask, SEGMENT_IDS: segment_ids}
        features[LABEL_IDS] = tf.zeros([tf.shape(input_ids)[0]], tf.int32)
        typed = {
            meaning: tf.cast(features[meaning], given.dtype)
            for meaning, given in self._inputs.items()
        }
        output = tf.cast(self._function(typed), tf.float32)
        return tf.reshape(output, [-1, self._answer.size])

    def _finished(self, output: tf.Tensor) -> tf.Tensor:
        """[B, size] -> the answer; NaN and infinity, which JSON cannot express, raise."""
        answer = self._answer.finish(output)
        return tf.debugging.check_numerics(answer, "the model answers with NaN or infinity")


class _FeatureFunction(tf.Module):
    """A SavedNetwork that can be called, its variables among ours."""

    def __init__(self, network: SavedNetwork) -> None:
        super().__init__(name="wrapped")
        self._graph_def = network.graph_def
        self._inputs, self._output = network.inputs, network.output
        self._handle_nodes, self._value_nodes = list(network.handles), list(network.values)
        self._handles = [_variable(*item) for item in network.handles.items()]
        self._values = [_variable(*item) for item in network.values.items()]

    def __call__(self, features: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Features by what they mean -> the output; in a graph only."""
        graph = tf.compat.v1.get_default_graph()
        given = {tensor: features[meaning] for meaning, tensor in self._inputs.items()}
        for node, variable in zip(self._handle_nodes, self._handles, strict=True):
            given[f"{node}:0"] = graph.capture(variable.handle)
        for node, variable in zip(self._value_nodes, self._values, strict=True):
            given[f"{node}:0"] = variable.read_value()
        (output,) = tf.graph_util.import_graph_def(
            self._graph_def, input_map=given, return_elements=[self._output], name="wrapped"
        )
        return output


def _variable(node: str, value: object) -> tf.Variable:
    return tf.Variable(value, name=node, trainable=False)


def _padded_features(tokens: PackedTokens) -> list[tf.Tensor]:
    """Ids, mask and segment ids, int32 [B, S] each, zeros behind each row up to the longest."""
    values = [tokens.ids, tf.ones_like(tokens.ids), tokens.segment_ids]
    return [
        tf.RaggedTensor.from_row_splits(flat, tokens.row_splits, validate=False).to_tensor()
        for flat in values
    ]
