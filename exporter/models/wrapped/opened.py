"""OpenedSavedModel: a SavedModel that takes features, whose network is kept as it is."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bert.encoder.precision import FLOAT32
from bert.errors import UserError
from bert.tasks import RowOutputs
from exporter.contract import DEFAULT_TOP_K
from exporter.models.opened_model import Row
from exporter.models.wrapped.feature_network import FeatureNetwork
from exporter.models.wrapped.model import WrappedModel
from exporter.models.wrapped.witness import answers_of_original


@dataclasses.dataclass(frozen=True)
class OpenedSavedModel:
    """An OpenedModel that was read from a SavedModel."""

    model: WrappedModel

    @property
    def word_embedding_rows(self) -> int | None:
        """The rows of its word embeddings, None where no variable has their name."""
        return self.model.tables.words

    def network(
        self, precision: str, sentences: Sequence[tuple[bytes, ...]], top_k: int = DEFAULT_TOP_K
    ) -> FeatureNetwork:
        """Its own graph and variables.

        Raises:
          UserError: another precision than float32.
        """
        if precision != FLOAT32:
            raise UserError(
                f"--precision is {precision}, but a SavedModel is kept as it is: leave the flag "
                "out, or give the checkpoint that the SavedModel was made of."
            )
        return FeatureNetwork(self.model)

    def witness(self) -> "_OriginalWitness":
        """The SavedModel before anything was cut out of it."""
        return _OriginalWitness(self.model)

    def require_finite_answers(self) -> None:
        """Nothing to refuse: its network has ops of its own, and checks each answer as it comes."""

    def describe_network(self) -> str:
        """Its length, and what its output was taken for."""
        length = self.model.signature.length
        columns = f"{length} columns" if length else "any number of columns"
        answer = self.model.answer
        return f"kept as it is, {columns}, its output {answer.output!r} taken as {answer.reason}"

    def describe_embedding(self) -> str:
        """The output that is the vector."""
        return f"the output {self.model.answer.output}"

    def network_to_json(self) -> Mapping[str, Any]:
        """The original's signature and fingerprint, and what is done to its output."""
        model = self.model
        return {
            "wrapped": {
                **model.signature.to_json(),
                "embedding_rows": dataclasses.asdict(model.tables),
                "answer": model.answer.to_json(),
                "sha256": dict(model.fingerprint),
            }
        }


class _OriginalWitness:
    name = "SavedModel as it was"

    def __init__(self, model: WrappedModel) -> None:
        self._model = model

    def answers(self, rows: Sequence[Row]) -> Iterator[RowOutputs]:
        for values in answers_of_original(self._model, rows):
            yield {self._model.task.answer: values}
