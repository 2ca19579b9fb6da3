"""OpenedCheckpoint: a fine-tuned BERT, whose weights our own encoder runs."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from bert.encoder.calibration import input_ranges
from bert.encoder.packed_tokens import PackedTokens
from bert.encoder.precision import PRECISIONS
from bert.model import FineTunedModel
from bert.reference import ReferenceModel
from bert.tasks import RowOutputs
from exporter.contract import DEFAULT_TOP_K
from exporter.models.bounds import require_bounded
from exporter.models.network import EncoderNetwork
from exporter.models.opened_model import Row
from exporter.text.profiles import PROFILES

# Of a calibration.
_ROWS_AT_ONCE = 16


@dataclasses.dataclass(frozen=True)
class OpenedCheckpoint:
    """An OpenedModel that was read from a checkpoint of any kind."""

    model: FineTunedModel

    @property
    def word_embedding_rows(self) -> int:
        """The rows of the word embedding table."""
        return self.model.config.vocab_size

    def network(
        self, precision: str, sentences: Sequence[tuple[bytes, ...]], top_k: int = DEFAULT_TOP_K
    ) -> EncoderNetwork:
        """Our encoder and a head."""
        ranges = None
        if PRECISIONS[precision].is_calibrated:
            batches = self._batches(sentences)
            ranges = input_ranges(self.model.config, self.model.weights, batches)
        return EncoderNetwork(self.model, precision, ranges, top_k)

    def _batches(self, sentences: Sequence[tuple[bytes, ...]]) -> Iterator[PackedTokens]:
        """The tokens of some rows at a time."""
        encode = PROFILES[self.model.tokenizer].build_reference(self.model).encode
        for start in range(0, len(sentences), _ROWS_AT_ONCE):
            rows = []
            for text, *others in sentences[start : start + _ROWS_AT_ONCE]:
                second = others[0] if others else None
                rows.append(encode(text, second, self.model.max_seq_length))
            lengths = [len(ids) for ids, _ in rows]
            yield PackedTokens(
                ids=_concatenated(ids for ids, _ in rows),
                segment_ids=_concatenated(segment_ids for _, segment_ids in rows),
                positions=_concatenated(range(length) for length in lengths),
                row_splits=tf.constant(np.cumsum([0, *lengths]), tf.int32),
            )

    def witness(self) -> "_NumPyWitness":
        """The textbook forward pass."""
        return _NumPyWitness(self.model)

    def require_finite_answers(self) -> None:
        """Refuses weights so large that values can overflow.

        Raises:
          UserError: there is one.
        """
        require_bounded(self.model.config, self.model.weights)

    def describe_network(self) -> str:
        """Its layers and their width."""
        config = self.model.config
        return f"{config.num_hidden_layers} layers of width {config.hidden_size}"

    def describe_embedding(self) -> str:
        """Its pooling."""
        return str(self.model.pooling)

    def network_to_json(self) -> Mapping[str, Any]:
        """Its configuration and pooling."""
        return {
            "pooling": dataclasses.asdict(self.model.pooling),
            "config": dataclasses.asdict(self.model.config),
        }


def _concatenated(rows: Iterable[Sequence[int]]) -> tf.Tensor:
    return tf.constant([value for row in rows for value in row], tf.int32)


class _NumPyWitness:
    name = "NumPy forward pass"

    def __init__(self, model: FineTunedModel) -> None:
        self._reference = ReferenceModel(model)

    def answers(self, rows: Sequence[Row]) -> Iterator[RowOutputs]:
        for row in rows:
            outputs = self._reference.answers(
                np.array([row.ids]),
                np.ones([1, len(row.ids)], np.int32),
                np.array([row.segment_ids]),
            )
            yield {name: values[0] for name, values in outputs.items()}
