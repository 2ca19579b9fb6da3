"""Task: what a model is for, as a value."""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np

# What a head stands on.
ROW_VECTORS = "row_vectors"
TOKEN_VECTORS = "token_vectors"

# What is done to the numbers that a head gives.
IDENTITY = "identity"
SOFTMAX = "softmax"
SIGMOID = "sigmoid"

RowOutputs = Mapping[str, np.ndarray]
"""one row's part of each output of the `text` signature, by name"""


def largest_difference(given: RowOutputs, expected: RowOutputs) -> float:
    """How far an answer is from the one expected.

    Numbers with a point are compared by their difference, of values above 1 as a share of the
    largest. Everything else must be equal: infinity says that it is not. NaN stays NaN.

        expected {"score": [0.5, 4.0]}, given {"score": [0.5, 4.2]} -> 0.05
        expected {"start": 7}, given {"start": 8} -> inf
    """
    return float(np.max([_difference(given[name], values) for name, values in expected.items()]))


def _difference(given: np.ndarray, expected: np.ndarray) -> float:
    if np.shape(given) != np.shape(expected):
        return np.inf
    if not np.issubdtype(expected.dtype, np.floating):
        return 0.0 if np.array_equal(given, expected) else np.inf
    if not expected.size:
        return 0.0
    scale = max(1.0, float(np.abs(expected).max()))
    return float(np.abs(given - expected).max()) / scale


@dataclasses.dataclass(frozen=True, kw_only=True)
class Task:
    """What a model is for, and all that the rest of the project must know of it.

    A head gives `size` numbers for each vector that it stands on, which the activation turns
    into the network's answer. Nobody compares tasks or their names: whatever tells two of them
    apart is a field or a property here.
    """

    name: str
    """as `--task` and export.json have it"""

    needs: str = ROW_VECTORS
    """what its head stands on: ROW_VECTORS or TOKEN_VECTORS"""

    has_head: bool = True
    """whether there are weights on the encoder; without any, the vector is the answer"""

    head_scope: str = ""
    """what stands before the names of the head's variables"""

    least_size: int
    most_size: int | None = None
    """how many numbers a head may give for a vector; None is any number"""

    activation: str = IDENTITY
    """what is done to them: IDENTITY, SOFTMAX or SIGMOID"""

    answer: str
    """what signatures call the network's answer"""

    answer_columns: tuple[str, ...] = ()
    """what signatures call the numbers of a vector, where they give them apart"""

    decoded: tuple[str, ...] = ()
    """the outputs of the `text` signature, where they are not the network's answer"""

    evidence: tuple[str, ...] = ()
    """further outputs that a verification looks at, each with its signature: `tags/starts`"""

    is_of_one_text: bool = False
    """whether a row is never of two texts"""

    text_names: tuple[str, ...] = ()
    """what signatures call the texts of a row, where they have names of their own"""

    fills_masks: bool = False
    """whether it tells the words that fit in place of the first mask token of a row"""

    has_labels: bool = False
    """whether the numbers belong to labels"""

    choose: Callable[[RowOutputs], np.ndarray | np.generic] | None = None
    """what a client takes from an answer: the best label, or those above a half"""

    compare: Callable[[RowOutputs, RowOutputs], float] = largest_difference
    """the difference of an answer from the one expected, which a tolerance is for"""

    @property
    def outputs(self) -> tuple[str, ...]:
        """The outputs of the `text` signature."""
        return self.decoded or (self.answer,)

    @property
    def answer_words(self) -> str:
        """What a tolerance is for, in words for a person."""
        return self.answer

    @property
    def reads_tokens(self) -> bool:
        """Whether its head stands on the vectors of all tokens."""
        return self.needs == TOKEN_VECTORS

    @property
    def answers_rows(self) -> bool:
        """Whether the network's answer is for each row, and not for each token."""
        return self.fills_masks or not self.reads_tokens

    @property
    def labels_rows(self) -> bool:
        """Whether each row has a number for each label."""
        return self.has_labels and self.answers_rows

    @property
    def has_one_label(self) -> bool:
        """Whether exactly one of the labels applies."""
        return self.has_labels and self.activation == SOFTMAX

    @property
    def labels_tokens(self) -> bool:
        """Whether each token has a number for each label."""
        return self.has_labels and not self.answers_rows

    @property
    def embeds_tokens(self) -> bool:
        """Whether the vectors of tokens are the answer."""
        return not self.has_head and not self.answers_rows

    @property
    def finds_spans(self) -> bool:
        """Whether it answers a question with a span of a context."""
        return self.has_head and bool(self.text_names)

    @property
    def is_number(self) -> bool:
        """Whether the answer is one number, so that there is no axis of numbers."""
        return self.least_size == self.most_size == 1

    def fits(self, size: int) -> bool:
        """Whether a head that gives so many numbers can be for the task; 0 is no head."""
        return self.least_size <= size and (self.most_size is None or size <= self.most_size)

    def chooses_otherwise(self, given: RowOutputs, expected: RowOutputs) -> bool:
        """Whether a client takes another label from the one answer than from the other."""
        choose = self.choose
        return choose is not None and not np.array_equal(choose(given), choose(expected))

    def __str__(self) -> str:
        """Its name."""
        return self.name
