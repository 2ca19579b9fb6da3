"""WrappedModel: a SavedModel that takes features, as a model that answers text."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bert.model import TextModel
from exporter.models.wrapped.answer import Answer
from exporter.models.wrapped.embedding_tables import EmbeddingTables
from exporter.models.wrapped.saved_network import SavedNetwork
from exporter.models.wrapped.signature import FeatureSignature

# Of every BERT that was published.
_USUAL_POSITIONS = 512


@dataclasses.dataclass(frozen=True, kw_only=True)
class WrappedModel(TextModel):
    """A SavedModel's network with the text settings that it was trained with.

    `directory` holds the SavedModel; what was fetched lies there as long as the export lasts.
    `fingerprint` has SHA-256 digests of its files, by name.
    """

    directory: Path
    signature: FeatureSignature
    network: SavedNetwork
    answer: Answer
    tables: EmbeddingTables
    fingerprint: Mapping[str, str]

    @property
    def word_embedding_rows(self) -> int | None:
        """The rows of its word embeddings, None where no variable has their name."""
        return self.tables.words

    @property
    def most_columns(self) -> int:
        """How many columns features may have: a limit, since attention takes their square."""
        known = self.signature.length or self.tables.positions
        return known or max(self.max_seq_length, _USUAL_POSITIONS)

    def describe_network(self) -> str:
        """Its length, and what its output was taken for."""
        length = self.signature.length
        columns = f"{length} columns" if length else "any number of columns"
        answer = self.answer
        return f"kept as it is, {columns}, its output {answer.output!r} taken as {answer.reason}"

    def describe_embedding(self) -> str:
        """The output that is the vector."""
        return f"the output {self.answer.output}"

    def network_to_json(self) -> dict[str, Any]:
        """The original's signature and fingerprint, and what is done to its output."""
        return {
            "wrapped": {
                **self.signature.to_json(),
                "embedding_rows": dataclasses.asdict(self.tables),
                "answer": dataclasses.asdict(self.answer),
                "sha256": dict(self.fingerprint),
            }
        }
