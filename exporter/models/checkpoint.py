"""OpenedCheckpoint: a fine-tuned BERT, whose weights our own encoder runs."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from bert.model import FineTunedModel
from bert.reference import ReferenceModel
from bert.tasks import RowOutputs
from exporter.models.bounds import require_bounded
from exporter.models.network import EncoderNetwork
from exporter.models.opened_model import Row


@dataclasses.dataclass(frozen=True)
class OpenedCheckpoint:
    """An OpenedModel that was read from a checkpoint of any kind."""

    model: FineTunedModel

    @property
    def word_embedding_rows(self) -> int:
        """The rows of the word embedding table."""
        return self.model.config.vocab_size

    def network(self, precision: str) -> EncoderNetwork:
        """Our encoder and a head."""
        return EncoderNetwork(self.model, precision)

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
