"""OpenedModel: what an export asks of a model, whatever `--checkpoint` names."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from bert.model import TextModel
from bert.tasks import RowOutputs
from exporter.contract import DEFAULT_TOP_K
from exporter.models.network import Network


class Row(NamedTuple):
    """A request's row, as the reference tokenizer gives it."""

    ids: Sequence[int]
    segment_ids: Sequence[int]


class Witness(Protocol):
    """Answers as the export should, by code that shares nothing with it."""

    @property
    def name(self) -> str:
        """What it is, in words for a person."""

    def answers(self, rows: Sequence[Row]) -> Iterable[RowOutputs]:
        """The outputs of the `text` signature that are expected of each row, in their order.

        Raises:
          ReloadError: a witness that runs in a process of its own, which failed.
        """


class OpenedModel(Protocol):
    """A model that was read, and what only its own kind can tell or do."""

    @property
    def model(self) -> TextModel:
        """The model as a plain value."""

    @property
    def word_embedding_rows(self) -> int | None:
        """How many ids the network has vectors for, None where that cannot be told."""

    def network(
        self, precision: str, sentences: Sequence[tuple[bytes, ...]], top_k: int = DEFAULT_TOP_K
    ) -> Network:
        """The network behind the text, with weights in a precision of PRECISIONS.

        `sentences` are the texts of rows for a precision that is calibrated, else empty; `top_k`
        is how many words are told in place of a mask token.

        Raises:
          UserError: the model cannot be had in that precision.
        """

    def witness(self) -> Witness:
        """Who says what the export should answer."""

    def require_finite_answers(self) -> None:
        """Makes sure that no request leads to NaN or infinity.

        Raises:
          UserError: one could.
        """

    def describe_network(self) -> str:
        """What the network is, in words for a person."""

    def describe_embedding(self) -> str:
        """What vector an embedding is, in words for a person."""

    def network_to_json(self) -> Mapping[str, Any]:
        """What an export says of the network, by name."""
