"""Pooling: how token vectors become one vector a row, as a value."""

import dataclasses

POOLER = "pooler"
FIRST_TOKEN = "first_token"
LAST_TOKEN = "last_token"
MEAN = "mean"
MAX = "max"
MEAN_SQRT = "mean_sqrt"
WEIGHTED_MEAN = "weighted_mean"
ALL_TOKENS = "all_tokens"
_POOLING_WORDS = {
    POOLER: "the pooler's output",
    FIRST_TOKEN: "the vector of [CLS]",
    LAST_TOKEN: "the vector of the last token",
    MEAN: "the mean of the token vectors",
    MAX: "the maximum of the token vectors",
    MEAN_SQRT: "the sum of the token vectors divided by the root of their number",
    WEIGHTED_MEAN: "the mean of the token vectors, each as often as its place counts",
    ALL_TOKENS: "the vectors of all tokens",
}

# Between modes whose vectors are put side by side.
_BESIDE = "+"

LAST_LAYER = (-1,)


def beside(*modes: str) -> str:
    """Several modes as one, whose vectors are put side by side: "mean+max"."""
    return _BESIDE.join(modes)


@dataclasses.dataclass(frozen=True)
class Projection:
    """A dense layer behind the pooling."""

    size: int
    """of what it gives"""

    activation: str
    """one of bert.config's"""


@dataclasses.dataclass(frozen=True)
class Pooling:
    """How the token vectors of a row become one vector, which heads stand on.

    `pooler` is BERT's own: a dense layer with tanh on the first token's vector. The others
    are of the vectors of a layer, or of several put side by side: the first or last token's, or
    the mean or maximum of all.
    """

    mode: str = POOLER
    """one of the words above, or several as `beside` puts them"""

    normalize: bool = False
    """whether the vector is divided by its length"""

    dimensions: int | None = None
    """how many numbers are kept of the vector, the first ones, after the division; None is all"""

    layers: tuple[int, ...] = LAST_LAYER
    """whose vectors, as indices of a list of the layers"""

    projections: tuple[Projection, ...] = ()
    """dense layers before the division, the first one first"""

    @property
    def modes(self) -> tuple[str, ...]:
        """The words of which `mode` is made."""
        return tuple(self.mode.split(_BESIDE))

    @property
    def needs_pooler(self) -> bool:
        """Whether the pooler's weights take part."""
        return POOLER in self.modes

    def pooled_size(self, hidden_size: int) -> int:
        """How many numbers the vector has before dense layers, where token vectors have H."""
        return hidden_size * len(self.layers) * len(self.modes)

    def size(self, hidden_size: int) -> int:
        """How many numbers the vector has."""
        sizes = [projection.size for projection in self.projections]
        return self.dimensions or [self.pooled_size(hidden_size), *sizes][-1]

    def __str__(self) -> str:
        """What it is, in words for a person."""
        words = " beside ".join(_POOLING_WORDS[mode] for mode in self.modes)
        if self.layers != LAST_LAYER:
            words += f" of layers {', '.join(map(str, self.layers))}"
        for projection in self.projections:
            words += f", through a dense layer of {projection.size} ({projection.activation})"
        length = ", of length 1" if self.normalize else ""
        cut = f", its first {self.dimensions} numbers" if self.dimensions else ""
        return words + length + cut
