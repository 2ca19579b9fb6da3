"""WrappedModel: a SavedModel that takes features, as a model that answers text."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

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
    def most_columns(self) -> int:
        """How many columns features may have: a limit, since attention takes their square."""
        known = self.signature.length or self.tables.positions
        return known or max(self.max_seq_length, _USUAL_POSITIONS)
