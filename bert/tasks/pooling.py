"""Pooling: how token vectors become one vector a row, as a value."""

import dataclasses

POOLER = "pooler"
FIRST_TOKEN = "first_token"
MEAN = "mean"
MAX = "max"
_POOLING_WORDS = {
    POOLER: "the pooler's output",
    FIRST_TOKEN: "the vector of [CLS]",
    MEAN: "the mean of the token vectors",
    MAX: "the maximum of the token vectors",
}


@dataclasses.dataclass(frozen=True)
class Pooling:
    """How the token vectors of a row become one vector, which heads stand on.

    `pooler` is BERT's own: a dense layer with tanh on the first token's vector. The others
    are of the last layer's vectors: the first token's, or the mean or maximum of all.
    """

    mode: str = POOLER
    normalize: bool = False
    """whether the vector is divided by its length"""

    dimensions: int | None = None
    """how many numbers are kept of the vector, the first ones, after the division; None is all"""

    @property
    def needs_pooler(self) -> bool:
        """Whether the pooler's weights take part."""
        return self.mode == POOLER

    def __str__(self) -> str:
        """What it is, in words for a person."""
        length = ", of length 1" if self.normalize else ""
        cut = f", its first {self.dimensions} numbers" if self.dimensions else ""
        return _POOLING_WORDS[self.mode] + length + cut
